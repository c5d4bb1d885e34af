import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { PortChannel, SocketChannel } from "../../src/host/lockstep-channels.ts";
import { channelSuite } from "./channel-suite.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-channels-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let sockets = 0;

/** Long enough for what was sent to have come. */
const SETTLE_MS = 50;

channelSuite("between threads", async () => {
  const { port1, port2 } = new MessageChannel();
  const ends = [new PortChannel(port1, () => {}), new PortChannel(port2, () => {})] as const;
  return { ends, settle: () => sleep(SETTLE_MS), close: async () => ends[0].close() };
});

channelSuite("between processes", async () => {
  const path = join(folder, String(++sockets));
  const ends = [SocketChannel.listen(path, () => {}), SocketChannel.connect(path, () => {})] as const;
  return {
    ends,
    settle: () => sleep(SETTLE_MS),
    close: async () => {
      for (const end of ends) end.close();
    },
  };
});

for (const kind of ["threads", "processes"] as const) {
  test(`between ${kind}: an end that is closed is known to be, once what it sent has been received`, async () => {
    const { port1, port2 } = new MessageChannel();
    const path = join(folder, String(++sockets));
    const ends =
      kind === "threads"
        ? [new PortChannel(port1, () => {}), new PortChannel(port2, () => {})]
        : [SocketChannel.listen(path, () => {}), SocketChannel.connect(path, () => {})];
    ends[0].send(Uint8Array.of(1));
    await sleep(SETTLE_MS);
    ends[0].close();
    await sleep(SETTLE_MS);
    assert.equal(ends[1].closed, false);
    assert.deepEqual(ends[1].receive(), Uint8Array.of(1));
    assert.equal(ends[1].closed, true);
  });
}
