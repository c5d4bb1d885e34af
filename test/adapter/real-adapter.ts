import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
/** The adapter as the extension starts it, from its sources. */
export const ADAPTER = join(ROOT, "src/host/adapter-process.ts");

/** The number of the first line that holds a text, so that tests survive an edit of the guest above it. */
export function lineOf(source: string, text: string): number {
  const index = source.split("\n").findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`the guest has no line with “${text}”`);
  return index + 1;
}
