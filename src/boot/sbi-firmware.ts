import { assemble } from "../assembler/assemble.ts";
import type { Program } from "../assembler/program.ts";
import { assert } from "../base/assert.ts";
import { CALLS } from "./firmware/calls.ts";
import { CONSOLE } from "./firmware/console.ts";
import { DATA } from "./firmware/data.ts";
import { DEFINITIONS } from "./firmware/definitions.ts";
import { ENTRY } from "./firmware/entry.ts";
import { HARTS } from "./firmware/harts.ts";
import { TRAPS } from "./firmware/traps.ts";

/** Where the line table finds the firmware: no path of a computer begins like this. */
const FOLDER = "hindcast-sbi/";
const MAIN = `${FOLDER}entry.s`;

/** The firmware's memory, that no other mode may touch: what `FIRMWARE_BYTES` in definitions.s says. */
export const FIRMWARE_BYTES = 0x1_0000;

const SOURCES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "entry.s": ENTRY,
    "definitions.s": DEFINITIONS,
    "traps.s": TRAPS,
    "calls.s": CALLS,
    "harts.s": HARTS,
    "console.s": CONSOLE,
    "data.s": DATA,
  }).map(([name, text]) => [`${FOLDER}${name}`, text]),
);

export interface Firmware {
  readonly program: Program;
  /** Its sources, by the paths of the line table. */
  readonly sources: ReadonlyMap<string, string>;
}

/**
 * The built-in SBI implementation: machine-mode code of our own, assembled. It starts hart 0 in supervisor mode where the
 * fw_dynamic_info says that a2 points to, and implements SBI 2.0 (docs/boot.md).
 */
export function sbiFirmware(): Firmware {
  return assembleFirmware(SOURCES)!;
}

/** The firmware that a recording holds the sources of; undefined when they are none. It may be another version's. */
export function assembleFirmware(sources: ReadonlyMap<string, string>): Firmware | undefined {
  const main = sources.get(MAIN);
  if (main === undefined) return undefined;
  const { program, errors, files } = assemble(main, {
    file: MAIN,
    include: (name) => {
      const text = sources.get(FOLDER + name);
      return text === undefined ? undefined : { name: FOLDER + name, text };
    },
  });
  const [first] = errors;
  assert(
    sources !== SOURCES || first === undefined,
    `firmware: ${first && `${files[first.file].name}:${first.line}: ${first.message}`}`,
  );
  if (program === undefined) return undefined;
  // Names of numbers, which many programs use for numbers of their own, are nobody's addresses.
  const symbols = program.symbols.filter(({ kind }) => kind !== "absolute");
  // Harts come in where it begins; _start would be the name of the kernel's entry as well.
  return { program: { ...program, entry: program.segments[0].virtualAddress, symbols }, sources };
}
