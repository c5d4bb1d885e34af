import assert from "node:assert/strict";
import test, { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { NatsArbiter, nextMember, readTenure, writeTenure } from "../../src/host/nats-arbiter.ts";
import { NatsChannel } from "../../src/host/nats-channel.ts";
import { connectNats, type Nats } from "../../src/host/nats-connection.ts";
import { InputSender, NatsInputs } from "../../src/host/nats-inputs.ts";
import { NatsSink } from "../../src/host/nats-sink.ts";
import {
  expireOutputs,
  makeStreams,
  openBucket,
  pairPlace,
  removeBucket,
  removeStreams,
} from "../../src/host/pair-streams.ts";
import type { Tenure } from "../../src/lockstep/arbiter.ts";
import { MACHINE_DEVICES } from "../../src/lockstep/machine-replica.ts";
import type { OutputRun } from "../../src/lockstep/replica.ts";
import { type ChannelPair, channelSuite } from "../lockstep/channel-suite.ts";
import { NatsServer } from "./nats-server.ts";

const DEADLINE_MS = 20_000;

const connections: Nats[] = [];
after(() => Promise.all(connections.map(({ connection }) => connection.close())));
/** A server whose messages are small, so that the protocol's have to be split. */
const server = await NatsServer.start(["-js"], "max_payload: 65536\n");

async function connected(): Promise<Nats> {
  const nats = await connectNats({ url: server.url, quick: true }, "test");
  connections.push(nats);
  return nats;
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, `it never came to it: ${what}`);
    await sleep(2);
  }
}

let pairs = 0;

/** Two ends with a connection each, as two hosts have. */
async function channelPair(): Promise<ChannelPair> {
  const place = pairPlace(`channel-${pairs++}`);
  const hosts = [await connected(), await connected()];
  await makeStreams(hosts[0], place);
  let [sent, arrived] = [0, 0];
  const ends = await Promise.all(
    (["primary", "secondary"] as const).map((role, index) =>
      NatsChannel.open({ nats: hosts[index], place, session: "s", role, onFrame: () => arrived++ }),
    ),
  );
  const counted = ends.map((end) => ({
    send: (frame: Uint8Array) => {
      sent++;
      end.send(frame);
    },
    receive: () => end.receive(),
  }));
  return {
    ends: [counted[0], counted[1]],
    settle: () => until("what was sent has arrived", () => arrived >= sent),
    close: async () => {
      for (const end of ends) end.close();
      await removeStreams(hosts[0], place);
    },
  };
}

channelSuite("over NATS", channelPair);

test("what the log's stream heard while the secondary was away comes when it is back", async () => {
  const place = pairPlace("missed");
  const [primary, secondary] = [await connected(), await connected()];
  await makeStreams(primary, place);
  const ends = { session: "s", place, onFrame: () => {} };
  const from = await NatsChannel.open({ ...ends, nats: primary, role: "primary" });
  const to = await NatsChannel.open({ ...ends, nats: secondary, role: "secondary" });
  const heard = new Set<number>();
  const hear = () => {
    for (let frame = to.receive(); frame !== undefined; frame = to.receive()) heard.add(frame[2]);
    return heard;
  };
  /** Frames of a message of the log, by their number. */
  const send = (number: number) => from.send(Uint8Array.of(0x4c, 0x48, number, 0, 0, 1, 0));
  send(1);
  await until("the first frame", () => hear().size === 1);
  await secondary.connection.reconnect();
  for (let number = 2; number < 6; number++) send(number);
  await until("the others", () => hear().size === 5);
  for (const end of [from, to]) end.close();
});

test("of several who claim at the same revision one wins, and all others hear of it", async () => {
  const place = pairPlace("arbiter");
  const kv = await openBucket(await connected(), place);
  const first = { run: "r", term: 1, primary: "A", secondary: "B" };
  assert.equal(await writeTenure(kv, first, 0), true);
  assert.equal(await writeTenure(kv, first, 0), false, "the run has begun");
  const claims = await Promise.all(
    ["A", "B", "C", "D"].map(async (primary) => {
      const arbiter = new NatsArbiter(await openBucket(await connected(), place), "r");
      const { promise, resolve } = Promise.withResolvers<Tenure>();
      arbiter.testAndSet(1, { term: 2, primary, secondary: undefined }, resolve);
      return { primary, answer: await promise };
    }),
  );
  const record = (await readTenure(kv))!.tenure;
  assert.equal(record.term, 2);
  for (const { answer } of claims) assert.equal(answer.primary, record.primary);
  // Who asks again sees by the record whether it had won.
  const { promise, resolve } = Promise.withResolvers<Tenure>();
  new NatsArbiter(kv, "r").testAndSet(1, { term: 2, primary: record.primary, secondary: undefined }, resolve);
  assert.equal((await promise).primary, record.primary);
  const foreign = Promise.withResolvers<Tenure>();
  new NatsArbiter(kv, "another run").read(foreign.resolve);
  assert.equal((await foreign.promise).primary, "", "a record of another run names nobody of this one");
  assert.deepEqual([await nextMember(kv), await nextMember(kv)], ["B", "C"]);
  await removeBucket(connections[0], place);
});

