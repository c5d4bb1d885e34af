import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import type { EngineChoice } from "../../src/machine/configuration.ts";
import type { MachineStop } from "../../src/machine/stop.ts";
import { Guest, INTERRUPTS, physical, program, ScriptedInlet, WORKER } from "./guests.ts";

const ENGINES: readonly EngineChoice[] = ["interpreter", "translator", "oracle"];

const LOOP = `
  la   a0, cell
  li   a1, 5
loop:
  sd   a1, 0(a0)
after:
  ld   a2, 0(a0)
  addi a1, a1, -1
  bnez a1, loop
done:
  j    done
  .data
  .balign 8
  .space 4
neighbour:
  .word 0
cell:
  .dword 0
`;

for (const engine of ENGINES) {
  test(`${engine}: a breakpoint stops before the instruction, each time, and is left by departing`, () => {
    const guest = new Guest(LOOP, engine);
    const loop = guest.at("loop");
    guest.stops({ breakpoints: [loop] });
    const instants: number[] = [];
    for (let pass = 0; pass < 5; pass++) {
      assert.deepEqual(guest.run(), { kind: "breakpoint", hart: 0, pc: loop });
      assert.equal(guest.machine.harts[0].pc, loop);
      instants.push(guest.machine.instant);
    }
    assert.deepEqual(guest.run(1000), { kind: "reached" });
    assert.deepEqual(
      instants.map((instant) => instant - instants[0]),
      [0, 4, 8, 12, 16],
    );
  });

  test(`${engine}: a breakpoint where a run ended is neither missed nor hit twice`, () => {
    const guest = new Guest(LOOP, engine);
    guest.stops({ breakpoints: [guest.at("loop")] });
    guest.run();
    const { instant } = guest.machine;
    const again = new Guest(LOOP, engine);
    again.stops({ breakpoints: [guest.at("loop")] });
    assert.deepEqual(again.run(instant), { kind: "reached" });
    assert.equal(again.run(undefined, false).kind, "breakpoint");
    assert.equal(again.machine.instant, instant);
    assert.equal(again.run(undefined, false).kind, "breakpoint");
    assert.equal(again.machine.instant, instant);
    again.run();
    assert.equal(again.machine.instant, instant + 4);
  });

  // A store to the page once gave it a read tag, and the reads that were watched went past the watch.
  test(`${engine}: a watch for reads sees reads that follow writes to its page`, () => {
    const guest = new Guest(
      "la a1, cell\n la a2, other\n sd a1, 0(a1)\n ld a0, 0(a1)\n sd a1, 0(a2)\n ld a0, 0(a1)\n .data\n cell: .dword 0\n other: .dword 0\n",
      engine,
    );
    guest.stops({ watches: [{ address: physical(guest.at("cell")), length: 8, access: "read" }] });
    const kinds = [1, 2].map(() => {
      const stop = guest.run(100);
      return stop.kind === "watch" ? stop.hits[0].access : stop.kind;
    });
    assert.deepEqual(kinds, ["read", "read"]);
  });

  // A step over a line departs from an instruction without a breakpoint to one with a breakpoint right behind it, in
  // code that has run before. The interpreter once let the first breakpoint pass, wherever it stood.
  test(`${engine}: departing passes the breakpoint of the first instruction only`, () => {
    const guest = new Guest(LOOP, engine);
    guest.run(40);
    const next = guest.machine.harts[0].pc;
    const again = new Guest(LOOP, engine);
    again.run(39);
    again.stops({ breakpoints: [next] });
    assert.deepEqual(again.run(100), { kind: "breakpoint", hart: 0, pc: next });
    assert.equal(again.machine.instant, 40);
  });

  // A key that was typed while the guest slept at wfi, where the user had stopped it, once led past the breakpoint in its
  // handler: the handler's first instruction was taken for the one that the user resumed from.
  test(`${engine}: departing does not pass a breakpoint that an interrupt leads to`, () => {
    const guest = new Guest(INTERRUPTS.replace("li   t0, (1 << 7) | (1 << 11)", "li   t0, 1 << 11"), engine);
    assert.deepEqual(guest.run(), { kind: "waiting" });
    const { instant } = guest.machine;
    guest.stops({ breakpoints: [guest.at("handler")] });
    guest.machine.inlet = new ScriptedInlet([{ kind: "console-input", instant, bytes: Uint8Array.of(0x61) }]);
    assert.deepEqual(guest.run(), { kind: "breakpoint", hart: 0, pc: guest.at("handler") });
    assert.equal(guest.machine.instant, instant);
  });

  test(`${engine}: a breakpoint at an odd address, where nothing begins, is not met`, () => {
    const guest = new Guest(LOOP, engine);
    guest.step(3);
    guest.stops({ breakpoints: [(guest.at("loop") + 1n) as never] });
    assert.deepEqual(guest.run(100), { kind: "reached" });
  });

  test(`${engine}: watches stop behind the access and name the step, the pc and what was accessed`, () => {
    const guest = new Guest(LOOP, engine);
    const cell = guest.at("cell");
    guest.stops({ watches: [{ address: physical(cell), length: 8, access: "write" }] });
    const stop = guest.run();
    assert.ok(stop.kind === "watch");
    assert.deepEqual(stop.hits, [
      {
        watch: 0,
        instant: guest.machine.instant - 1,
        hart: 0,
        pc: guest.at("loop"),
        access: "write",
        address: cell,
        size: 8,
      },
    ]);
    assert.equal(guest.word(cell), 5n);
    guest.stops({ watches: [{ address: physical(cell), length: 1, access: "read" }] });
    const read = guest.run();
    assert.ok(read.kind === "watch" && read.hits[0].pc === guest.at("after"));
    assert.equal(guest.register(12), 5n);
  });

  test(`${engine}: a watch sees every overlapping access and nothing beside it`, () => {
    const guest = new Guest(LOOP, engine);
    const [neighbour, cell] = [guest.at("neighbour"), guest.at("cell")];
    guest.stops({
      watches: [
        { address: physical(neighbour), length: 4, access: "readWrite" },
        { address: (physical(cell) + 7) as never, length: 1, access: "readWrite" },
      ],
    });
    const hits: number[] = [];
    for (;;) {
      const stop = guest.run(2000);
      if (stop.kind !== "watch") break;
      hits.push(...stop.hits.map(({ watch }) => watch));
    }
    assert.deepEqual(hits, new Array(10).fill(1));
  });

  test(`${engine}: watches see atomics, straddling accesses and stores to pages with code`, () => {
    const guest = new Guest(
      `
  la   a0, cell
  li   a1, 3
first:
  amoadd.d a2, a1, (a0)
second:
  lr.d a3, (a0)
third:
  sc.d a4, a1, (a0)
fourth:
  sw   a1, 6(a0)
1:
  j    1b
  .balign 8
cell:
  .dword 4, 0
`,
      engine,
    );
    const cell = guest.at("cell");
    guest.stops({ watches: [{ address: physical(cell), length: 8, access: "readWrite" }] });
    const seen: string[] = [];
    for (;;) {
      const stop = guest.run(2000);
      if (stop.kind !== "watch") break;
      seen.push(stop.hits.map(({ pc, access }) => `${access} ${pc - guest.at("first")}`).join(", "));
    }
    assert.deepEqual(seen, ["read 0, write 0", "read 4", "write 8", "write 12"]);
    assert.equal(guest.register(14), 0n);
  });

  test(`${engine}: exceptions asked for stop before they are taken, then go on`, () => {
    const guest = new Guest(
      `
  la    t0, handler
  csrw  mtvec, t0
  li    a0, 0x40000000
load:
  ld    a1, 0(a0)
  li    s0, 1
1:
  j     1b
  .balign 4
handler:
  csrr  s1, mtval
  csrr  t0, mepc
  addi  t0, t0, 2
  csrw  mepc, t0
  mret
`,
      engine,
    );
    guest.stops({ exceptions: [5] });
    const expected: MachineStop = { kind: "exception", hart: 0, cause: 5, tval: 0x4000_0000n };
    assert.deepEqual(guest.run(), expected);
    assert.equal(guest.machine.harts[0].pc, guest.at("load"));
    const { instant } = guest.machine;
    guest.step();
    assert.equal(guest.machine.instant, instant + 1);
    assert.equal(guest.machine.harts[0].pc, guest.at("handler"));
    guest.step(20);
    assert.equal(guest.register(9), 0x4000_0000n);
    assert.equal(guest.register(8), 1n);
  });

  test(`${engine}: a trap without a handler is not taken, and says so again when resumed`, () => {
    const guest = new Guest("li a0, 64\nsw a0, 0(a0)", engine);
    const expected: MachineStop = { kind: "unhandled-trap", hart: 0, cause: 7, tval: 64n };
    assert.deepEqual(guest.run(), expected);
    const { instant } = guest.machine;
    assert.deepEqual(guest.run(), expected);
    assert.equal(guest.machine.instant, instant);
    assert.equal(guest.machine.harts[0].csr(0x342), 0n);
  });
}

