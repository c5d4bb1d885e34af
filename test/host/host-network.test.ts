import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import test from "node:test";
import { HostNetwork, openNetwork } from "../../src/host/host-network.ts";
import { Bell } from "../../src/host/motion-driver.ts";
import { GATEWAY } from "../../src/network/addresses.ts";
import { parseEthernet } from "../../src/network/ethernet.ts";
import { parseIpv4 } from "../../src/network/ipv4.ts";
import { parseTcp, tcpPacket } from "../../src/network/tcp-segment.ts";
import { type Endpoint, parseUdp, udpPacket } from "../../src/network/udp.ts";
import { GuestTcp } from "../network/guest-tcp.ts";
import { guestAt, guestFrames } from "../network/support.ts";

/** How long a test waits for this computer's own sockets. */
const PATIENCE_MS = 20_000;

/** A guest on the network of this host: one TCP end, and the datagrams that came. */
class Cable {
  readonly network: HostNetwork;
  readonly tcp: GuestTcp;
  readonly datagrams: { source: Endpoint; data: Uint8Array }[] = [];
  peer: Endpoint = { address: GATEWAY, port: 0 };
  readonly #port: number;
  #backlog: Uint8Array[] = [];

  constructor(network: HostNetwork, port: number) {
    this.network = network;
    this.#port = port;
    this.tcp = new GuestTcp((segment) =>
      this.#send(tcpPacket({ source: guestAt(port), destination: this.peer, segment })),
    );
    const cable = this;
    network.connect({
      deliver: (frame) => {
        this.#backlog.push(frame);
        return true;
      },
      get backlog() {
        return cable.#backlog.length;
      },
    });
  }

  sendDatagram(to: Endpoint, data: Uint8Array): void {
    this.#send(udpPacket({ source: guestAt(this.#port), destination: to, data }));
  }

