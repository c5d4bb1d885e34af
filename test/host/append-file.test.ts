import assert from "node:assert/strict";
import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { AppendFile, type FileCalls } from "../../src/host/append-file.ts";

/** A file whose disk has room for `roomBytes`, and takes at most `pieceBytes` at a time, as write(2) may. */
function smallDisk(roomBytes: number, pieceBytes: number): FileCalls & { syncs: number } {
  const calls = {
    syncs: 0,
    fdatasyncSync(fd: number) {
      calls.syncs++;
      fdatasyncSync(fd);
    },
    ftruncateSync,
    closeSync,
    writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number | null): number {
      const room = roomBytes - (position ?? 0);
      if (room <= 0) throw Object.assign(new Error("ENOSPC: no space"), { code: "ENOSPC", syscall: "write" });
      return writeSync(fd, bytes, offset, Math.min(length, room, pieceBytes), position);
    },
  };
  return calls;
}

function withFile(body: (path: string) => void) {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), "hindcast-append-"));
    try {
      body(join(folder, "file"));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

test(
  "what the system writes in pieces arrives whole",
  withFile((path) => {
    const file = new AppendFile(openSync(path, "w"), smallDisk(1000, 3));
    file.write(Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
    file.write(Uint8Array.of(8, 9));
    assert.equal(file.length, 9);
    file.close();
    assert.deepEqual([...readFileSync(path)], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  }),
);

test(
  "a full disk leaves whole pieces only",
  withFile((path) => {
    const file = new AppendFile(openSync(path, "w"), smallDisk(10, 4));
    file.write(Uint8Array.of(1, 2, 3, 4, 5, 6));
    assert.throws(() => file.write(Uint8Array.of(7, 8, 9, 10, 11, 12)), /ENOSPC/);
    assert.equal(file.length, 6);
    file.close();
    assert.deepEqual([...readFileSync(path)], [1, 2, 3, 4, 5, 6], "the half piece was cut off");
  }),
);

test(
  "syncs only when something is new",
  withFile((path) => {
    const calls = smallDisk(100, 100);
    const file = new AppendFile(openSync(path, "w"), calls);
    file.sync();
    assert.equal(calls.syncs, 0);
    file.write(Uint8Array.of(1));
    file.sync();
    file.sync();
    assert.equal(calls.syncs, 1);
    file.close();
  }),
);

test("devices are written too", { skip: process.platform !== "linux" }, () => {
  const full = new AppendFile(openSync("/dev/full", "w"));
  assert.throws(() => full.write(Uint8Array.of(1)), /ENOSPC/);
  full.close();
  const none = new AppendFile(openSync("/dev/null", "w"));
  none.write(Uint8Array.of(1));
  none.sync();
  none.close();
});
