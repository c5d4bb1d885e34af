import { code, element, flagChips, sizeText } from "./elements.ts";
import type { PageEntry, Translation } from "./messages.ts";

/** Draws how an address is translated: the address, each table's entry on the way, and where it ends. */

const LEVELS = { bare: 0, Sv39: 3, Sv48: 4, Sv57: 5 } as const;
const INDEX_BITS = 9n;
const OFFSET_BITS = 12n;

export function walkView(translation: Translation): HTMLElement {
  const steps = [addressCard(translation), ...translation.entries.map(entryCard), endCard(translation)];
  return element("ol.walk", {}, ...steps);
}

function card(kind: string, title: string, ...rows: readonly (HTMLElement | undefined)[]): HTMLElement {
  return element(`li.card${kind}`, {}, element("h3", {}, title), ...rows);
}

function row(name: string, value: Node | string | undefined): HTMLElement | undefined {
  if (value === undefined) return undefined;
  return element("div.row", {}, element("span.name", {}, name), element("span.value", {}, value));
}

/** The address with the parts that index the tables. */
function addressCard({ address, symbol, space }: Translation): HTMLElement {
  const levels = LEVELS[space.scheme];
  const value = BigInt(address);
  const parts = Array.from({ length: levels }, (_, i) => {
    const level = levels - 1 - i;
    const index = (value >> (OFFSET_BITS + INDEX_BITS * BigInt(level))) & 0x1ffn;
    return element("span.part", { title: `VPN[${level}]: the index into the table of level ${level}` }, String(index));
  });
  const offset = `+0x${(value & 0xfffn).toString(16)}`;
  const split =
    levels === 0
      ? undefined
      : element(
          "span.parts",
          {},
          ...parts,
          element("span.part.offset", { title: "Offset in a page of 4 KiB" }, offset),
        );
  const where = space.scheme === "bare" ? "no translation" : `${space.scheme}, ASID ${space.asid}, root ${space.root}`;
  return card(
    ".address",
    "Virtual address",
    element("div.large", {}, code(address)),
    row("name", symbol),
    row("indices", split),
    row("space", where),
  );
}

function entryCard({ level, index, address, value, kind, flags, ppn, target, bytes, notes }: PageEntry): HTMLElement {
  const leads =
    target === undefined
      ? undefined
      : element("span", {}, kind === "table" ? "table " : `page of ${sizeText(BigInt(bytes))} `, code(target));
  const problem = { invalid: "not valid", "no memory": "no memory there", table: undefined, page: undefined }[kind];
  return card(
    problem === undefined && !notes.some((note) => /reserved|misaligned/.test(note)) ? "" : ".bad",
    `Level ${level}, entry ${index}`,
    row("at", code(address)),
    row("entry", value === undefined ? "no memory there" : code(value)),
    element("div.row", {}, flagChips(flags)),
    row("PPN", ppn === undefined || kind === "invalid" ? undefined : code(ppn)),
    row("leads to", leads),
    problem === undefined ? undefined : element("div.problem", {}, problem),
    ...notes.map((note) => element("div.note", {}, note)),
  );
}

function endCard({ physicalAddress, pageBytes, problem, access }: Translation): HTMLElement {
  if (physicalAddress === undefined) {
    return card(".end.bad", "Not mapped", element("div.problem", {}, problem ?? "no entry"));
  }
  return card(
    ".end",
    "Physical address",
    element("div.large", {}, code(physicalAddress)),
    row("page", pageBytes === 0 ? undefined : sizeText(BigInt(pageBytes))),
    element("div.note", {}, access),
  );
}