test("stops do not change what the guest computes", () => {
  const worker = program(WORKER);
  const plain = new Guest(worker);
  plain.run();
  const stopped = new Guest(worker);
  const prng = new Prng(4);
  const names = ["round", "print", "put", "table", "stack"];
  for (let round = 0; ; round++) {
    const addresses = names.filter(() => prng.below(3) === 0).map((name) => stopped.at(name));
    stopped.stops({
      breakpoints: addresses,
      watches: addresses.map((address) => ({
        address: physical(address),
        length: 1 + prng.below(64),
        access: prng.pick(["read", "write"]),
      })),
    });
    const stop = stopped.run(stopped.machine.instant + 1 + prng.below(3000));
    if (stop.kind === "finished") break;
    assert.ok(round < 100_000, "the guest does not end");
  }
  assert.equal(stopped.machine.digest(), plain.machine.digest());
});

test("breakpoints on an address that is overwritten, outside memory or never reached are harmless", () => {
  const guest = new Guest(LOOP);
  guest.stops({
    breakpoints: [0n, 0xffff_ffff_ffff_fffen, guest.at("done") + 100n].map((address) => address as never),
  });
  assert.deepEqual(guest.run(500), { kind: "reached" });
});

// What was pending when generated code was entered was once found out with the budget of the slice before: a breakpoint had
// left much of it, and by that the timer was not due yet.
test("a timer that is due while a handler is stepped through is taken where the handler returns", () => {
  const source = `
_start:
  la   t0, handler
  csrw mtvec, t0
  li   t0, 0x2004000
  li   t1, 20001
  sd   t1, 0(t0)
  li   t0, 0x80
  csrw mie, t0
  csrsi mstatus, 8
1:
  j    1b
  .balign 4
handler:
  addi s0, s0, 1
within:
  nop
  mret
`;
  const stepped = (engine: EngineChoice, steps: readonly number[]): unknown[] => {
    const guest = new Guest(source, engine);
    guest.stops({ breakpoints: [guest.at("within")] });
    assert.equal(guest.run().kind, "breakpoint");
    guest.stops({});
    for (const count of steps) guest.step(count);
    return [guest.machine.instant, guest.register(8), guest.machine.digest()];
  };
  const expected = stepped("interpreter", [1, 1, 1, 1, 1, 1, 1]);
  assert.equal(expected[1], 3n);
  for (const engine of ["interpreter", "translator"] as const) assert.deepEqual(stepped(engine, [7]), expected);
});
