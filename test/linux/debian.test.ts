/** Stock Debian 13 on our machine: every kind of firmware, several harts, a disk and a network; recorded and replayed. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DISK_GREETING } from "../../scripts/debian.ts";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import { Bell, drive } from "../../src/host/motion-driver.ts";
import { openRecording } from "../../src/host/recorded-session.ts";
import type { Motion } from "../../src/replay/timeline-interface.ts";
import { checkBoot, debian, lastWrite, record } from "./boot.ts";

const END = /HINDCAST: ready[\s\S]*reboot: Power down/;

let plainBoot: string;

test("the built-in SBI, one hart: to the shell's door and off", async () => {
  plainBoot = await checkBoot({ options: [], asked: "poweroff" }, [
    /SBI implementation ID=0x48494e44/,
    /HINDCAST: init, \S+, 1 harts/,
    END,
  ]);
});

test("a breakpoint on a kernel function is met in both directions", async () => {
  const session = openRecording(plainBoot);
  try {
    const { timeline, programs } = session;
    const parts = { timeline, history: timeline.history, programs, sourceTexts: new Map() };
    const debuggee = new Debuggee({ ...parts, emit: () => {} });
    const run = async <Result>(motion: Motion<Result>) => {
      const outcome = await drive(motion, { bell: new Bell(), stop: () => false });
      assert.ok(outcome.finished);
      return outcome.value;
    };
    const at = { kind: "function", name: "kernel_init" } as const;
    const [state] = debuggee.setBreakpoints({ kind: "function" }, [{ id: 1, at }]);
    assert.ok(state.verified, state.message);
    const forward = await run(debuggee.resume());
    assert.equal(forward.reason, "function breakpoint");
    const digest = timeline.machine.digest();
    assert.match(debuggee.frames(forward.hart)[0].name, /^kernel_init/);
    await run(timeline.seek(timeline.end));
    const backward = await run(debuggee.reverseContinue());
    assert.equal(backward.reason, "function breakpoint");
    assert.equal(backward.instant, forward.instant);
    assert.equal(timeline.machine.digest(), digest);
  } finally {
    session.close();
  }
});

test("who wrote a variable of the kernel last, though the run ended in firmware", async () => {
  const write = await lastWrite(plainBoot, "jiffies_64");
  assert.match(String(write?.symbol), /^tick_do_update_jiffies64/);
});

test("the built-in SBI, two harts: a disk mounted and written, the network up", async () => {
  const options = ["--harts", "2", "--disk", debian().disk, "--net", "user"];
  await checkBoot({ options, asked: "disk,net,poweroff" }, [
    /HINDCAST: init, \S+, 2 harts/,
    new RegExp(`HINDCAST: disk says ${DISK_GREETING}`),
    /HINDCAST: disk holds written by the guest/,
    /HINDCAST: the network has 10\.0\.2\.15/,
    /HINDCAST: the gateway answers/,
    END,
  ]);
});

test("the built-in SBI, four harts", async () => {
  await checkBoot({ options: ["--harts", "4"], asked: "poweroff" }, [/HINDCAST: init, \S+, 4 harts/, END]);
});

// The driver of the serial port clears its receiver three times before it listens.
test("a file of commands reaches the shell, though it is there before the serial driver starts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hindcast-input-"));
  try {
    const commands = join(folder, "commands.txt");
    writeFileSync(commands, "echo $((6 * 7)) is the answer\npoweroff -f\n");
    await checkBoot({ options: ["--input", commands], asked: "none" }, [/^42 is the answer\r?$/m, END]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a reboot ends the run, and says so", async () => {
  const { console, answer } = await record({ options: [], asked: "reboot" });
  assert.match(console, /reboot: Restarting system/);
  assert.deepEqual([answer.reason, answer.exitCode], ["reset", 0]);
});

test("OpenSBI that is told where to go, two harts", async () => {
  const options = ["--harts", "2", "--bios", debian().opensbi.dynamic];
  await checkBoot({ options, asked: "poweroff" }, [/OpenSBI v1\.\d/, /HINDCAST: init, \S+, 2 harts/, END]);
});

test("OpenSBI as an ELF that finds its own place", async () => {
  await checkBoot({ options: ["--bios", debian().opensbi.dynamicElf], asked: "poweroff" }, [/OpenSBI v1\.\d/, END]);
});

test("OpenSBI that jumps to where kernels are", async () => {
  await checkBoot({ options: ["--bios", debian().opensbi.jump], asked: "poweroff" }, [/OpenSBI v1\.\d/, END]);
});
