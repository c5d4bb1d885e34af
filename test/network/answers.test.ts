import assert from "node:assert/strict";
import test from "node:test";
import { Prng } from "../../src/base/prng.ts";
import {
  BROADCAST,
  BROADCAST_MAC,
  GATEWAY,
  GUEST,
  ipv4,
  macOf,
  NAME_SERVER,
  NETMASK,
} from "../../src/network/addresses.ts";
import { ARP_REPLY, ARP_REQUEST, arpFrame, parseArp } from "../../src/network/arp.ts";
import { describeFrame } from "../../src/network/describe-frame.ts";
import { ETHERTYPE, ethernetFrame, parseEthernet } from "../../src/network/ethernet.ts";
import { ipv4Packets, PROTOCOL, parseIpv4 } from "../../src/network/ipv4.ts";
import { parseUdp, udpPacket } from "../../src/network/udp.ts";
import { checksum, get32, put16, put32, sum16 } from "../../src/network/wire.ts";
import { Bench, GUEST_MAC, guestAt, guestFrames, SERVER } from "./support.ts";

const question = (target: number, sender = GUEST) =>
  arpFrame(
    { operation: ARP_REQUEST, senderMac: GUEST_MAC, sender, targetMac: new Uint8Array(6), target },
    BROADCAST_MAC,
  );

test("ARP: the gateway and the name server are there, nobody else is", () => {
  const bench = new Bench();
  for (const address of [GATEWAY, NAME_SERVER]) {
    bench.network.receive(question(address));
    const [frame] = bench.take();
    assert.equal(frame.length, 42);
    const { destination, source, payload } = parseEthernet(frame)!;
    assert.deepEqual([destination, source], [GUEST_MAC, macOf(address)]);
    const { operation, sender, target } = parseArp(payload)!;
    assert.deepEqual([operation, sender, target], [ARP_REPLY, address, GUEST]);
  }
  // A probe (RFC 5227) for an address that is taken is told so.
  bench.network.receive(question(GATEWAY, 0));
  assert.equal(bench.take().length, 1);
  for (const address of [GUEST, ipv4("10.0.2.77"), SERVER]) bench.network.receive(question(address));
  assert.deepEqual(bench.take(), []);
});

/** A client's message as RFC 2131 has it, with options as given. */
function dhcp(type: number, options: readonly number[] = [], clientAddress = 0): Uint8Array {
  const message = new Uint8Array(300);
  message.set([1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78]);
  put32(message, 12, clientAddress);
  message.set(GUEST_MAC, 28);
  put32(message, 236, 0x6382_5363);
  message.set([53, 1, type, ...options, 255], 240);
  return message;
}

function askDhcp(bench: Bench, message: Uint8Array): { type: number; options: Map<number, number[]>; your: number }[] {
  const source = { address: 0, port: 68 };
  const packet = udpPacket({ source, destination: { address: BROADCAST, port: 67 }, data: message });
  const [payload] = ipv4Packets(packet, 1, 1500);
  bench.network.receive(
    ethernetFrame({ destination: BROADCAST_MAC, source: GUEST_MAC, type: ETHERTYPE.ipv4, payload }),
  );
  return bench.packets().map((answer) => {
    const { source, destination, data } = parseUdp(answer)!;
    assert.deepEqual(
      [source, destination],
      [
        { address: GATEWAY, port: 67 },
        { address: BROADCAST, port: 68 },
      ],
    );
    assert.deepEqual([...data.subarray(0, 3), get32(data, 4)], [2, 1, 6, 0x1234_5678]);
    assert.deepEqual(data.subarray(28, 34), GUEST_MAC);
    const options = new Map<number, number[]>();
    for (let at = 240; data[at] !== 255; at += 2 + data[at + 1]) {
      options.set(data[at], [...data.subarray(at + 2, at + 2 + data[at + 1])]);
    }
    return { type: options.get(53)![0], options, your: get32(data, 16) };
  });
}

test("DHCP: offer, acknowledgement, and everything that a guest needs to know", () => {
  const bench = new Bench();
  const [offer] = askDhcp(bench, dhcp(1));
  assert.deepEqual([offer.type, offer.your], [2, GUEST]);
  const [granted] = askDhcp(bench, dhcp(3, [50, 4, 10, 0, 2, 15, 54, 4, 10, 0, 2, 2]));
  assert.deepEqual([granted.type, granted.your], [5, GUEST]);
  assert.deepEqual(Object.fromEntries(granted.options), {
    1: [255, 255, 255, 0],
    3: [10, 0, 2, 2],
    6: [10, 0, 2, 3],
    51: [0, 1, 0x51, 0x80],
    53: [5],
    54: [10, 0, 2, 2],
  });
  assert.equal(NETMASK, 0xffff_ff00);
  // Renewal names the address in the header.
  assert.equal(askDhcp(bench, dhcp(3, [], GUEST))[0].type, 5);
  const [information] = askDhcp(bench, dhcp(8, [], GUEST));
  assert.deepEqual([information.type, information.your, information.options.has(51)], [5, 0, false]);
});

