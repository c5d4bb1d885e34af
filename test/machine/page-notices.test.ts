import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant, PhysicalAddress } from "../../src/base/brand.ts";
import type { MachineEvent } from "../../src/machine/inlet.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { Guest, ScriptedInlet, symbol } from "./guests.ts";
import { listening } from "./page-guest.ts";

const PAGE = 4096;
const [SEPC, SCAUSE, STVAL, MINSTRET] = [0x141, 0x142, 0x143, 0xb02];
const [S1, S3] = [9, 19];

interface Shape {
  readonly delegates?: boolean;
  readonly handler?: string;
  readonly mayWait?: boolean;
  /** "su": the access is supervisor mode's. */
  readonly mode?: "u" | "s";
  readonly access?: string;
}

/** Enters user mode, and accesses `data`. The handler takes the token and, unless told otherwise, tries again. */
const guest = ({
  delegates = true,
  handler = "handler",
  mayWait = false,
  mode = "u",
  access = "ld s1, 0(s0)",
}: Shape) => `
_start:
${listening("inside", {
  delegates,
  handler,
  last: `
  li   t0, ${mayWait ? 1 : 0}
  sw   t0, 4(t1)
  li   t0, ${mode === "s" ? "1 << 11" : "0"}
  csrs mstatus, t0
  # A timer of machine mode, far away, and the interrupt of pages.
  li   t0, 0x2004000
  li   t1, 1000000
  sd   t1, 0(t0)
  li   t0, 0x280
  csrw mie, t0
  li   t0, 0x200
  csrw mideleg, t0
  li   t0, 0x0c000000
  li   t1, 1
  sw   t1, 48(t0)
  li   t0, 0x0c002080
  li   t1, 1 << 12
  sw   t1, 0(t0)
  li   s3, 0`,
})}
inside:
  la   s0, data
access:
  ${access}
  j    inside
  .balign 16
handler:
  addi s3, s3, 1
  la   t0, area
  lw   s4, 0(t0)
  sw   zero, 0(t0)
  sret
  .balign 16
sleeper:
  wfi
  j    sleeper
  .balign 4096
data:
  .dword 0x123456789abcdef
  .zero 4088
other:
  .dword 77
  .zero 4088
  .balign 4096
area:
  .zero 2048
  .dword 1
`;

/** The guest before its access, with pages absent, and the same with everything. */
function world(shape: Shape = {}, absent = ["data"]) {
  const start = new Guest(guest(shape), "interpreter", { modes: "msu" });
  start.stops({ breakpoints: [symbol(start.program, "access")] });
  assert.equal(start.run().kind, "breakpoint");
  start.stops({});
  const checkpoint = start.machine.checkpoint();
  const pageOf = (name: string) => (Number(symbol(start.program, name)) - RAM_BASE) / PAGE;
  const hidden = new Map<number, Uint8Array>();
  const hashes = new Map<number, bigint>();
  for (const name of absent) {
    const version = checkpoint.pages.get(pageOf(name))!;
    hidden.set(pageOf(name), version.bytes);
    hashes.set(pageOf(name), version.hash);
  }
  const here = new Map<number, Uint8Array>();
  const { instant, state } = checkpoint;
  const parts = { instant, state, pages: [], absent: { hashes, source: { read: (page: number) => here.get(page) } } };
  const lacking = new Guest(start.program, "auto", { modes: "msu" });
  const whole = new Guest(start.program, "interpreter", { modes: "msu" });
  const base = [...checkpoint.pages.changedSince(undefined)].map(({ page, version }) => ({
    page,
    bytes: version!.bytes,
  }));
  whole.machine.restore(whole.machine.importCheckpoint({ instant, state, pages: base }, undefined));
  const imported = lacking.machine.importCheckpoint({ instant, state, pages: base }, undefined);
  lacking.machine.restore(lacking.machine.importCheckpoint(parts, imported));
  const provide = () => {
    for (const [page, bytes] of hidden) here.set(page, bytes);
  };
  const area = () => lacking.machine.asyncPages.area(0) as PhysicalAddress;
  return { lacking, whole, provide, start: instant, at: (name: string) => symbol(start.program, name), area, pageOf };
}

