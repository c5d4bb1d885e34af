import { parseEncoding } from "../isa/encoding.ts";

/**
 * An encoding as the manual draws it, bit numbers over boxes, most significant bit first:
 *
 *      31    20 19 15 14 12 11 7 6     0
 *     ┌────────┬─────┬─────┬────┬───────┐
 *     │imm[11:0]│ rs1 │ 010 │ rd │0000011│
 *     └────────┴─────┴─────┴────┴───────┘
 */
export function drawEncoding(text: string): string {
  const { length, parts } = parseEncoding(text);
  let bit = length * 8;
  const boxes = parts.map(({ text: label, width: bits }) => {
    const high = String(bit - 1);
    bit -= bits;
    const low = bits === 1 ? "" : String(bit);
    const numbers = low === "" ? high : `${high} ${low}`;
    return { label, high, low, width: Math.max(label.length, numbers.length) };
  });
  const rule = (left: string, middle: string, right: string): string =>
    left + boxes.map(({ width }) => "─".repeat(width)).join(middle) + right;
  const numbers = boxes.map(({ high, low, width }) => high + low.padStart(width - high.length));
  const labels = boxes.map(({ label, width }) => {
    const before = Math.floor((width - label.length) / 2);
    return (" ".repeat(before) + label).padEnd(width);
  });
  return [` ${numbers.join(" ")}`, rule("┌", "┬", "┐"), `│${labels.join("│")}│`, rule("└", "┴", "┘")].join("\n");
}
