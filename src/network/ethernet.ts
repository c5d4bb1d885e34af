import type { MacAddress } from "./addresses.ts";
import { concatenate, get16, put16 } from "./wire.ts";

export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
const ETHERNET_HEADER_BYTES = 14;
/** Bytes of a packet in a frame. */
export const MTU = 1500;
export const MOST_FRAME_BYTES = ETHERNET_HEADER_BYTES + MTU;

export interface EthernetFrame {
  readonly destination: MacAddress;
  readonly source: MacAddress;
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Views of `frame`; undefined when it is too short. */
export function parseEthernet(frame: Uint8Array): EthernetFrame | undefined {
  if (frame.length < ETHERNET_HEADER_BYTES) return undefined;
  return {
    destination: frame.subarray(0, 6),
    source: frame.subarray(6, 12),
    type: get16(frame, 12),
    payload: frame.subarray(ETHERNET_HEADER_BYTES),
  };
}

export function ethernetFrame({ destination, source, type, payload }: EthernetFrame): Uint8Array {
  const ending = new Uint8Array(2);
  put16(ending, 0, type);
  return concatenate(destination, source, ending, payload);
}
