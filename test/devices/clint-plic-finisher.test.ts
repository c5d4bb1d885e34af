import assert from "node:assert/strict";
import { test } from "node:test";
import { Clint } from "../../src/devices/clint.ts";
import { Finisher } from "../../src/devices/finisher.ts";
import { Plic } from "../../src/devices/plic.ts";

function clock(start: bigint) {
  let now = start;
  let attentions = 0;
  return {
    time: () => now,
    setTime: (ticks: bigint) => {
      now = ticks;
    },
    attention: () => {
      attentions++;
    },
    attentions: () => attentions,
  };
}

test("CLINT: the timer interrupt is the comparison of mtime with mtimecmp", () => {
  const context = clock(100n);
  const clint = new Clint(0x200_0000, 1, context);
  assert.equal(clint.timerInterrupt(0), false);
  assert.equal(clint.timerDeadline(0), undefined);
  clint.write(0x4000, 8, 150n);
  assert.equal(clint.timerDeadline(0), 150n);
  assert.equal(clint.nextDeadline(), 150n);
  context.setTime(149n);
  assert.equal(clint.timerInterrupt(0), false);
  context.setTime(150n);
  assert.equal(clint.timerInterrupt(0), true);
  assert.equal(clint.nextDeadline(), (1n << 64n) + 150n, "once mtime has wrapped");
});

test("CLINT: halves of mtimecmp and mtime are read and written alone", () => {
  const context = clock(0x1_2345_6789n);
  const clint = new Clint(0x200_0000, 1, context);
  clint.write(0x4000, 4, 0xdead_beefn);
  clint.write(0x4004, 4, 0x1234_5678n);
  assert.equal(clint.read(0x4000, 8), 0x1234_5678_dead_beefn);
  assert.equal(clint.read(0xbff8, 4), 0x2345_6789n);
  assert.equal(clint.read(0xbffc, 4), 1n);
  clint.write(0xbff8, 8, 7n);
  assert.equal(context.time(), 7n);
});

test("CLINT: msip keeps one bit; bytes and absent harts are not there", () => {
  const clint = new Clint(0x200_0000, 1, clock(0n));
  clint.write(0, 4, 0xffff_ffffn);
  assert.equal(clint.read(0, 4), 1n);
  assert.equal(clint.softwareInterrupt(0), true);
  assert.equal(clint.read(4, 4), 0n);
  assert.equal(clint.read(0, 1), undefined);
  assert.equal(clint.write(0x4000, 2, 1n), false);
});

function plic() {
  const levels = { 10: false, 11: false };
  const lines = new Map([
    [10, () => levels[10]],
    [11, () => levels[11]],
  ]);
  const device = new Plic(0xc00_0000, 2, lines, clock(0n));
  const setLevel = (source: 10 | 11, level: boolean) => {
    levels[source] = level;
    device.sense();
  };
  const word = (offset: number): number => Number(device.read(offset, 4));
  const set = (offset: number, value: number): boolean => device.write(offset, 4, BigInt(value >>> 0));
  return { device, setLevel, word, set };
}

test("PLIC: priority, enable and threshold decide; claim and complete gate the source", () => {
  const { device, setLevel, word, set } = plic();
  setLevel(10, true);
  assert.equal(word(0x1000), 1 << 10);
  set(4 * 10, 3);
  assert.equal(device.interrupt(0), false);
  set(0x2000, 1 << 10);
  assert.equal(device.interrupt(0), true);
  assert.equal(device.interrupt(1), false);
  set(0x20_0000, 3);
  assert.equal(device.interrupt(0), false);
  set(0x20_0000, 2);
  assert.equal(word(0x20_0004), 10);
  assert.equal(device.interrupt(0), false);
  assert.equal(word(0x20_0004), 0);
  set(0x20_0004, 10);
  assert.equal(device.interrupt(0), true);
  assert.equal(word(0x20_0004), 10);
  setLevel(10, false);
  set(0x20_0004, 10);
  assert.equal(device.interrupt(0), false);
});

