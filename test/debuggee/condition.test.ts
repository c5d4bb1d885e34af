import assert from "node:assert/strict";
import test from "node:test";
import type { Instant, VirtualAddress } from "../../src/base/brand.ts";
import { UserError } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { conditionOf } from "../../src/debuggee/condition.ts";
import type { Scope } from "../../src/debuggee/expression.ts";
import { parseExpression } from "../../src/debuggee/expression-parser.ts";
import { Inspector } from "../../src/debuggee/inspector.ts";
import { ProgramMap } from "../../src/debuggee/program-map.ts";
import { DEFAULT_CONFIGURATION, FULL_ISA } from "../../src/machine/configuration.ts";
import type { Edit } from "../../src/machine/inlet.ts";
import { Machine } from "../../src/machine/machine.ts";
import { program } from "./harness.ts";

/** An instruction that writes nothing stands at a breakpoint, in a loop that has been translated. */
const GUEST = `
  .option arch, rv64gc
_start:
  li   t0, 3 << 13
  csrs mstatus, t0
loop:
  nop
here:
  addi t6, t6, 1
  j    loop
  .data
  .balign 4096
words:
  .dword 0x1122334455667788, -1, 0, 5
numbers:
  .double 1.5, -2.25
  .float 3.5, -0.5
  .dword 0
  .equ LIMIT, 10
`;

const SEED = Number(process.env.HINDCAST_SEED ?? 1);
const EXPRESSIONS = Number(process.env.HINDCAST_CONDITIONS ?? 400);
const STATES = 6;

class Stage {
  readonly machine: Machine;
  readonly inspector: Inspector;
  readonly here: VirtualAddress;
  readonly words: bigint;
  readonly scope: Scope;
  #events: Edit[] = [];

  constructor(engine: "interpreter" | "translator") {
    const loaded = program(GUEST);
    this.machine = new Machine({ ...DEFAULT_CONFIGURATION, isa: FULL_ISA, memoryBytes: 1 << 20 }, engine);
    this.machine.load(loaded);
    this.machine.inlet = {
      take: () => {
        const edit = this.#events.shift();
        return edit && { kind: "edit", instant: this.machine.instant, edit };
      },
      horizon: () => Number.POSITIVE_INFINITY,
    };
    const map = new ProgramMap([loaded]);
    this.inspector = new Inspector(this.machine, map);
    const at = (name: string) => loaded.symbols.find((symbol) => symbol.name === name)!.address;
    this.here = at("here");
    this.words = at("words");
    this.scope = {
      symbol: (name) => {
        const symbol = map.symbols.named(name);
        return symbol && { address: symbol.address, size: symbol.size, constant: symbol.kind === "absolute" };
      },
    };
    this.run(1000);
  }

  edit(edits: readonly Edit[]): void {
    this.#events = [...edits];
    this.machine.run(this.machine.instant, { departing: true });
  }

  run(steps: number) {
    return this.machine.run((this.machine.instant + steps) as Instant, { departing: true });
  }

  /** What the evaluator says at the breakpoint: holds, does not, or cannot be evaluated. */
  expected(text: string): boolean | "unanswered" {
    try {
      return this.inspector.condition(text)(this.inspector.surroundings(0));
    } catch (error) {
      assert.ok(error instanceof UserError, `${text}: ${error}`);
      return "unanswered";
    }
  }
}

function expression(prng: Prng, depth: number): string {
  const sub = (): string => expression(prng, depth - 1);
  const leaves = [
    () =>
      prng.pick([
        "a0",
        "a1",
        "a2",
        "sp",
        "t6",
        "zero",
        "pc",
        "hart",
        "priv",
        "instant & 0xff",
        "mtime",
        "LIMIT",
        "words",
      ]),
    () => prng.pick(["fa0", "fa1", "fa2", "fa0.s", "fa1.d", "fa2.x", "mscratch", "mepc", "mtvec.MODE"]),
    () => prng.pick(["0", "1", "-1", "2", "63", "64", "65", "0x8000000000000000", "0xffffffffffffffff", "LIMIT"]),
    () => prng.pick(["1.5", "0.0", "-2.25", "1e300"]),
    () =>
      `${prng.pick(["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"])}(words + ${prng.below(56)})`,
    () => `words[${prng.below(4)}]`,
    () => `((${prng.pick(["i8", "u16", "i32", "double"])}*)words)[${prng.below(6)}]`,
    () => prng.pick(["*(u64*)0x10", "*s0", "s0[1]", "*(u32*)s0", "&words[1]", "phys(words)[1]", "&*(u8*)s0"]),
  ];
  if (depth <= 0) return prng.pick(leaves)();
  switch (prng.below(8)) {
    case 0:
      return `${prng.pick(["-", "~", "!", "+"])}(${sub()})`;
    case 1:
      return `(${prng.pick(["u8", "i8", "u32", "i32", "u64", "i64", "f32", "f64", "u16*", "double*"])})(${sub()})`;
    case 2:
      return `(${sub()} ? ${sub()} : ${sub()})`;
    case 3:
      return `(${sub()} ${prng.pick(["&&", "||"])} ${sub()})`;
    case 4:
      return `(${sub()} ${prng.pick(["==", "!=", "<", "<=", ">", ">="])} ${sub()})`;
    default:
      return `(${sub()} ${prng.pick(["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"])} ${sub()})`;
  }
}

