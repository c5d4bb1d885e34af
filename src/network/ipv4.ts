import type { Ipv4Address } from "./addresses.ts";
import { checksum, concatenate, get16, get32, put16, put32, sum16 } from "./wire.ts";

export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17 } as const;
export const IPV4_HEADER_BYTES = 20;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;
const TIME_TO_LIVE = 64;

export interface Ipv4Packet {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly protocol: number;
  readonly timeToLive: number;
  /** A part of a packet, and not its first. */
  readonly isLaterFragment: boolean;
  readonly isFragment: boolean;
  readonly payload: Uint8Array;
  /** Header and payload, without what pads the frame. */
  readonly bytes: Uint8Array;
}

/** RFC 791. Views of `bytes`; undefined when lengths, version or checksum are wrong. Options are passed over. */
export function parseIpv4(bytes: Uint8Array): Ipv4Packet | undefined {
  if (bytes.length < IPV4_HEADER_BYTES || bytes[0] >> 4 !== 4) return undefined;
  const headerBytes = (bytes[0] & 15) * 4;
  const totalBytes = get16(bytes, 2);
  if (headerBytes < IPV4_HEADER_BYTES || totalBytes < headerBytes || totalBytes > bytes.length) return undefined;
  if (checksum(sum16(bytes.subarray(0, headerBytes))) !== 0) return undefined;
  const fragment = get16(bytes, 6);
  return {
    source: get32(bytes, 12),
    destination: get32(bytes, 16),
    protocol: bytes[9],
    timeToLive: bytes[8],
    isLaterFragment: (fragment & OFFSET_MASK) !== 0,
    isFragment: (fragment & (OFFSET_MASK | MORE_FRAGMENTS)) !== 0,
    payload: bytes.subarray(headerBytes, totalBytes),
    bytes: bytes.subarray(0, totalBytes),
  };
}

export interface OutgoingPacket {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

/** The packet; in fragments where it does not fit into `mtu`. */
export function ipv4Packets(packet: OutgoingPacket, identification: number, mtu: number): Uint8Array[] {
  const { payload } = packet;
  // Offsets of fragments count eight bytes.
  const room = (mtu - IPV4_HEADER_BYTES) & ~7;
  const isWhole = payload.length <= mtu - IPV4_HEADER_BYTES;
  const packets: Uint8Array[] = [];
  let start = 0;
  do {
    const end = isWhole ? payload.length : Math.min(start + room, payload.length);
    const fragment = (start >> 3) | (end < payload.length ? MORE_FRAGMENTS : 0);
    packets.push(onePacket(packet, payload.subarray(start, end), identification, fragment));
    start = end;
  } while (start < payload.length);
  return packets;
}

function onePacket(packet: OutgoingPacket, payload: Uint8Array, identification: number, fragment: number): Uint8Array {
  const header = new Uint8Array(IPV4_HEADER_BYTES);
  header[0] = 0x45;
  put16(header, 2, IPV4_HEADER_BYTES + payload.length);
  put16(header, 4, identification);
  put16(header, 6, fragment);
  header[8] = TIME_TO_LIVE;
  header[9] = packet.protocol;
  put32(header, 12, packet.source);
  put32(header, 16, packet.destination);
  put16(header, 10, checksum(sum16(header)));
  return concatenate(header, payload);
}

/** What UDP and TCP add to the sum over their own bytes. */
export function pseudoHeaderSum(packet: Omit<OutgoingPacket, "payload">, length: number): number {
  const { source, destination, protocol } = packet;
  return (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + length;
}