function notReady(instant: number, token: number, address: bigint, hart = 0): MachineEvent {
  const where = { instant: instant as Instant, hart, address, token, page: 1, work: "page-in" as const };
  return { kind: "page-not-ready", ...where };
}

test("an access in user mode can be told of; the hart stands in its handler, and no step was taken", () => {
  const { lacking, whole, start, at, area, provide, pageOf } = world();
  const stop = lacking.run(start + 50);
  assert.deepEqual(stop, { kind: "absent", page: pageOf("data"), notice: { hart: 0, address: at("data"), token: 1 } });
  const now = lacking.machine.instant;
  const before = lacking.machine.harts[0].csr(MINSTRET);
  const events = [notReady(now, 1, at("data"))];
  lacking.machine.inlet = new ScriptedInlet(events);
  assert.equal(lacking.run(now).kind, "reached");
  const [hart] = lacking.machine.harts;
  assert.deepEqual([hart.pc, hart.privilege, lacking.machine.instant], [at("handler"), 1, now]);
  assert.deepEqual([hart.csr(SCAUSE), hart.csr(STVAL), hart.csr(SEPC)], [24n, at("data"), at("access")]);
  assert.equal(hart.csr(MINSTRET), before);
  assert.equal(lacking.machine.readPhysical(area(), 4), 1n);
  assert.deepEqual(lacking.machine.asyncPages.given, [{ token: 1, hart: 0 }]);
  // The machine that has everything, and is told the same.
  whole.machine.inlet = new ScriptedInlet(events);
  whole.run(now);
  assert.equal(whole.machine.digest(), lacking.machine.digest());
  // The token was taken: it may be told again, with the next one.
  const again = lacking.run(now + 50);
  assert.ok(again.kind === "absent");
  assert.equal(again.notice?.token, 2);
  assert.equal(lacking.register(S3), 1n);
  provide();
  lacking.run(now + 100);
  whole.run(now + 100);
  assert.equal(lacking.register(S1), 0x123456789abcdefn);
  assert.equal(whole.machine.digest(), lacking.machine.digest());
});

test("stores, atomics, fetches and accesses that begin in the page before say what they access", () => {
  for (const [access, address] of [
    ["sd s1, 8(s0)", 8n],
    ["amoadd.d s1, s1, (s0)", 0n],
    ["lr.d s1, (s0)", 0n],
    ["ld s1, -4(s0)", 0n],
    ["jr s0", 0n],
  ] as const) {
    const { lacking, start, at } = world({ access });
    const stop = lacking.run(start + 50);
    assert.ok(stop.kind === "absent", access);
    assert.equal(stop.notice?.address, at("data") + address, access);
  }
});

/** Notices at a stop for `data`, for guests that cannot be told. */
const SILENT: readonly [string, Shape, string[]?][] = [
  ["supervisor mode that did not allow it", { mode: "s" }],
  ["causes that are not delegated", { delegates: false }],
  ["a handler that cannot be fetched", { handler: "none" }],
  ["an area that is absent itself", {}, ["data", "area"]],
];

for (const [what, shape, absent] of SILENT) {
  test(`the hart waits: ${what}`, () => {
    const { lacking, whole, provide, start, at, pageOf } = world(shape, absent);
    const stop = lacking.run(start + 50);
    // What is absent itself, and telling needs, is said.
    const needs = absent && { needs: pageOf("area") };
    assert.deepEqual({ ...stop, page: 0 }, { kind: "absent", page: 0, ...needs });
    const now = lacking.machine.instant;
    const events = absent === undefined ? [notReady(now, 1, at("data"))] : [];
    // Said all the same, it has no effect.
    provide();
    lacking.machine.inlet = new ScriptedInlet(events);
    lacking.run(now);
    whole.run(now);
    assert.equal(whole.machine.digest(), lacking.machine.digest());
    lacking.run(now + 50);
    whole.run(now + 50);
    assert.equal(whole.machine.digest(), lacking.machine.digest());
  });
}

