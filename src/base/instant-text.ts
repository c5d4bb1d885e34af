/** A count written as people write counts: `1000000`, `1_000_000`, `1,000,000`, `1e9`, `0x10`. Undefined: it is none. */
export function readCount(text: string): number | undefined {
  const plain = text.replace(/[_,]/g, "");
  return /^(\d+(e\d+)?|0x[0-9a-f]+)$/i.test(plain) ? Number(plain) : undefined;
}

/** Places that every timeline has, wherever an instant can be named. */
export type NamedPlace = "start" | "end";

export function isNamedPlace(text: string): text is NamedPlace {
  return text === "start" || text === "end";
}
