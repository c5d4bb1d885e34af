import { adjustSection, checkGaps, MOST_BYTES, MOST_IMAGE_BYTES, relaxSection } from "./relax.ts";
import type { Section } from "./section.ts";
import type { Session } from "./session.ts";

/** Where code goes unless told otherwise: the start of the board's RAM. */
export const DEFAULT_TEXT_ADDRESS = 0x8000_0000n;

/**
 * Writable sections begin on a page of their own. The machine watches stores by the page to find changed code and to
 * take checkpoints; data beside code would make it look at every store twice.
 */
const PAGE_BYTES = 4096n;

/** Passes over all sections before sizes that depend on each other are given up. */
const MOST_PASSES = 50;

/** Gives every section its address and size, and every chunk its offset. */
export function layOut(session: Session): Section[] {
  const sections = placedSections(session);
  const loose = [...session.sections.values()].filter((section) => !section.flags.allocated);
  const provided = providedSymbols(session);
  const start = session.options.textAddress ?? DEFAULT_TEXT_ADDRESS;
  for (const section of [...sections, ...loose]) relaxSection(session, section);
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    assignAddresses(sections, start);
    for (const { symbol, compute } of provided) {
      const value = { kind: "constant", value: compute(sections, start) } as const;
      symbol.definition = { kind: "value", value, lazy: true };
    }
    // Sections move each other only where a size depends on two of them.
    let changed = false;
    for (const section of [...sections, ...loose]) changed = adjustSection(session, section) || changed;
    if (!changed) break;
  }
  for (const section of [...sections, ...loose]) checkGaps(session, section);
  return sections;
}

/** Whether the program is of a size that can be; says so when not. */
export function checkSize(session: Session): boolean {
  const sections = [...session.sections.values()];
  const large = sections.find(({ size }) => size > MOST_BYTES);
  const image = sections.reduce((sum, { size, flags }) => sum + (flags.noBits ? 0 : size), 0);
  if (large === undefined && image <= MOST_IMAGE_BYTES) return true;
  const what = large === undefined ? `the program has ${image} bytes` : `${large.name} has ${large.size} bytes`;
  const most = (large === undefined ? MOST_IMAGE_BYTES : MOST_BYTES) >> 20;
  const message = `${what}, and at most ${most} MiB are possible`;
  session.diagnostics.error({ file: 0, line: 1, column: 1, length: 1 }, message);
  return false;
}

/** Sections that have a place in memory, in their order: code, constants, data, zeros. */
function placedSections(session: Session): Section[] {
  const rank = ({ name, flags }: Section): number => {
    if (flags.executable) return name.startsWith(".text.init") || name === ".init" ? 0 : 1;
    if (!flags.writable) return name.startsWith(".srodata") ? 3 : 2;
    if (flags.noBits) return name.startsWith(".sbss") ? 6 : 7;
    return name.startsWith(".sdata") ? 5 : 4;
  };
  return [...session.sections.values()]
    .filter((section) => section.flags.allocated)
    .map((section, index) => ({ section, key: rank(section) * 1e6 + index }))
    .sort((a, b) => a.key - b.key)
    .map(({ section }) => section);
}

function alignUp(value: bigint, alignment: bigint): bigint {
  return ((value + alignment - 1n) / alignment) * alignment;
}

function assignAddresses(sections: readonly Section[], start: bigint): void {
  let address = start;
  let writable = false;
  for (const section of sections) {
    if (section.flags.writable && !writable) {
      address = alignUp(address, PAGE_BYTES);
      writable = true;
    }
    address = alignUp(address, BigInt(section.alignment));
    section.address = address;
    address += BigInt(section.size);
  }
}

interface Provided {
  readonly symbol: NonNullable<ReturnType<Session["symbols"]["find"]>>;
  readonly compute: (sections: readonly Section[], start: bigint) => bigint;
}

/** The end of the last section that `which` accepts; where there is none, the end of everything before. */
function endOfSections(which: (section: Section) => boolean) {
  return (sections: readonly Section[], start: bigint): bigint => {
    let end = start;
    for (const section of sections) if (which(section)) end = section.address + BigInt(section.size);
    return end;
  };
}

const endOfEverything = endOfSections(() => true);

/** Start of the zeros: the end of the data when there are none. */
function startOfZeros(sections: readonly Section[], start: bigint): bigint {
  const first = sections.find((section) => section.flags.noBits);
  return first?.address ?? endOfEverything(sections, start);
}

/**
 * Symbols that linker scripts give and start-up code uses. They exist when they are mentioned and not defined:
 * - `__bss_start`, `__bss_end`: what start-up code has to clear (the loader has done it already);
 * - `_end`, `end`: the first byte behind the program;
 * - `_etext`, `_edata`: the end of code and constants, and of initialised data;
 * - `__global_pointer$`: 2 KiB into the writable data, for `gp`.
 */
const PROVIDED: Readonly<Record<string, Provided["compute"]>> = {
  __bss_start: startOfZeros,
  __bss_end: endOfEverything,
  _end: endOfEverything,
  end: endOfEverything,
  _etext: endOfSections((section) => section.flags.executable),
  _edata: endOfSections((section) => !section.flags.noBits),
  __global_pointer$: (sections, start) =>
    (sections.find((section) => section.flags.writable)?.address ?? endOfEverything(sections, start)) + 0x800n,
};

export const PROVIDED_SYMBOLS: readonly string[] = Object.keys(PROVIDED);

function providedSymbols(session: Session): Provided[] {
  const provided: Provided[] = [];
  for (const [name, compute] of Object.entries(PROVIDED)) {
    const symbol = session.symbols.find(name);
    if (symbol !== undefined && symbol.definition === undefined) provided.push({ symbol, compute });
  }
  return provided;
}
