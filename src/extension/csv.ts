/** Changes as comma-separated values (RFC 4180). No VS Code in here. */
import type { RowBody } from "../adapter/custom-protocol.ts";

export const CSV_HEADER = "expression,instant,value,number,hart,pc,symbol,file,line,problem\r\n";

/** One line for one value that an expression had. */
export function csvLine(expression: string, row: RowBody): string {
  const { instant, text, number, hart, pc, symbol, source, problem } = row;
  const fields = [expression, instant, text, number, hart, pc, symbol, source?.path, source?.line, problem];
  return `${fields.map(field).join(",")}\r\n`;
}

function field(value: string | number | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  // What a spreadsheet would take for a formula is a value of the guest's, and text.
  const text = /^[=+\-@\t\r]/.test(value) && !/^-?[\d.]+$/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
