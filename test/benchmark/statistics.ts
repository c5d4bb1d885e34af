/** What is said of a figure that was measured several times: on a shared machine one number says nothing. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly p99: number;
  readonly count: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1];
  return { median, least: sorted[0], most: sorted[sorted.length - 1], p99, count: sorted.length };
}

/** `1.02 (0.98-1.07)` */
export function spreadText({ median, least, most }: Pick<Spread, "median" | "least" | "most">, digits: number): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)}-${most.toFixed(digits)})`;
}

/** Rows as a Markdown table, columns aligned for the terminal too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
