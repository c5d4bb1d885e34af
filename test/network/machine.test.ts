import assert from "node:assert/strict";
import test from "node:test";
import { instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { BROADCAST_MAC, GATEWAY, GUEST, NAME_SERVER } from "../../src/network/addresses.ts";
import { ARP_REQUEST, arpFrame } from "../../src/network/arp.ts";
import { udpPacket } from "../../src/network/udp.ts";
import { UserNetwork } from "../../src/network/user-network.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { Guest, ScriptedInlet } from "../machine/guests.ts";
import { drive, eventsOf, headerFor, MemoryRecording, reopen, SMALL } from "../replay/support.ts";
import { sendingGuest } from "./guest-program.ts";
import { FakeOutside, GUEST_MAC, guestAt, guestFrames } from "./support.ts";

const askFor = (target: number) =>
  arpFrame(
    { operation: ARP_REQUEST, senderMac: GUEST_MAC, sender: GUEST, targetMac: new Uint8Array(6), target },
    BROADCAST_MAC,
  );
const [datagram] = guestFrames(
  udpPacket({ source: guestAt(1000), destination: { address: GATEWAY, port: 7 }, data: Uint8Array.of(1, 2, 3, 42) }),
);
const FRAMES = [askFor(GATEWAY), askFor(NAME_SERVER), datagram, askFor(GATEWAY), datagram];

function guest(engine: "interpreter" | "oracle" = "interpreter") {
  return new Guest(sendingGuest(FRAMES), engine, { network: true });
}

/** A live run on the network, with a server outside that answers when the guest sleeps. */
function live() {
  const { machine } = guest();
  const outside = new FakeOutside();
  const recording = new MemoryRecording(headerFor(machine));
  const timeline: Timeline = Timeline.record(machine, recording, {
    ...SMALL,
    sliceSteps: 150,
    onFrame: (frame) => network.receive(frame),
  });
  const network: UserNetwork = new UserNetwork({
    outside,
    line: {
      deliver: (frame) => timeline.receive(frame),
      get backlog() {
        return timeline.framesWaiting;
      },
    },
    nowMs: () => 0,
    guestMac: GUEST_MAC,
    restricted: false,
  });
  let answered = 0;
  const echo = () => {
    const sent = outside.sockets.flatMap((socket) => socket.sent.map((message) => ({ socket, ...message })));
    for (const { socket, to, data } of sent.slice(answered)) {
      answered++;
      socket.events.received(
        to,
        data.map((byte) => byte + answered),
      );
    }
  };
  return { machine, timeline, recording, echo };
}

const text = (timeline: Timeline) => new TextDecoder().decode(timeline.history.outputBytes(0, 1000));

test("a guest sends and receives through its card; the recording repeats it, forwards, backwards and at any instant", () => {
  const { machine, timeline, recording, echo } = live();
  const stop = drive(timeline.forward({ stops: NO_STOPS }), echo);
  assert.equal(stop.kind, "finished");
  assert.equal(text(timeline), "42 15\n42 15\n46 43\n42 15\n46 44\n");
  const end = timeline.end;
  const digest = machine.digest();
  timeline.close();
  const arrivals = eventsOf(recording).filter(({ kind }) => kind === "network-input");
  assert.equal(arrivals.length, FRAMES.length);
  assert.equal(timeline.history.frameCount, FRAMES.length);

  const prng = new Prng(5);
  const replay = Timeline.open(guest().machine, reopen(recording.bytes), SMALL);
  assert.equal(drive(replay.forward({ stops: NO_STOPS })).kind, "finished");
  assert.equal(replay.machine.digest(), digest);
  const straight = Timeline.open(guest("oracle").machine, reopen(recording.bytes), SMALL);
  for (let round = 0; round < 40; round++) {
    const at = instant(prng.below(end + 1));
    drive(replay.seek(at));
    const there = replay.machine.digest();
    drive(straight.seek(straight.first));
    drive(straight.seek(at));
    assert.equal(there, straight.machine.digest(), `instant ${at}`);
  }
  const labels = replay.history.marks(instant(0), instant(end + 1), 1000).marks.map(({ label }) => label);
  assert.ok(labels.includes("packet out: ARP who has 10.0.2.2, 42 bytes"));
  assert.ok(labels.includes("packet in: ARP 10.0.2.3 is here, 42 bytes"));
  assert.ok(labels.includes("packet in: UDP 10.0.2.2:7 to 10.0.2.15:1000, 46 bytes"));
});

test("what the network answers by itself arrives at the next instant, however the host cuts the run", () => {
  const { timeline, recording, echo } = live();
  const prng = new Prng(3);
  while (timeline.ended === undefined) {
    const limit = instant(timeline.end + 1 + prng.below(40));
    drive(timeline.forward({ stops: NO_STOPS, limit }), echo);
    if (prng.below(10) === 0) drive(timeline.seek(instant(prng.below(timeline.end + 1))));
    if (prng.below(10) === 0) drive(timeline.seek(timeline.end));
  }
  timeline.close();
  const reading = reopen(recording.bytes);
  const arp = eventsOf(recording).filter((event) => event.kind === "network-input" && event.frame.length === 42);
  const sent = Array.from({ length: reading.frames.length }, (_, index) => reading.frames.instantOf(index));
  const questions = sent.filter((_, index) => reading.frames.at(index)!.length === 42);
  // The frame is stamped with the state before the step that sent it.
  assert.deepEqual(
    arp.map((event) => event.instant),
    questions.map((at) => at + 1),
  );
});

test("a board without a network has no card, and frames for it are lost", () => {
  const digests = [[], [{ kind: "network-input", instant: instant(5), frame: askFor(GATEWAY) } as const]].map(
    (events) => {
      const { machine } = new Guest(sendingGuest(FRAMES));
      machine.inlet = new ScriptedInlet(events);
      machine.outlet = { consoleOutput: () => {}, networkOutput: () => assert.fail("there is no card") };
      machine.run(instant(200), { departing: false });
      return machine.digest();
    },
  );
  assert.equal(digests[0], digests[1]);
});

test("frames wait for the newest instant, up to a bound, and not for a finished run", () => {
  const { timeline } = live();
  let taken = 0;
  while (timeline.receive(askFor(GATEWAY))) taken++;
  assert.equal(taken, 512);
  assert.equal(timeline.framesWaiting, 512);
  drive(timeline.forward({ stops: NO_STOPS, limit: instant(1) }));
  assert.equal(timeline.framesWaiting, 0);
  timeline.close();
  assert.equal(timeline.receive(askFor(GATEWAY)), false);
});
