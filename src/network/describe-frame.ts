import { formatIpv4 } from "./addresses.ts";
import { ARP_REQUEST, parseArp } from "./arp.ts";
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT } from "./dhcp.ts";
import { DNS_PORT } from "./dns.ts";
import { ETHERTYPE, parseEthernet } from "./ethernet.ts";
import { type Ipv4Packet, PROTOCOL, parseIpv4 } from "./ipv4.ts";
import { ACK, FIN, parseTcp, RST, SYN } from "./tcp-segment.ts";
import { parseUdp } from "./udp.ts";

const FLAGS: readonly [number, string][] = [
  [SYN, "SYN"],
  [FIN, "FIN"],
  [RST, "RST"],
  [ACK, "ACK"],
];

/** A frame in a few words: `ARP who has 10.0.2.2, 42 bytes`. Frames of any contents are described. */
export function describeFrame(frame: Uint8Array): string {
  return `${contents(frame)}, ${frame.length} bytes`;
}

function contents(frame: Uint8Array): string {
  const ethernet = parseEthernet(frame);
  if (ethernet === undefined) return "too short";
  const { type, payload } = ethernet;
  if (type === ETHERTYPE.arp) return describeArp(payload);
  if (type === ETHERTYPE.ipv6) return "IPv6";
  if (type !== ETHERTYPE.ipv4) return `type 0x${type.toString(16).padStart(4, "0")}`;
  const packet = parseIpv4(payload);
  return packet === undefined ? "damaged IPv4" : describePacket(packet);
}

function describeArp(payload: Uint8Array): string {
  const packet = parseArp(payload);
  if (packet === undefined) return "damaged ARP";
  if (packet.operation === ARP_REQUEST) return `ARP who has ${formatIpv4(packet.target)}`;
  return `ARP ${formatIpv4(packet.sender)} is here`;
}

function describePacket(packet: Ipv4Packet): string {
  const way = `${formatIpv4(packet.source)} to ${formatIpv4(packet.destination)}`;
  if (packet.isLaterFragment) return `fragment ${way}`;
  switch (packet.protocol) {
    case PROTOCOL.icmp:
      return `ICMP ${ICMP_TYPES[packet.payload[0]] ?? `type ${packet.payload[0]}`} ${way}`;
    case PROTOCOL.tcp:
      return describeTcp(packet) ?? `damaged TCP ${way}`;
    case PROTOCOL.udp:
      return describeUdp(packet) ?? `${packet.isFragment ? "fragment of" : "damaged"} UDP ${way}`;
    default:
      return `IPv4 protocol ${packet.protocol} ${way}`;
  }
}

const ICMP_TYPES: Readonly<Record<number, string | undefined>> = {
  0: "echo reply",
  3: "unreachable",
  8: "echo request",
  11: "time exceeded",
};

function describeTcp(packet: Ipv4Packet): string | undefined {
  const tcp = parseTcp(packet);
  if (tcp === undefined) return undefined;
  const { source, destination, segment } = tcp;
  const flags = FLAGS.filter(([bit]) => segment.flags & bit).map(([, name]) => name);
  const data = segment.payload.length > 0 ? ` ${segment.payload.length} of data` : "";
  return `TCP ${end(source)} to ${end(destination)} ${flags.join(" ")}${data}`;
}

function describeUdp(packet: Ipv4Packet): string | undefined {
  const datagram = parseUdp(packet);
  if (datagram === undefined) return undefined;
  const { source, destination } = datagram;
  const ports = [source.port, destination.port];
  if (ports.includes(DHCP_SERVER_PORT) && ports.includes(DHCP_CLIENT_PORT)) return "DHCP";
  const what = ports.includes(DNS_PORT) ? "DNS" : "UDP";
  return `${what} ${end(source)} to ${end(destination)}`;
}

function end({ address, port }: { address: number; port: number }): string {
  return `${formatIpv4(address)}:${port}`;
}
