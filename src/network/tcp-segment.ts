import { type Ipv4Packet, type OutgoingPacket, PROTOCOL, pseudoHeaderSum } from "./ipv4.ts";
import type { Endpoint } from "./udp.ts";
import { checksum, concatenate, get16, get32, put16, put32, sum16 } from "./wire.ts";

/** RFC 9293. */
const HEADER_BYTES = 20;
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

const OPTION_END = 0;
const OPTION_NOTHING = 1;
const OPTION_MAXIMUM_SEGMENT = 2;

export interface TcpSegment {
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly window: number;
  /** Of a SYN: the largest segment that its sender takes. */
  readonly maximumSegment?: number;
  readonly payload: Uint8Array;
}

export interface AddressedSegment {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly segment: TcpSegment;
}

/** Sequence numbers that a segment takes up. */
export function segmentLength({ payload, flags }: TcpSegment): number {
  return payload.length + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
}

/** A view of the packet; undefined when lengths or checksum are wrong. Urgent data is ordinary data. */
export function parseTcp(packet: Ipv4Packet): AddressedSegment | undefined {
  const { payload } = packet;
  if (payload.length < HEADER_BYTES) return undefined;
  const headerBytes = (payload[12] >> 4) * 4;
  if (headerBytes < HEADER_BYTES || headerBytes > payload.length) return undefined;
  if (checksum(pseudoHeaderSum(packet, payload.length) + sum16(payload)) !== 0) return undefined;
  const maximumSegment = maximumSegmentIn(payload.subarray(HEADER_BYTES, headerBytes));
  return {
    source: { address: packet.source, port: get16(payload, 0) },
    destination: { address: packet.destination, port: get16(payload, 2) },
    segment: {
      sequence: get32(payload, 4),
      acknowledgement: get32(payload, 8),
      flags: payload[13],
      window: get16(payload, 14),
      ...(maximumSegment === undefined ? {} : { maximumSegment }),
      payload: payload.subarray(headerBytes),
    },
  };
}

/** Garbage among the options ends the list, as if nothing had followed. */
function maximumSegmentIn(options: Uint8Array): number | undefined {
  for (let offset = 0; offset < options.length; ) {
    const kind = options[offset];
    if (kind === OPTION_END) return undefined;
    if (kind === OPTION_NOTHING) {
      offset++;
      continue;
    }
    const length = options[offset + 1];
    if (length === undefined || length < 2 || offset + length > options.length) return undefined;
    if (kind === OPTION_MAXIMUM_SEGMENT && length === 4) return get16(options, offset + 2);
    offset += length;
  }
  return undefined;
}

export function tcpPacket({ source, destination, segment }: AddressedSegment): OutgoingPacket {
  const optionBytes = segment.maximumSegment === undefined ? 0 : 4;
  const header = new Uint8Array(HEADER_BYTES + optionBytes);
  put16(header, 0, source.port);
  put16(header, 2, destination.port);
  put32(header, 4, segment.sequence);
  put32(header, 8, segment.acknowledgement);
  header[12] = (header.length / 4) << 4;
  header[13] = segment.flags;
  put16(header, 14, segment.window);
  if (segment.maximumSegment !== undefined) {
    header.set([OPTION_MAXIMUM_SEGMENT, 4], HEADER_BYTES);
    put16(header, HEADER_BYTES + 2, segment.maximumSegment);
  }
  const addresses = { source: source.address, destination: destination.address, protocol: PROTOCOL.tcp };
  const length = header.length + segment.payload.length;
  put16(header, 16, checksum(pseudoHeaderSum(addresses, length) + sum16(header) + sum16(segment.payload)));
  return { ...addresses, payload: concatenate(header, segment.payload) };
}
