import {
  BROADCAST,
  BROADCAST_MAC,
  GATEWAY,
  type Ipv4Address,
  isHostAddress,
  isInNetwork,
  type MacAddress,
  macOf,
  NAME_SERVER,
  NETWORK,
  NETWORK_BROADCAST,
} from "./addresses.ts";
import { answerArp, parseArp } from "./arp.ts";
import { answerDhcp, DHCP_CLIENT_PORT, DHCP_SERVER_PORT } from "./dhcp.ts";
import { DNS_PORT } from "./dns.ts";
import { ETHERTYPE, ethernetFrame, MTU, parseEthernet } from "./ethernet.ts";
import {
  EXCEEDED,
  echoReply,
  isEchoRequest,
  mayBeAnsweredByError,
  timeExceeded,
  UNREACHABLE,
  unreachable,
} from "./icmp.ts";
import { type Ipv4Packet, ipv4Packets, type OutgoingPacket, PROTOCOL, parseIpv4 } from "./ipv4.ts";
import type { Outside, OutsideTcp, OutsideTcpEvents, OutsideUdp, OutsideUdpEvents } from "./outside.ts";
import { TcpConnections } from "./tcp-connections.ts";
import { parseTcp } from "./tcp-segment.ts";
import { type Endpoint, parseUdp, udpPacket } from "./udp.ts";
import { hostAddress, UdpFlows } from "./udp-flows.ts";

/** The cable to the guest's card. */
export interface GuestLine {
  /** Takes the frame over; false when too many wait for the guest already. */
  deliver(frame: Uint8Array): boolean;
  /** Frames that wait for the guest. */
  readonly backlog: number;
}

export interface UserNetworkOptions {
  readonly outside: Outside;
  readonly line: GuestLine;
  /** A steady clock, in milliseconds: for what is sent again and for what is given up. */
  readonly nowMs: () => number;
  /** Until the guest has said another. */
  readonly guestMac: MacAddress;
  /** Nothing that the guest sends leaves its network; forwards to it still work. */
  readonly restricted: boolean;
}

/**
 * The network behind the guest's card, without wires: a gateway that answers ARP, DHCP and ping, and translates TCP and
 * UDP to streams and datagrams of the host. What it answers by itself follows from the guest's frame alone.
 */
export class UserNetwork {
  readonly #options: UserNetworkOptions;
  readonly #tcp: TcpConnections;
  readonly #udp: UdpFlows;
  #guestMac: MacAddress;
  #identification = 0;

  constructor(options: UserNetworkOptions) {
    const { outside, line, nowMs } = options;
    this.#options = options;
    this.#guestMac = options.guestMac;
    const surroundings = {
      send: (packet: OutgoingPacket) => this.#send(packet),
      lineBacklog: () => line.backlog,
      nowMs,
      nameServers: () => this.#nameServers(),
      route: (destination: Endpoint) => this.#route(destination),
    };
    this.#tcp = new TcpConnections(outside, surroundings);
    this.#udp = new UdpFlows(outside, surroundings);
  }

  /** Something from outside may still reach the guest, so that it does not wait for ever. */
  get isBusy(): boolean {
    return this.#tcp.isBusy || this.#udp.isBusy;
  }

