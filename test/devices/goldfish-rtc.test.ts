import assert from "node:assert/strict";
import { test } from "node:test";
import { GoldfishRtc } from "../../src/devices/goldfish-rtc.ts";

const [TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, IRQ_ENABLED, CLEAR_ALARM, ALARM_STATUS, CLEAR_INTERRUPT] = [
  0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c,
];
const START = 1_769_860_800;
const START_NS = BigInt(START) * 1_000_000_000n;

function rtc(start = START) {
  const at = { ticks: 0n };
  const context = { time: () => at.ticks, setTime: () => {}, attention: () => {} };
  const device = new GoldfishRtc(0x10_1000, start, 10_000_000, context);
  const read = (register: number) => device.read(register, 4)!;
  const write = (register: number, value: bigint) => assert.equal(device.write(register, 4, value), true);
  const now = () => read(TIME_LOW) | (read(TIME_HIGH) << 32n);
  const setAlarm = (time: bigint) => {
    write(ALARM_HIGH, time >> 32n);
    write(ALARM_LOW, time & 0xffff_ffffn);
  };
  return { at, device, read, write, now, setAlarm };
}

test("the time is that of the start, and 100 ns for each tick", () => {
  const { at, now, read, device } = rtc();
  assert.equal(now(), START_NS);
  at.ticks = 123n;
  assert.equal(now(), START_NS + 12_300n);
  assert.equal(device.read(TIME_LOW, 8), undefined);
  read(TIME_LOW);
  at.ticks = 1n << 33n;
  assert.equal(read(TIME_HIGH), START_NS >> 32n, "the high half is the one at the time of the low half");
});

test("the guest can set it", () => {
  const { at, now, write } = rtc();
  write(TIME_HIGH, 1n);
  write(TIME_LOW, 2n);
  assert.equal(now(), (1n << 32n) + 2n);
  at.ticks = 10n;
  assert.equal(now(), (1n << 32n) + 1002n);
});

test("an alarm goes off at its time, to the tick, and interrupts when it may", () => {
  const { at, device, read, write, setAlarm } = rtc();
  setAlarm(START_NS + 1_050n);
  assert.equal(device.nextDeadline(), undefined, "nobody wants the interrupt");
  write(IRQ_ENABLED, 1n);
  assert.equal(device.nextDeadline(), 11n);
  at.ticks = 10n;
  assert.deepEqual([read(ALARM_STATUS), device.interrupt()], [1n, false]);
  at.ticks = 11n;
  assert.deepEqual([read(ALARM_STATUS), device.interrupt()], [0n, true]);
  assert.equal(device.nextDeadline(), undefined);
  write(IRQ_ENABLED, 0n);
  assert.equal(device.interrupt(), false);
  write(IRQ_ENABLED, 1n);
  assert.equal(device.interrupt(), true);
  write(CLEAR_INTERRUPT, 1n);
  assert.equal(device.interrupt(), false);
});

test("an alarm in the past goes off at once; one that was cleared never", () => {
  const { at, device, write, setAlarm } = rtc();
  write(IRQ_ENABLED, 1n);
  setAlarm(START_NS - 1n);
  assert.equal(device.interrupt(), true);
  write(CLEAR_INTERRUPT, 1n);
  setAlarm(START_NS + 1000n);
  write(CLEAR_ALARM, 1n);
  at.ticks = 100n;
  assert.equal(device.interrupt(), false);
});

test("what is saved goes on alike", () => {
  const { at, device, write, setAlarm, now } = rtc();
  write(TIME_LOW, 5n);
  write(IRQ_ENABLED, 1n);
  setAlarm(now() + 500n);
  const other = rtc();
  other.device.restore(JSON.parse(JSON.stringify(device.save())));
  assert.deepEqual(other.device.save(), device.save());
  at.ticks = 5n;
  other.at.ticks = 5n;
  assert.deepEqual([other.device.interrupt(), other.now()], [true, now()]);
});