  /** Lives until `condition` holds. */
  async until(condition: () => boolean): Promise<void> {
    const started = performance.now();
    while (!condition()) {
      assert.ok(performance.now() - started < PATIENCE_MS, "it does not happen");
      for (const frame of this.#backlog.splice(0)) this.#take(frame);
      this.tcp.tick(performance.now());
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  #send(packet: Parameters<typeof guestFrames>[0]): void {
    for (const frame of guestFrames(packet)) this.network.fromGuest(frame);
  }

  #take(frame: Uint8Array): void {
    const packet = parseIpv4(parseEthernet(frame)!.payload);
    if (packet === undefined) return;
    const datagram = packet.protocol === 17 ? parseUdp(packet) : undefined;
    if (datagram !== undefined) this.datagrams.push(datagram);
    const tcp = packet.protocol === 6 ? parseTcp(packet) : undefined;
    if (tcp === undefined) return;
    if (this.tcp.state === "listen") this.peer = tcp.source;
    this.tcp.receive(tcp.segment, performance.now());
  }
}

async function withCable(net: string, use: (cable: Cable) => Promise<void>): Promise<void> {
  const network = await openNetwork(net, new Bell());
  assert.ok(network !== undefined);
  try {
    await use(new Cable(network, 40_000));
  } finally {
    network.close();
  }
}

async function listening(onSocket: (socket: Socket) => void) {
  const server = createServer({ allowHalfOpen: true }, onSocket).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

const pattern = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);

test("a guest talks to a server of this host, more than fits into any buffer, and hears the end", async () => {
  const { server, port } = await listening((socket) => socket.pipe(socket));
  await withCable("user", async (cable) => {
    cable.peer = { address: GATEWAY, port };
    cable.tcp.connect(performance.now());
    await cable.until(() => cable.tcp.state === "open");
    assert.equal(cable.network.isBusy, true);
    const bytes = pattern(1_000_000);
    cable.tcp.write(bytes, performance.now());
    cable.tcp.finish(performance.now());
    await cable.until(() => cable.tcp.peerFinished && cable.tcp.finished);
    assert.deepEqual(Uint8Array.from(cable.tcp.received), bytes);
    assert.equal(cable.network.isBusy, false);
  });
  server.close();
});

test("a port where nobody listens refuses, and a server's reset is the guest's", async () => {
  const { server, port } = await listening((socket) => socket.resetAndDestroy());
  await withCable("user", async (cable) => {
    cable.peer = { address: GATEWAY, port };
    cable.tcp.connect(performance.now());
    await cable.until(() => cable.tcp.state === "reset");
  });
  server.close();
  await once(server, "close");
  await withCable("user", async (cable) => {
    cable.peer = { address: GATEWAY, port };
    cable.tcp.connect(performance.now());
    await cable.until(() => cable.tcp.state === "reset");
  });
});

test("a guest's reset reaches the server", async () => {
  const { promise: error, resolve } = Promise.withResolvers<NodeJS.ErrnoException>();
  const { server, port } = await listening((socket) => socket.on("error", resolve).resume());
  await withCable("user", async (cable) => {
    cable.peer = { address: GATEWAY, port };
    cable.tcp.connect(performance.now());
    await cable.until(() => cable.tcp.state === "open");
    cable.tcp.reset();
    assert.equal((await error).code, "ECONNRESET");
  });
  server.close();
});

test("a port of the host leads to the guest", async () => {
  await withCable("user,hostfwd=tcp:127.0.0.1:0-:40000", async (cable) => {
    const [, port] = /^TCP 127\.0\.0\.1:(\d+) leads to 10\.0\.2\.15:40000\.$/.exec(cable.network.forwards[0])!;
    cable.tcp.state = "listen";
    const client = connect({ host: "127.0.0.1", port: Number(port), allowHalfOpen: true });
    const chunks: Uint8Array[] = [];
    client.on("data", (chunk) => chunks.push(chunk));
    client.write("who is there?");
    await cable.until(() => cable.tcp.received.length === 13);
    assert.equal(cable.peer.address, GATEWAY);
    cable.tcp.write(pattern(50_000), performance.now());
    cable.tcp.finish(performance.now());
    await cable.until(() => client.readableEnded);
    assert.deepEqual(Uint8Array.from(Buffer.concat(chunks)), pattern(50_000));
    client.end();
    await cable.until(() => cable.tcp.peerFinished);
  });
});

test("datagrams go out and come back, and in through a forward", async () => {
  const server = createSocket("udp4");
  server.on("message", (data, from) => server.send(Buffer.concat([data, Buffer.from("!")]), from.port, from.address));
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  await withCable("user,hostfwd=udp:127.0.0.1:0-:69", async (cable) => {
    const port = server.address().port;
    cable.sendDatagram({ address: GATEWAY, port }, Buffer.from("hello"));
    await cable.until(() => cable.datagrams.length > 0);
    assert.deepEqual(cable.datagrams[0].source, { address: GATEWAY, port });
    assert.equal(Buffer.from(cable.datagrams[0].data).toString(), "hello!");
    const [, forwarded] = /127\.0\.0\.1:(\d+)/.exec(cable.network.forwards[0])!;
    server.send("knock", Number(forwarded), "127.0.0.1");
    await cable.until(() => cable.datagrams.length > 1);
    assert.deepEqual(cable.datagrams[1].source, { address: GATEWAY, port });
  });
  server.close();
});

test("a forward that cannot listen is told in one sentence, and nothing stays open", async () => {
  const { server, port } = await listening(() => {});
  const net = `user,hostfwd=udp:127.0.0.1:0-:1,hostfwd=tcp:127.0.0.1:${port}-:22`;
  await assert.rejects(openNetwork(net, new Bell()), {
    code: "net-forward",
    exitCode: 3,
    message: `hostfwd=tcp:127.0.0.1:${port}-:22 cannot listen on port ${port} of 127.0.0.1: another program uses that port.`,
  });
  server.close();
  assert.equal(await openNetwork("none", new Bell()), undefined);
  assert.equal(await openNetwork(undefined, new Bell()), undefined);
});

test("a frame for the guest rings the bell", async () => {
  const bell = new Bell();
  const network = await HostNetwork.open({ forwards: [], restricted: false }, bell);
  network.connect({ deliver: () => true, backlog: 0 });
  let rung = false;
  const rest = bell.rest().then(() => {
    rung = true;
  });
  await Promise.resolve();
  assert.equal(rung, false);
  for (const frame of guestFrames(
    udpPacket({ source: guestAt(1), destination: { address: 0x0a00_0203, port: 9 }, data: new Uint8Array(1) }),
  )) {
    network.fromGuest(frame);
  }
  await rest;
  network.close();
});
