import assert from "node:assert/strict";
import { test } from "node:test";
import { type Instant, virtualAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import type { MachineEvent } from "../../src/machine/inlet.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { Checkpoint, CheckpointParts } from "../../src/machine/machine-interface.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { Guest, INTERRUPTS, program, ScriptedInlet, SMALL, WORKER } from "./guests.ts";

const SEED = 9;

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

test("a guest prints, ends through the finisher, and stays ended", () => {
  const guest = new Guest(WORKER);
  assert.deepEqual(guest.run(), { kind: "finished", exitCode: 7, reset: false });
  assert.equal(guest.output, "tick\n".repeat(6));
  const { instant } = guest.machine;
  assert.deepEqual(guest.run(), { kind: "finished", exitCode: 7, reset: false });
  assert.equal(guest.machine.instant, instant);
});

test("the machine stops at any instant, and its state there does not depend on how it came", () => {
  const worker = program(WORKER);
  const prng = new Prng(SEED);
  const straight = new Guest(worker);
  straight.run();
  const { instant: end } = straight.machine;
  const pieces = new Guest(worker, "interpreter");
  const digests = new Map<number, string>();
  while (pieces.machine.instant < end) {
    const target = pieces.machine.instant + prng.pick([1, 2, 17, 333, 20_000]);
    if (pieces.run(target).kind === "finished") break;
    assert.equal(pieces.machine.instant, target);
    digests.set(target, pieces.machine.digest());
    if (prng.below(5) === 0) pieces.machine.checkpoint();
  }
  assert.equal(pieces.machine.digest(), straight.machine.digest());
  assert.deepEqual(pieces.outputInstants, straight.outputInstants);
  // The oracle is slow: it checks the first part.
  const oracle = new Guest(worker, "oracle");
  for (const [instant, digest] of digests) {
    if (instant > 40_000) break;
    oracle.run(instant);
    assert.equal(oracle.machine.digest(), digest, `instant ${instant}`);
  }
});

test("pages of what was placed in memory are not copied, those that have changed since are", () => {
  const code = new Uint8Array(3 * 4096).map((_, index) => index % 251);
  const image = (bytes: Uint8Array, physicalAddress: number) => {
    const segment = { physicalAddress, memoryBytes: bytes.length + 100, bytes };
    return { entry: virtualAddress(BigInt(physicalAddress)), segments: [segment] };
  };
  const machine = new Machine(SMALL);
  // From the middle of a page on: two whole pages, and parts of two others.
  machine.load(image(code, RAM_BASE + 4096 + 2048));
  machine.load(image(Uint8Array.of(1, 2, 3), RAM_BASE + 3 * 4096));
  const { pages } = machine.checkpoint();
  const isShared = [1, 2, 3, 4].map((page) => pages.get(page)?.bytes.buffer === code.buffer);
  assert.deepEqual(isShared, [false, true, false, false]);
  assert.deepEqual(pages.get(2)?.bytes, code.slice(2048, 2048 + 4096));
  assert.deepEqual([...pages.get(3)!.bytes.subarray(0, 4)], [1, 2, 3, 0]);
  // A small part of a large file does not keep the file.
  const other = new Machine(SMALL);
  other.load(image(code.subarray(0, 4096), RAM_BASE));
  assert.notEqual(other.checkpoint().pages.get(0)?.bytes.buffer, code.buffer);
});

test("a restored checkpoint has the digest that was saved, in any order, and runs on alike", () => {
  const guest = new Guest(WORKER);
  const prng = new Prng(SEED);
  const saved: { checkpoint: Checkpoint; digest: string }[] = [];
  for (let target = 0; target < 400_000; target += 1 + prng.below(60_000)) {
    guest.run(target);
    saved.push({ checkpoint: guest.machine.checkpoint(), digest: guest.machine.digest() });
  }
  guest.run();
  const final = guest.machine.digest();
  for (let round = 0; round < 40; round++) {
    const { checkpoint, digest } = prng.pick(saved);
    guest.machine.restore(checkpoint);
    assert.equal(guest.machine.digest(), digest);
    assert.equal(guest.machine.instant, checkpoint.instant);
    // Dirty a few pages before the next restore.
    guest.step(prng.below(5000));
  }
  guest.machine.restore(saved[1].checkpoint);
  guest.run();
  assert.equal(guest.machine.digest(), final);
});

test("a checkpoint taken apart and put together in another machine is the same state", () => {
  const worker = program(WORKER);
  const guest = new Guest(worker);
  const parts: (CheckpointParts & { digest: string })[] = [];
  let previous: Checkpoint | undefined;
  for (const target of [0, 50_000, 51_000, 200_000]) {
    guest.run(target);
    const checkpoint: Checkpoint = guest.machine.checkpoint();
    const pages = [...checkpoint.pages.changedSince(previous?.pages)].map(({ page, version }) => ({
      page,
      bytes: version?.bytes.slice(),
    }));
    parts.push({ instant: checkpoint.instant, state: checkpoint.state.slice(), pages, digest: guest.machine.digest() });
    previous = checkpoint;
  }
  assert.ok(parts[2].pages.length < parts[0].pages.length + 20, "only changed pages travel");
  const other = new Machine(SMALL);
  let base: Checkpoint | undefined;
  for (const { digest, ...part } of parts) {
    base = other.importCheckpoint(part, base);
    other.restore(base);
    assert.equal(other.digest(), digest);
  }
  guest.run();
  other.run(Number.MAX_SAFE_INTEGER as Instant, { departing: true });
  assert.equal(other.digest(), guest.machine.digest());
});

test("one bit of difference in memory, a register, a CSR or a device changes the digest", () => {
  const base = new Guest(WORKER).machine.digest();
  const events: MachineEvent[] = (
    [
      { target: "register", hart: 0, register: 5, value: 1n },
      { target: "csr", hart: 0, csr: 0x340, value: 1n },
      { target: "pc", hart: 0, value: BigInt(RAM_BASE + 2) },
      { target: "memory", address: (RAM_BASE + 0xf_f000) as never, bytes: Uint8Array.of(1) },
    ] as const
  ).map((edit) => ({ kind: "edit", instant: 0 as Instant, edit }));
  events.push({ kind: "console-input", instant: 0 as Instant, bytes: bytes("x") });
  events.push({ kind: "idle-jump", instant: 0 as Instant, ticks: 1 });
  const digests = events.map((event) => {
    const guest = new Guest(WORKER);
    guest.machine.inlet = new ScriptedInlet([event]);
    guest.run(0);
    return guest.machine.digest();
  });
  assert.equal(new Set([base, ...digests]).size, events.length + 1);
});

for (const engine of ["interpreter", "translator", "oracle"] as const) {
  test(`${engine}: timer and console interrupts come at their instants, wfi passes idle time`, () => {
    const at = (instant: number, text: string): MachineEvent => ({
      kind: "console-input",
      instant: instant as Instant,
      bytes: bytes(text),
    });
    const events = [at(100, "a"), at(333, "bc"), at(1500, "q")];
    const guest = new Guest(INTERRUPTS, engine);
    const inlet = new ScriptedInlet(events);
    guest.machine.inlet = inlet;
    assert.deepEqual(guest.run(), { kind: "finished", exitCode: 0, reset: false });
    assert.equal(guest.output, "abcq");
    const ticks = guest.word(guest.at("ticks"));
    assert.ok(ticks > 20n, `${ticks} timer interrupts in ${guest.machine.instant} steps: time was not passed`);
    // Time has run ahead of the steps: 500 ticks an interrupt, though only some twenty steps were taken for each.
    assert.ok(guest.machine.time >= ticks * 500n);
  });
}

test("interrupts, idle jumps and input give the same state from every checkpoint, in all engines", () => {
  const events: MachineEvent[] = [
    { kind: "console-input", instant: 211 as Instant, bytes: bytes("hello") },
    { kind: "console-input", instant: 1800 as Instant, bytes: bytes("!q") },
  ];
  const guestProgram = program(INTERRUPTS);
  const run = (engine: "interpreter" | "translator" | "oracle") => {
    const guest = new Guest(guestProgram, engine);
    const inlet = new ScriptedInlet(events);
    guest.machine.inlet = inlet;
    const trail: { instant: number; digest: string; checkpoint: Checkpoint }[] = [];
    for (let target = 0; ; target += 7) {
      const stop = guest.run(target);
      trail.push({
        instant: guest.machine.instant,
        digest: guest.machine.digest(),
        checkpoint: guest.machine.checkpoint(),
      });
      if (stop.kind === "finished") return { guest, inlet, trail };
      assert.equal(stop.kind, "reached");
    }
  };
  const { guest, inlet, trail } = run("interpreter");
  const judged = run("oracle").trail;
  assert.deepEqual(
    trail.map(({ digest }) => digest),
    judged.map(({ digest }) => digest),
  );
  const final = guest.machine.digest();
  for (const { checkpoint } of trail.filter((_, index) => index % 17 === 0)) {
    guest.machine.restore(checkpoint);
    inlet.rewind(checkpoint.instant);
    guest.run();
    assert.equal(guest.machine.digest(), final, `from instant ${checkpoint.instant}`);
  }
});

// The deadline was once reckoned from the stored offset of mtime: with mtime beyond 2^63 slices ran past it, and once
// mtime had wrapped it lay in the past, which broke an assertion.
test("the timer interrupt comes at its instant wherever software has set mtime, and after mtime has wrapped", () => {
  const timer = (setup: string) => `
  la   t0, handler
  csrw mtvec, t0
  li   t1, 0x2004000
  li   t2, 0x200bff8
  ${setup}
  li   t0, 128
  csrw mie, t0
  csrsi mstatus, 8
1:
  addi s0, s0, 1
  j    1b
  .balign 4
handler:
  csrr s1, mcycle
  csrw mie, zero
  mret
`;
  const setups = [
    "li t0, 0x8000000000000005\n sd t0, 0(t2)\n addi t0, t0, 20\n sd t0, 0(t1)",
    "li t0, -20\n sd t0, 0(t2)\n li t3, 10\n sd t3, 0(t1)\n 1: ld t0, 0(t2)\n bltz t0, 1b",
    "li t0, -10\n sd t0, 0(t2)\n li t3, -1\n sd t3, 0(t1)",
  ];
  for (const setup of setups) {
    const [stepwise, straight] = [new Guest(timer(setup)), new Guest(timer(setup))];
    while (stepwise.machine.instant < 5000) stepwise.step(7);
    straight.run(stepwise.machine.instant);
    assert.ok(stepwise.register(9) > 800n, `${setup}: interrupt at ${stepwise.register(9)}`);
    assert.equal(straight.register(9), stepwise.register(9), setup);
    assert.equal(straight.machine.digest(), stepwise.machine.digest(), setup);
  }
});

test("idle time passes up to the end of mtime and beyond", () => {
  const guest = new Guest(`
  la   t0, handler
  csrw mtvec, t0
  li   t1, 0x2004000
  li   t2, 0x200bff8
  li   t0, -10
  sd   t0, 0(t1)
  li   t0, 128
  csrw mie, t0
  csrsi mstatus, 8
1:
  wfi
  j    1b
  .balign 4
handler:
  ld   t0, 0(t2)
  addi t0, t0, 100
  sd   t0, 0(t1)
  addi s2, s2, 1
  mret
`);
  assert.deepEqual(guest.run(5000), { kind: "reached" });
  assert.ok(guest.register(18) > 500n, `${guest.register(18)} interrupts`);
});

test("a paced clock waits with the ticks that are missing, and goes on after the idle jump", () => {
  const guest = new Guest(INTERRUPTS, "auto", { clock: "paced" });
  const stop = guest.run();
  assert.equal(stop.kind, "waiting");
  assert.ok(stop.kind === "waiting" && stop.ticks !== undefined && stop.ticks > 0 && stop.ticks <= 500);
  const ticks = stop.ticks ?? 0;
  const { instant } = guest.machine;
  guest.machine.inlet = new ScriptedInlet([{ kind: "idle-jump", instant, ticks: ticks - 1 }]);
  assert.deepEqual(guest.run(), { kind: "waiting", ticks: 1 });
  guest.machine.inlet = new ScriptedInlet([{ kind: "idle-jump", instant, ticks: 1 }]);
  guest.step(1);
  assert.equal(guest.machine.instant, instant + 1);
});

test("a guest that waits for nothing says so, and takes up again when a key comes", () => {
  const guest = new Guest(INTERRUPTS.replace("li   t0, (1 << 7) | (1 << 11)", "li   t0, 1 << 11"));
  assert.deepEqual(guest.run(), { kind: "waiting" });
  const { instant } = guest.machine;
  guest.machine.inlet = new ScriptedInlet([{ kind: "console-input", instant, bytes: bytes("q") }]);
  assert.equal(guest.run().kind, "finished");
  assert.equal(guest.output, "q");
});

test("the counters count steps and retired instructions, and read back what was written", () => {
  const guest = new Guest(`
  la    t0, handler
  csrw  mtvec, t0
  csrr  s0, mcycle      # step 3 (la is two)
  csrr  s1, minstret
  ecall
  csrr  s2, mcycle
  csrr  s3, minstret
  li    t0, 1000
  csrw  mcycle, t0
  csrr  s4, mcycle
  csrw  minstret, t0
  nop
  csrr  s5, minstret
  csrr  s6, time
1:
  j     1b
  .balign 4
handler:
  csrr  t0, mepc
  addi  t0, t0, 4
  csrw  mepc, t0
  mret
`);
  guest.step(40);
  const [cycle, instret] = [guest.register(8), guest.register(9)];
  assert.equal(cycle, 3n);
  assert.equal(instret, 4n);
  // ecall is a step that retires nothing; the handler takes four.
  assert.equal(guest.register(18) - cycle, 7n);
  assert.equal(guest.register(19) - instret, 6n);
  assert.equal(guest.register(20), 1000n);
  assert.equal(guest.register(21), 1001n);
  assert.equal(guest.register(22), 0n);
});

test("an edited counter shows what it was set to", () => {
  const guest = new Guest("1: j 1b");
  guest.run(10);
  const { instant } = guest.machine;
  const [mcycle, minstret] = [0xb00, 0xb02];
  guest.machine.inlet = new ScriptedInlet(
    [mcycle, minstret].map((csr) => ({ kind: "edit", instant, edit: { target: "csr", hart: 0, csr, value: 1000n } })),
  );
  guest.run(10);
  assert.deepEqual(
    [mcycle, minstret].map((csr) => guest.machine.harts[0].csr(csr)),
    [1000n, 1000n],
  );
});

test("an atomic operation that a device refuses is a store access fault, reading being what it refuses", () => {
  for (const engine of ["interpreter", "translator", "oracle"] as const) {
    const guest = new Guest("li a0, 0xc000000\n amoadd.d a1, a0, (a0)", engine);
    assert.deepEqual(guest.run(), { kind: "unhandled-trap", hart: 0, cause: 7, tval: 0xc00_0000n });
  }
});

test("self-modifying code takes effect at once, in the line being executed too", () => {
  for (const engine of ["interpreter", "translator", "oracle"] as const) {
    const guest = new Guest(
      `
  .option norvc
  la   t0, patch
  lw   t1, replacement
  li   s0, 0
  li   s1, 3
loop:
  sw   t1, 0(t0)
patch:
  addi s0, s0, 1
  lw   t1, original
  addi s1, s1, -1
  bnez s1, loop
1:
  j    1b
replacement:
  addi s0, s0, 100
original:
  addi s0, s0, 1
`,
      engine,
    );
    guest.step(60);
    assert.equal(guest.register(8), 102n, engine);
  }
});

test("a program that does not fit is refused with both ranges, a configuration with what is possible", () => {
  const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 64 * 1024 });
  const segment = (physicalAddress: number, memoryBytes: number) => ({
    entry: BigInt(RAM_BASE) as never,
    segments: [{ physicalAddress, bytes: new Uint8Array(4), memoryBytes }],
  });
  assert.throws(() => machine.load(segment(RAM_BASE, 64 * 1024 + 1)), /0x80000000 to 0x80010000.*more memory/);
  assert.throws(() => machine.load(segment(0x1_0000, 4)), /0x10000 to 0x10003.*link it/);
  assert.throws(() => new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1000 }), /multiple of 4 KiB/);
  assert.throws(() => new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 4 * 1024 ** 3 }), /up to 3 GiB/);
  assert.throws(() => new Machine({ ...DEFAULT_CONFIGURATION, harts: 9 }), /1 to 8/);
  assert.throws(() => new Machine({ ...DEFAULT_CONFIGURATION, isa: "rv32i" }), /rv32i is not supported/);
});

test("the reset command of the finisher is told apart from an end", () => {
  const guest = new Guest("li t0, 0x100000\nli t1, 0x7777\nsw t1, 0(t0)\n1: j 1b");
  assert.deepEqual(guest.run(), { kind: "finished", exitCode: 0, reset: true });
});

test("a guest that jumps out of memory, or to the end of it, traps where it is and nothing breaks", () => {
  const out = new Guest("li t0, 0x1000\njr t0");
  assert.deepEqual(out.run(), { kind: "unhandled-trap", hart: 0, cause: 1, tval: 0x1000n });
  assert.equal(out.machine.harts[0].pc, 0x1000n);
  // Two bytes of a four-byte instruction fit: the other half is what faults.
  const end = RAM_BASE + SMALL.memoryBytes;
  const edge = new Guest(`li t0, ${end - 2}\nli t1, 3\nsh t1, 0(t0)\njr t0`);
  assert.deepEqual(edge.run(), { kind: "unhandled-trap", hart: 0, cause: 1, tval: BigInt(end) });
});
