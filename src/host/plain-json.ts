/**
 * Plain data as JSON, so that another computer reads exactly what was written: 64-bit integers, and the numbers that JSON has
 * no words for. (`v8.deserialize` would do as well, and is not made for what comes from a network.)
 */
const BIGINT = "$bigint";
const NUMBER = "$number";

export function toPlainJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "bigint") return { [BIGINT]: part.toString() };
    if (typeof part !== "number" || (Number.isFinite(part) && !Object.is(part, -0))) return part;
    return { [NUMBER]: Object.is(part, -0) ? "-0" : String(part) };
  });
}

/** Throws a SyntaxError for what is no such JSON. */
export function fromPlainJson(text: string): unknown {
  return JSON.parse(text, (_key, part: unknown) => {
    if (typeof part !== "object" || part === null) return part;
    const { [BIGINT]: bigint, [NUMBER]: number } = part as Record<string, unknown>;
    if (typeof bigint === "string") return BigInt(bigint);
    return typeof number === "string" ? Number(number) : part;
  });
}