const VALUES = [0n, 1n, 2n, 5n, -1n, -2n, 63n, 64n, 1n << 31n, -(1n << 31n), 1n << 63n, (1n << 63n) - 1n, 0xffff_ffffn];
const FLOATS = [
  0x3ff8_0000_0000_0000n, // 1.5
  0x8000_0000_0000_0000n, // -0
  0x7ff0_0000_0000_0000n, // inf
  0x7ff8_0000_0000_0000n, // NaN
  0xc3f0_0000_0000_0000n, // beyond 64 bits
  0xffff_ffff_4020_0000n, // a single, 2.5
  0xffff_ffff_7fc0_0000n, // a single, NaN
  0n,
];

function randomState(prng: Prng, words: bigint): Edit[] {
  const value = () =>
    prng.below(3) === 0 ? prng.next64() >> BigInt(prng.below(64)) : BigInt.asUintN(64, prng.pick(VALUES));
  return [
    ...[10, 11, 12, 2].map((register): Edit => ({ target: "register", hart: 0, register, value: value() })),
    {
      target: "register",
      hart: 0,
      register: 8,
      value: prng.pick([words, words + 8n, words + 3n, 0n, 0x8000_0000n + (1n << 20n) - 4n, value()]),
    },
    ...[10, 11, 12].map(
      (register): Edit => ({ target: "float-register", hart: 0, register, value: prng.pick([...FLOATS, value()]) }),
    ),
    { target: "csr", hart: 0, csr: 0x340, value: value() },
  ];
}

for (const engine of ["interpreter", "translator"] as const) {
  test(`${engine}: conditions in WebAssembly say what their evaluation says, on random expressions and states`, () => {
    const prng = new Prng(SEED);
    const stage = new Stage(engine);
    const counts = { compiled: 0, left: 0, held: 0, failed: 0, unanswered: 0 };
    for (let round = 0; round < EXPRESSIONS; round++) {
      const text = expression(prng, prng.below(5));
      let condition: ReturnType<typeof conditionOf>;
      try {
        stage.inspector.compile(text);
        condition = conditionOf(parseExpression(text).root, stage.scope);
      } catch (error) {
        if (error instanceof UserError) continue;
        throw error;
      }
      if (condition === undefined) {
        counts.left++;
        continue;
      }
      counts.compiled++;
      const { here, machine } = stage;
      const filters = new Map([[here, [{ condition }]]]);
      for (let state = 0; state < STATES; state++) {
        // Up to the breakpoint, to know what is to be expected there.
        machine.setStops({ breakpoints: [here], watches: [], exceptions: [] });
        assert.equal(stage.run(10).kind, "breakpoint");
        stage.edit(randomState(prng, stage.words));
        const before = machine.digest();
        const { instant } = machine;
        const expected = stage.expected(text);
        counts[expected === "unanswered" ? "unanswered" : expected ? "held" : "failed"]++;
        machine.setStops({ breakpoints: [here], filters, watches: [], exceptions: [] });
        const stop = machine.run((instant + 3) as Instant, { departing: false });
        const where = `seed ${SEED}: ${text} at instant ${instant}`;
        const again = machine.instant === instant;
        assert.equal(stop.kind, again ? "breakpoint" : stop.kind, where);
        assert.equal(again, expected !== false, `${where}: ${expected}`);
        if (again) assert.equal(machine.digest(), before, `${where} left a trace`);
      }
    }
    assert.ok(counts.compiled > EXPRESSIONS / 4, JSON.stringify(counts));
    for (const count of [counts.held, counts.failed, counts.unanswered]) assert.ok(count > 20, JSON.stringify(counts));
  });
}
