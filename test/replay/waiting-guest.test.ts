import assert from "node:assert/strict";
import { test } from "node:test";
import { instant, type PhysicalAddress } from "../../src/base/brand.ts";
import { DEFAULT_CONFIGURATION, type MachineConfiguration } from "../../src/machine/configuration.ts";
import type { Edit } from "../../src/machine/inlet.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { program, symbol } from "../machine/guests.ts";
import { digestsAt, drive, eventsOf, headerFor, MemoryRecording } from "./support.ts";

// What comes to a guest that waits comes at the instant at which it began to: a replay has all of it at once.

/** Runs to where the guest waits, edits, types, and goes on; then the same events from reset. */
function compare(source: string, more: Partial<MachineConfiguration>, edits: readonly Edit[]): void {
  const loaded = program(source);
  const fresh = () => {
    const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, ...more });
    machine.load(loaded);
    return machine;
  };
  const machine = fresh();
  const recording = new MemoryRecording(headerFor(machine));
  const timeline = Timeline.record(machine, recording);
  let waited = 0;
  const type = () => {
    waited++;
    for (const edit of edits) timeline.edit(edit);
    timeline.input(Uint8Array.of(0x61));
  };
  const forward = (steps: number) =>
    drive(timeline.forward({ stops: NO_STOPS, limit: instant(timeline.end + steps) }), type);
  while (!machine.harts[0].waiting) forward(1);
  for (const edit of edits) timeline.edit(edit);
  timeline.input(Uint8Array.of(0x61));
  forward(5);
  assert.equal(waited, 0, "the input went on at once");
  const replayed = digestsAt(fresh(), eventsOf(recording), [timeline.end]);
  assert.equal(replayed.get(timeline.end), machine.digest());
}

test("memory that is edited before a device writes there has what the device wrote", () => {
  const source = `
_start:
  li   t0, 0x0c000000
  li   t1, 1
  sw   t1, 4(t0)                    # priority of the console's source
  li   t2, 0x0c002000
  li   t1, 2
  sw   t1, 0(t2)
  li   t0, 0x10001000               # virtio console
  li   t1, 3
  sw   t1, 0x70(t0)
  li   t1, 1
  sw   t1, 0x24(t0)
  sw   t1, 0x20(t0)                 # VERSION_1
  li   t1, 11
  sw   t1, 0x70(t0)
  li   t1, 8
  sw   t1, 0x38(t0)
  la   t1, descriptors
  sw   t1, 0x80(t0)
  la   t1, available
  sw   t1, 0x90(t0)
  la   t1, used
  sw   t1, 0xa0(t0)
  li   t1, 1
  sw   t1, 0x44(t0)
  li   t1, 15
  sw   t1, 0x70(t0)
  li   t1, 1 << 11
  csrw mie, t1
  wfi
1: addi a0, a0, 1
  j    1b
  .balign 16
descriptors:
  .dword buffer
  .word 16
  .half 2, 0
  .zero 112
available:
  .half 0, 1
  .zero 28
  .balign 8
used:
  .zero 80
buffer:
  .zero 16`;
  const address = Number(symbol(program(source), "buffer")) as PhysicalAddress;
  compare(source, { console: "virtio" }, [{ target: "memory", address, bytes: Uint8Array.of(0x7a) }]);
});

test("time does not jump to an alarm that wakes nobody", () => {
  const source = `
_start:
  li   t0, 0x0c000028               # priority of the UART's source
  li   t1, 1
  sw   t1, 0(t0)
  li   t0, 0x0c002000
  li   t1, 1 << 10
  sw   t1, 0(t0)
  li   t0, 0x10000000
  li   t1, 1
  sb   t1, 1(t0)
  li   t0, 0x00101000               # the clock; the PLIC does not let its interrupt through
  sw   t1, 0x10(t0)
  li   t1, 1000000
  sw   zero, 0x0c(t0)
  sw   t1, 0x08(t0)
  li   t1, 1 << 11
  csrw mie, t1
  wfi
1: addi a0, a0, 1
  j    1b`;
  compare(source, {}, []);
});
