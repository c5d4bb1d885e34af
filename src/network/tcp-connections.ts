import { assert } from "../base/assert.ts";
import { formatIpv4, GATEWAY, isInNetwork } from "./addresses.ts";
import type { OutgoingPacket } from "./ipv4.ts";
import type { Outside, OutsideTcp, OutsideTcpEvents } from "./outside.ts";
import { TcpConnection } from "./tcp-connection.ts";
import { ACK, type AddressedSegment, RST, SYN, segmentLength, type TcpSegment, tcpPacket } from "./tcp-segment.ts";
import type { Endpoint } from "./udp.ts";

/** Connections at once: a guest that opens without end is refused, and finds room again when some have closed. */
const MOST_CONNECTIONS = 512;
/** Ports that the gateway uses for connections to the guest (RFC 6335's dynamic ones). */
const FIRST_PORT = 49_152;
const PORTS = 16_384;
/** Initial sequence numbers of successive connections lie this far apart. */
const SEQUENCE_STRIDE = 0x0123_4567;

export interface TcpTableSurroundings {
  /** False: the line to the guest is full. */
  send(packet: OutgoingPacket): boolean;
  lineBacklog(): number;
  nowMs(): number;
  /** Where the guest's connection to `destination` leads outside; undefined: nowhere. */
  route(destination: Endpoint): Endpoint | undefined;
}

/** All connections of the guest, by the two ends that it sees. */
export class TcpConnections {
  readonly #outside: Outside;
  readonly #surroundings: TcpTableSurroundings;
  readonly #connections = new Map<string, TcpConnection>();
  #opened = 0;

  constructor(outside: Outside, surroundings: TcpTableSurroundings) {
    this.#outside = outside;
    this.#surroundings = surroundings;
  }

  get isBusy(): boolean {
    return [...this.#connections.values()].some(({ isBusy }) => isBusy);
  }

  get count(): number {
    return this.#connections.size;
  }

  get deadlineMs(): number | undefined {
    let least: number | undefined;
    for (const { deadlineMs } of this.#connections.values()) {
      if (deadlineMs !== undefined && (least === undefined || deadlineMs < least)) least = deadlineMs;
    }
    return least;
  }

  /** False: there is no way to its destination, and nobody answers. */
  receive({ source: guest, destination: peer, segment }: AddressedSegment): boolean {
    const { flags } = segment;
    const known = this.#connections.get(keyOf(guest, peer));
    const isOpening = (flags & (SYN | ACK | RST)) === SYN;
    if (known !== undefined && !(isOpening && known.state === "time-wait")) {
      known.receive(segment);
      return true;
    }
    if (!isOpening) {
      this.#refuse(guest, peer, segment);
      return true;
    }
    known?.abandon();
    const target = this.#surroundings.route(peer);
    if (target === undefined) return false;
    if (this.#connections.size >= MOST_CONNECTIONS) this.#refuse(guest, peer, segment);
    else this.#open(guest, peer, segment, (events) => this.#outside.connectTcp(target.address, target.port, events));
    return true;
  }

  /**
   * A connection from the outside to a port of the guest, which sees it come from the gateway. `attach` gives the
   * stream, connected and held. False: there are too many.
   */
  openToGuest(guest: Endpoint, attach: (events: OutsideTcpEvents) => OutsideTcp): boolean {
    assert(isInNetwork(guest.address), "a guest outside of its network");
    if (this.#connections.size >= MOST_CONNECTIONS) return false;
    // There are more ports than connections.
    for (;;) {
      const peer = { address: GATEWAY, port: FIRST_PORT + (this.#opened % PORTS) };
      if (!this.#connections.has(keyOf(guest, peer))) {
        this.#open(guest, peer, undefined, attach);
        return true;
      }
      this.#opened++;
    }
  }

  tick(): void {
    for (const connection of [...this.#connections.values()]) connection.tick();
  }

  close(): void {
    for (const connection of [...this.#connections.values()]) connection.abandon();
  }

  #open(
    guest: Endpoint,
    peer: Endpoint,
    syn: TcpSegment | undefined,
    attach: (events: OutsideTcpEvents) => OutsideTcp,
  ): void {
    const key = keyOf(guest, peer);
    const sequence = Math.imul(++this.#opened, SEQUENCE_STRIDE) >>> 0;
    const { send, lineBacklog, nowMs } = this.#surroundings;
    const connection: TcpConnection = new TcpConnection(
      {
        send: (segment) => send(tcpPacket({ source: peer, destination: guest, segment })),
        lineBacklog,
        nowMs,
        closed: () => {
          if (this.#connections.get(key) === connection) this.#connections.delete(key);
        },
      },
      sequence,
      syn,
    );
    this.#connections.set(key, connection);
    connection.attach(attach(connection));
  }

  /** RFC 9293, 3.5.2, group 1: what belongs to no connection is answered so that its sender knows. */
  #refuse(guest: Endpoint, peer: Endpoint, segment: TcpSegment): void {
    if (segment.flags & RST) return;
    const reply =
      segment.flags & ACK
        ? { sequence: segment.acknowledgement, acknowledgement: 0, flags: RST }
        : {
            sequence: 0,
            acknowledgement: (segment.sequence + segmentLength(segment)) >>> 0,
            flags: RST | ACK,
          };
    const whole = { ...reply, window: 0, payload: new Uint8Array(0) };
    this.#surroundings.send(tcpPacket({ source: peer, destination: guest, segment: whole }));
  }
}

function keyOf(guest: Endpoint, peer: Endpoint): string {
  return `${formatIpv4(guest.address)}:${guest.port}-${formatIpv4(peer.address)}:${peer.port}`;
}
