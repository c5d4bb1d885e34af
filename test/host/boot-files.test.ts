/** A kernel with firmware, initrd, tree and symbols: recorded, and opened where none of the files are. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { assemble } from "../../src/assembler/assemble.ts";
import { encodeDeviceTree, texts } from "../../src/boot/flattened-device-tree.ts";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import { configurationOf, openLive } from "../../src/host/live-session.ts";
import { Bell, drive } from "../../src/host/motion-driver.ts";
import { openRecording } from "../../src/host/recorded-session.ts";
import { sourceTexts } from "../../src/host/source-files.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import type { Motion } from "../../src/replay/timeline-interface.ts";
import { writeElf } from "../../src/symbols/elf-writer.ts";
import { SymbolTable } from "../../src/symbols/symbol-table.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-boot-"));
after(() => rmSync(folder, { recursive: true }));

/** Prints a byte of the device tree's magic, then ends: in supervisor mode through the firmware. */
const KERNEL = `
    .globl _start
_start:
    lbu a0, 1(a1)
    li a7, 1
    ecall
    li a7, 8
    ecall
`;

function place(files: Readonly<Record<string, string | Uint8Array>>): (name: string) => string {
  const inside = mkdtempSync(join(folder, "run-"));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(inside, name), bytes);
  return (name) => join(inside, name);
}

function elfAt(textAddress: bigint, source: string): Uint8Array {
  return writeElf(assemble(source, { file: "it.s", textAddress }).program!, "test");
}

async function recordAndForget(options: Omit<Parameters<typeof openLive>[0], "recordTo">, files: string[]) {
  const path = join(mkdtempSync(join(folder, "rec-")), "it.hindcast");
  const bell = new Bell();
  const session = openLive({ ...options, recordTo: path }, () => bell.ring());
  const { timeline, machine, recording } = session;
  await drive(timeline.forward({ stops: NO_STOPS, limit: 1e6 as typeof timeline.end }), { bell, stop: () => false });
  const digest = machine.digest();
  const { end } = timeline;
  timeline.close();
  await recording.close();
  for (const file of files) rmSync(file);
  const opened = openRecording(path);
  await drive(opened.timeline.forward({ stops: NO_STOPS, limit: end }), { bell, stop: () => false });
  assert.equal(opened.machine.digest(), digest);
  const symbols = new SymbolTable(opened.programs);
  const { history } = opened.timeline;
  const console = Buffer.from(history.outputBytes(0, history.outputLength));
  opened.close();
  return { opened, symbols, console, sizeBytes: readFileSync(path).length };
}

test("an assembled kernel with everything replays without its files", async () => {
  const root = { name: "", properties: { model: texts("mine") }, children: [] };
  const at = place({
    "kernel.s": KERNEL,
    "root.cpio": new Uint8Array(100_000).fill(3),
    "board.dtb": encodeDeviceTree({ root, reservations: [] }),
    "user.elf": elfAt(0x1_0000n, "_start: nop\nwork: nop\n"),
    "System.map": "ffffffff80000000 T high\n",
  });
  const files = ["kernel.s", "root.cpio", "board.dtb", "user.elf", "System.map"].map(at);
  const [kernel, initrd, dtb, user, map] = files;
  const symbolFiles = [
    { path: user, offset: 0x1000n },
    { path: map, offset: 0n },
  ];
  const { opened, symbols, console, sizeBytes } = await recordAndForget(
    { kernel, initrd, dtb, append: "quiet", symbolFiles },
    files,
  );
  assert.deepEqual([...console], [0x0d]);
  assert.deepEqual(opened.warnings, []);
  assert.equal(symbols.named("_start")?.address, 0x8020_0000n);
  assert.equal(symbols.named("fw_trap_entry")?.section, ".text");
  assert.equal(symbols.named("work")?.address, 0x1_1002n);
  assert.equal(symbols.named("high")?.address, 0xffff_ffff_8000_0000n);
  assert.ok(opened.sources.has("hindcast-sbi/entry.s"));
  assert.ok(opened.sources.has(kernel));
  assert.ok(sizeBytes < 80_000, `${sizeBytes} bytes`);
});

