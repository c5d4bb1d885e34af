import { effectsOf } from "../isa/effects.ts";
import { abiName, floatAbiName } from "../isa/registers.ts";
import { codeWord, flowOf } from "./code.ts";
import type { ProgramMap } from "./program-map.ts";

/** A register in which a function gets something. */
export interface Parameter {
  readonly name: string;
  readonly register: number;
  readonly isFloat: boolean;
}

const FIRST = 10;
const LAST = 17;
/** Instructions that are looked at. */
const MOST_INSTRUCTIONS = 256;

/**
 * Registers for arguments that a function reads before it writes them, on any way from its beginning to its first call or jump to
 * elsewhere; and those before them, which are arguments that it does not use.
 */
export function parametersOf(map: ProgramMap, entry: bigint): Parameter[] {
  const extent = map.functionAt(entry);
  const last = { integer: -1, float: -1 };
  const visited = new Set<bigint>();
  const ways = [{ address: entry, written: new Set<string>() }];
  for (let way = ways.pop(); way !== undefined && visited.size < MOST_INSTRUCTIONS; way = ways.pop()) {
    const { address, written } = way;
    const code = codeWord(address, bytesAt(map, address));
    if (code?.decoded === undefined || visited.has(address)) continue;
    visited.add(address);
    const { decoded } = code;
    const effects = effectsOf(decoded.instruction);
    const reads = [
      ["integer", effects.readsRs1, decoded.rs1],
      ["integer", effects.readsRs2, decoded.rs2],
      ["float", effects.readsFloatRs1, decoded.rs1],
      ["float", effects.readsFloatRs2, decoded.rs2],
      ["float", effects.readsFloatRs3, decoded.rs3],
    ] as const;
    for (const [kind, isRead, register] of reads) {
      const isArgument = isRead && register >= FIRST && register <= LAST;
      if (isArgument && !written.has(`${kind} ${register}`)) last[kind] = Math.max(last[kind], register);
    }
    if (effects.writesRd) written.add(`integer ${decoded.rd}`);
    if (effects.writesFloatRd) written.add(`float ${decoded.rd}`);
    const { kind, target } = flowOf(code);
    const isWithin = target !== undefined && extent !== undefined && target >= extent.start && target < extent.end;
    if (isWithin && (kind === "branch" || kind === "jump")) ways.push({ address: target, written: new Set(written) });
    if (kind === "next" || kind === "branch") ways.push({ address: address + BigInt(code.length), written });
  }
  return [...registers("integer", last.integer), ...registers("float", last.float)];
}

function bytesAt({ programs }: ProgramMap, address: bigint): readonly (number | undefined)[] {
  for (const { segments } of programs) {
    for (const { virtualAddress, bytes } of segments) {
      const offset = Number(address - virtualAddress);
      if (offset >= 0 && offset + 2 <= bytes.length) return [0, 1, 2, 3].map((index) => bytes[offset + index]);
    }
  }
  return [];
}

function registers(kind: "integer" | "float", last: number): Parameter[] {
  return Array.from({ length: Math.max(0, last - FIRST + 1) }, (_, index) => {
    const register = FIRST + index;
    const isFloat = kind === "float";
    return { name: isFloat ? floatAbiName(register) : abiName(register), register, isFloat };
  });
}
