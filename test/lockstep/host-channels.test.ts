import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { SocketChannel, ThreadChannel, threadEnds } from "../../src/host/lockstep-channels.ts";
import { SharedRing } from "../../src/host/shared-ring.ts";
import type { Channel } from "../../src/lockstep/channel.ts";
import { type ChannelPair, channelSuite } from "./channel-suite.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-channels-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Each socket has a folder of its own. */
function socketPath(): string {
  return join(mkdtempSync(join(folder, "pair-")), "socket");
}

const LOOK_EVERY_MS = 5;
const ARRIVES_WITHIN_MS = 20_000;

/** An end that counts, so that somebody can wait until everything that was sent has come. */
class CountedEnd implements Channel {
  readonly inner: ThreadChannel | SocketChannel;
  readonly arrived: Uint8Array[] = [];
  sent = 0;
  received = 0;

  constructor(inner: ThreadChannel | SocketChannel) {
    this.inner = inner;
  }

  send(frame: Uint8Array): void {
    this.sent++;
    this.inner.send(frame);
  }

  receive(): Uint8Array | undefined {
    return this.arrived.shift();
  }

  look(): void {
    for (let frame = this.inner.receive(); frame !== undefined; frame = this.inner.receive()) {
      this.received++;
      this.arrived.push(frame);
    }
  }
}

function pairOf(first: ThreadChannel | SocketChannel, second: ThreadChannel | SocketChannel): ChannelPair {
  const ends = [new CountedEnd(first), new CountedEnd(second)] as const;
  return {
    ends,
    settle: () =>
      until(() => {
        for (const end of ends) end.look();
        return ends[0].received === ends[1].sent && ends[1].received === ends[0].sent;
      }),
    close: async () => {
      first.close();
      second.close();
    },
  };
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let left = ARRIVES_WITHIN_MS; !isTrue(); left -= LOOK_EVERY_MS) {
    assert.ok(left > 0, "it does not arrive");
    await sleep(LOOK_EVERY_MS);
  }
}

channelSuite("between threads", async () => {
  const [first, second] = threadEnds();
  return pairOf(new ThreadChannel(first, () => {}), new ThreadChannel(second, () => {}));
});

channelSuite("between processes", async () => {
  const path = socketPath();
  return pairOf(
    SocketChannel.listen(path, () => {}),
    SocketChannel.connect(path, () => {}),
  );
});

for (const kind of ["threads", "processes"] as const) {
  test(`between ${kind}: an end that is closed is known to be, once what it sent has been received`, async () => {
    const [first, second] = threadEnds();
    const path = socketPath();
    const ends =
      kind === "threads"
        ? [new ThreadChannel(first, () => {}), new ThreadChannel(second, () => {})]
        : [SocketChannel.listen(path, () => {}), SocketChannel.connect(path, () => {})];
    ends[0].send(Uint8Array.of(1));
    ends[1].send(Uint8Array.of(2));
    // There is a connection.
    await until(() => ends[0].receive() !== undefined);
    ends[0].close();
    let got: Uint8Array | undefined;
    await until(() => {
      assert.equal(ends[1].closed, false);
      got ??= ends[1].receive();
      return got !== undefined;
    });
    assert.deepEqual(got, Uint8Array.of(1));
    await until(() => ends[1].closed);
  });
}

test("nothing is left of where two processes met, once they have met: they may be killed at any time", async () => {
  const path = socketPath();
  const ends = [SocketChannel.listen(path, () => {}), SocketChannel.connect(path, () => {})];
  ends[0].send(Uint8Array.of(1));
  await until(() => ends[1].receive() !== undefined);
  await until(() => !existsSync(dirname(path)));
  for (const end of ends) end.close();
});

test("who listens to a ring is called once for what was written since it read, or when somebody wakes it", async () => {
  const ring = new SharedRing(SharedRing.create());
  let called = 0;
  const listener = () => {
    called++;
  };
  ring.write(Uint8Array.of(1));
  ring.listen(listener);
  assert.equal(called, 1);
  assert.deepEqual(ring.read(), Uint8Array.of(1));
  ring.listen(listener);
  // Not twice at a time.
  ring.listen(listener);
  assert.equal(called, 1);
  ring.wake();
  await until(() => called === 2);
  assert.equal(ring.read(), undefined);
  ring.write(Uint8Array.of(2));
  await sleep(LOOK_EVERY_MS);
  assert.equal(called, 2);
});

test("who waits at a ring goes on for what was written or woke it since it read, and when its time is over", () => {
  const ring = new SharedRing(SharedRing.create());
  assert.equal(ring.read(), undefined);
  assert.equal(ring.wait(1), false);
  ring.wake();
  assert.equal(ring.wait(ARRIVES_WITHIN_MS), true);
  assert.equal(ring.read(), undefined);
  assert.equal(ring.wait(1), false);
  ring.write(Uint8Array.of(1));
  assert.equal(ring.wait(ARRIVES_WITHIN_MS), true);
});

test("who waits at a ring is woken by another thread, however long it has slept", async () => {
  const buffer = SharedRing.create();
  const ring = new SharedRing(buffer);
  const other = new Worker(new URL("./ring-reader.ts", import.meta.url), { workerData: buffer });
  const waited = new Promise<boolean[]>((resolve) => other.once("message", resolve));
  await new Promise<void>((resolve) => other.once("online", resolve));
  await sleep(10 * LOOK_EVERY_MS);
  ring.write(Uint8Array.of(1));
  assert.deepEqual(await waited, [true, true]);
});
