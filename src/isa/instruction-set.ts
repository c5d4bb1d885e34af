import type { CsrExtension } from "./csr.ts";
import { errors } from "./errors.ts";
import {
  ALWAYS,
  type ExtensionName,
  isName,
  MULTI_LETTER,
  meaningOf,
  OF_SUPERVISOR_MODE,
  PARTS,
  PROFILES,
  REQUIRES,
  SINGLE_LETTER,
} from "./extensions.ts";
import type { Decoded, Extension, Instruction } from "./instruction.ts";
import { findInstruction, INSTRUCTIONS } from "./table.ts";

export type { ExtensionName } from "./extensions.ts";

/** Privilege modes of a hart: machine alone, with user mode, with user and supervisor mode. */
export type PrivilegeModes = "m" | "mu" | "msu";

/** What instructions and CSRs a hart has: an ISA string or profile taken apart, dependencies closed. */
export interface InstructionSet {
  readonly modes: PrivilegeModes;
  has(extension: ExtensionName): boolean;
  /** The extensions in canonical order, as the device tree's `riscv,isa-extensions` lists them. */
  readonly extensions: readonly ExtensionName[];
  /** The device tree's `riscv,isa`. */
  readonly isaString: string;
  /** The device tree's `riscv,isa-base`. */
  readonly base: "rv64i";
  /** The value of misa, unsigned. */
  readonly misa: bigint;
  /** What brings CSRs and their fields. */
  readonly csrExtensions: ReadonlySet<CsrExtension>;
  /** Bytes; a jump to an address that is no multiple is an exception (IALIGN in the manual, in bits). */
  readonly instructionAlignment: 2 | 4;
  /** Whether the hart has an instruction of the table; without it the word is illegal. */
  executes(decoded: Decoded): boolean;
}

/** Reads `rv64gc_zba`, `rva22s64`, `max`, `rva20u64_zbc`; throws a UserError about the first name that no hart has. */
export function parseInstructionSet(isa: string, modes: PrivilegeModes): InstructionSet {
  const names = isaNames(isa);
  if (names === undefined) throw /^rv32/i.test(isa.trim()) ? errors.rv32(isa) : errors.noIsa(isa);
  const chosen = new Set<ExtensionName>();
  for (const name of names) {
    for (const extension of meaningOf(name, isa)) if (!PARTS.has(name)) chosen.add(extension);
  }
  if (!chosen.has("i")) throw errors.noBase(isa);
  for (const name of names) {
    const missing = PARTS.get(name)?.find((whole) => !chosen.has(whole));
    if (missing !== undefined) throw errors.part(isa, name, missing);
  }
  if (!chosen.has("sv39") && !chosen.has("sv48")) chosen.add("sv57");
  for (const name of ALWAYS) chosen.add(name);
  // The set grows while it is walked through.
  for (const extension of chosen) for (const required of REQUIRES[extension] ?? []) chosen.add(required);
  if (modes !== "msu") for (const name of OF_SUPERVISOR_MODE) chosen.delete(name as ExtensionName);
  return describeSet(chosen, modes);
}

/**
 * The names in an ISA string in lower case, without versions (`i2p1`), profiles replaced by what they stand for;
 * undefined for what is no string of a 64-bit instruction set. Which of them exist is not looked at.
 */
export function isaNames(isa: string): string[] | undefined {
  const [first, ...rest] = isa.trim().toLowerCase().split("_");
  const profile = PROFILES.get(first);
  const [start, ...more] = profile === undefined ? [first, ...rest] : [...profile.split("_"), ...rest];
  const letters = /^rv64((?:[a-rt-wy](?:\d+(?:p\d+)?)?)+)([szx]\w+)?$/.exec(start);
  if (letters === null) return undefined;
  const names = [...letters[1].matchAll(/([a-z])(?:\d+(?:p\d+)?)?/g)].map(([, letter]) => letter);
  const others = [...(letters[2] === undefined ? [] : [letters[2]]), ...more];
  if (others.some((name) => !/^[a-z][a-z0-9]*$/.test(name))) return undefined;
  return [...names, ...others.map(withoutVersion)];
}

/** `zba` for `zba1p0`. */
function withoutVersion(name: string): string {
  const bare = name.replace(/\d+(p\d+)?$/, "");
  return isName(name) || bare === "" ? name : bare;
}

function describeSet(chosen: ReadonlySet<ExtensionName>, modes: PrivilegeModes): InstructionSet {
  const letters = SINGLE_LETTER.filter((name) => chosen.has(name));
  const others = MULTI_LETTER.filter((name) => chosen.has(name));
  const privileges = { m: [], mu: ["u"], msu: ["s", "u"] }[modes];
  const isKnown = INSTRUCTIONS.map((instruction) => executable(instruction, chosen, modes));
  const compressed = chosen.has("c");
  return {
    modes,
    has: (extension) => chosen.has(extension),
    extensions: [...letters, ...others],
    isaString: [`rv64${letters.join("")}`, ...others].join("_"),
    base: "rv64i",
    misa: [...letters, ...privileges].reduce((value, letter) => value | misaBit(letter), MISA_MXL_64),
    csrExtensions: csrExtensions(chosen, modes),
    instructionAlignment: compressed ? 2 : 4,
    executes: (decoded) => isKnown[decoded.index] && (compressed || decoded.compressed === undefined),
  };
}

const MISA_MXL_64 = 2n << 62n;

function misaBit(letter: string): bigint {
  return 1n << BigInt(letter.charCodeAt(0) - "a".charCodeAt(0));
}

/** A HINT is executed by every hart, as the instruction that it is a HINT of. */
function executable(instruction: Instruction, chosen: ReadonlySet<ExtensionName>, modes: PrivilegeModes): boolean {
  const whole = instruction.hintOf === undefined ? instruction : findInstruction(instruction.hintOf)!;
  return brings(whole.extension, chosen, modes);
}

function brings(extension: Extension, chosen: ReadonlySet<ExtensionName>, modes: PrivilegeModes): boolean {
  if (extension === "Machine") return true;
  if (extension === "Supervisor") return modes === "msu";
  return chosen.has(extension.toLowerCase() as ExtensionName);
}

function csrExtensions(chosen: ReadonlySet<ExtensionName>, modes: PrivilegeModes): ReadonlySet<CsrExtension> {
  const extensions: CsrExtension[] = ["Machine", "Zicntr"];
  if (modes !== "m") extensions.push("User");
  if (modes === "msu") extensions.push("Supervisor");
  for (const [name, extension] of CSR_EXTENSIONS) if (chosen.has(name)) extensions.push(extension);
  return new Set(extensions);
}

const CSR_EXTENSIONS: readonly (readonly [ExtensionName, CsrExtension])[] = [
  ["f", "F"],
  ["zicbom", "Zicbom"],
  ["zicboz", "Zicboz"],
  ["sstc", "Sstc"],
  ["svadu", "Svadu"],
  ["svpbmt", "Svpbmt"],
];
