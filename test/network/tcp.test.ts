import assert from "node:assert/strict";
import test from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { GATEWAY, GUEST, NAME_SERVER } from "../../src/network/addresses.ts";
import { ACK, FIN, parseTcp, RST, SYN, type TcpSegment, tcpPacket } from "../../src/network/tcp-segment.ts";
import { GuestTcp } from "./guest-tcp.ts";
import { Bench, type FakeStream, guestAt, SERVER } from "./support.ts";

interface Loss {
  /** One frame in so many is lost, each way; 0: none. */
  readonly toGuest: number;
  readonly toHost: number;
}

const LOSSLESS: Loss = { toGuest: 0, toHost: 0 };

/** One guest connection to a server, and the time in which they live. */
class Scene {
  readonly bench = new Bench();
  readonly guest: GuestTcp;
  readonly prng: Prng;
  readonly #loss: Loss;
  readonly peer: { address: number; port: number };
  /** Every segment that reached the guest. */
  readonly seen: TcpSegment[] = [];

  constructor(options: {
    seed?: number;
    loss?: Loss;
    mss?: number;
    bufferBytes?: number;
    peer?: { address: number; port: number };
  }) {
    this.prng = new Prng(options.seed ?? 1);
    this.#loss = options.loss ?? LOSSLESS;
    this.peer = options.peer ?? { address: SERVER, port: 80 };
    this.guest = new GuestTcp((segment) => {
      if (this.#isLost(this.#loss.toHost)) return;
      this.bench.send(tcpPacket({ source: guestAt(40_000), destination: this.peer, segment }));
    }, options);
  }

  get stream(): FakeStream {
    return this.bench.outside.streams[0];
  }

  open(): this {
    this.guest.connect(this.bench.nowMs);
    this.until(() => this.bench.outside.streams.length > 0);
    this.stream.events.connected();
    this.until(() => this.guest.state === "open");
    return this;
  }

  /** Hands over what is on the wire, until it is silent. */
  settle(): void {
    for (let round = 0; round < 10_000; round++) {
      const packets = this.bench.packets();
      if (packets.length === 0) return;
      for (const packet of packets) {
        if (this.#isLost(this.#loss.toGuest)) continue;
        const parsed = parseTcp(packet);
        assert.ok(parsed, "the network sends sound segments");
        this.seen.push(parsed.segment);
        this.guest.receive(parsed.segment, this.bench.nowMs);
      }
    }
    assert.fail("the wire is never silent");
  }

  pass(ms: number): void {
    const until = this.bench.nowMs + ms;
    while (this.bench.nowMs < until) {
      this.bench.nowMs += 10;
      this.bench.network.tick();
      this.settle();
      this.guest.tick(this.bench.nowMs);
      this.settle();
    }
  }

  until(condition: () => boolean, mostMs = 600_000): void {
    const until = this.bench.nowMs + mostMs;
    this.settle();
    while (!condition()) {
      assert.ok(this.bench.nowMs < until, "it does not happen");
      this.pass(10);
    }
  }

  #isLost(oneIn: number): boolean {
    return oneIn > 0 && this.prng.below(oneIn) === 0;
  }
}

const written = ({ stream }: Scene) => [...Buffer.concat(stream.written)];
const randomBytes = (prng: Prng, length: number) => Uint8Array.from({ length }, () => prng.below(256));

test("a connection opens when the outside has, carries both ways, and closes half by half", () => {
  const scene = new Scene({});
  const { bench, guest } = scene;
  guest.connect(0);
  scene.settle();
  assert.equal(guest.state, "syn-sent");
  assert.deepEqual([scene.stream.address, scene.stream.port], [SERVER, 80]);
  scene.stream.events.connected();
  scene.settle();
  assert.equal(guest.state, "open");
  guest.write(Buffer.from("GET /"), 0);
  scene.settle();
  assert.equal(Buffer.from(written(scene)).toString(), "GET /");
  guest.finish(0);
  scene.settle();
  assert.equal(scene.stream.ended, true);
  scene.stream.events.data(Buffer.from("hello"));
  scene.settle();
  assert.equal(Buffer.from(guest.received).toString(), "hello");
  assert.equal(guest.peerFinished, false);
  assert.equal(bench.network.isBusy, true);
  scene.stream.events.ended();
  scene.settle();
  assert.ok(guest.peerFinished && guest.finished);
  assert.equal(bench.network.isBusy, false);
  scene.pass(3000);
  assert.equal(bench.network.counts.connections, 0);
  assert.equal(guest.retries, 0);
});

test("who cannot be reached outside refuses, as does what is no address of a host", () => {
  const scene = new Scene({});
  scene.guest.connect(0);
  scene.settle();
  scene.stream.events.failed();
  scene.settle();
  assert.equal(scene.guest.state, "reset");
  assert.equal(scene.bench.network.counts.connections, 0);
  for (const address of [0x7f00_0001, 0xe000_0001, 0x0a00_024d, 0, 0xffff_ffff]) {
    const nowhere = new Scene({ peer: { address, port: 80 } });
    nowhere.guest.connect(0);
    assert.equal(nowhere.bench.outside.streams.length, 0);
    const packets = nowhere.bench.packets();
    // Errors about groups and broadcasts are not sent.
    assert.equal(packets.length, address === 0x0a00_024d ? 1 : 0);
    if (packets.length > 0) assert.deepEqual([...packets[0].payload.subarray(0, 2)], [3, 1]);
  }
});

test("the gateway is the host, and port 53 of the name server leads to the host's", () => {
  const host = new Scene({ peer: { address: GATEWAY, port: 8080 } }).open();
  assert.deepEqual([host.stream.address, host.stream.port], [0x7f00_0001, 8080]);
  const names = new Scene({ peer: { address: NAME_SERVER, port: 53 } });
  names.bench.outside.servers = [{ address: SERVER, port: 5353 }];
  names.open();
  assert.deepEqual([names.stream.address, names.stream.port], [SERVER, 5353]);
});

test("what belongs to no connection is reset, a reset is not", () => {
  const bench = new Bench();
  const peer = { address: SERVER, port: 80 };
  const send = (segment: Partial<TcpSegment>) => {
    const whole = { sequence: 5, acknowledgement: 9, flags: ACK, window: 1, payload: new Uint8Array(3), ...segment };
    bench.send(tcpPacket({ source: guestAt(1), destination: peer, segment: whole }));
    return bench.packets().map((packet) => parseTcp(packet)!.segment);
  };
  assert.deepEqual(
    send({}).map(({ sequence, flags }) => ({ sequence, flags })),
    [{ sequence: 9, flags: RST }],
  );
  assert.deepEqual(
    send({ flags: FIN }).map(({ acknowledgement, flags }) => ({ acknowledgement, flags })),
    [{ acknowledgement: 9, flags: RST | ACK }],
  );
  assert.deepEqual(send({ flags: RST }), []);
});

test("a reset ends it on both sides", () => {
  const byGuest = new Scene({}).open();
  byGuest.guest.reset();
  assert.equal(byGuest.stream.aborted, true);
  assert.equal(byGuest.bench.network.counts.connections, 0);
  const byHost = new Scene({}).open();
  byHost.stream.events.data(Buffer.from("lost"));
  byHost.stream.events.failed();
  byHost.settle();
  assert.equal(byHost.guest.state, "reset");
});

test("a reset that only guesses the number is challenged", () => {
  const scene = new Scene({}).open();
  const guess = { acknowledgement: 0, flags: RST, window: 0, payload: new Uint8Array(0) };
  const { sequence } = { sequence: (0xffff_ff01 + 100) >>> 0 };
  scene.bench.send(tcpPacket({ source: guestAt(40_000), destination: scene.peer, segment: { ...guess, sequence } }));
  assert.equal(scene.stream.aborted, false);
  assert.equal(parseTcp(scene.bench.packets()[0])!.segment.flags, ACK);
});

test("an outside that does not keep up closes the window, and one that does again opens it", () => {
  const scene = new Scene({}).open();
  scene.bench.outside.onWrite = (stream, bytes) => {
    stream.pendingBytes += bytes.length;
  };
  const bytes = randomBytes(scene.prng, 200_000);
  scene.guest.write(bytes, 0);
  scene.settle();
  assert.equal(scene.stream.pendingBytes, 65_535);
  for (let round = 0; round < 20 && written(scene).length < bytes.length; round++) {
    scene.stream.pendingBytes = 0;
    scene.stream.events.drained();
    scene.settle();
  }
  assert.deepEqual(written(scene), [...bytes]);
});

test("a guest that does not read holds the outside, and is tried until it does", () => {
  const scene = new Scene({ bufferBytes: 20_000 }).open();
  scene.guest.reads = false;
  const bytes = randomBytes(scene.prng, 300_000);
  scene.stream.events.data(bytes);
  scene.settle();
  assert.equal(scene.stream.paused, true);
  // Minutes may pass.
  scene.pass(120_000);
  assert.equal(scene.guest.state, "open");
  assert.ok(scene.guest.received.length <= 20_000);
  scene.guest.reads = true;
  scene.guest.read();
  scene.until(() => scene.guest.received.length === bytes.length);
  assert.deepEqual(Uint8Array.from(scene.guest.received), bytes);
  assert.equal(scene.stream.paused, false);
});

test("a guest at a breakpoint is not sent the same again before it has looked", () => {
  const scene = new Scene({}).open();
  scene.stream.events.data(randomBytes(scene.prng, 1000));
  assert.equal(scene.bench.frames.length, 1);
  scene.bench.backlog = 1;
  for (let seconds = 0; seconds < 3600; seconds++) {
    scene.bench.nowMs += 1000;
    scene.bench.network.tick();
  }
  assert.equal(scene.bench.frames.length, 1);
  scene.bench.backlog = 0;
  scene.until(() => scene.guest.received.length === 1000);
  assert.equal(scene.guest.state, "open");
});

test("a line that is full is tried again soon", () => {
  const scene = new Scene({}).open();
  scene.bench.room = 3;
  const bytes = randomBytes(scene.prng, 12_000);
  scene.stream.events.data(bytes);
  assert.equal(scene.bench.frames.length, 3);
  const before = scene.bench.nowMs;
  scene.until(() => scene.guest.received.length === bytes.length);
  assert.ok(scene.bench.nowMs - before < 200, `${scene.bench.nowMs - before} ms`);
});

test("a guest that is gone is given up in the end", () => {
  const scene = new Scene({}).open();
  scene.stream.events.data(Buffer.from("anybody there?"));
  while (scene.bench.wait()) scene.bench.take();
  assert.equal(scene.stream.aborted, true);
  assert.equal(scene.bench.network.counts.connections, 0);
  assert.ok(scene.bench.nowMs > 30_000 && scene.bench.nowMs < 300_000);
});

test("a forwarded connection asks the guest, who sees the gateway", () => {
  for (const loss of [LOSSLESS, { toGuest: 3, toHost: 3 }]) {
    const scene = new Scene({ loss, seed: 7 });
    const { bench, guest } = scene;
    guest.state = "listen";
    const events = { attached: undefined as unknown };
    assert.ok(
      bench.network.openTcpToGuest({ address: GUEST, port: 40_000 }, (streamEvents) => {
        events.attached = streamEvents;
        return bench.outside.connectTcp(0, 0, streamEvents);
      }),
    );
    const first = parseTcp(bench.packets()[0])!;
    assert.deepEqual([first.source.address, first.segment.flags], [GATEWAY, SYN]);
    Object.assign(scene.peer, first.source);
    guest.receive(first.segment, 0);
    scene.until(() => guest.state === "open");
    scene.stream.events.data(Buffer.from("ssh"));
    guest.write(Buffer.from("shell"), bench.nowMs);
    scene.until(() => guest.received.length === 3 && written(scene).length === 5);
  }
});

test("a guest without a listener refuses a forwarded connection", () => {
  const bench = new Bench();
  bench.network.openTcpToGuest(guestAt(22), (events) => bench.outside.connectTcp(0, 0, events));
  const { source, destination, segment } = parseTcp(bench.packets()[0])!;
  const acknowledgement = (segment.sequence + 1) >>> 0;
  const refusal = { sequence: 0, acknowledgement, flags: RST | ACK, window: 0, payload: new Uint8Array(0) };
  bench.send(tcpPacket({ source: destination, destination: source, segment: refusal }));
  assert.equal(bench.outside.streams[0].aborted, true);
  assert.equal(bench.network.counts.connections, 0);
});

test("connections have a limit, and find room again", () => {
  const bench = new Bench();
  const syn = { sequence: 1, acknowledgement: 0, flags: SYN, window: 1000, payload: new Uint8Array(0) };
  for (let port = 1; port <= 600; port++) {
    bench.send(tcpPacket({ source: guestAt(port), destination: { address: SERVER, port: 80 }, segment: syn }));
  }
  assert.equal(bench.network.counts.connections, 512);
  assert.equal(bench.outside.streams.length, 512);
  assert.equal(bench.take().length, 88);
  bench.outside.streams[3].events.failed();
  bench.send(tcpPacket({ source: guestAt(600), destination: { address: SERVER, port: 80 }, segment: syn }));
  assert.equal(bench.outside.streams.length, 513);
  bench.network.close();
  assert.ok(bench.outside.streams.every(({ aborted }, index) => aborted || index === 3));
});

const LOSSES: readonly Loss[] = [LOSSLESS, { toGuest: 20, toHost: 0 }, { toGuest: 6, toHost: 6 }];

for (let seed = 1; seed <= 24; seed++) {
  test(`seed ${seed}: random traffic both ways arrives whole and in order`, () => {
    const loss = LOSSES[seed % LOSSES.length];
    const mss = [1460, 536, 64, 1460][seed % 4];
    const scene = new Scene({ seed, loss, mss, bufferBytes: [65_535, 3000, 30_000][seed % 3] }).open();
    const { bench, guest, prng } = scene;
    bench.outside.onWrite = (stream, bytes) => {
      if (seed % 2 === 0) stream.pendingBytes += bytes.length;
    };
    const size = mss === 64 ? 20_000 : 150_000;
    const down = randomBytes(prng, prng.below(size));
    const up = randomBytes(prng, prng.below(size));
    let fed = 0;
    let offered = 0;
    let guestFirst = prng.below(2) === 0;
    scene.until(() => {
      if (fed < down.length && !scene.stream.paused) {
        const part = down.subarray(fed, fed + 1 + prng.below(20_000));
        fed += part.length;
        scene.stream.events.data(part);
        if (fed === down.length && !guestFirst) scene.stream.events.ended();
      }
      if (offered < up.length) {
        const part = up.subarray(offered, offered + 1 + prng.below(20_000));
        offered += part.length;
        guest.write(part, bench.nowMs);
        if (offered === up.length) guest.finish(bench.nowMs);
      }
      if (prng.below(3) === 0) guest.reads = !guest.reads;
      if (guest.reads) guest.read();
      if (scene.stream.pendingBytes > 0) {
        scene.stream.pendingBytes = prng.below(scene.stream.pendingBytes + 1);
        scene.stream.events.drained();
      }
      if (guestFirst && scene.stream.ended && fed === down.length) {
        guestFirst = false;
        scene.stream.events.ended();
      }
      if (up.length === 0 && !guest.finished) guest.finish(bench.nowMs);
      if (down.length === 0 && !guestFirst) scene.stream.events.ended();
      return guest.peerFinished && guest.finished && scene.stream.ended;
    }, 3_600_000);
    assert.deepEqual(Uint8Array.from(guest.received), down);
    assert.deepEqual(Uint8Array.from(written(scene)), up);
    scene.pass(3000);
    assert.equal(bench.network.counts.connections, 0);
    assert.equal(scene.stream.aborted, false);
  });
}
