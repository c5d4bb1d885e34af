import assert from "node:assert/strict";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connectNats, type Nats } from "../../src/host/nats-connection.ts";
import { ask } from "../../src/host/pair-door.ts";
import { openPairRecording } from "../../src/host/pair-recording.ts";
import { pairPlace } from "../../src/host/pair-streams.ts";
import { BROADCAST_MAC, GATEWAY, GUEST } from "../../src/network/addresses.ts";
import { ARP_REQUEST, arpFrame } from "../../src/network/arp.ts";
import { udpPacket } from "../../src/network/udp.ts";
import { assertRefused, ENVIRONMENT, end, file, folder, hindcast, type Json, start } from "../cli/command.ts";
import { sendingGuest } from "../network/guest-program.ts";
import { GUEST_MAC, guestAt, guestFrames } from "../network/support.ts";
import { NatsServer } from "./nats-server.ts";

const DEADLINE_MS = 40_000;

const connections: Nats[] = [];
after(() => Promise.all(connections.map(({ connection }) => connection.close())));
const server = await NatsServer.start();
const nats = await connectNats({ url: server.url, quick: true }, "test");
connections.push(nats);

/** Says 000 to `lines`, one a line, with a million steps or so before each, or twice as many as given. */
function guest(lines: number, rounds = 500_000): string {
  return `
_start:
  li s0, 0x10000000
  li s1, 0
  li s2, ${lines}
1:
  li t0, ${rounds}
2:
  addi t0, t0, -1
  bnez t0, 2b
  mv a0, s1
  li a1, 100
  call digit
  li a1, 10
  call digit
  li a1, 1
  call digit
  li t1, 10
  sb t1, 0(s0)
  addi s1, s1, 1
  blt s1, s2, 1b
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
digit:
  divu t1, a0, a1
  remu a0, a0, a1
  addi t1, t1, '0'
  sb t1, 0(s0)
  ret
`;
}

function text(lines: number): string {
  return Array.from({ length: lines }, (_, line) => `${String(line).padStart(3, "0")}\n`).join("");
}

const program = file("lines.s", guest(200));
const TEXT = text(200);

/** Says what it hears, up to a full stop. */
const echo = file(
  "echo.s",
  `
_start:
  li s0, 0x10000000
1:
  lbu t0, 5(s0)
  andi t0, t0, 1
  beqz t0, 1b
  lbu t1, 0(s0)
  sb t1, 0(s0)
  li t2, '.'
  bne t1, t2, 1b
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
  j .
`,
);
ENVIRONMENT.XDG_CACHE_HOME = folder;

interface Host {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: ReturnType<typeof end>;
  said: string;
  printed: string;
}

/** A command on a host of its own, as far as the pair can tell. */
function host(...args: string[]): Host {
  const child = start("lockstep", "--nats", server.url, "--json", ...args);
  const it: Host = { child, ended: end(child), said: "", printed: "" };
  child.stderr.on("data", (piece: string) => (it.said += piece));
  child.stdout.on("data", (piece: string) => (it.printed += piece));
  after(() => child.kill("SIGKILL"));
  return it;
}

const primary = (pair: string, ...args: string[]) => host("--role", "primary", "--pair", pair, ...args);
const secondary = (pair: string, ...args: string[]) => host("--role", "secondary", "--pair", pair, ...args);

async function until(what: string, hosts: readonly Host[], isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, `never ${what}: ${JSON.stringify(hosts.map(({ said }) => said))}`);
    await sleep(2);
  }
}

/** What a host printed of the guest's, and its answer. */
async function outcome({
  ended,
}: Host): Promise<{ exitCode: number | null; console: string; json: Json; said: string }> {
  const { exitCode, stdout, stderr } = await ended;
  const lines = stdout.trimEnd().split("\n");
  const json = lines.at(-1)?.startsWith("{") === true ? (JSON.parse(lines.pop()!) as Json) : {};
  return { exitCode, console: lines.map((line) => `${line}\n`).join(""), json, said: stderr };
}

