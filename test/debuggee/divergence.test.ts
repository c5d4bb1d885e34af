import assert from "node:assert/strict";
import test from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { compareSides, findDivergence } from "../../src/debuggee/divergence.ts";
import type { DivergenceFinding, FindOptions, SidePair } from "../../src/debuggee/divergence-protocol.ts";
import { type RunAsker, RunProbe } from "../../src/debuggee/run-probe.ts";
import { finish } from "../../src/host/motion-driver.ts";
import { answer, askerOf } from "../../src/host/run-probes.ts";
import { type DivergenceSource, differ } from "../../src/lockstep/divergence-sources.ts";
import { DEFAULT_CONFIGURATION, type MachineConfiguration } from "../../src/machine/configuration.ts";
import type { Edit } from "../../src/machine/inlet.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { computing } from "../lockstep/guests.ts";
import { virtioGuest } from "../machine/virtio-guest.ts";
import { lineOf, program } from "./harness.ts";

interface Side {
  readonly guest: string;
  readonly board?: Partial<MachineConfiguration>;
  readonly diverge?: readonly DivergenceSource[];
  readonly seed?: number;
  /** What is changed from outside, and when. */
  readonly edit?: { readonly at: number; readonly edit: Edit };
  readonly input?: { readonly at: number; readonly text: string };
  readonly limit?: number;
}

const LIMIT = 5_000_000;

/** A run to its end, or to a limit. */
function record({ guest, board, diverge = [], seed = 3, edit, input, limit = LIMIT }: Side): RunProbe {
  const loaded = program(guest);
  const configuration = { ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, ...board };
  const differing = differ(configuration, diverge, seed);
  const disks = configuration.disks.map(({ sizeBytes }) => ({
    sizeBytes,
    read: (_offset: number, length: number) => new Uint8Array(length),
  }));
  const machine = new Machine(differing.configuration, "auto", disks);
  machine.load(loaded);
  const timeline = Timeline.record(machine);
  const runTo = (to: number) => {
    for (const { waiting } of timeline.forward({ stops: NO_STOPS, limit: to as Instant })) if (waiting) break;
  };
  if (differing.skew.ticks > 0) timeline.idle(differing.skew.ticks);
  if (edit !== undefined) {
    runTo(edit.at);
    timeline.edit(edit.edit);
  }
  if (input !== undefined) {
    runTo(input.at);
    timeline.input(new TextEncoder().encode(input.text));
  }
  runTo(limit);
  timeline.close();
  return new RunProbe(timeline, [loaded], guest);
}

function asker(probe: RunProbe): RunAsker {
  return askerOf(async (question, args) => {
    // As from another thread.
    const given = structuredClone(args);
    return structuredClone(answer(probe, question, given, finish));
  });
}

async function find(left: Side, right: Side, options?: FindOptions): Promise<DivergenceFinding> {
  const finding = await findDivergence({ left: asker(record(left)), right: asker(record(right)) }, options);
  if (process.env.SHOW !== undefined) show(finding);
  return finding;
}

function show(finding: DivergenceFinding): void {
  const text = JSON.stringify(
    finding,
    (_, value) =>
      typeof value === "bigint" ? `0x${value.toString(16)}` : value instanceof Uint8Array ? [...value].join() : value,
    1,
  );
  console.log(text);
}

const lines = ({ divergent }: DivergenceFinding): SidePair<number | undefined> => ({
  left: divergent?.left.source?.line,
  right: divergent?.right.source?.line,
});

const both = (line: number) => ({ left: line, right: line });

const UART = ".equ UART, 0x10000000\n.equ FINISHER, 0x100000\n";
const END = `
        li      t0, FINISHER
        li      t1, 0x5555
        sw      t1, 0(t0)
        j       .
`;
const STIRRED = computing(60, { seed: 12345 });

test("runs that are alike are told to be, and where they end", async () => {
  const finding = await find({ guest: STIRRED }, { guest: STIRRED });
  assert.equal(finding.kind, "none");
  assert.equal(finding.equalOutputs, 61);
  assert.equal(finding.divergent, undefined);
  assert.equal(finding.lastAgreement.left, finding.lastAgreement.right);
  assert.ok(finding.lastAgreement.left > 100_000);
});

