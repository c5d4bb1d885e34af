import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { DEFAULT_CONFIGURATION, type MachineConfiguration } from "../../src/machine/configuration.ts";
import type { DiskImage } from "../../src/machine/disks.ts";
import { Machine } from "../../src/machine/machine.ts";
import { writeElf } from "../../src/symbols/elf-writer.ts";
import { program } from "../machine/guests.ts";
import { GUEST_SECTORS, virtioGuest } from "../machine/virtio-guest.ts";
import { temporaryPath } from "./cross-compiler.ts";
import { runQemu } from "./qemu.ts";

/**
 * Guests that drive devices, on QEMU's devices and on ours: what they print must be the same, and so must what is on the
 * disk when they are done.
 */
const LIMIT = 50_000_000 as Instant;

function runOurs(source: string, configuration: Partial<MachineConfiguration>, images: readonly DiskImage[] = []) {
  const machine = new Machine({ ...DEFAULT_CONFIGURATION, ...configuration }, "auto", images);
  let console = "";
  machine.outlet = {
    consoleOutput: (_instant, byte) => {
      console += String.fromCharCode(byte);
    },
  };
  machine.load(program(source));
  const stop = machine.run(LIMIT, { departing: false });
  return { machine, console, stop };
}

function elfFile(name: string, source: string): string {
  const path = temporaryPath(`${name}.elf`);
  writeFileSync(path, writeElf(program(source), "hindcast test"));
  return path;
}

/** What is on the machine's disk: the image, and the blocks that were written over it. */
function diskOf(machine: Machine, image: Uint8Array): Buffer {
  const disk = Buffer.from(image);
  const { pages } = machine.checkpoint();
  const ramPages = machine.configuration.memoryBytes / 4096;
  for (let block = 0; block < pages.pageCount - ramPages; block++) {
    const version = pages.get(ramPages + block);
    if (version !== undefined) disk.set(version.bytes.subarray(0, disk.length - block * 4096), block * 4096);
  }
  return disk;
}

for (const transport of ["modern", "legacy"] as const) {
  test(`a guest works on a virtio disk, ${transport}`, async () => {
    const source = virtioGuest({ transport, entropy: false, rounds: 200 });
    const image = Uint8Array.from({ length: GUEST_SECTORS * 512 * 2 }, (_, index) => (index * 11) >> 3);
    const disk = temporaryPath(`disk-${transport}.img`);
    writeFileSync(disk, image);
    const theirs = await runQemu([
      ...["-kernel", elfFile(`disk-${transport}`, source)],
      ...["-global", `virtio-mmio.force-legacy=${transport === "legacy"}`],
      ...["-drive", `file=${disk},format=raw,if=none,id=disk`, "-device", "virtio-blk-device,drive=disk"],
    ]);
    const bytes = {
      sizeBytes: image.length,
      read: (offset: number, length: number) => image.slice(offset, offset + length),
    };
    const disks = [{ sizeBytes: image.length, readOnly: false }];
    const ours = runOurs(source, { disks, virtio: transport }, [bytes]);
    assert.deepEqual(ours.stop, { kind: "finished", exitCode: 0, reset: false });
    assert.equal(theirs.exitCode, 0);
    assert.equal(ours.console, theirs.console.toString("latin1"));
    assert.equal(ours.console.split("\n").length, 27);
    assert.equal(Buffer.compare(diskOf(ours.machine, image), readFileSync(disk)), 0, "the disks differ");
  });
}

/**
 * Alarms of the real-time clock: cleared, in the past, and one that is waited for. Prints ALARM_STATUS and the
 * claimed interrupt source at each point; nothing that depends on the time.
 */
const ALARMS = `
  .equ UART, 0x10000000
  .equ RTC, 0x101000
  .equ PLIC, 0x0c000000
  .macro tell
  lw   t1, 0x18(s0)
  addi t1, t1, 48
  sb   t1, 0(s1)
  lw   t2, 0(s2)
  addi t1, t2, 48
  sb   t1, 0(s1)
  sw   t2, 0(s2)
  li   t1, 10
  sb   t1, 0(s1)
  .endm
  # The alarm is to be a0 nanoseconds from now.
  .macro alarm
  lwu  t1, 0(s0)
  lw   t2, 4(s0)
  slli t2, t2, 32
  or   t1, t1, t2
  add  t1, t1, a0
  srli t2, t1, 32
  sw   t2, 0x0c(s0)
  sw   t1, 0x08(s0)
  .endm
_start:
  li   s0, RTC
  li   s1, UART
  li   s2, PLIC + 0x200004
  li   t0, PLIC
  li   t1, 1
  sw   t1, 44(t0)
  li   t0, PLIC + 0x2000
  li   t1, 1 << 11
  sw   t1, 0(t0)
  csrw mie, t1
  tell
  li   a0, 3600000000000            # far ahead
  alarm
  tell
  sw   zero, 0x14(s0)               # CLEAR_ALARM
  tell
  li   a0, -5                       # in the past, nobody may be told
  alarm
  tell
  li   t1, 1
  sw   t1, 0x10(s0)                 # IRQ_ENABLED: now they are
  tell
  sw   zero, 0x1c(s0)               # CLEAR_INTERRUPT
  lw   t2, 0(s2)                    # what the gateway had passed on already
  sw   t2, 0(s2)
  tell
  li   a0, 20000000                 # twenty milliseconds
  alarm
  lw   t1, 0x18(s0)
  addi t1, t1, 48
  sb   t1, 0(s1)
1:
  wfi
  csrr t1, mip
  li   t2, 1 << 11
  and  t1, t1, t2
  beqz t1, 1b
  tell
  sw   zero, 0x1c(s0)
  lw   t2, 0(s2)
  sw   t2, 0(s2)
  tell
  lw   t1, 0x10(s0)
  addi t1, t1, 48
  sb   t1, 0(s1)
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
1:
  j    1b
`;

test("alarms of the real-time clock", async () => {
  const theirs = await runQemu(["-kernel", elfFile("alarms", ALARMS)]);
  const ours = runOurs(ALARMS, { startTime: 1_769_860_800 });
  assert.deepEqual(ours.stop, { kind: "finished", exitCode: 0, reset: false });
  assert.equal(ours.console, theirs.console.toString("latin1"));
});