/** What both printed, who must end well. */
async function bothEnd(one: Host, other: Host) {
  const [first, second] = await Promise.all([outcome(one), outcome(other)]);
  assert.deepEqual([first.exitCode, second.exitCode], [0, 0], first.said + second.said);
  return [first, second] as const;
}

/** What the pair said, as the server has it; messages that it would not have taken twice are not looked for. */
async function stored(pair: string): Promise<string> {
  const { outputs } = pairPlace(pair);
  const { state } = await nats.manager.streams.info(outputs);
  let said = "";
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await nats.manager.streams.getMessage(outputs, { seq });
    if (message!.header.get("Hindcast-Device") === "0") said += Buffer.from(message!.data).toString();
  }
  return said;
}

/** Nothing of the pair is left at the server but what it said. */
async function left(pair: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { config } of nats.manager.streams.list()) {
    if (config.name.includes(`HINDCAST_PAIR_${pair}`)) names.push(config.name);
  }
  return names;
}

test("two hosts run one program: the secondary gets it from the primary, and each byte is said once", async () => {
  const one = primary("pair", program);
  await until("a primary", [one], () => /begins when there is a secondary/.test(one.said));
  const other = secondary("pair");
  const [first, second] = await bothEnd(one, other);
  assert.equal(first.console, TEXT);
  assert.equal(second.console, "");
  assert.equal(await stored("pair"), TEXT);
  const lockstep = second.json.lockstep as Json;
  assert.ok((lockstep.outputsMatched as number) > 0, JSON.stringify(lockstep));
  assert.equal(lockstep.innerDivergences, 0);
  assert.deepEqual(await left("pair"), [pairPlace("pair").outputs]);
});

test("a primary that is killed is survived by the secondary: the stream has each byte once", async () => {
  const recording = join(folder, "killed.hindcast");
  const one = primary("killed", program, "-o", recording);
  const other = secondary("killed", program, "--diverge", "time,entropy", "-o", recording);
  await until("half of it", [one, other], () => one.printed.includes("080\n"));
  one.child.kill("SIGKILL");
  const { exitCode, console, json, said } = await outcome(other);
  assert.equal(exitCode, 0, said);
  assert.match(said, /Machine B is the secondary[\s\S]*The primary is not heard any more: machine B has taken over/);
  assert.equal(await stored("killed"), TEXT);
  // The consoles: nothing is missing, and at most what the survivor could not know of is there twice.
  assert.ok(TEXT.endsWith(console) && console.length > 0, console);
  assert.ok(one.printed.length + console.length >= TEXT.length, `${one.printed.length} + ${console.length}`);
  assert.equal((json.lockstep as Json).takeOvers, 1);
  assert.deepEqual(await left("killed"), [pairPlace("killed").outputs]);
  // Both were recorded, the killed one as far as its file goes, and the files are one pair's.
  const [second] = json.recordings as string[];
  assert.equal(second, join(folder, "killed.B.hindcast"));
  for (const path of [recording, second]) {
    const replayed = await hindcast("replay", path);
    assert.equal(replayed.exitCode, 0, replayed.stderr);
    if (path === second) assert.equal(replayed.stdout, TEXT);
    else assert.ok(TEXT.startsWith(replayed.stdout) && replayed.stdout.length > 0, replayed.stdout);
  }
  const pair = await openPairRecording(second);
  assert.deepEqual(
    pair?.members.map(({ member }) => member),
    ["A", "B"],
  );
  assert.equal(pair.log.countOf({ kinds: ["take-over"] }), 1);
});

test("a new secondary joins a machine that runs, and is there when that one dies", async () => {
  const one = primary("joined", echo, "--no-wait", "--input", "-");
  one.child.stdin.write("one,");
  await until("an answer", [one], () => one.printed === "one,");
  const second = secondary("joined");
  await until("a pair", [one, second], () => /is the secondary/.test(second.said));
  second.child.kill("SIGKILL");
  await until("one alone", [one], () => /goes on alone/.test(one.said));
  one.child.stdin.write("two,");
  const third = secondary("joined", "--input", "-");
  await until("a pair again", [one, third], () => /Machine C is the secondary/.test(third.said));
  await until("an answer", [one, third], () => one.printed === "one,two,");
  one.child.kill("SIGKILL");
  third.child.stdin.write("three.");
  const { exitCode, said } = await outcome(third);
  assert.equal(exitCode, 0, said);
  assert.match(said, /machine C has taken over/);
  assert.equal(await stored("joined"), "one,two,three.");
});