test("from the kernel into the firmware and back, by source line", async () => {
  const at = place({ "kernel.s": KERNEL });
  const path = join(mkdtempSync(join(folder, "rec-")), "it.hindcast");
  const bell = new Bell();
  const { timeline, boot, recording } = openLive({ kernel: at("kernel.s"), recordTo: path }, () => bell.ring());
  const parts = {
    timeline,
    history: timeline.history,
    programs: boot.programs,
    sourceTexts: sourceTexts(boot.sources),
  };
  const debuggee = new Debuggee({ ...parts, emit: () => {} });
  const run = async <Result>(motion: Motion<Result>) => {
    const outcome = await drive(motion, { bell, stop: () => false });
    assert.ok(outcome.finished);
    return outcome.value;
  };
  const where = () => {
    const [{ name, source }] = debuggee.frames(0);
    return `${name} ${source?.path.split(/[\\/]/).slice(-2).join("/")}:${source?.line}`;
  };
  const line = 1 + sourceTexts(boot.sources).get("hindcast-sbi/calls.s")!.split("\n").indexOf("fw_legacy_putchar:") + 1;
  debuggee.setBreakpoints({ kind: "source", path: "hindcast-sbi/calls.s" }, [
    { id: 1, at: { kind: "source", path: "hindcast-sbi/calls.s", line } },
  ]);
  const stopped = await run(debuggee.resume());
  assert.equal(stopped.reason, "breakpoint");
  assert.equal(where(), `fw_legacy_putchar hindcast-sbi/calls.s:${line}`);
  debuggee.setBreakpoints({ kind: "source", path: "hindcast-sbi/calls.s" }, []);
  const ecall = 1 + KERNEL.split("\n").indexOf("    ecall");
  debuggee.setBreakpoints({ kind: "source", path: at("kernel.s") }, [
    { id: 2, at: { kind: "source", path: at("kernel.s"), line: ecall } },
  ]);
  const back = await run(debuggee.reverseContinue());
  assert.equal(back.reason, "breakpoint");
  assert.match(where(), new RegExp(`kernel\\.s:${ecall}$`));
  timeline.close();
  await recording.close();
});

test("a compressed kernel image and firmware of the user's own replay without their files", async () => {
  const raw = assemble(KERNEL, { file: "k.s", textAddress: 0x8020_0000n }).program!.segments[0].bytes;
  // Firmware that jumps to the kernel in machine mode would do for the files: it ends the run itself.
  const firmware = elfAt(0x8000_0000n, "_start: li t0, 0x100000\nfinish: li t1, 0x5555\n sw t1, 0(t0)\n");
  const at = place({ "Image.gz": gzipSync(raw), "fw.elf": firmware });
  const files = ["Image.gz", "fw.elf"].map(at);
  const { opened, symbols } = await recordAndForget({ kernel: files[0], bios: files[1] }, files);
  assert.deepEqual(opened.warnings, []);
  assert.ok(symbols.named("finish") !== undefined);
});

test("a program in machine mode finds a device tree, and its recording needs no files", async () => {
  const at = place({
    "bare.elf": elfAt(
      0x8000_0000n,
      "_start: lbu a0, 1(a1)\n li t0, 0x10000000\n sb a0, 0(t0)\n li t0, 0x100000\n li t1, 0x5555\n sw t1, 0(t0)\n",
    ),
  });
  const { opened, symbols, console } = await recordAndForget({ program: at("bare.elf") }, [at("bare.elf")]);
  assert.deepEqual([...console], [0x0d]);
  assert.deepEqual(opened.warnings, []);
  assert.equal(symbols.named("_start")?.address, 0x8000_0000n);
});

test("what runs under firmware gets a machine for kernels, unless told otherwise", () => {
  const bare = configurationOf({ program: "p" }, []);
  assert.equal(bare.memoryBytes, 128 * 2 ** 20);
  const kernel = configurationOf({ kernel: "k" }, []);
  assert.equal(kernel.modes, "msu");
  assert.equal(kernel.memoryBytes, 256 * 2 ** 20);
  assert.equal(configurationOf({ program: "p", bios: "sbi" }, []).memoryBytes, 256 * 2 ** 20);
  assert.equal(configurationOf({ kernel: "k", bios: "none" }, []).memoryBytes, 128 * 2 ** 20);
  const { modes, memoryBytes } = configurationOf({ kernel: "k", modes: "mu", memoryBytes: 2 ** 20 }, []);
  assert.deepEqual([modes, memoryBytes], ["mu", 2 ** 20]);
});

test("symbols of a file that has none are refused by its name", () => {
  const at = place({ "kernel.s": KERNEL, raw: Uint8Array.of(0x13, 0, 0, 0) });
  const symbolFiles = [{ path: at("raw"), offset: 0n }];
  assert.throws(() => openLive({ kernel: at("kernel.s"), symbolFiles }, () => {}), { code: "symbols-none" });
});
