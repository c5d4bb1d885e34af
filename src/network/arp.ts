import { GATEWAY, type Ipv4Address, type MacAddress, macOf, NAME_SERVER } from "./addresses.ts";
import { ETHERTYPE, ethernetFrame } from "./ethernet.ts";
import { concatenate, get16, get32, put16, put32 } from "./wire.ts";

/** RFC 826, for IPv4 over Ethernet. */
const ARP_BYTES = 28;
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

export interface ArpPacket {
  readonly operation: number;
  readonly senderMac: MacAddress;
  readonly sender: Ipv4Address;
  readonly targetMac: MacAddress;
  readonly target: Ipv4Address;
}

export function parseArp(bytes: Uint8Array): ArpPacket | undefined {
  if (bytes.length < ARP_BYTES || get16(bytes, 0) !== 1 || get16(bytes, 2) !== ETHERTYPE.ipv4) return undefined;
  if (bytes[4] !== 6 || bytes[5] !== 4) return undefined;
  return {
    operation: get16(bytes, 6),
    senderMac: bytes.slice(8, 14),
    sender: get32(bytes, 14),
    targetMac: bytes.slice(18, 24),
    target: get32(bytes, 24),
  };
}

export function arpFrame(packet: ArpPacket, destination: MacAddress): Uint8Array {
  const head = new Uint8Array(8);
  put16(head, 0, 1);
  put16(head, 2, ETHERTYPE.ipv4);
  head.set([6, 4], 4);
  put16(head, 6, packet.operation);
  const sender = new Uint8Array(4);
  put32(sender, 0, packet.sender);
  const target = new Uint8Array(4);
  put32(target, 0, packet.target);
  const payload = concatenate(head, packet.senderMac, sender, packet.targetMac, target);
  return ethernetFrame({ destination, source: packet.senderMac, type: ETHERTYPE.arp, payload });
}

/** The answer to a question for one of the network's own addresses. Nobody else is there to answer for. */
export function answerArp({ operation, senderMac, sender, target }: ArpPacket): Uint8Array | undefined {
  if (operation !== ARP_REQUEST || (target !== GATEWAY && target !== NAME_SERVER)) return undefined;
  const reply = {
    operation: ARP_REPLY,
    senderMac: macOf(target),
    sender: target,
    targetMac: senderMac,
    target: sender,
  };
  return arpFrame(reply, senderMac);
}