test("a machine that stood still joins again, and does not meet its fault a second time", async () => {
  const one = primary("frozen", echo, "--input", "-");
  const other = secondary("frozen", "--fault", "freeze@3000000");
  await until("a pair again", [one, other], () => /Machine C is the secondary/.test(other.said));
  assert.match(other.said, /Machine B was taken for dead/);
  one.child.stdin.write("one.");
  await bothEnd(one, other);
  assert.equal(await stored("frozen"), "one.");
});

test("a server that is restarted under load costs neither a byte nor a machine", async () => {
  // Long enough that the pair is at work when the server has gone for the second time.
  const long = file("longer.s", guest(900, 2_500_000));
  const one = primary("restarted", long);
  const other = secondary("restarted");
  for (const [line, signal] of [
    ["040\n", "SIGTERM"],
    ["200\n", "SIGKILL"],
  ] as const) {
    await until(`line ${line}`, [one, other], () => one.printed.includes(line));
    await server.stop(signal);
    await sleep(700);
    const printed = one.printed.length;
    // Nobody answers who could decide: whoever speaks says nothing more, and nobody else begins to.
    await sleep(300);
    assert.deepEqual([one.printed.length, other.printed.length], [printed, 0]);
    await server.begin();
  }
  const [first, second] = await bothEnd(one, other);
  assert.equal(first.console, text(900));
  assert.equal(await stored("restarted"), text(900));
  assert.doesNotMatch(first.said + second.said, /alone|taken over|taken for dead/);
});

test("input of either host reaches the machines, and is answered once", async () => {
  const one = primary("input", echo, "--input", "-");
  const other = secondary("input", "--input", "-");
  await until("a pair", [one, other], () => /is the secondary/.test(other.said));
  one.child.stdin.write("one,");
  await until("an answer", [one, other], () => one.printed === "one,");
  other.child.stdin.write("two,");
  await until("an answer", [one, other], () => one.printed === "one,two,");
  one.child.kill("SIGKILL");
  await until("a survivor", [other], () => /has taken over/.test(other.said));
  other.child.stdin.write("three.");
  const { exitCode, said } = await outcome(other);
  assert.equal(exitCode, 0, said);
  assert.equal(await stored("input"), "one,two,three.");
});

test("while no arbiter answers nobody goes on alone, and input waits; then whoever is left does", async () => {
  const one = primary("away", echo, "--input", "-");
  const other = secondary("away", "--input", "-");
  await until("a pair", [one, other], () => /has a secondary/.test(one.said) && /is the secondary/.test(other.said));
  one.child.stdin.write("one,");
  await until("an answer", [one], () => one.printed === "one,");
  await server.stop("SIGKILL");
  one.child.kill("SIGKILL");
  await one.ended;
  other.child.stdin.write("two.");
  // Longer than the silence that is taken for death.
  await sleep(700);
  assert.doesNotMatch(other.said, /has taken over/);
  await server.begin();
  const { exitCode, said } = await outcome(other);
  assert.equal(exitCode, 0, said);
  assert.match(said, /machine B has taken over/);
  assert.equal(await stored("away"), "one,two.");
});

test("a network is the speaking machine's; what it heard came to both", async () => {
  const heard = createSocket("udp4");
  after(() => heard.close());
  heard.on("message", (data, from) => heard.send(Uint8Array.of(...data, 77), from.port, from.address));
  heard.bind(0, "127.0.0.1");
  await once(heard, "listening");
  const { port } = heard.address();
  const arp = arpFrame(
    { operation: ARP_REQUEST, senderMac: GUEST_MAC, sender: GUEST, targetMac: new Uint8Array(6), target: GATEWAY },
    BROADCAST_MAC,
  );
  const destination = { address: GATEWAY, port };
  const [datagram] = guestFrames(udpPacket({ source: guestAt(1000), destination, data: Uint8Array.of(1, 2, 3) }));
  const asking = file("network.s", sendingGuest([arp, datagram, arp, datagram]));
  const one = primary("net", asking, "--net", "user");
  const other = secondary("net", "--net", "user");
  const [first, second] = await bothEnd(one, other);
  assert.equal(first.console, "42 15\n46 77\n42 15\n46 77\n");
  assert.equal((second.json.lockstep as Json).innerDivergences, 0);
});

