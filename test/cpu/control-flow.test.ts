import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { type ControlFlow, controlFlow } from "../../src/cpu/control-flow.ts";
import type { Turn } from "../../src/cpu/hart.ts";
import { type DataPort, OracleReading } from "../../src/cpu/oracle-reading.ts";
import { decode } from "../../src/isa/decode.ts";
import { parseEncoding } from "../../src/isa/encoding.ts";
import { COMPRESSED, INSTRUCTIONS } from "../../src/isa/table.ts";
import { randomWord } from "../isa/random-words.ts";

const ROUNDS = 60;

/** Memory that holds zeros everywhere and takes everything. */
const ZEROS: DataPort = {
  read: () => 0n,
  write: () => undefined,
  zero: () => undefined,
  probeRead: () => undefined,
  probeWrite: () => undefined,
  reservable: (address) => address,
};

/** A hart whose registers hold random values, few of them different, so that branches are taken and not taken. */
function randomTurn(prng: Prng): Turn {
  const values = [0n, prng.next64(), prng.next64()];
  const registers = Array.from({ length: 32 }, (_, register) => (register === 0 ? 0n : prng.pick(values)));
  const hart = {
    pc: 0x8000_0000n + BigInt(prng.below(0x1000_0000) * 2),
    reservation: 0n,
    register: (register: number) => registers[register],
    setRegister: () => {},
    floatRegister: () => prng.next64(),
    setFloatRegister: () => {},
    markFloatDirty: () => {},
    fcsr: 0,
  };
  const csrs = { get: () => 3n << 13n, set: () => {}, read: () => 0n };
  return { hart, csrs } as unknown as Turn;
}

/** Which ways an instruction went, over random operands; fails when one is not what `controlFlow` says. */
function waysOf(encoding: string, prng: Prng): { flow: ControlFlow; ways: Set<string> } | undefined {
  const ways = new Set<string>();
  let flow: ControlFlow | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const decoded = decode(randomWord(parseEncoding(encoding), prng));
    if (decoded === undefined) continue;
    flow = controlFlow(decoded);
    const turn = randomTurn(prng);
    const pc: bigint = turn.hart.pc;
    const outcome = new OracleReading(turn, ZEROS, 2).execute(decoded);
    const what = `${decoded.instruction.mnemonic} 0x${decoded.word.toString(16)}`;
    assert.equal(outcome.kind === "system", flow === "system", what);
    if (outcome.kind !== "retired") continue;
    const behind = BigInt.asUintN(64, pc + BigInt(decoded.length));
    const target = BigInt.asUintN(64, pc + BigInt(decoded.imm));
    const expected: Readonly<Record<ControlFlow, readonly bigint[]>> = {
      next: [behind],
      branch: [behind, target],
      jump: [target],
      indirect: [turn.hart.pc],
      system: [],
    };
    assert.ok(expected[flow].includes(turn.hart.pc), `${what} goes to ${turn.hart.pc.toString(16)}`);
    ways.add(turn.hart.pc === behind ? "behind" : "elsewhere");
  }
  return flow && { flow, ways };
}

test("over the whole table: where an instruction goes on is what its control flow says, at pc + imm or behind it", () => {
  const prng = new Prng(15);
  const flows = new Set<ControlFlow>();
  for (const { mnemonic, encoding } of [...INSTRUCTIONS, ...COMPRESSED]) {
    const found = waysOf(encoding, prng);
    if (found === undefined) continue;
    flows.add(found.flow);
    if (found.flow === "branch") assert.equal(found.ways.size, 2, `${mnemonic} goes both ways`);
    if (found.flow === "jump" || found.flow === "indirect") assert.ok(found.ways.has("elsewhere"), mnemonic);
  }
  assert.deepEqual([...flows].sort(), ["branch", "indirect", "jump", "next", "system"]);
});
