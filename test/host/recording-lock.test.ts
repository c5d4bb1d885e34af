import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir, uptime } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { acquireRecordingLock, holderOf, lockPath } from "../../src/host/recording-lock.ts";

function withFolder(body: (recording: string, folder: string) => unknown) {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "hindcast-lock-"));
    try {
      await body(join(folder, "run.hindcast"), folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

function assertLocked(recording: string) {
  assert.throws(
    () => acquireRecordingLock(recording),
    (error) => error instanceof UserError && error.code === "recording-locked",
  );
}

/** A process id that was in use a moment ago and is not any more. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "0"]);
  await once(child, "exit");
  return child.pid!;
}

test(
  "one writer at a time, also within one process",
  withFolder((recording, folder) => {
    const lock = acquireRecordingLock(recording);
    assert.equal(holderOf(recording)?.pid, process.pid);
    assertLocked(recording);
    lock.release();
    assert.equal(holderOf(recording), undefined);
    acquireRecordingLock(recording).release();
    assert.deepEqual(readdirSync(folder), [], "nothing is left behind");
  }),
);

test(
  "the sentence names the process that records",
  withFolder((recording) => {
    const lock = acquireRecordingLock(recording);
    assert.throws(() => acquireRecordingLock(recording), new RegExp(`process ${process.pid}.*choose another file`));
    lock.release();
  }),
);

test(
  "a lock whose process has died is taken over",
  withFolder(async (recording, folder) => {
    const pid = await deadProcess();
    writeFileSync(lockPath(recording), JSON.stringify({ pid, host: hostname(), token: "old" }));
    const lock = acquireRecordingLock(recording);
    assertLocked(recording);
    lock.release();
    assert.deepEqual(readdirSync(folder), []);
  }),
);

test(
  "a lock from before the last boot is void, though its process number is in use again",
  withFolder((recording) => {
    writeFileSync(lockPath(recording), JSON.stringify({ pid: process.ppid, host: hostname(), token: "old" }));
    assertLocked(recording);
    const beforeBoot = Date.now() / 1000 - uptime() - 60;
    utimesSync(lockPath(recording), beforeBoot, beforeBoot);
    acquireRecordingLock(recording).release();
  }),
);

test(
  "a lock of another host is believed",
  withFolder((recording) => {
    writeFileSync(lockPath(recording), JSON.stringify({ pid: 1, host: "elsewhere", token: "theirs" }));
    assert.throws(() => acquireRecordingLock(recording), /process 1 on elsewhere/);
  }),
);

test(
  "a file that is no lock does not lock",
  withFolder((recording) => {
    for (const content of ["", "{", "null", "[]", "hello"]) {
      writeFileSync(lockPath(recording), content);
      acquireRecordingLock(recording).release();
    }
  }),
);

test(
  "of eight processes that find a void lock at once, exactly one gets it",
  { timeout: 30_000 },
  withFolder(async (recording) => {
    writeFileSync(lockPath(recording), JSON.stringify({ pid: await deadProcess(), host: hostname(), token: "old" }));
    const module = new URL("../../src/host/recording-lock.ts", import.meta.url).href;
    // Whoever gets the lock holds it until all have tried.
    const script = `
      const { acquireRecordingLock } = await import(${JSON.stringify(module)});
      let verdict = "got";
      try { acquireRecordingLock(${JSON.stringify(recording)}); } catch (error) { verdict = error.code; }
      console.log(verdict);
      process.stdin.resume(); process.stdin.on("end", () => process.exit());`;
    const children = Array.from({ length: 8 }, () =>
      spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] }),
    );
    const verdicts = await Promise.all(
      children.map(async (child) => String((await once(child.stdout, "data"))[0]).trim()),
    );
    for (const child of children) child.stdin.end();
    await Promise.all(children.map((child) => once(child, "exit")));
    assert.deepEqual(verdicts.sort(), ["got", ...Array(7).fill("recording-locked")]);
  }),
);