test("who speaks garbage is refused with a sentence, and the pair goes on without him", async () => {
  const one = primary("garbage", echo, "--input", "-");
  let session = "";
  const listener = nats.connection.subscribe("hindcast.pair.garbage.live.*.primary", {
    callback: (_, { subject }) => {
      session = subject.split(".")[4];
    },
  });
  const other = secondary("garbage");
  await until("a pair", [one, other], () => /has a secondary/.test(one.said) && session !== "");
  listener.unsubscribe();
  nats.connection.publish(
    pairPlace("garbage").liveSubject(session, "primary"),
    new TextEncoder().encode("GET / HTTP/1.1"),
  );
  await until("a refusal", [one, other], () => /does not keep the protocol: a frame of something else/.test(one.said));
  await until("one alone", [one, other], () => /machine A goes on alone/.test(one.said));
  // Whoever was taken for dead finds its way back by itself.
  await until("a pair again", [one, other], () => /Machine C is the secondary/.test(other.said));
  one.child.stdin.write("hello.");
  await bothEnd(one, other);
  assert.equal(await stored("garbage"), "hello.");
});

test("what does not fit is refused with a sentence", async () => {
  const other = file("other.s", guest(7));
  const one = primary("refusing", program);
  await until("a primary", [one], () => /begins when/.test(one.said));
  const to = ["--nats", server.url, "--pair", "refusing"];
  const role = ["lockstep", program, "--role", "primary"];
  const refusals: Parameters<typeof assertRefused>[] = [
    [["lockstep", other, "--role", "secondary", ...to], 3, "pair-program", /runs another program than this/],
    [["lockstep", other, "--role", "primary", ...to], 3, "pair-taken", /runs already at .* --role secondary/],
    [role, 2, "usage", /--role needs the server/],
    [["lockstep", program, "--nats", server.url], 2, "usage", /say which with --role/],
    [[...role, "--nats", server.url, "--pair", "a.b"], 2, "pair-name", /"a\.b" is no name of a pair/],
    [[...role, "--nats", server.url, "--diverge", "time"], 2, "usage", /give it to the secondary/],
    [[...role, "--nats", "nats://192.0.2.1"], 2, "nats-insecure", /in the clear: use tls:\/\//],
  ];
  await Promise.all(refusals.map((refusal) => assertRefused(...refusal)));
  assert.equal((await hindcast("lockstep", "--role", "secondary")).exitCode, 2);
  one.child.kill("SIGINT");
  assert.equal((await outcome(one)).exitCode, 130);
});

test("disks come through the server, and an earlier run that was left is taken away", async () => {
  const image = file("disk.img", Buffer.alloc(300_000, "sector"));
  const one = primary("disks", program, "--disk", image);
  await until("a primary", [one], () => /begins when/.test(one.said));
  one.child.kill("SIGKILL");
  await one.ended;
  const again = primary("disks", program, "--disk", image);
  await until("a primary", [again], () => /begins when/.test(again.said));
  assert.match(again.said, /An earlier run of the pair disks was left/);
  const before = readFileSync(image);
  assert.deepEqual(await ask(nats, pairPlace("disks"), { kind: "disks" }), { kind: "done" });
  // As on a computer that has another file at that path.
  file("disk.img", "something else");
  const other = secondary("disks");
  const ended = outcome(other);
  await until("a pair", [again, other], () => /is the secondary/.test(other.said));
  file("disk.img", before);
  again.child.kill("SIGKILL");
  const { exitCode, said } = await ended;
  assert.equal(exitCode, 0, said);
  assert.match(said, /Fetching a disk of the pair/);
  assert.equal(await stored("disks"), TEXT);
});