test("supervisor mode that allows it is told", () => {
  const { lacking, start } = world({ mode: "s", mayWait: true });
  const stop = lacking.run(start + 50);
  assert.ok(stop.kind === "absent" && stop.notice !== undefined);
});

test("what is said and cannot be is dropped: other harts, tokens that are out, a token that was not taken", () => {
  const { whole, start, at } = world({ access: "nop" });
  const plain = world({ access: "nop" }).whole;
  const address = at("data");
  const ready = (instant: number, token: number): MachineEvent => ({
    kind: "page-ready",
    instant: instant as Instant,
    token,
  });
  whole.machine.inlet = new ScriptedInlet([
    notReady(start + 1, 1, address, 3),
    notReady(start + 1, 0, address),
    ready(start + 2, 1),
  ]);
  whole.run(start + 10);
  plain.run(start + 10);
  assert.equal(whole.machine.digest(), plain.machine.digest());
  const now = whole.machine.instant;
  whole.machine.inlet = new ScriptedInlet([notReady(now, 9, address), notReady(now, 10, address)]);
  plain.machine.inlet = new ScriptedInlet([notReady(now, 9, address)]);
  whole.run(now);
  plain.run(now);
  assert.deepEqual(whole.machine.asyncPages.given, [{ token: 9, hart: 0 }]);
  assert.equal(whole.machine.digest(), plain.machine.digest());
});

test("a stop for the exception is met where the hart stands in its handler, once", () => {
  const { whole, start, at } = world();
  whole.stops({ exceptions: [24] });
  whole.machine.inlet = new ScriptedInlet([notReady(start, 1, at("data")), notReady(start + 30, 2, at("other"))]);
  const first = whole.run(start + 50);
  assert.deepEqual(first, { kind: "exception", hart: 0, cause: 24, tval: at("data") });
  assert.deepEqual([whole.machine.harts[0].pc, whole.machine.instant], [at("handler"), start]);
  const second = whole.run(start + 50);
  assert.deepEqual(second, { kind: "exception", hart: 0, cause: 24, tval: at("other") });
  assert.equal(whole.machine.instant, start + 30);
  assert.equal(whole.run(start + 50).kind, "reached");
});

test("under a virtual clock no time passes while all harts wait and a page is on its way", () => {
  const { whole, start, at, area } = world({ handler: "sleeper" });
  const told = [notReady(start, 1, at("data"))];
  whole.machine.inlet = new ScriptedInlet(told);
  assert.deepEqual(whole.run(start + 50), { kind: "waiting" });
  const { time, instant } = whole.machine;
  assert.deepEqual(whole.run(start + 50), { kind: "waiting" });
  assert.equal(whole.machine.time, time);
  const event: MachineEvent = { kind: "page-ready", instant, token: 1 };
  whole.machine.inlet = new ScriptedInlet([event]);
  // Its interrupt is pending, and wakes the hart.
  whole.run(instant);
  assert.equal(whole.machine.readPhysical((area() + 8) as PhysicalAddress, 4), 1n);
  assert.equal(whole.machine.readPhysical((area() + 16) as PhysicalAddress, 4), 1n);
  assert.equal(whole.machine.harts[0].waiting, false);
  assert.equal(Number(whole.machine.harts[0].csr(0x144)! & 0x200n), 0x200);
});

test("a state with tokens comes back with them", () => {
  const { whole, start, at } = world();
  whole.machine.inlet = new ScriptedInlet([notReady(start, 5, at("data"))]);
  whole.run(start);
  const checkpoint = whole.machine.checkpoint();
  const digest = whole.machine.digest();
  whole.run(start + 50);
  whole.machine.restore(checkpoint);
  assert.equal(whole.machine.digest(), digest);
  assert.deepEqual(whole.machine.asyncPages.given, [{ token: 5, hart: 0 }]);
});