test("an arbiter that is away does not answer; who asks again is answered when it is back", async () => {
  const place = pairPlace("away");
  const kv = await openBucket(await connected(), place);
  await writeTenure(kv, { run: "r", term: 1, primary: "A", secondary: "B" }, 0);
  const arbiter = new NatsArbiter(kv, "r");
  await server.stop();
  const answers: Tenure[] = [];
  const claim = () => arbiter.testAndSet(1, { term: 2, primary: "A", secondary: undefined }, (is) => answers.push(is));
  for (let times = 0; times < 5; times++) {
    claim();
    await sleep(100);
  }
  assert.deepEqual(answers, []);
  await server.begin();
  await until("an answer", () => {
    claim();
    return answers.length > 0;
  });
  assert.deepEqual(answers[0], { term: 2, primary: "A", secondary: undefined });
});

async function sinks(name: string) {
  const place = pairPlace(name);
  const nats = await connected();
  await makeStreams(nats, place);
  const shown: string[][] = [[], []];
  const failures: string[] = [];
  const made = shown.map(
    (list) =>
      new NatsSink({
        ...{ nats, place, run: "r", devices: MACHINE_DEVICES, onTaken: () => {} },
        show: ({ device, number, bytes }) => list.push(`${device}:${number}:${Buffer.from(bytes)}`),
        onFailure: (sentence) => failures.push(sentence),
      }),
  );
  const stored = async () => {
    const { state } = await nats.manager.streams.info(place.outputs);
    const texts: string[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await nats.manager.streams.getMessage(place.outputs, { seq });
      texts.push(`${message!.header.get("Hindcast-Device")}:${Buffer.from(message!.data)}`);
    }
    return texts;
  };
  return { nats, place, sinks: made, shown, failures, stored };
}

function run(device: number, number: number, text: string): OutputRun {
  return { device, number, instant: 0, lastInstant: 0, bytes: Buffer.from(text) };
}

test("the sink takes each output once, whoever offers it, however it is cut", async () => {
  const { sinks: made, shown, failures, stored } = await sinks("sink");
  const [first, second] = made;
  for (const [number, text] of [
    [0, "abc"],
    [3, "de"],
  ] as const)
    first.offer([run(0, number, text)]);
  first.offer([run(1, 0, "frame 0")]);
  await until("taken", () => first.taken[1] === 1);
  // A survivor offers from the first that it was not told about, in other pieces; the dead one wakes.
  second.offer([run(0, 1, "bcdefgh"), run(1, 0, "frame 0")]);
  first.offer([run(0, 5, "fgh")]);
  second.offer([run(1, 1, "frame 1")]);
  await until("taken", () => second.taken[1] === 2 && first.waiting === 0);
  const texts = await stored();
  const ofDevice = (device: number) =>
    texts
      .filter((text) => text.startsWith(`${device}:`))
      .map((text) => text.slice(2))
      .join("");
  assert.equal(ofDevice(0), "abcdefgh");
  assert.equal(ofDevice(1), "frame 0frame 1");
  assert.deepEqual(second.taken, [8, 2, 0]);
  // What it was offered is shown, also what the stream had.
  assert.equal(
    shown[1]
      .filter((text) => text.startsWith("0:"))
      .map((text) => text.split(":")[2])
      .join(""),
    "bcdefgh",
  );
  assert.deepEqual(failures, []);
  second.offer([run(0, 9, "?")]);
  await until("a sentence", () => failures.length > 0);
  assert.match(failures[0], /has lost output of the pair: it has 8, and 9 comes/);
});

