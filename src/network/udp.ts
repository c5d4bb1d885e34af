import type { Ipv4Address } from "./addresses.ts";
import { IPV4_HEADER_BYTES, type Ipv4Packet, type OutgoingPacket, PROTOCOL, pseudoHeaderSum } from "./ipv4.ts";
import { checksum, concatenate, get16, put16, sum16 } from "./wire.ts";

/** RFC 768. */
const UDP_HEADER_BYTES = 8;
/** What fits behind both headers into an IPv4 packet. */
export const MOST_DATAGRAM_BYTES = 65_535 - IPV4_HEADER_BYTES - UDP_HEADER_BYTES;

export interface Endpoint {
  readonly address: Ipv4Address;
  readonly port: number;
}

export interface Datagram {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly data: Uint8Array;
}

/** A view of the packet; undefined when its length or checksum is wrong. */
export function parseUdp(packet: Ipv4Packet): Datagram | undefined {
  const { payload } = packet;
  if (payload.length < UDP_HEADER_BYTES) return undefined;
  const length = get16(payload, 4);
  if (length < UDP_HEADER_BYTES || length > payload.length) return undefined;
  const datagram = payload.subarray(0, length);
  const isChecked = get16(payload, 6) !== 0;
  if (isChecked && checksum(pseudoHeaderSum(packet, length) + sum16(datagram)) !== 0) return undefined;
  return {
    source: { address: packet.source, port: get16(payload, 0) },
    destination: { address: packet.destination, port: get16(payload, 2) },
    data: datagram.subarray(UDP_HEADER_BYTES),
  };
}

export function udpPacket({ source, destination, data }: Datagram): OutgoingPacket {
  const header = new Uint8Array(UDP_HEADER_BYTES);
  const length = UDP_HEADER_BYTES + data.length;
  put16(header, 0, source.port);
  put16(header, 2, destination.port);
  put16(header, 4, length);
  const addresses = { source: source.address, destination: destination.address, protocol: PROTOCOL.udp };
  const sum = checksum(pseudoHeaderSum(addresses, length) + sum16(header) + sum16(data));
  // A sum of zero would say that there is none.
  put16(header, 6, sum === 0 ? 0xffff : sum);
  return { ...addresses, payload: concatenate(header, data) };
}
