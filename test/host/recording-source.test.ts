import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FileByteSource } from "../../src/host/recording-source.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-source-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("what is read takes the room that was given, where that is large enough", () => {
  const path = join(folder, "bytes");
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);
  writeFileSync(path, bytes);
  const source = new FileByteSource(path);
  const room = new Uint8Array(100).fill(255);
  for (const [offset, length] of [
    [0, 100],
    [37, 64],
    [950, 100],
    [1000, 10],
    [3, 101],
  ]) {
    const read = source.read(offset, length, room);
    assert.deepEqual([...read], [...bytes.subarray(offset, offset + length)], `${length} bytes at ${offset}`);
    assert.equal(read.buffer === room.buffer, length <= room.length);
    assert.deepEqual(source.read(offset, length), Uint8Array.from(read));
  }
  source.close();
});