test("a bit that flips in a register is found at its instant, whatever it has stirred up since", async () => {
  const edit: Edit = { target: "register", hart: 0, register: 9, value: 0n };
  const finding = await find({ guest: STIRRED }, { guest: STIRRED, edit: { at: 70_001, edit } });
  assert.equal(finding.kind, "difference");
  assert.equal(finding.level, "output");
  assert.deepEqual(finding.lastAgreement, { left: 70_000, right: 70_000 });
  assert.equal(finding.divergent?.cause, "edit");
  assert.equal(finding.divergent.right.instant, 70_001);
  assert.match(finding.divergent.why, /^s1 was changed from outside in B at instant 70001, by no instruction/);
  assert.equal(finding.divergent.differences[0].name, "s1");
});

test("a bit that flips in memory is found where it flipped, not where it is read", async () => {
  const guest = `${UART}
_start: la      s1, kept
        li      t0, 3000
1:      addi    t0, t0, -1
        bnez    t0, 1b
        ld      a0, 0(s1)
        addi    a0, a0, 1
        li      s2, UART
        sb      a0, 0(s2)
${END}
        .data
        .balign 8
kept:   .dword  0x40
`;
  const address = program(guest).symbols.find(({ name }) => name === "kept")!.address;
  const edit: Edit = { target: "memory", address: Number(address) as never, bytes: Uint8Array.of(0x44) };
  const finding = await find({ guest }, { guest, edit: { at: 1234, edit } });
  assert.equal(finding.divergent?.cause, "edit");
  assert.equal(finding.divergent.right.instant, 1234);
  assert.equal(finding.divergent.left.instant, 1234);
  assert.match(finding.divergent.why, /^kept had bit 2 flipped in B at instant 1234/);
  assert.deepEqual(finding.lastAgreement, { left: 1233, right: 1233 });
  assert.equal(finding.output?.leftText, "A");
});

test("another word of entropy is traced back from the output to where the device gave it", async () => {
  const guest = virtioGuest({ transport: "modern", entropy: true, rounds: 24 });
  const board = { disks: [{ sizeBytes: 64 * 512, readOnly: false }] };
  const finding = await find({ guest, board }, { guest, board, diverge: ["entropy"] });
  assert.equal(finding.level, "output");
  assert.equal(finding.divergent?.cause, "entropy");
  assert.match(finding.divergent.why, /^B was given another word from the entropy device/);
  assert.match(finding.divergent.left.text, /^s[wh] /);
});

test("a time that is printed is traced back to the instruction that read it, over a harmless shift", async () => {
  const guest = `${UART}
_start: li      s2, UART
        rdtime  s3                    # @read
        li      t0, 5000
1:      addi    t0, t0, -1
        bnez    t0, 1b
        andi    a0, s3, 63
        addi    a0, a0, 0x20
        sb      a0, 0(s2)
${END}`;
  const finding = await find({ guest }, { guest, diverge: ["time"] });
  assert.equal(finding.divergent?.cause, "time");
  assert.deepEqual(lines(finding), both(lineOf(guest, "read")));
  assert.ok((finding.shift.ticks ?? 0n) > 0n);
});

test("memory that nobody has written is told where it is read", async () => {
  const guest = `${UART}
_start: li      s2, UART
        li      s3, 0x80080000
        li      t0, 500
1:      addi    t0, t0, -1
        bnez    t0, 1b
        lbu     a0, 5(s3)             # @read
        mv      a1, a0
        sb      a1, 0(s2)
${END}`;
  const finding = await find({ guest }, { guest, diverge: ["memory"] });
  assert.equal(finding.divergent?.cause, "uninitialised");
  assert.deepEqual(lines(finding), both(lineOf(guest, "read")));
  assert.ok((finding.shift.pages ?? 0) > 100);
});

/** Two harts write their number to the same word, at their own pace; hart 0 prints what it finds. */
const RACE = `${UART}
_start: la      s1, shared
        la      s4, done
        li      t0, 7000
        mul     t0, t0, a0
        li      t1, 4000
        add     t0, t0, t1
1:      addi    t0, t0, -1
        bnez    t0, 1b
        addi    t1, a0, '0'
        sd      t1, 0(s1)             # @write
        li      t2, 1
        amoadd.d zero, t2, (s4)
        bnez    a0, .
        li      t0, 9000
2:      addi    t0, t0, -1
        bnez    t0, 2b
        ld      a1, 0(s1)             # @read
        li      s2, UART
        sb      a1, 0(s2)
${END}
        .bss
        .balign 8
shared: .dword  0
done:   .dword  0
`;

