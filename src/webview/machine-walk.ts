import { asPageEntry, code, element, flagChips, sizeText } from "./elements.ts";
import type { PageEntry, Translation } from "./messages.ts";

/** Draws how an address is translated: the address, each table's entry on the way, and where it ends, a row each. */

const LEVELS = { bare: 0, Sv39: 3, Sv48: 4, Sv57: 5 } as const;
const INDEX_BITS = 9n;
const OFFSET_BITS = 12n;

export function walkView(translation: Translation): HTMLElement {
  return element("ol.walk", {}, addressStep(translation), ...translation.entries.map(entryStep), endStep(translation));
}

function step(kind: string, title: string, ...cells: readonly (HTMLElement | undefined)[]): HTMLElement {
  return element(`li.step${kind}`, {}, element("span.title", {}, title), ...cells);
}

function cell(kind: string, ...content: readonly (Node | string)[]): HTMLElement {
  return element(`span.cell.${kind}`, {}, ...content);
}

/** The address with the parts that index the tables. */
function addressStep({ address, symbol, space }: Translation): HTMLElement {
  const levels = LEVELS[space.scheme];
  const value = BigInt(address);
  const parts = Array.from({ length: levels }, (_, i) => {
    const level = levels - 1 - i;
    const index = (value >> (OFFSET_BITS + INDEX_BITS * BigInt(level))) & 0x1ffn;
    const title = `VPN[${level}]: the index into the table of level ${level}`;
    return element("span.part", { title }, String(index));
  });
  const offset = `+0x${(value & 0xfffn).toString(16)}`;
  const where = space.scheme === "bare" ? "no translation here" : `${space.scheme}, root ${space.root}`;
  return step(
    "",
    "Virtual address",
    cell("large", code(address)),
    symbol === undefined ? undefined : cell("name", symbol),
    levels === 0
      ? undefined
      : cell("parts", ...parts, element("span.part.offset", { title: "Offset in a page of 4 KiB" }, offset)),
    cell("muted", where),
  );
}

function entryStep({ level, index, address, value, kind, flags, ppn, target, bytes, notes }: PageEntry): HTMLElement {
  const isWrong = notes.some((note) => /reserved|misaligned/.test(note));
  const problem = { invalid: "not valid", "no memory": "no memory there", table: undefined, page: undefined }[kind];
  const leads =
    target === undefined ? undefined : kind === "table" ? "→ table" : `→ page of ${sizeText(BigInt(bytes))}`;
  const row = step(
    isWrong || problem !== undefined ? ".bad" : "",
    `Level ${level}, entry ${index}`,
    cell("at", "at ", code(address)),
    cell("entry", value === undefined ? "" : code(value)),
    flagChips(flags),
    leads === undefined ? undefined : cell("leads", leads, " ", code(target ?? "")),
    ppn === undefined || kind === "invalid" ? undefined : cell("ppn", "PPN ", code(ppn)),
    problem === undefined ? undefined : cell("problem", problem),
    ...notes.map((note) => cell(isWrong ? "problem" : "muted", note)),
  );
  return asPageEntry(row, `entry ${index} of level ${level}`, address);
}

function endStep({ physicalAddress, pageBytes, problem, access }: Translation): HTMLElement {
  if (physicalAddress === undefined) return step(".end.bad", "Not mapped", cell("problem", problem ?? "no entry"));
  return step(
    ".end",
    "Physical address",
    cell("large", code(physicalAddress)),
    pageBytes === 0 ? undefined : cell("name", `page of ${sizeText(BigInt(pageBytes))}`),
    cell("muted", access),
  );
}
