import type { Program, ProgramSymbol } from "../assembler/program.ts";
import { virtualAddress } from "../base/brand.ts";
import { errors } from "./errors.ts";

/** `ffffffff80000000 T _start`, as nm, a kernel's System.map and /proc/kallsyms have it; modules add their name. */
const LINE = /^([0-9a-f]{1,16}) ([A-Za-z]) (\S+)(?:\s+\[(\S+)\])?$/;
/** More than any kernel has. */
const MOST_SYMBOLS = 4_000_000;
/** The last function of a list reaches this far. */
const LAST_BYTES = 4096n;

/** Whether bytes begin as such a list does. */
export function isSymbolList(bytes: Uint8Array): boolean {
  const [first] = new TextDecoder().decode(bytes.subarray(0, 4096)).split("\n");
  return LINE.test(first.trimEnd());
}

/**
 * A list of symbols as a program that places nothing in memory. Each symbol reaches to the next address in the list.
 * Throws a UserError when a line is no symbol.
 */
export function readSymbolList(bytes: Uint8Array, name: string): Program {
  const found: { address: bigint; type: string; name: string }[] = [];
  let number = 0;
  for (const text of new TextDecoder().decode(bytes).split("\n")) {
    number++;
    const line = text.trimEnd();
    if (line === "") continue;
    const match = LINE.exec(line);
    if (match === null || found.length >= MOST_SYMBOLS) throw errors.symbolList(name, number);
    found.push({ address: BigInt(`0x${match[1]}`), type: match[2], name: match[3] });
  }
  found.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  const ends = nextAddresses(found.map(({ address }) => address));
  const symbols = found
    .map(({ address, type, name: symbol }, index) => symbolOf(symbol, type, address, ends[index]))
    .filter(({ kind }) => kind !== "absolute");
  const functions = symbols.filter(({ kind }) => kind === "function");
  return {
    name,
    entry: virtualAddress(functions[0]?.address ?? 0n),
    // Nothing is loaded: the segments say where the symbols' code and data are.
    segments: [
      ...segment(functions, true),
      ...segment(
        symbols.filter(({ kind }) => kind === "object"),
        false,
      ),
    ],
    symbols,
    lines: [],
    files: [],
  };
}

function nextAddresses(addresses: readonly bigint[]): bigint[] {
  const ends = new Array<bigint>(addresses.length);
  let end = (addresses[addresses.length - 1] ?? 0n) + LAST_BYTES;
  for (let index = addresses.length - 1; index >= 0; index--) {
    const following = addresses[index + 1];
    if (following !== undefined && following !== addresses[index]) end = following;
    ends[index] = end;
  }
  return ends;
}

function symbolOf(name: string, type: string, address: bigint, end: bigint): ProgramSymbol {
  const isFunction = /t/i.test(type);
  const isWeak = /[vw]/i.test(type);
  return {
    name,
    address: virtualAddress(address),
    size: Number(end - address),
    kind: /a/i.test(type) ? "absolute" : isFunction || isWeak ? "function" : "object",
    binding: isWeak ? "weak" : type === type.toUpperCase() ? "global" : "local",
    section: isFunction || isWeak ? ".text" : ".data",
  };
}

function segment(symbols: readonly ProgramSymbol[], executable: boolean): Program["segments"][number][] {
  const [first] = symbols;
  const last = symbols[symbols.length - 1];
  if (first === undefined) return [];
  const memoryBytes = Number(last.address - first.address) + last.size;
  const empty = { physicalAddress: 0, bytes: new Uint8Array(0), writable: !executable };
  return [{ ...empty, virtualAddress: first.address, memoryBytes, executable }];
}