test("harts that come to a word in another order are told by the read that shows it", async () => {
  let found = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const board = { harts: 2 };
    const finding = await find({ guest: RACE, board }, { guest: RACE, board, diverge: ["harts"], seed });
    assert.equal(finding.kind, "difference", "the interleaving is another one");
    assert.notEqual(finding.shift.turnSteps, undefined);
    if (finding.level !== "output") {
      assert.equal(finding.divergent?.cause, "order");
      continue;
    }
    found++;
    assert.equal(finding.divergent?.cause, "order", finding.divergent?.why);
    assert.deepEqual(lines(finding), both(lineOf(RACE, "read")));
    assert.match(finding.divergent.why, /shared in another order of harts: in A hart \d wrote/);
  }
  assert.ok(found > 0, "no seed shows the race");
});

test("a branch that is decided otherwise is followed back to what decided it", async () => {
  const guest = `${UART}
_start: li      s2, UART
        li      s3, 0x80080000
        li      a0, '.'
        sb      a0, 0(s2)
        lbu     s4, 3(s3)             # @read
        li      t0, 300
1:      addi    t0, t0, -1
        bnez    t0, 1b
        beqz    s4, none              # @branch
        li      a0, 'n'
        call    print
        j       end
none:   li      a0, 'z'
        call    print
end:
${END}
print:  sb      a0, 0(s2)
        ret
`;
  const finding = await find({ guest }, { guest, diverge: ["memory"] });
  assert.equal(finding.divergent?.cause, "uninitialised");
  assert.deepEqual(lines(finding), both(lineOf(guest, "read")));
  const flow = finding.chain.find(({ kind }) => kind === "flow");
  assert.equal(flow?.left?.source?.line, lineOf(guest, "branch"));
});

test("a good and a bad build part where their code does", async () => {
  const build = (bad: boolean) => `${UART}
_start: la      sp, stack
        li      s2, UART
        li      s0, 0
1:      mv      a0, s0
        call    square
        li      t0, 10
        remu    a0, a0, t0
        addi    a0, a0, '0'
        sb      a0, 0(s2)
        addi    s0, s0, 1
        li      t0, 8
        bne     s0, t0, 1b
${END}
        .type   square, @function
square:
        ${bad ? "li t0, 7" : "nop"}
        ${bad ? "beq a0, t0, 2f" : "nop"}
        mul     a0, a0, a0
2:      ret
        .bss
        .balign 16
        .space  128
stack:
`;
  const finding = await find({ guest: build(false) }, { guest: build(true) });
  assert.equal(finding.level, "output");
  assert.equal(finding.divergent?.cause, "program", finding.divergent?.why);
  assert.match(finding.divergent.left.symbol, /^square/);
  assert.equal(finding.output?.leftText, "01496569");
});

test("input that one of them was given is named, though nothing of it shows", async () => {
  const finding = await find({ guest: STIRRED }, { guest: STIRRED, input: { at: 5000, text: "x" } });
  assert.equal(finding.level, "inside");
  assert.equal(finding.divergent?.cause, "input");
  assert.equal(finding.divergent.right.instant, 5001);
});

test("machines of other memory or with other harts are refused", async () => {
  const guest = STIRRED;
  await assert.rejects(find({ guest }, { guest, board: { memoryBytes: 1 << 21 } }), /differ in their memory: 1 MiB/);
  await assert.rejects(find({ guest }, { guest, board: { harts: 2 } }), /number of harts: 1 in the first, 2/);
});

test("two states side by side: registers and words that differ", async () => {
  const left = asker(record({ guest: STIRRED }));
  const right = asker(record({ guest: STIRRED }));
  const same = await compareSides({ left, right }, { left: 5000, right: 5000 });
  assert.ok(same.equal);
  const other = await compareSides({ left, right }, { left: 5000, right: 5040 });
  assert.equal(other.equal, false);
  assert.ok(other.registers.some(({ name }) => name === "s1"));
  assert.ok(other.words.length >= 1);
  assert.equal(other.left.instant, 5000);
  await assert.rejects(compareSides({ left, right }, { left: 5000, right: 1e9 }), /no instant 1000000000/);
});
