import { InvalidArgumentError } from "commander";
import { parseStartTime } from "../adapter/start-time.ts";
import { parseSymbolChoice, SYMBOL_CHOICE_FORMS, type SymbolChoice } from "../base/boot-choice.ts";
import { DISK_CHOICE_FORMS, type DiskChoice, parseDiskChoice } from "../base/disk-choice.ts";
import { UserError } from "../base/errors.ts";
import { readCount } from "../base/instant-text.ts";
import { parseInstructionSet } from "../isa/instruction-set.ts";
import { DIVERGENCE_SOURCES, type DivergenceSource } from "../lockstep/divergence-sources.ts";
import { FAULT_KINDS, type Fault, parseFaultKind } from "../lockstep/fault.ts";
import { MAX_HARTS } from "../machine/configuration.ts";

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
const PAGE_BYTES = 4096;
const MIN_SILENCE_SECONDS = 0.3;
const MAX_SILENCE_SECONDS = 3600;
/** Below this not even a stack and a handler fit; above it WebAssembly's 32-bit memory is at its end. */
const MIN_MEMORY_BYTES = 64 * 2 ** 10;
const MOST_MILLISECONDS = 10_000;
const MAX_MEMORY_BYTES = 3 * 2 ** 30;

/** `128M`, `64K`, `1G`, `1048576`; bytes. */
export function parseMemory(text: string): number {
  const match = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(text);
  if (match === null) throw new InvalidArgumentError("Write a size like 64K, 128M or 1G.");
  const bytes = Number(match[1]) * UNITS[match[2].toUpperCase()];
  if (bytes < MIN_MEMORY_BYTES || bytes > MAX_MEMORY_BYTES) {
    throw new InvalidArgumentError("The machine can have from 64K to 3G of memory.");
  }
  if (bytes % PAGE_BYTES !== 0) throw new InvalidArgumentError("Memory comes in pages of 4096 bytes.");
  return bytes;
}

/** Fractions too. */
export function parseMilliseconds(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0 && value <= MOST_MILLISECONDS)) {
    throw new InvalidArgumentError("Write a number of milliseconds, like 2 or 0.5, of at most 10000.");
  }
  return value;
}

export function parseCount(text: string): number {
  const value = readCount(text);
  if (value === undefined || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("Write a whole number, like 1000000 or 1e9.");
  return value;
}

/** One more disk: commander gives those that came before. */
export function parseDisk(text: string, before: readonly DiskChoice[] = []): DiskChoice[] {
  const disk = parseDiskChoice(text);
  if (disk === undefined) throw new InvalidArgumentError(`Write ${DISK_CHOICE_FORMS}.`);
  return [...before, disk];
}

/** One more file with symbols: commander gives those that came before. */
export function parseSymbols(text: string, before: readonly SymbolChoice[] = []): SymbolChoice[] {
  const choice = parseSymbolChoice(text);
  if (choice === undefined) throw new InvalidArgumentError(`Write ${SYMBOL_CHOICE_FORMS}.`);
  return [...before, choice];
}

/** `harts,time,entropy,memory`: what the machines of a pair are left to differ in. */
export function parseSources(text: string): DivergenceSource[] {
  return text.split(",").map((name) => {
    const source = DIVERGENCE_SOURCES.find((known) => known === name.trim());
    if (source === undefined)
      throw new InvalidArgumentError(`Write some of ${DIVERGENCE_SOURCES.join(", ")}, with commas.`);
    return source;
  });
}

/** One more fault, `KIND@INSTANT`: commander gives those that came before. */
export function parseFault(text: string, before: readonly Fault[] = []): Fault[] {
  const at = text.lastIndexOf("@");
  const kind = parseFaultKind(text.slice(0, at));
  const instant = readCount(text.slice(at + 1));
  if (at < 0 || kind === undefined || instant === undefined) {
    throw new InvalidArgumentError(
      `Write KIND@INSTANT or KIND:primary@INSTANT, KIND one of ${FAULT_KINDS.join(", ")}.`,
    );
  }
  return [...before, { ...kind, instant }];
}

/** Seconds that a machine of a pair may be silent: more than a few signs of life, which come ten times a second. */
export function parseSilence(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds < MIN_SILENCE_SECONDS || seconds > MAX_SILENCE_SECONDS)
    throw new InvalidArgumentError(`Write seconds, from ${MIN_SILENCE_SECONDS} to ${MAX_SILENCE_SECONDS}.`);
  return seconds;
}