test("DHCP: another address is refused, another server's business and nonsense are not answered", () => {
  const bench = new Bench();
  assert.equal(askDhcp(bench, dhcp(3, [50, 4, 192, 168, 0, 9]))[0].type, 6);
  assert.deepEqual(askDhcp(bench, dhcp(3, [50, 4, 10, 0, 2, 15, 54, 4, 192, 168, 0, 1])), []);
  for (const type of [0, 2, 4, 5, 7, 99]) assert.deepEqual(askDhcp(bench, dhcp(type)), []);
  const cut = dhcp(1);
  assert.deepEqual(askDhcp(bench, cut.subarray(0, 239)), []);
  const overlong = dhcp(1);
  overlong.set([53, 250], 290);
  overlong[243] = 0;
  assert.deepEqual(askDhcp(bench, overlong), []);
});

function ping(bench: Bench, destination: number, options: { ttl?: number; size?: number } = {}) {
  const payload = Uint8Array.from({ length: 8 + (options.size ?? 56) }, (_, index) => index);
  payload.set([8, 0, 0, 0]);
  put16(payload, 2, checksum(sum16(payload)));
  for (const frame of guestFrames({ source: GUEST, destination, protocol: PROTOCOL.icmp, payload })) {
    if (options.ttl !== undefined) {
      frame[14 + 8] = options.ttl;
      put16(frame, 14 + 10, 0);
      put16(frame, 14 + 10, checksum(sum16(frame.subarray(14, 34))));
    }
    bench.network.receive(frame);
  }
  return { sent: payload, answers: bench.packets() };
}

test("ping: the gateway answers, elsewhere is said to be forbidden, neighbours are said to be missing", () => {
  const bench = new Bench();
  for (const address of [GATEWAY, NAME_SERVER]) {
    const { sent, answers } = ping(bench, address);
    assert.equal(answers[0].source, address);
    assert.equal(answers[0].payload[0], 0);
    assert.deepEqual(answers[0].payload.subarray(4), sent.subarray(4));
    assert.equal(checksum(sum16(answers[0].payload)), 0);
  }
  const type = (address: number, ttl?: number) => [...ping(bench, address, { ttl }).answers[0].payload.subarray(0, 2)];
  assert.deepEqual(type(SERVER), [3, 13]);
  assert.deepEqual(type(ipv4("10.0.2.77")), [3, 1]);
  assert.deepEqual(type(SERVER, 1), [11, 0]);
  // Fragments are refused, once for all of them.
  const { answers } = ping(bench, GATEWAY, { size: 4000 });
  assert.deepEqual(
    answers.map(({ payload }) => [...payload.subarray(0, 2)]),
    [[11, 1]],
  );
  assert.equal(get32(answers[0].payload, 8 + 16), GATEWAY, "an error quotes what it is about");
});

test("UDP: out through a socket for each port, back from whoever answers, closed when it was quiet", () => {
  const bench = new Bench();
  const send = (port: number, address: number, data: string) =>
    bench.send(udpPacket({ source: guestAt(port), destination: { address, port: 123 }, data: Buffer.from(data) }));
  send(5000, SERVER, "a");
  send(5000, GATEWAY, "b");
  send(5001, SERVER, "c");
  const { sockets } = bench.outside;
  assert.equal(sockets.length, 2);
  assert.deepEqual(
    sockets[0].sent.map(({ to }) => to.address),
    [SERVER, ipv4("127.0.0.1")],
  );
  sockets[0].events.received({ address: ipv4("127.0.0.1"), port: 123 }, Buffer.from("from the host"));
  sockets[0].events.received({ address: SERVER, port: 9 }, new Uint8Array(4000).fill(7));
  const packets = bench.packets();
  const { source, destination, data } = parseUdp(packets[0])!;
  assert.deepEqual([source, destination], [{ address: GATEWAY, port: 123 }, guestAt(5000)]);
  assert.equal(Buffer.from(data).toString(), "from the host");
  // What does not fit into a frame comes in fragments.
  const parts = packets.slice(1);
  assert.deepEqual(
    parts.map(({ isFragment, isLaterFragment }) => [isFragment, isLaterFragment]),
    [
      [true, false],
      [true, true],
      [true, true],
    ],
  );
  assert.equal(
    parts.reduce((sum, { payload }) => sum + payload.length, 0),
    4008,
  );
  while (bench.wait());
  assert.ok(sockets.every(({ closed }) => closed));
  assert.equal(bench.network.counts.flows, 0);
  assert.ok(bench.nowMs >= 120_000);
});

