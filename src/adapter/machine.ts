import type * as Custom from "./custom-protocol.ts";
import type { Debuggee } from "./environment.ts";
import { fromReference, toReference } from "./references.ts";

/** The debuggee's reports for the Machine view, in the form of the custom requests: addresses as text. */

/** A report as JSON can carry it: what was bigint is `0x…`. */
type Plain<T> = T extends bigint
  ? string
  : T extends string | number | boolean | undefined
    ? T
    : T extends readonly (infer Item)[]
      ? Plain<Item>[]
      : { [Key in keyof T]: Plain<T[Key]> };

function plain<T>(value: T): Plain<T> {
  if (typeof value === "bigint") return toReference(value) as Plain<T>;
  if (Array.isArray(value)) return value.map((item) => plain(item)) as Plain<T>;
  if (typeof value !== "object" || value === null) return value as Plain<T>;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)])) as Plain<T>;
}

export async function machine(debuggee: Debuggee): Promise<Custom.MachineBody> {
  return plain(await debuggee.machine());
}

export async function csrs(debuggee: Debuggee, hart: number): Promise<Custom.CsrsBody> {
  return plain(await debuggee.csrs(hart));
}

export async function translate(
  debuggee: Debuggee,
  { address }: Custom.TranslateArguments,
  hart: number,
): Promise<Custom.TranslationBody> {
  return plain(await debuggee.translate(address, hart));
}

export async function pageTable(
  debuggee: Debuggee,
  question: Custom.PageTableArguments,
): Promise<Custom.PageTableBody> {
  const { satp, table, level, base } = question;
  return plain(
    await debuggee.pageTable({
      satp: fromReference(satp),
      ...(table !== undefined && { table: fromReference(table) }),
      ...(level !== undefined && { level }),
      ...(base !== undefined && { base: fromReference(base) }),
    }),
  );
}
