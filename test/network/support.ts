import { GATEWAY, GUEST, ipv4, macOf } from "../../src/network/addresses.ts";
import { ETHERTYPE, ethernetFrame, parseEthernet } from "../../src/network/ethernet.ts";
import { type Ipv4Packet, ipv4Packets, type OutgoingPacket, parseIpv4 } from "../../src/network/ipv4.ts";
import type { Outside, OutsideTcp, OutsideTcpEvents, OutsideUdp, OutsideUdpEvents } from "../../src/network/outside.ts";
import type { Endpoint } from "../../src/network/udp.ts";
import { UserNetwork } from "../../src/network/user-network.ts";

export const GUEST_MAC = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);
export const SERVER = ipv4("93.184.216.34");

export interface FakeStream {
  readonly address: number;
  readonly port: number;
  readonly events: OutsideTcpEvents;
  readonly written: Uint8Array[];
  /** What the stream says about bytes that have not left. */
  pendingBytes: number;
  ended: boolean;
  aborted: boolean;
  paused: boolean;
}

/** The outside as a list of what was asked of it: tests answer. */
export class FakeOutside implements Outside {
  readonly streams: FakeStream[] = [];
  readonly sockets: { events: OutsideUdpEvents; sent: { to: Endpoint; data: Uint8Array }[]; closed: boolean }[] = [];
  servers: Endpoint[] = [];
  onWrite: (stream: FakeStream, bytes: Uint8Array) => void = () => {};

  connectTcp(address: number, port: number, events: OutsideTcpEvents): OutsideTcp {
    const stream: FakeStream = {
      address,
      port,
      events,
      written: [],
      pendingBytes: 0,
      ended: false,
      aborted: false,
      paused: false,
    };
    this.streams.push(stream);
    return {
      get pendingBytes() {
        return stream.pendingBytes;
      },
      write: (bytes) => {
        stream.written.push(bytes);
        this.onWrite(stream, bytes);
      },
      end: () => {
        stream.ended = true;
      },
      abort: () => {
        stream.aborted = true;
      },
      pause: () => {
        stream.paused = true;
      },
      resume: () => {
        stream.paused = false;
      },
    };
  }

  openUdp(events: OutsideUdpEvents): OutsideUdp {
    const socket = { events, sent: [] as { to: Endpoint; data: Uint8Array }[], closed: false };
    this.sockets.push(socket);
    return {
      send: (to, data) => void socket.sent.push({ to, data: data.slice() }),
      close: () => {
        socket.closed = true;
      },
    };
  }

  nameServers(): readonly Endpoint[] {
    return this.servers;
  }
}

/** A network with a clock that tests move, and a cable whose far end they hold. */
export class Bench {
  readonly outside = new FakeOutside();
  readonly network: UserNetwork;
  readonly frames: Uint8Array[] = [];
  nowMs = 0;
  /** Frames that the line takes. */
  room = Number.POSITIVE_INFINITY;
  backlog = 0;

  constructor(restricted = false) {
    const bench = this;
    this.network = new UserNetwork({
      outside: this.outside,
      line: {
        deliver: (frame) => {
          if (this.frames.length >= this.room) return false;
          this.frames.push(frame);
          return true;
        },
        get backlog() {
          return bench.backlog;
        },
      },
      nowMs: () => this.nowMs,
      guestMac: GUEST_MAC,
      restricted,
    });
  }

  /** What the guest is sent, since last asked. */
  take(): Uint8Array[] {
    return this.frames.splice(0);
  }

  packets(): Ipv4Packet[] {
    return this.take().flatMap((frame) => {
      const packet = parseIpv4(parseEthernet(frame)!.payload);
      return packet === undefined ? [] : [packet];
    });
  }

  send(packet: OutgoingPacket): void {
    for (const frame of guestFrames(packet)) this.network.receive(frame);
  }

  /** Passes time up to the next thing that the network wants to do; false: it wants nothing. */
  wait(mostMs = Number.POSITIVE_INFINITY): boolean {
    const { deadlineMs } = this.network;
    if (deadlineMs === undefined || deadlineMs > this.nowMs + mostMs) return false;
    this.nowMs = Math.max(this.nowMs, deadlineMs);
    this.network.tick();
    return true;
  }
}

export function guestFrames(packet: OutgoingPacket, mtu = 1500): Uint8Array[] {
  return ipv4Packets(packet, 7, mtu).map((payload) =>
    ethernetFrame({ destination: macOf(GATEWAY), source: GUEST_MAC, type: ETHERTYPE.ipv4, payload }),
  );
}

export const guestAt = (port: number): Endpoint => ({ address: GUEST, port });
