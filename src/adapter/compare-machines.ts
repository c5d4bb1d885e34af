import type { RegisterValues } from "../debuggee/protocol.ts";
import type * as Custom from "./custom-lockstep.ts";
import type { Paired } from "./lifecycle.ts";
import { placeBody, valueText } from "./lockstep.ts";
import { titleOf } from "./lockstep-text.ts";
import type { Pair } from "./pair.ts";
import { toReference } from "./references.ts";
import type { Seat } from "./seat.ts";
import { placeOf } from "./travel.ts";

const WORD_BYTES = 8;
const ASKED_BYTES = 64;
const MOST_ASKED_BYTES = 4096;
/** Instructions before and behind the current one. */
const BEFORE = 4;
const CODE = 10;
const NAMES =
  "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6".split(" ");

interface Question extends Custom.CompareMachinesArguments {
  readonly hart: number;
}

/** Both machines side by side, where they stand. */
export async function comparison({ pair }: Paired, question: Question): Promise<Custom.MachineComparisonBody> {
  const { left, right } = pair.seats;
  await pair.settled();
  const { words, pages, devices } = await pair.source.differences(left.position, right.position);
  const [mine, theirs] = await Promise.all([machineOf(pair, left, question), machineOf(pair, right, question)]);
  return {
    place: placeBody(left.position, right.position),
    ...{ left: mine.body, right: theirs.body },
    registers: inBoth(mine.registers, theirs.registers),
    csrs: inBoth(mine.csrs, theirs.csrs),
    memory: words.map(({ name, address = 0, left: here, right: there }) => ({
      ...{ address: toReference(BigInt(address)), symbol: name, differs: true },
      ...{ left: valueText(here ?? "nothing"), right: valueText(there ?? "nothing") },
    })),
    differingPages: pages,
    ...(question.address !== undefined && { asked: askedInBoth(mine.asked, theirs.asked) }),
    devices: devices.map(({ name, left: here, right: there }) => ({
      ...{ name, left: valueText(here ?? "nothing"), right: valueText(there ?? "nothing"), differs: true },
    })),
  };
}

interface Word {
  readonly address: string;
  readonly value: string;
}

async function machineOf(pair: Pair, seat: Seat, { hart, address, length }: Question) {
  const { debuggee, side, member, position } = seat;
  const values = await debuggee.registers(hart);
  const [frame] = await debuggee.frames(hart);
  const lines = await debuggee.disassemble(values.pc, -BEFORE, CODE, hart);
  const { groups } = await debuggee.csrs(hart);
  const body: Custom.ComparedMachineBody = {
    ...{ name: member, title: titleOf(pair, side), instant: position.instant, hart },
    ...{ pc: toReference(values.pc), symbol: frame?.name ?? toReference(values.pc) },
    ...(frame?.source !== undefined && { source: { ...frame.source } }),
    code: lines
      .filter(({ valid }) => valid)
      .map(({ address: at, text, symbol }) => ({
        ...{ address: toReference(at), text, current: at === values.pc },
        ...(symbol !== undefined && { symbol }),
      })),
  };
  const csrs = groups.flatMap((group) => group.csrs.map(({ name, value }) => [name, toReference(value)] as const));
  const asked = address === undefined ? [] : await wordsAt(seat, hart, address, length);
  return { body, registers: registersOf(values), csrs: new Map(csrs), asked };
}

function registersOf({ pc, integers, floats }: RegisterValues): Map<string, string> {
  return new Map([
    ["pc", toReference(pc)],
    ...integers.slice(1).map((value, index) => [NAMES[index + 1], toReference(value)] as const),
    ...(floats ?? []).map((value, index) => [`f${index}`, toReference(value)] as const),
  ]);
}

async function wordsAt({ debuggee }: Seat, hart: number, text: string, length = ASKED_BYTES): Promise<Word[]> {
  const { address, use } = await placeOf(debuggee, text, { hart, level: 0 });
  const bytes = await debuggee.readMemory(address, Math.min(Math.max(length, 1), MOST_ASKED_BYTES), use ?? { hart });
  return Array.from({ length: Math.ceil(bytes.length / WORD_BYTES) }, (_, index) => {
    const word = bytes.subarray(index * WORD_BYTES, (index + 1) * WORD_BYTES);
    const value = word.reduceRight((total, byte) => (total << 8n) | BigInt(byte), 0n);
    return { address: toReference(address + BigInt(index * WORD_BYTES)), value: toReference(value) };
  });
}

function inBoth(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): Custom.ComparedValueBody[] {
  return [...left].map(([name, value]) => {
    const other = right.get(name) ?? "nothing";
    return { name, left: value, right: other, differs: value !== other };
  });
}

/** By their place in what was asked for: an expression may mean another address in the other machine. */
function askedInBoth(left: readonly Word[], right: readonly Word[]): Custom.ComparedWordBody[] {
  return left.map(({ address, value }, index) => {
    const other = right[index]?.value ?? "nothing";
    return { address, left: value, right: other, differs: value !== other };
  });
}
