import { GATEWAY, isLoopback, LOOPBACK } from "./addresses.ts";
import { serverFailure } from "./dns.ts";
import type { OutgoingPacket } from "./ipv4.ts";
import type { Outside, OutsideUdp, OutsideUdpEvents } from "./outside.ts";
import { type Datagram, type Endpoint, MOST_DATAGRAM_BYTES, udpPacket } from "./udp.ts";

/** Ports of the guest that have a socket outside at once; beyond it the one that was quiet longest loses its own. */
const MOST_FLOWS = 256;
/** RFC 4787, 4.3: two minutes at least. */
const QUIET_MS = 120_000;
/** How long somebody who has asked may be waited for, as far as an idle machine is concerned. */
const ANSWER_MS = 5000;

export interface UdpSurroundings {
  send(packet: OutgoingPacket): boolean;
  nowMs(): number;
  nameServers(): readonly Endpoint[];
  /** Where the guest's datagrams for `destination` go; undefined: nowhere. */
  route(destination: Endpoint): Endpoint | undefined;
}

interface Flow {
  readonly socket: OutsideUdp;
  usedMs: number;
  sentMs: number;
  /** What the guest asked last: when it asks the same again, another server is tried. */
  question: number;
  attempts: number;
}

/**
 * Datagrams of the guest, translated: each of its ports has a socket outside, and whoever answers to that is heard.
 * Ports that the host forwards have theirs from the start and for good.
 */
export class UdpFlows {
  readonly #outside: Outside;
  readonly #surroundings: UdpSurroundings;
  readonly #flows = new Map<string, Flow>();
  readonly #forwards = new Map<string, OutsideUdp>();

  constructor(outside: Outside, surroundings: UdpSurroundings) {
    this.#outside = outside;
    this.#surroundings = surroundings;
  }

  /** Somebody was asked a moment ago, and may answer. */
  get isBusy(): boolean {
    const now = this.#surroundings.nowMs();
    return [...this.#flows.values()].some(({ sentMs }) => now - sentMs < ANSWER_MS);
  }

  get count(): number {
    return this.#flows.size;
  }

  get deadlineMs(): number | undefined {
    let least: number | undefined;
    const now = this.#surroundings.nowMs();
    for (const { usedMs, sentMs } of this.#flows.values()) {
      const due = now - sentMs < ANSWER_MS ? sentMs + ANSWER_MS : usedMs + QUIET_MS;
      least = Math.min(least ?? Number.POSITIVE_INFINITY, due);
    }
    return least;
  }

  /** False: there is no way to its destination. */
  receive({ source, destination, data }: Datagram): boolean {
    // Port 0 is nobody's.
    if (source.port === 0 || destination.port === 0) return false;
    const forward = this.#forwards.get(keyOf(source));
    // Whoever came through a forward from the host is answered, whatever else is forbidden.
    const isAnswer = forward !== undefined && destination.address === GATEWAY;
    const target = isAnswer ? { ...destination, address: LOOPBACK } : this.#surroundings.route(destination);
    if (target === undefined) return false;
    if (forward !== undefined) forward.send(target, data);
    else this.#flow(keyOf(source), (from) => ({ source: shown(from), destination: source })).socket.send(target, data);
    return true;
  }

  /** A question for the network's name server, which is whoever the host asks. */
  ask({ source, destination, data }: Datagram): void {
    const servers = this.#surroundings.nameServers();
    if (servers.length === 0) {
      const answer = serverFailure(data);
      if (answer !== undefined)
        this.#surroundings.send(udpPacket({ source: destination, destination: source, data: answer }));
      return;
    }
    const flow = this.#flow(`names ${keyOf(source)}`, () => ({ source: destination, destination: source }));
    const question = data.length >= 2 ? (data[0] << 8) | data[1] : -1;
    flow.attempts = flow.question === question ? flow.attempts + 1 : 0;
    flow.question = question;
    flow.socket.send(servers[flow.attempts % servers.length], data);
  }

  /** A socket of the host whose datagrams are for a port of the guest. */
  forward(guest: Endpoint, attach: (events: OutsideUdpEvents) => OutsideUdp): void {
    const key = keyOf(guest);
    const socket = attach({
      received: (from, data) => this.#deliver({ source: shown(from), destination: guest, data }),
      failed: () => void this.#forwards.delete(key),
    });
    this.#forwards.set(key, socket);
  }

  tick(): void {
    const now = this.#surroundings.nowMs();
    for (const [key, { usedMs }] of this.#flows) if (now - usedMs >= QUIET_MS) this.#drop(key);
  }

  close(): void {
    for (const key of [...this.#flows.keys()]) this.#drop(key);
    for (const socket of this.#forwards.values()) socket.close();
    this.#forwards.clear();
  }

  #flow(key: string, ends: (from: Endpoint) => Omit<Datagram, "data">): Flow {
    const now = this.#surroundings.nowMs();
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      // The map is in order of use: the first was quiet longest.
      if (this.#flows.size >= MOST_FLOWS) this.#drop(this.#flows.keys().next().value!);
      const socket = this.#outside.openUdp({
        received: (from, data) => {
          const current = this.#flows.get(key);
          if (current?.socket !== socket) return;
          this.#touch(key, current);
          this.#deliver({ ...ends(from), data });
        },
        failed: () => {
          if (this.#flows.get(key)?.socket === socket) this.#flows.delete(key);
        },
      });
      flow = { socket, usedMs: now, sentMs: now, question: -1, attempts: 0 };
    }
    flow.sentMs = now;
    this.#touch(key, flow);
    return flow;
  }

  #touch(key: string, flow: Flow): void {
    flow.usedMs = this.#surroundings.nowMs();
    this.#flows.delete(key);
    this.#flows.set(key, flow);
  }

  #drop(key: string): void {
    this.#flows.get(key)?.socket.close();
    this.#flows.delete(key);
  }

  /** A datagram that finds the line full is lost, as datagrams are. */
  #deliver(datagram: Datagram): void {
    if (datagram.data.length <= MOST_DATAGRAM_BYTES) this.#surroundings.send(udpPacket(datagram));
  }
}

/** The host itself is the gateway. */
function shown(from: Endpoint): Endpoint {
  return isLoopback(from.address) ? { address: GATEWAY, port: from.port } : from;
}

/** The other way round. */
export function hostAddress(address: number): number {
  return address === GATEWAY ? LOOPBACK : address;
}

function keyOf({ address, port }: Endpoint): string {
  return `${address}:${port}`;
}