// A purely level-triggered model let an interrupt vanish when its cause did; QEMU, and the specification's gateways, keep it
// until somebody claims it. Found by random programs that talk to the PLIC.
test("PLIC: a request stays pending when its level falls, and is gone once it is claimed", () => {
  const { device, setLevel, word, set } = plic();
  set(4 * 10, 1);
  set(0x2000, 1 << 10);
  setLevel(10, true);
  setLevel(10, false);
  assert.equal(word(0x1000), 1 << 10);
  assert.equal(device.interrupt(0), true);
  assert.equal(word(0x20_0004), 10);
  assert.equal(word(0x1000), 0);
  // While it is claimed the gateway is shut; completion opens it, and the level counts again.
  setLevel(10, true);
  assert.equal(word(0x1000), 0);
  set(0x20_0004, 10);
  assert.equal(word(0x1000), 1 << 10);
});

test("PLIC: the highest priority first, the lowest number among equals", () => {
  const { setLevel, word, set } = plic();
  setLevel(10, true);
  setLevel(11, true);
  set(0x2000, (1 << 10) | (1 << 11));
  set(4 * 10, 1);
  set(4 * 11, 1);
  assert.equal(word(0x20_0004), 10);
  set(0x20_0004, 10);
  set(4 * 11, 2);
  assert.equal(word(0x20_0004), 11);
});

test("PLIC: registers that are not there read as zero and take nothing", () => {
  const { device, word, set } = plic();
  for (const offset of [0, 4 * 96, 0xffc, 0x1ffc, 0x2ffc, 0x20_2000, 0x20_2004, 0x5f_fffc]) {
    set(offset, 0xffff_ffff);
    assert.equal(word(offset), 0, offset.toString(16));
  }
  set(0x2000, 0xffff_ffff);
  assert.equal(word(0x2000), 0xffff_fffe);
  assert.equal(device.read(0, 8), undefined);
  assert.equal(device.write(0, 1, 0n), false);
});

test("PLIC and CLINT: save and restore", () => {
  const first = plic();
  first.setLevel(10, true);
  first.set(4 * 10, 5);
  first.set(0x2000, 1 << 10);
  first.set(0x20_0000, 1);
  assert.equal(first.word(0x20_0004), 10);
  const second = plic();
  second.setLevel(10, true);
  second.device.restore(JSON.parse(JSON.stringify(first.device.save())));
  assert.deepEqual(second.device.save(), first.device.save());
  assert.equal(second.device.interrupt(0), false);

  const clint = new Clint(0x200_0000, 1, clock(0n));
  clint.write(0x4000, 8, 0xffff_ffff_ffff_fff0n);
  clint.write(0, 4, 1n);
  const copy = new Clint(0x200_0000, 1, clock(0n));
  copy.restore(JSON.parse(JSON.stringify(clint.save())));
  assert.deepEqual(copy.save(), clint.save());
  assert.equal(copy.timerDeadline(0), 0xffff_ffff_ffff_fff0n);
});

test("finisher: pass, fail with a code, reset; other words and widths do nothing", () => {
  const make = () => new Finisher(0x10_0000, clock(0n));
  const written = (value: bigint, size = 4, offset = 0) => {
    const device = make();
    device.write(offset, size, value);
    return device.finished;
  };
  assert.deepEqual(written(0x5555n), { exitCode: 0, reset: false });
  assert.deepEqual(written(0x2a_3333n), { exitCode: 42, reset: false });
  assert.deepEqual(written(0x7777n), { exitCode: 0, reset: true });
  assert.equal(written(0x1234n), undefined);
  assert.equal(written(0x5555n, 4, 4), undefined);
  assert.equal(make().write(0, 1, 0x55n), false);
  const device = make();
  device.write(0, 4, 0x07_3333n);
  const copy = make();
  copy.restore(JSON.parse(JSON.stringify(device.save())));
  assert.deepEqual(copy.finished, { exitCode: 7, reset: false });
});