export function parseTime(text: string): number {
  const seconds = parseStartTime(text);
  if (seconds === undefined)
    throw new InvalidArgumentError("Write a date like 2026-01-31T12:00:00Z, or seconds since 1970.");
  return seconds;
}

export function parseSteps(text: string): number {
  const steps = parseCount(text);
  if (steps === 0) throw new InvalidArgumentError("At least one step.");
  return steps;
}

export function parseHits(text: string): number {
  const hits = parseCount(text);
  if (hits === 0) throw new InvalidArgumentError("At least one hit.");
  return hits;
}

const MOST_THREADS = 256;

export function parseLength(text: string): number {
  const length = parseCount(text);
  if (length < 1 || length > 2 ** 20) throw new InvalidArgumentError("A range has from 1 to 1048576 bytes.");
  return length;
}

export function parseHarts(text: string): number {
  const harts = parseCount(text);
  if (harts < 1 || harts > MAX_HARTS)
    throw new InvalidArgumentError(`The machine can have from 1 to ${MAX_HARTS} harts.`);
  return harts;
}

/** Threads that search: each has a machine of its own. */
export function parseThreads(text: string): number {
  const threads = parseCount(text);
  if (threads < 1 || threads > MOST_THREADS) throw new InvalidArgumentError(`Use from 1 to ${MOST_THREADS} threads.`);
  return threads;
}

export function parseIsa(text: string): string {
  try {
    parseInstructionSet(text, "msu");
  } catch (error) {
    if (error instanceof UserError) throw new InvalidArgumentError(error.message);
    throw error;
  }
  return text;
}

export function parsePort(text: string): number {
  const port = parseCount(text);
  if (port > 65535) throw new InvalidArgumentError("A port is a number from 0 (any free one) to 65535.");
  return port;
}

/** An address in C's or the assembler's notation, or undefined when it is not a number: then it is a symbol. */
export function parseAddress(text: string): bigint | undefined {
  const plain = text.replace(/_/g, "");
  if (!/^(0x[0-9a-f]+|0b[01]+|\d+)$/i.test(plain)) return undefined;
  const value = BigInt(plain);
  return value < 1n << 64n ? value : undefined;
}

/** 1,234,567: as instants are shown everywhere. */
export function formatCount(value: number): string {
  // `toLocaleString` would load the tables of every locale first: ten milliseconds of a short run.
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function formatAddress(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** `512 bytes`, `12.5 kB`, `1.2 GB`: powers of ten, as disks are sold. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  for (const [unit, size] of [
    ["kB", 1e3],
    ["MB", 1e6],
    ["GB", 1e9],
  ] as const) {
    if (bytes < size * 1000 || unit === "GB") return `${(bytes / size).toFixed(bytes < size * 10 ? 1 : 0)} ${unit}`;
  }
  return `${bytes} bytes`;
}

/** `128M`: memory in powers of two, as `--memory` takes it. */
export function formatMemory(bytes: number): string {
  for (const unit of ["G", "M", "K"]) if (bytes % UNITS[unit] === 0) return `${bytes / UNITS[unit]}${unit}`;
  return String(bytes);
}

/** `3 ms`, `1.24 s`, `2 min 5 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** `85.2 million steps/s`. */
export function formatSpeed(stepsPerSecond: number): string {
  if (stepsPerSecond >= 1e6) return `${(stepsPerSecond / 1e6).toFixed(1)} million steps/s`;
  return `${formatCount(Math.round(stepsPerSecond))} steps/s`;
}
