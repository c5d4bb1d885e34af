import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { FULL_ISA } from "../../src/machine/configuration.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { PAGE_BYTES } from "../../src/memory/layout.ts";
import { absence, type Outcome, randomSubject, type Subject } from "./absence.ts";
import { Guest, symbol, XORSHIFT } from "./guests.ts";
import { GUEST_SECTORS, virtioGuest } from "./virtio-guest.ts";

/** HINDCAST_SEED=123 repeats one seed. */
const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
const FIRST = Number(process.env.HINDCAST_SEED ?? 1);
const COUNT = process.env.HINDCAST_SEED !== undefined ? 1 : NIGHTLY ? 3000 : 40;
const STEPS = NIGHTLY ? 20_000 : 4_000;
const ENGINES = ["translator", "interpreter", "translator", "oracle"] as const;
const LEGS = [1, 3, 30, 200, 1500];

const IMAGE_BYTES = GUEST_SECTORS * 512;

function seeds(what: (seed: number) => Outcome): Outcome {
  const sum = { absences: 0, blocks: 0 };
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    try {
      const { absences, blocks } = what(seed);
      sum.absences += absences;
      sum.blocks += blocks;
    } catch (error) {
      throw new Error(`HINDCAST_SEED=${seed}${NIGHTLY ? " HINDCAST_NIGHTLY=1" : ""}`, { cause: error });
    }
  }
  return sum;
}

function stormy(seed: number, planted = false): Outcome {
  const subject = randomSubject(new Prng(seed), STEPS);
  return absence(seed, subject, { engine: ENGINES[seed % ENGINES.length], steps: STEPS, legs: LEGS, planted });
}

test("pages that come late leave no trace: harts, page tables, traps, code that changes, input, edits, watches", () => {
  const { absences } = seeds((seed) => stormy(seed));
  assert.ok(absences > COUNT * 2, `${absences} stops`);
});

test("a page that comes with other contents is found", () => {
  const isFound = (seed: number): boolean => {
    try {
      stormy(seed, true);
      return false;
    } catch {
      return true;
    }
  };
  assert.ok([1, 2, 3, 4, 5, 6].some(isFound));
});

test("a device's request waits as a whole for pages, and for blocks of its disk", () => {
  const { absences, blocks } = seeds((seed) => {
    const prng = new Prng(seed);
    const transport = prng.pick(["modern", "legacy"] as const);
    const subject: Subject = {
      program: virtioGuest({ transport, entropy: true, rounds: 12 }),
      configuration: { virtio: transport, disks: [{ sizeBytes: IMAGE_BYTES, readOnly: false }], seed },
      disks: [{ sizeBytes: IMAGE_BYTES, read: (_, length) => new Uint8Array(length).fill(7) }],
    };
    return absence(seed, subject, { engine: ENGINES[seed % ENGINES.length], steps: 4_000, legs: LEGS });
  });
  assert.ok(absences > COUNT && blocks > COUNT / 4, `${absences} stops for RAM, ${blocks} for blocks`);
});

/** Supervisor mode under Sv39: memory as it is in one large page, and at 0x40000000 two small ones: `data`, `handler`. */
const paging = (accesses: string) => `
_start:
  la   t0, root
  la   t1, middle
  srli t1, t1, 2
  ori  t1, t1, 1
  sd   t1, 8(t0)
  li   t1, (0x80000000 >> 2) | 0xcf
  sd   t1, 16(t0)
  la   t0, middle
  la   t1, last
  srli t1, t1, 2
  ori  t1, t1, 1
  sd   t1, 0(t0)
  la   t0, last
  la   t1, data
  srli t1, t1, 2
  ori  t1, t1, 0x07
  sd   t1, 0(t0)
  la   t1, handler
  srli t1, t1, 2
  ori  t1, t1, 0x0b
  sd   t1, 8(t0)
  la   t0, root
  srli t0, t0, 12
  li   t1, 8 << 60
  or   t0, t0, t1
  csrw satp, t0
  li   t0, 1 << 61
  csrw menvcfg, t0
  li   t0, -1
  csrw pmpaddr0, t0
  li   t0, 0x1f
  csrw pmpcfg0, t0
  li   t0, 1 << 3
  csrw medeleg, t0
  csrw mtvec, zero
  li   t0, 0x40001000
  csrw stvec, t0
  li   t0, 3 << 11
  csrc mstatus, t0
  li   t0, 1 << 11
  csrs mstatus, t0
  la   t0, inside
  csrw mepc, t0
  mret
inside:
  li   s0, 0x40000000
  nop
  ${accesses}
  ebreak
  .balign 4096
handler:
  ld   s2, 8(s0)
  j    handler
  .bss
  .balign 4096
root: .zero 4096
middle: .zero 4096
last: .zero 4096
data: .zero 4096
`;