test("UDP: the socket that was quiet longest makes room", () => {
  const bench = new Bench();
  for (let port = 1; port <= 300; port++) {
    bench.nowMs++;
    bench.send(
      udpPacket({ source: guestAt(port), destination: { address: SERVER, port: 1 }, data: new Uint8Array(1) }),
    );
  }
  assert.equal(bench.network.counts.flows, 256);
  assert.equal(bench.outside.sockets.filter(({ closed }) => closed).length, 44);
  assert.equal(bench.outside.sockets[44].closed, false);
  // A closed one says nothing any more.
  bench.outside.sockets[0].events.received({ address: SERVER, port: 1 }, new Uint8Array(1));
  assert.deepEqual(bench.take(), []);
});

test("UDP: broadcasts and impossible destinations go nowhere", () => {
  const bench = new Bench();
  for (const [address, port] of [
    [BROADCAST, 9],
    [ipv4("10.0.2.255"), 9],
    [ipv4("224.0.0.251"), 5353],
    [SERVER, 0],
  ]) {
    bench.send(udpPacket({ source: guestAt(5), destination: { address, port }, data: new Uint8Array(1) }));
  }
  assert.equal(bench.outside.sockets.length, 0);
});

const names = (id: number) => Uint8Array.of(id >> 8, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 0, 0, 1, 0, 1);

test("names: asked of the host's servers, the next one when the guest asks again", () => {
  const bench = new Bench();
  bench.outside.servers = [
    { address: ipv4("127.0.0.53"), port: 53 },
    { address: SERVER, port: 5353 },
  ];
  const ask = (id: number) =>
    bench.send(udpPacket({ source: guestAt(4000), destination: { address: NAME_SERVER, port: 53 }, data: names(id) }));
  ask(1);
  ask(1);
  ask(1);
  ask(2);
  const [socket] = bench.outside.sockets;
  assert.deepEqual(
    socket.sent.map(({ to }) => to.port),
    [53, 5353, 53, 53],
  );
  assert.equal(bench.network.isBusy, true);
  socket.events.received({ address: ipv4("127.0.0.53"), port: 53 }, names(1));
  const { source, destination } = parseUdp(bench.packets()[0])!;
  assert.deepEqual([source, destination], [{ address: NAME_SERVER, port: 53 }, guestAt(4000)]);
  while (bench.network.isBusy) assert.ok(bench.wait(), "nobody waits for ever");
  assert.ok(bench.nowMs <= 5000);
});

test("names: without a server the question is said to have failed, and in a restricted network", () => {
  for (const bench of [new Bench(), new Bench(true)]) {
    if (bench.network.counts.flows === 0 && bench.outside.servers.length === 0) {
      bench.send(
        udpPacket({ source: guestAt(4000), destination: { address: NAME_SERVER, port: 53 }, data: names(0x1234) }),
      );
    }
    const { data } = parseUdp(bench.packets()[0])!;
    assert.deepEqual([...data.subarray(0, 4)], [0x12, 0x34, 0x81, 0x82]);
    assert.equal(data.length, names(0).length);
  }
});

test("restricted: nothing leaves, forwards still work", () => {
  const bench = new Bench(true);
  bench.outside.servers = [{ address: SERVER, port: 53 }];
  bench.send(udpPacket({ source: guestAt(7), destination: { address: SERVER, port: 9 }, data: new Uint8Array(1) }));
  bench.send(udpPacket({ source: guestAt(7), destination: { address: GATEWAY, port: 9 }, data: new Uint8Array(1) }));
  bench.send(udpPacket({ source: guestAt(7), destination: { address: NAME_SERVER, port: 53 }, data: names(1) }));
  assert.equal(bench.outside.sockets.length, 0);
  assert.deepEqual(
    bench.packets().map(({ payload }) => payload[0]),
    [3, 3, 0],
  );
  bench.network.forwardUdp(guestAt(69), (events) => bench.outside.openUdp(events));
  const [socket] = bench.outside.sockets;
  socket.events.received({ address: ipv4("127.0.0.1"), port: 3333 }, Buffer.from("get"));
  assert.deepEqual(parseUdp(bench.packets()[0])!.source, { address: GATEWAY, port: 3333 });
  bench.send(udpPacket({ source: guestAt(69), destination: { address: GATEWAY, port: 3333 }, data: names(1) }));
  assert.deepEqual(socket.sent[0].to, { address: ipv4("127.0.0.1"), port: 3333 });
});

