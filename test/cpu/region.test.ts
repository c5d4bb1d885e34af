import assert from "node:assert/strict";
import { test } from "node:test";
import type { Program } from "../../src/assembler/program.ts";
import { type Block, type Edge, type ExecutedCode, edgesOf, growRegion, type Region } from "../../src/cpu/region.ts";
import { decode, instructionLength } from "../../src/isa/decode.ts";
import { program, symbol } from "../machine/guests.ts";

/** The code of a program, seen from a symbol as if all of it had been executed, but for what `cold` names. */
class Code implements ExecutedCode {
  readonly program: Program;
  readonly origin: number;
  readonly #arrivals: number;
  readonly #targets: readonly string[];

  constructor(source: string, { from = "entry", arrivals = 1000, targets = [] as readonly string[] } = {}) {
    this.program = program(source);
    this.origin = Number(symbol(this.program, from));
    this.#arrivals = arrivals;
    this.#targets = targets;
  }

  distance(name: string): number {
    return Number(symbol(this.program, name)) - this.origin;
  }

  at(pc: number) {
    const [{ bytes, physicalAddress }] = this.program.segments;
    const offset = this.origin + pc - physicalAddress;
    if (offset < 0 || offset + 2 > bytes.length) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const low = view.getUint16(offset, true);
    const decoded = decode(instructionLength(low) === 2 ? low : view.getUint32(offset, true));
    return decoded && { decoded, pc, place: offset };
  }

  arrivals(): number {
    return this.#arrivals;
  }

  targets(): number[] {
    return this.#targets.map((name) => this.distance(name));
  }
}

/** What must hold for every region: blocks are straight lines, and what follows them is where their edges lead. */
function check({ entry, blocks }: Region): void {
  assert.ok(blocks.includes(entry));
  for (const { pc, context, instructions, ending } of blocks) {
    let next = pc;
    for (const placed of instructions) {
      assert.equal(placed.pc, next);
      next += placed.decoded.length;
    }
    const leads = (edge: Edge, to: number): void => {
      assert.equal(edge.exit, to);
      if (edge.to !== undefined) assert.equal(edge.to.pc, to);
    };
    if (ending.kind === "branch") {
      const last = instructions[instructions.length - 1];
      leads(ending.taken, last.pc + last.decoded.imm);
      leads(ending.otherwise, next);
    } else if (ending.kind === "leave") assert.equal(ending.pc, next);
    else if (ending.kind === "indirect") for (const { target, edge } of ending.known) leads(edge, target);
    const others = new Set(blocks.filter((block) => block.context === context).map((block) => block.pc));
    for (const placed of instructions.slice(1)) assert.ok(!others.has(placed.pc), "no block begins within another");
  }
}

function grow(code: Code): { region: Region; contexts: (name: string) => Block[] } {
  const region = growRegion(code);
  check(region);
  return { region, contexts: (name) => region.blocks.filter(({ pc }) => pc === code.distance(name)) };
}

const CALLS = `
entry:
  jal  leaf
  addi a0, a0, 1
  jal  leaf
  addi a0, a0, 2
  bnez a0, entry
  ecall
leaf:
  addi a1, a1, 1
  ret
`;

test("a hot call is brought in, once for each place that calls, and returns there", () => {
  const code = new Code(CALLS);
  const { region, contexts } = grow(code);
  const leaves = contexts("leaf");
  assert.equal(leaves.length, 2);
  for (const { ending } of leaves) {
    assert.ok(ending.kind === "indirect" && ending.known.length === 1);
    const [{ target, edge }] = ending.known;
    assert.equal(edge.to?.pc, target);
    assert.equal(edge.to?.context, region.entry.context);
  }
  const ends = region.blocks.map(({ ending }) => ending.kind);
  assert.equal(ends.filter((kind) => kind === "leave").length, 1, "ecall is left to the interpreter");
});

test("CSRs, fences and pauses are part of a block; what ends a mode, or touches floating point's state, is left", () => {
  const inside = ["csrrw a0, sscratch, a0", "csrr t0, sepc", "csrsi sstatus, 2", "sfence.vma", "fence.i", "pause"];
  for (const left of ["sret", "wfi", "csrw fcsr, a0", "csrw mstatus, a0", "cbo.zero 0(a0)"]) {
    const { region } = grow(new Code(["entry:", ...inside, left].join("\n")));
    assert.equal(region.entry.instructions.length, inside.length, left);
    assert.equal(region.entry.ending.kind, "leave", left);
  }
});

test("a cold call leaves the region", () => {
  const { region, contexts } = grow(new Code(CALLS, { arrivals: 1 }));
  assert.equal(contexts("leaf").length, 0);
  assert.ok(edgesOf(region.entry)[0].to === undefined);
});

test("a recursive call goes to the code that is there, and is not brought in elsewhere", () => {
  const source = "entry: jal f\n ecall\nf: beqz a0, done\n mv s1, ra\n jal f\nback: mv ra, s1\n jal f\ndone: ret";
  assert.equal(grow(new Code(source)).contexts("f").length, 0);
  const { region, contexts } = grow(new Code(source, { from: "f", targets: ["back"] }));
  assert.deepEqual(contexts("f"), [region.entry]);
  const calls = region.blocks.filter(({ ending }) => ending.kind === "jump" && ending.edge.to === region.entry);
  assert.equal(calls.length, 2);
});

test("what jumps to addresses in registers goes on where it was seen to go", () => {
  const code = new Code("entry: jr a0\none: addi a1, a1, 1\n j entry\ntwo: addi a1, a1, 2\n j entry", {
    targets: ["one", "two"],
  });
  const { region } = grow(code);
  const ending = region.entry.ending;
  assert.ok(ending.kind === "indirect");
  assert.deepEqual(
    ending.known.map(({ edge }) => edge.to?.pc),
    [code.distance("one"), code.distance("two")],
  );
});

test("jumps into the midst of a block cut it, jumps into the midst of an instruction do not", () => {
  const midst = "entry: addi a0, a0, 1\nmidst: addi a0, a0, 2\n addi a0, a0, 3\n bnez a0, midst\n j entry";
  assert.equal(grow(new Code(midst)).contexts("midst").length, 1);
  // The upper half of lui is c.addi: both are executed.
  grow(new Code("entry: .option norvc\n lui a0, 0x5051\n beqz a1, entry + 2\n j entry"));
});

test("a region is bounded, and so are its straight lines", () => {
  const long = new Code(`entry: ${"add a0, a0, a1\n".repeat(9000)} j entry`);
  const { region } = grow(long);
  const total = region.blocks.reduce((sum, { instructions }) => sum + instructions.length, 0);
  assert.ok(total > 2000 && total < 4000, `${total} instructions`);
  assert.ok(region.blocks.every(({ instructions }) => instructions.length <= 200));
  const tree = Array.from({ length: 40 }, (_, index) => `f${index}: jal f${index + 1}\n jal f${index + 1}\n ret`);
  const calls = grow(new Code(`entry: jal f0\n j entry\n${tree.join("\n")}\nf40: ret`)).region.blocks;
  assert.ok(calls.length < 2000, `${calls.length} blocks of calls within calls`);
});