/** The guest at its first step in supervisor mode, with some pages absent, and what gives them. */
function paged(engine: "interpreter" | "oracle", accesses: string, absent: string) {
  const configuration = { isa: `${FULL_ISA}_svadu`, modes: "msu" } as const;
  const guest = new Guest(paging(accesses), engine, configuration);
  guest.machine.load({ ...guest.program, segments: [...guest.program.segments, ...dataSegment(guest)] });
  guest.stops({ breakpoints: [symbol(guest.program, "inside")] });
  assert.equal(guest.run().kind, "breakpoint");
  guest.stops({});
  const checkpoint = guest.machine.checkpoint();
  const { instant, state } = checkpoint;
  const source = new Map<number, Uint8Array>();
  const all = [...checkpoint.pages.changedSince(undefined)].map(({ page, version }) => ({ page, ...version! }));
  const number = (Number(symbol(guest.program, absent)) - RAM_BASE) / PAGE_BYTES;
  const withdrawn = all.filter(({ page }) => page === number);
  assert.equal(withdrawn.length, 1);
  const hashes = new Map(withdrawn.map(({ page, hash }) => [page, hash]));
  const pages = all.filter(({ page }) => !hashes.has(page));
  const parts = { instant, state, pages, absent: { hashes, source: { read: (page: number) => source.get(page) } } };
  const plain = new Guest(guest.program, engine, configuration);
  plain.machine.restore(plain.machine.importCheckpoint({ instant, state, pages: all }, undefined));
  guest.machine.restore(guest.machine.importCheckpoint(parts, undefined));
  const provide = (page: number) => source.set(page, withdrawn[0].bytes);
  return { guest, plain, provide, start: instant };
}

/** A zero page would not be absent. */
function dataSegment({ program }: Guest) {
  const physicalAddress = Number(symbol(program, "data"));
  return [{ physicalAddress, bytes: Uint8Array.of(1, 2, 3), memoryBytes: 3 }];
}

for (const engine of ["interpreter", "oracle"] as const) {
  test(`a walk that set A or D for a step which then has to wait has not been, ${engine}`, () => {
    const { guest, plain, provide, start } = paged(engine, "ld s1, 0(s0)\n sd s0, 8(s0)", "data");
    const stop = guest.run(start + 20);
    assert.ok(stop.kind === "absent");
    assert.ok(guest.machine.instant > start + 1);
    plain.run(guest.machine.instant);
    assert.equal(guest.machine.digest(), plain.machine.digest());
    provide(stop.page);
    for (const until of [1, 2, 20].map((steps) => guest.machine.instant + steps)) {
      assert.equal(guest.run(until).kind, "reached");
      plain.run(until);
      assert.equal(guest.machine.digest(), plain.machine.digest());
    }
    assert.equal(guest.register(18), 0x4000_0000n);
  });

  test(`whether a handler can be fetched is not decided before the tables are there, ${engine}`, () => {
    const { guest, plain, provide, start } = paged(engine, "nop", "last");
    let stops = 0;
    for (;;) {
      const stop = guest.run(start + 20);
      plain.run(guest.machine.instant);
      assert.equal(guest.machine.digest(), plain.machine.digest());
      if (stop.kind === "reached") break;
      assert.ok(stop.kind === "absent", stop.kind);
      provide(stop.page);
      stops++;
    }
    assert.equal(stops, 1);
    assert.equal(guest.machine.harts[0].privilege, 1);
  });
}

/** A loop over memory in machine mode, where hot code knows RAM by its address alone; it ends only with the test. */
const HOT = `
_start:
  la   s0, pages
  li   s1, 88172645463325252
1:
${XORSHIFT}
  srli t1, s1, 48
  andi t1, t1, -8
  add  t1, t1, s0
  ld   t2, 0(t1)
  add  s1, s1, t2
  sd   s1, 8(t1)
  andi t2, t2, 1
  beqz t2, 1b
  amoadd.d t3, s1, (t1)
  ld   t4, 16(t1)
  sd   t4, 24(t1)
  j    1b
  .bss
  .balign 4096
pages: .zero 4096 * 17
`;

test("hot code does not see what lies under an absent page", () => {
  const { absences } = seeds((seed) => {
    const engine = (["translator", "auto"] as const)[seed % 2];
    const configuration = { memoryBytes: 256 * 1024 };
    return absence(seed, { program: HOT, configuration }, { engine, steps: 100_000, legs: [500, 5_000, 20_000] });
  });
  assert.ok(absences > COUNT * 2, `${absences} stops`);
});
