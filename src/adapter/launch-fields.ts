import { parseSymbolChoice, SYMBOL_CHOICE_FORMS, type SymbolChoice } from "../base/boot-choice.ts";
import { DISK_CHOICE_FORMS, type DiskChoice, parseDiskChoice } from "../base/disk-choice.ts";
import { UserError } from "../base/errors.ts";
import { parseInstructionSet } from "../isa/instruction-set.ts";
import { parseStartTime } from "./start-time.ts";

const PAGE_BYTES = 4096;
/** WebAssembly's 32-bit memory ends at 4 GiB, and the machine needs some of it for itself. */
const MEMORY_LIMIT_BYTES = 3 * 2 ** 30;
const MOST_MILLISECONDS = 10_000;
const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** The arguments by name; every reader gives undefined when the argument is absent. */
export class Fields {
  readonly #raw: Readonly<Record<string, unknown>>;

  constructor(raw: Readonly<Record<string, unknown>>) {
    this.#raw = raw;
  }

  has(name: string): boolean {
    return this.#raw[name] !== undefined && this.#raw[name] !== null;
  }

  text(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    if (typeof value !== "string" || value.trim() === "") throw bad(name, "must be a path", value);
    if (value.includes("${")) throw bad(name, "holds a variable that the editor did not replace", value);
    return value;
  }

  /** A line of text, which may be empty. */
  line(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    if (typeof value !== "string" || /[\0\n]/.test(value)) throw bad(name, "must be one line of text", value);
    return value;
  }

  /** One line or a list of them. */
  lines(name: string): string[] | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    const lines = Array.isArray(value) ? value : [value];
    if (lines.some((line) => typeof line !== "string" || line.trim() === "")) {
      throw bad(name, "must be a text, or a list of such", value);
    }
    return lines;
  }

  /** One of some words or a list of them. */
  choices<T extends string>(name: string, choices: readonly T[]): T[] | undefined {
    const words = this.lines(name);
    return words?.map((word) => {
      const choice = choices.find((text) => text === word);
      if (choice === undefined) throw bad(name, `must be of ${choices.map((text) => `"${text}"`).join(", ")}`, word);
      return choice;
    });
  }

  /** A word that stands for itself, or a path. */
  firmware(name: string, resolve: (path: string) => string): string | undefined {
    const text = this.text(name);
    return text === undefined || text === "none" || text === "sbi" ? text : resolve(text);
  }

  /** Files with symbols, each as text or as an object; `resolve` makes a path absolute. */
  symbols(name: string, resolve: (path: string) => string): SymbolChoice[] | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    return (Array.isArray(value) ? value : [value]).map((entry: unknown) => {
      const choice = symbolChoice(name, entry);
      if (choice === undefined || choice.path.includes("${")) {
        throw bad(name, `must be a list of ${SYMBOL_CHOICE_FORMS}, or of {"path": …, "offset": …}`, entry);
      }
      return { ...choice, path: resolve(choice.path) };
    });
  }

  /** One disk or a list of them; `resolve` makes a path absolute. */
  disks(name: string, resolve: (path: string) => string): DiskChoice[] | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    return (Array.isArray(value) ? value : [value]).map((text: unknown) => {
      const disk = typeof text === "string" && !text.includes("${") ? parseDiskChoice(text) : undefined;
      if (disk === undefined) throw bad(name, `must be ${DISK_CHOICE_FORMS}, or a list of such`, text);
      return "path" in disk ? { ...disk, path: resolve(disk.path) } : disk;
    });
  }

  /** A date, or seconds since 1970. */
  time(name: string): number | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    const seconds = typeof value === "string" || typeof value === "number" ? parseStartTime(String(value)) : undefined;
    if (seconds === undefined)
      throw bad(name, 'must be a date such as "2026-01-31T12:00:00Z", or seconds since 1970', value);
    return seconds;
  }

  flag(name: string): boolean | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    if (typeof value !== "boolean") throw bad(name, "must be true or false", value);
    return value;
  }

  integer(name: string, least: number, most: number): number | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) {
      throw bad(name, `must be a whole number from ${least} to ${most}`, value);
    }
    return value;
  }

  /** Fractions too. */
  milliseconds(name: string): number | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    if (typeof value !== "number" || !(value >= 0 && value <= MOST_MILLISECONDS)) {
      throw bad(name, `must be a number of milliseconds from 0 to ${MOST_MILLISECONDS}`, value);
    }
    return value;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    const choice = choices.find((text) => text === value);
    if (choice !== undefined) return choice;
    const list = choices.map((text) => `"${text}"`).join(" or ");
    throw bad(name, `must be ${list}`, value);
  }

  isa(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    if (typeof value !== "string") throw bad(name, 'must be an ISA string such as "rv64imac"', value);
    try {
      parseInstructionSet(value, "msu");
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new UserError("bad-launch", `Launch configuration: “${name}”: ${error.message}`, 2);
    }
    return value;
  }

  /** What networks there are is the host's to say. */
  network(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    if (typeof value === "string" && value.trim() !== "") return value.trim();
    throw bad(name, 'must be a network such as "user" or "none"', value);
  }

  /** Bytes: a number, or text as the command line takes it. */
  memory(name: string): number | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#raw[name];
    const match = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(String(value));
    if (match === null) throw bad(name, 'must be a size such as "128M"', value);
    const bytes = Number(match[1]) * UNITS[match[2].toUpperCase()];
    if (bytes < PAGE_BYTES || bytes > MEMORY_LIMIT_BYTES || bytes % PAGE_BYTES !== 0) {
      throw bad(name, "must be from 4K to 3G, in whole pages of 4096 bytes", value);
    }
    return bytes;
  }
}

function symbolChoice(name: string, entry: unknown): SymbolChoice | undefined {
  if (typeof entry === "string") return parseSymbolChoice(entry);
  const { path, offset } = (entry ?? {}) as Record<string, unknown>;
  if (typeof path !== "string" || path.trim() === "") return undefined;
  return { path, offset: offsetOf(name, offset) };
}

/** Text as well as a number, because most offsets are too large for JSON's. */
function offsetOf(name: string, offset: unknown): bigint {
  if (offset === undefined || offset === null) return 0n;
  const text = String(offset).trim().replaceAll("_", "");
  const match = /^(-?)(0x[0-9a-f]{1,16}|\d{1,20})$/i.exec(text);
  const isNumber = typeof offset === "string" || Number.isSafeInteger(offset);
  if (match === null || !isNumber) throw bad(name, 'has an offset that is no number such as "0x80200000"', offset);
  return match[1] === "-" ? -BigInt(match[2]) : BigInt(match[2]);
}

export function bad(name: string, what: string, value?: unknown): UserError {
  const got = value === undefined ? "" : `, not ${abbreviate(JSON.stringify(value))}`;
  return new UserError("bad-launch", `Launch configuration: “${name}” ${what}${got}.`, 2);
}

function abbreviate(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}

/** One letter wrong, missing, doubled or swapped with its neighbour; or only hyphens, underscores and case differ. */
export function isSlip(written: string, right: string): boolean {
  if (written.replace(/[-_]/g, "") === right) return true;
  if (right.length < 4 || Math.abs(written.length - right.length) > 1) return false;
  let same = 0;
  while (same < right.length && written[same] === right[same]) same++;
  const rest = written.slice(same);
  const wanted = right.slice(same);
  return (
    rest.slice(1) === wanted.slice(1) ||
    rest.slice(1) === wanted ||
    rest === wanted.slice(1) ||
    (rest.slice(2) === wanted.slice(2) && rest[0] === wanted[1] && rest[1] === wanted[0])
  );
}
