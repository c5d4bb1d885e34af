import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { buildKernel } from "../../scripts/build-kernel.ts";
import { temporaryPath } from "./cross-compiler.ts";
import { runMachine } from "./qemu.ts";

const PREBUILT = join(import.meta.dirname, "../../guest/kernel/prebuilt");
/** What is typed before the guest has set up its UART is lost. */
const LOST = "\n".repeat(64);

test("the prebuilt teaching kernel is what its sources make", () => {
  const folder = temporaryPath("kernel");
  mkdirSync(folder);
  buildKernel(folder);
  for (const name of ["files.img", "kernel.elf", "kernel.json"]) {
    assert.ok(readFileSync(join(folder, name)).equals(readFileSync(join(PREBUILT, name))), `${name} differs`);
  }
});

test("QEMU boots the teaching kernel, from its disk, on two harts", async () => {
  const disk = `file=${join(PREBUILT, "files.img")},format=raw,if=none,id=disk,readonly=on`;
  const argv = [
    ...["-machine", "virt", "-smp", "2", "-m", "128M", "-global", "virtio-mmio.force-legacy=false"],
    ...["-kernel", join(PREBUILT, "kernel.elf"), "-drive", disk, "-device", "virtio-blk-device,drive=disk"],
    ...["-display", "none", "-monitor", "none", "-serial", "stdio", "-net", "none", "-no-reboot"],
  ];
  const { console } = await runMachine(argv, undefined, `${LOST}walk 300 2\nprimes 3000 2 &\ncrash 1\nwait\nexit\n`);
  const text = console.toString("latin1");
  assert.match(text, /14 files, on the disk\./);
  assert.match(text, /walk: 300 pages, sum 91091/);
  assert.equal(text.match(/primes: 430 below 3000/g)?.length, 2);
  assert.match(text, /a store to an address without memory/);
  assert.match(text, /The first process has ended/);
});
