/**
 * Our firmware and our device tree under somebody else's machine: QEMU boots stock Debian with them. So whatever our
 * machine makes of the firmware, the firmware itself is right.
 */
import assert from "node:assert/strict";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { type DebianFiles, DISK_GREETING, debianFiles } from "../../scripts/debian.ts";
import { boardDeviceTree } from "../../src/boot/device-tree.ts";
import { encodeDeviceTree } from "../../src/boot/flattened-device-tree.ts";
import { FIRMWARE_BYTES, sbiFirmware } from "../../src/boot/sbi-firmware.ts";
import { writeElf } from "../../src/symbols/elf-writer.ts";
import { configuration, HART, MEGABYTE } from "../boot/support.ts";
import { temporaryPath } from "./cross-compiler.ts";
import { runMachine } from "./qemu.ts";

const MEMORY_MEGABYTES = 256;
/** A boot takes some three seconds on a quiet machine. */
const TIMEOUT_MS = 180_000;

let debian: DebianFiles;
let firmware: string;

before(() => {
  debian = debianFiles();
  firmware = temporaryPath("sbi.elf");
  writeFileSync(firmware, writeElf(sbiFirmware().program, "hindcast"));
});

async function boot(harts: number, cpu: string, extensions: readonly string[], asked: string) {
  const commandLine = `console=ttyS0 hindcast=${asked}`;
  const isaString = `rv64imafdc${extensions.map((name) => `_${name}`).join("")}`;
  const hart = { ...HART, isaString, extensions: ["i", "m", "a", "f", "d", "c", ...extensions] };
  const memoryBytes = MEMORY_MEGABYTES * MEGABYTE;
  const tree = boardDeviceTree(configuration({ harts, memoryBytes }), hart, {
    commandLine,
    firmwareBytes: FIRMWARE_BYTES,
  });
  const treePath = temporaryPath(`tree-${harts}.dtb`);
  writeFileSync(treePath, encodeDeviceTree(tree));
  const disk = temporaryPath(`disk-${harts}.img`);
  copyFileSync(debian.disk, disk);
  const argv = [
    ...["-machine", "virt", "-cpu", cpu, "-m", `${MEMORY_MEGABYTES}M`, "-smp", String(harts)],
    ...[
      "-bios",
      firmware,
      "-dtb",
      treePath,
      "-kernel",
      debian.kernel,
      "-initrd",
      debian.initrd,
      "-append",
      commandLine,
    ],
    ...["-drive", `file=${disk},format=raw,if=none,id=disk`, "-device", "virtio-blk-device,drive=disk"],
    ...["-netdev", "user,id=net", "-device", "virtio-net-device,netdev=net"],
    ...["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"],
  ];
  const { console, exitCode } = await runMachine(argv, TIMEOUT_MS);
  rmSync(treePath);
  rmSync(disk);
  return { text: console.toString("latin1"), exitCode };
}

const ALL = [
  /SBI implementation ID=0x48494e44 Version=0x1/,
  /SBI HSM extension detected/,
  new RegExp(`HINDCAST: disk says ${DISK_GREETING}`),
  /HINDCAST: disk holds written by the guest/,
  /HINDCAST: the gateway answers/,
  /HINDCAST: ready[\s\S]*reboot: Power down/,
];

for (const [harts, cpu, extensions] of [
  [1, "rv64", ["zicsr", "zifencei", "sstc"]],
  [2, "rv64,sstc=off", ["zicsr", "zifencei"]],
  [4, "rv64", ["zicsr", "zifencei", "sstc"]],
] as const) {
  test(`QEMU boots Debian with our firmware: ${harts} harts, ${cpu}`, async () => {
    const { text, exitCode } = await boot(harts, cpu, extensions, "disk,net,poweroff");
    for (const pattern of [...ALL, new RegExp(`HINDCAST: init, [^ ]+, ${harts} harts`)]) assert.match(text, pattern);
    assert.equal(exitCode, 0);
  });
}

test("a reboot ends a machine that is not to be started again", async () => {
  const { text } = await boot(1, "rv64", ["zicsr", "zifencei", "sstc"], "reboot");
  assert.match(text, /HINDCAST: ready[\s\S]*reboot: Restarting system/);
});