  /** Connections and ports with a socket outside, for status and tests. */
  get counts(): { connections: number; flows: number } {
    return { connections: this.#tcp.count, flows: this.#udp.count };
  }

  /** When `tick` should be called at the latest. */
  get deadlineMs(): number | undefined {
    const tcp = this.#tcp.deadlineMs;
    const udp = this.#udp.deadlineMs;
    return tcp === undefined || udp === undefined ? (tcp ?? udp) : Math.min(tcp, udp);
  }

  tick(): void {
    this.#tcp.tick();
    this.#udp.tick();
  }

  openTcpToGuest(guest: Endpoint, attach: (events: OutsideTcpEvents) => OutsideTcp): boolean {
    return this.#tcp.openToGuest(guest, attach);
  }

  forwardUdp(guest: Endpoint, attach: (events: OutsideUdpEvents) => OutsideUdp): void {
    this.#udp.forward(guest, attach);
  }

  close(): void {
    this.#tcp.close();
    this.#udp.close();
  }

  /** A frame that the guest has sent. What makes no sense is dropped, as a switch does. */
  receive(frame: Uint8Array): void {
    const ethernet = parseEthernet(frame);
    // The lowest bit of the first byte marks a group, which sends nothing.
    if (ethernet === undefined || ethernet.source[0] & 1) return;
    if (ethernet.type === ETHERTYPE.arp) {
      const packet = parseArp(ethernet.payload);
      if (packet === undefined) return;
      this.#guestMac = ethernet.source.slice();
      const answer = answerArp(packet);
      if (answer !== undefined) this.#options.line.deliver(answer);
    } else if (ethernet.type === ETHERTYPE.ipv4 && isForUs(ethernet.destination)) {
      const packet = parseIpv4(ethernet.payload);
      if (packet === undefined) return;
      this.#guestMac = ethernet.source.slice();
      this.#receivePacket(packet);
    }
  }

  #receivePacket(packet: Ipv4Packet): void {
    if (packet.isFragment) {
      // Nothing is put together here. The first part is answered as if the others had never come.
      if (!packet.isLaterFragment) this.#error(packet, timeExceeded(EXCEEDED.reassembly, packet));
      return;
    }
    if (packet.protocol === PROTOCOL.udp && this.#receiveLocalUdp(packet)) return;
    const { source, destination } = packet;
    const isOurs = destination === GATEWAY || destination === NAME_SERVER;
    if (!isGuestAddress(source)) return;
    if (!isOurs && packet.timeToLive <= 1) {
      this.#error(packet, timeExceeded(EXCEEDED.inTransit, packet));
    } else if (packet.protocol === PROTOCOL.icmp) {
      this.#receiveIcmp(packet, isOurs);
    } else if (packet.protocol === PROTOCOL.udp) {
      const datagram = parseUdp(packet);
      if (datagram !== undefined && !this.#udp.receive(datagram)) this.#noWay(packet, isOurs);
    } else if (packet.protocol === PROTOCOL.tcp) {
      const segment = parseTcp(packet);
      if (segment !== undefined && !this.#tcp.receive(segment)) this.#noWay(packet, isOurs);
    } else {
      this.#error(packet, unreachable(UNREACHABLE.protocol, packet));
    }
  }

  /** DHCP and names. A client that has no address yet sends from 0.0.0.0 to everybody. */
  #receiveLocalUdp(packet: Ipv4Packet): boolean {
    const datagram = parseUdp(packet);
    if (datagram === undefined) return true;
    const { destination, data } = datagram;
    const isForEverybody = destination.address === BROADCAST || destination.address === NETWORK_BROADCAST;
    if (destination.port === DHCP_SERVER_PORT && (isForEverybody || destination.address === GATEWAY)) {
      const answer = answerDhcp(data);
      if (answer === undefined) return true;
      const from = { address: GATEWAY, port: DHCP_SERVER_PORT };
      // To everybody, since the client may not listen to its address yet.
      this.#send(
        udpPacket({ source: from, destination: { address: BROADCAST, port: DHCP_CLIENT_PORT }, data: answer }),
      );
      return true;
    }
    if (destination.address === NAME_SERVER && destination.port === DNS_PORT && isGuestAddress(packet.source)) {
      this.#udp.ask(datagram);
      return true;
    }
    return isForEverybody;
  }

  #receiveIcmp(packet: Ipv4Packet, isOurs: boolean): void {
    if (!isEchoRequest(packet.payload)) return;
    if (!isOurs) {
      // Echoes of others would take rights that a user's program does not have.
      this.#error(
        packet,
        unreachable(isInNetwork(packet.destination) ? UNREACHABLE.host : UNREACHABLE.prohibited, packet),
      );
      return;
    }
    const payload = echoReply(packet.payload);
    if (payload === undefined) return;
    const { source: destination, destination: source, protocol } = packet;
    this.#send({ source, destination, protocol, payload });
  }

  /** Where the guest's words for `destination` go outside. */
  #route({ address, port }: Endpoint): Endpoint | undefined {
    if (port === 0) return undefined;
    if (address === NAME_SERVER) return port === DNS_PORT ? this.#nameServers()[0] : undefined;
    if (this.#options.restricted || !isHostAddress(address)) return undefined;
    if (isInNetwork(address) && address !== GATEWAY) return undefined;
    return { address: hostAddress(address), port };
  }

  #nameServers(): readonly Endpoint[] {
    return this.#options.restricted ? [] : this.#options.outside.nameServers();
  }

  #noWay(packet: Ipv4Packet, isOurs: boolean): void {
    const isElsewhere = !isInNetwork(packet.destination);
    const code = isOurs ? UNREACHABLE.port : isElsewhere ? UNREACHABLE.prohibited : UNREACHABLE.host;
    this.#error(packet, unreachable(code, packet));
  }

  #error(about: Ipv4Packet, payload: Uint8Array): void {
    if (!mayBeAnsweredByError(about) || !isGuestAddress(about.source) || !isHostAddress(about.destination)) return;
    this.#send({ source: GATEWAY, destination: about.source, protocol: PROTOCOL.icmp, payload });
  }

  /** False: not all of it has found room on the line. */
  #send(packet: OutgoingPacket): boolean {
    this.#identification = (this.#identification + 1) & 0xffff;
    const destination = packet.destination === BROADCAST ? BROADCAST_MAC : this.#guestMac;
    const source = macOf(isInNetwork(packet.source) ? packet.source : GATEWAY);
    return ipv4Packets(packet, this.#identification, MTU).every((payload) =>
      this.#options.line.deliver(ethernetFrame({ destination, source, type: ETHERTYPE.ipv4, payload })),
    );
  }
}

/** Our two addresses are one machine: a guest that sends to either is heard. */
function isForUs(mac: MacAddress): boolean {
  return [BROADCAST_MAC, macOf(GATEWAY), macOf(NAME_SERVER)].some((own) =>
    own.every((byte, index) => byte === mac[index]),
  );
}

function isGuestAddress(address: Ipv4Address): boolean {
  const isTaken = address === GATEWAY || address === NAME_SERVER;
  return isInNetwork(address) && !isTaken && address !== NETWORK && address !== NETWORK_BROADCAST;
}