test("two sinks with messages on their way at once neither double nor lose anything", async () => {
  const { place, sinks: made, failures, stored } = await sinks("race");
  const other = new NatsSink({
    ...{ nats: await connected(), place, run: "r", devices: MACHINE_DEVICES, onTaken: () => {} },
    ...{ show: () => {}, onFailure: (sentence) => failures.push(sentence) },
  });
  const text = Array.from({ length: 3_000 }, (_, at) => String.fromCharCode(0x21 + (at % 89))).join("");
  /** Piece by piece, a few of them between two turns of the event loop. */
  const offer = async (sink: NatsSink, length: number) => {
    for (let at = 0; at < text.length; at += length) {
      sink.offer([run(0, at, text.slice(at, at + length))]);
      if (at % 2 === 0) await sleep(0);
    }
  };
  await Promise.all([offer(made[0], 7), offer(other, 5), offer(made[1], 11)]);
  await until("all have it", () => [...made, other].every((sink) => sink.taken[0] === text.length));
  assert.equal((await stored()).map((piece) => piece.slice(2)).join(""), text);
  assert.deepEqual(failures, []);
});

test("a sink whose server goes and comes back loses and doubles nothing", async () => {
  const { sinks: made, stored } = await sinks("restart");
  const [sink] = made;
  let sent = 0;
  const text = (number: number) => String.fromCharCode(0x21 + (number % 90));
  const timer = setInterval(() => sink.offer([run(0, sent, text(sent++))]), 1);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await sleep(200);
    await server.stop(signal);
    await sleep(200);
    await server.begin();
  }
  await sleep(200);
  clearInterval(timer);
  await until("everything is taken", () => sink.taken[0] === sent);
  const expected = Array.from({ length: sent }, (_, number) => text(number)).join("");
  assert.equal((await stored()).map((piece) => piece.slice(2)).join(""), expected);
});

test("inputs of two hosts have one order, and outlive both", async () => {
  const place = pairPlace("inputs");
  const hosts = [await connected(), await connected(), await connected()];
  await makeStreams(hosts[0], place);
  const [left, , later] = hosts.map((nats) => new NatsInputs(nats, place, () => {}));
  const senders = hosts.map((nats) => new InputSender(nats, place, assert.fail));
  for (let number = 0; number < 20; number++) {
    senders[number % 2].push({ kind: "console-input", bytes: Uint8Array.of(number) });
  }
  const seen: number[] = [];
  await until("all inputs", () => {
    const event = left.at(seen.length);
    if (event?.kind === "console-input") seen.push(event.bytes[0]);
    return seen.length === 20;
  });
  for (const parity of [0, 1]) {
    const own = seen.filter((number) => number % 2 === parity);
    assert.deepEqual(
      own,
      own.toSorted((a, b) => a - b),
      "each host's in its order",
    );
  }
  left.forget(5);
  assert.equal(left.at(4), undefined);
  // A survivor reads on from where the machine is.
  await until("the rest", () => later.at(5) !== undefined && later.at(19) !== undefined);
  assert.deepEqual(later.at(19), left.at(19));
  for (const inputs of [left, later]) inputs.close();
});

test("input that is typed while the server is away comes, though the host's machine is another by then", async () => {
  const place = pairPlace("typed");
  const nats = await connected();
  await makeStreams(nats, place);
  const sender = new InputSender(nats, place, assert.fail);
  const before = new NatsInputs(nats, place, () => {});
  before.at(0);
  await server.stop();
  for (const byte of [1, 2, 3]) sender.push({ kind: "console-input", bytes: Uint8Array.of(byte) });
  before.close();
  await server.begin();
  const behind = new NatsInputs(nats, place, () => {});
  await until("what was typed", () => behind.at(0) !== undefined && behind.at(2) !== undefined);
  const typed = [0, 1, 2].map((number) => behind.at(number));
  assert.deepEqual(
    typed.map((event) => event?.kind === "console-input" && event.bytes[0]),
    [1, 2, 3],
  );
  behind.close();
});

test("a name of a pair is a part of names of streams", () => {
  assert.throws(() => pairPlace("a b"), /"a b" is no name of a pair/);
  assert.throws(() => pairPlace("a.>"), /is no name of a pair/);
  assert.equal(pairPlace("tetris-2").log, "HINDCAST_PAIR_tetris-2_LOG");
});

test("nothing of a pair is left but what it said", async () => {
  const place = pairPlace("clean");
  const nats = await connected();
  await openBucket(nats, place);
  await makeStreams(nats, place);
  const names = async () => {
    const all: string[] = [];
    for await (const { config } of nats.manager.streams.list()) {
      if (config.name.includes("_clean")) all.push(config.name);
    }
    return all.sort();
  };
  assert.equal((await names()).length, 5);
  const kept = async () => (await nats.manager.streams.info(place.outputs)).config.max_age;
  assert.equal(await kept(), 0, "a survivor counts by it, however long nothing was said");
  await removeStreams(nats, place);
  await expireOutputs(nats, place);
  await removeBucket(nats, place);
  assert.deepEqual(await names(), [place.outputs]);
  assert.equal(await kept(), 86_400e9);
});
