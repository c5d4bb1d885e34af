import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import { chooseRecordingPath, folderWarning } from "../../src/host/recording-place.ts";

function withFolder(body: (folder: string) => void) {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), "hindcast-place-"));
    try {
      body(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

const NOON = new Date(2031, 1, 3, 12, 4, 5);

test(
  "beside the program, named after it and the time, and out of version control",
  withFolder((folder) => {
    const path = chooseRecordingPath(join(folder, "work.queue.s"), NOON);
    assert.equal(path, join(folder, ".hindcast", "work.queue-20310203-120405.hindcast"));
    assert.equal(readFileSync(join(folder, ".hindcast", ".gitignore"), "utf8"), "*\n");
    assert.equal(existsSync(path), false, "choosing creates no recording");
  }),
);

test(
  "two runs in one second get different files",
  withFolder((folder) => {
    const program = join(folder, "a.elf");
    const first = chooseRecordingPath(program, NOON);
    writeFileSync(first, "");
    assert.equal(
      chooseRecordingPath(program, NOON),
      first.replace(".hindcast", ".hindcast").replace(/\.hindcast$/, "-2.hindcast"),
    );
  }),
);

test(
  "where the program's folder cannot take it, the state folder does",
  withFolder((folder) => {
    // A file in the place of the folder refuses root as well, which permissions do not.
    const programs = join(folder, "programs");
    mkdirSync(programs);
    writeFileSync(join(programs, ".hindcast"), "in the way");
    chmodSync(programs, 0o555);
    const before = process.env.XDG_STATE_HOME;
    process.env.XDG_STATE_HOME = join(folder, "state");
    try {
      const path = chooseRecordingPath(join(programs, "a.elf"), NOON);
      if (process.platform === "linux") assert.equal(dirname(path), join(folder, "state", "hindcast", "recordings"));
      assert.notEqual(dirname(path), join(programs, ".hindcast"));
    } finally {
      if (before === undefined) delete process.env.XDG_STATE_HOME;
      else process.env.XDG_STATE_HOME = before;
      chmodSync(programs, 0o755);
    }
  }),
);

test(
  "small folders are not mentioned",
  withFolder((folder) => {
    writeFileSync(join(folder, "a.hindcast"), "x".repeat(1000));
    assert.equal(folderWarning(join(folder, "a.hindcast")), undefined);
  }),
);