/** Frames of every kind that the network knows, to be spoilt. */
function honestFrames(prng: Prng): Uint8Array[] {
  const port = 1 + prng.below(3);
  const address = prng.pick([GATEWAY, NAME_SERVER, SERVER, BROADCAST, ipv4("10.0.2.9"), GUEST]);
  const data = Uint8Array.from({ length: prng.below(400) }, () => prng.below(256));
  const segment = new Uint8Array(20 + 4 * prng.below(11) + prng.below(300)).map(() => prng.below(256));
  segment[12] = prng.below(4) === 0 ? prng.below(256) : ((20 / 4) << 4) + 16 * prng.below(11);
  segment[13] = prng.pick([0x02, 0x10, 0x18, 0x11, 0x04, 0x14, 0x12, prng.below(256)]);
  put16(segment, 0, port);
  put16(segment, 2, prng.pick([80, 53, 0]));
  put16(segment, 16, 0);
  const pseudo = (GUEST >>> 16) + (GUEST & 0xffff) + (address >>> 16) + (address & 0xffff) + 6 + segment.length;
  put16(segment, 16, checksum(pseudo + sum16(segment)));
  const destinationPort = prng.pick([53, 67, 9]);
  return [
    question(address),
    ...guestFrames(udpPacket({ source: guestAt(port), destination: { address, port: destinationPort }, data })),
    ...guestFrames(
      udpPacket({ source: guestAt(68), destination: { address: BROADCAST, port: 67 }, data: dhcp(prng.below(10)) }),
    ),
    ...guestFrames({ source: GUEST, destination: address, protocol: PROTOCOL.tcp, payload: segment }),
    ...guestFrames(
      { source: GUEST, destination: address, protocol: prng.below(256), payload: data },
      28 + 8 * prng.below(60),
    ),
    ...guestFrames({
      source: GUEST,
      destination: address,
      protocol: PROTOCOL.icmp,
      payload: Uint8Array.of(8, 0, ...data),
    }),
  ];
}

function spoil(frame: Uint8Array, prng: Prng): Uint8Array {
  const spoilt = frame.slice(0, prng.below(3) === 0 ? prng.below(frame.length + 1) : frame.length);
  for (let count = prng.below(4); count > 0 && spoilt.length > 0; count--) {
    spoilt[prng.below(Math.min(spoilt.length, prng.pick([34, 54, 1500])))] = prng.below(256);
  }
  // With a right checksum of the header the rest is looked at, too.
  if (prng.below(2) === 0 && spoilt.length >= 34) {
    const headerBytes = Math.min((spoilt[14] & 15) * 4, spoilt.length - 14);
    if (headerBytes >= 20) {
      put16(spoilt, 24, 0);
      put16(spoilt, 24, checksum(sum16(spoilt.subarray(14, 14 + headerBytes))));
    }
  }
  return spoilt;
}

for (let seed = 1; seed <= 12; seed++) {
  test(`seed ${seed}: hostile frames are borne, and what is answered is sound`, () => {
    const prng = new Prng(seed);
    const bench = new Bench();
    bench.outside.servers = seed % 2 === 0 ? [] : [{ address: SERVER, port: 53 }];
    let answers = 0;
    for (let round = 0; round < 1500; round++) {
      for (const frame of honestFrames(prng)) {
        const spoilt = spoil(frame, prng);
        assert.equal(typeof describeFrame(spoilt), "string");
        bench.network.receive(spoilt);
      }
      for (const stream of bench.outside.streams.splice(0)) {
        const what = prng.below(4);
        if (what === 0) stream.events.failed();
        else if (what < 3) {
          stream.events.connected();
          stream.events.data(new Uint8Array(prng.below(3000)));
          if (what === 2) stream.events.ended();
        }
      }
      for (const frame of bench.take()) {
        answers++;
        assert.ok(frame.length <= 1514);
        assert.doesNotMatch(describeFrame(frame), /damaged|short/);
        if (parseEthernet(frame)!.type === ETHERTYPE.ipv4) assert.ok(parseIpv4(parseEthernet(frame)!.payload));
      }
      bench.nowMs += prng.below(50);
      bench.network.tick();
      assert.ok(bench.network.counts.connections <= 512 && bench.network.counts.flows <= 256);
    }
    assert.ok(answers > 1000, `${answers} answers`);
    bench.network.close();
    assert.deepEqual(bench.network.counts, { connections: 0, flows: 0 });
  });
}
