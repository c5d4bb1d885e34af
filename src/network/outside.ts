import type { Ipv4Address } from "./addresses.ts";
import type { Endpoint } from "./udp.ts";

/**
 * What lies beyond the guest's network. The host implements it with its sockets; tests with what they like. Events come
 * after the call that asked for them has returned.
 */
export interface Outside {
  connectTcp(address: Ipv4Address, port: number, events: OutsideTcpEvents): OutsideTcp;
  openUdp(events: OutsideUdpEvents): OutsideUdp;
  /** Whom to ask for names, in order of preference; may be empty. */
  nameServers(): readonly Endpoint[];
}

export interface OutsideTcp {
  /** Takes the bytes over, whatever `pendingBytes` says: the window that the guest sees is what bounds them. */
  write(bytes: Uint8Array): void;
  /** Bytes that were written and have not left yet. */
  readonly pendingBytes: number;
  /** Nothing will be written any more; what was written still leaves. */
  end(): void;
  /** Closes at once, both ways. No more events. */
  abort(): void;
  /** Holds `data` back until `resume`; some may still be under way. */
  pause(): void;
  resume(): void;
}

export interface OutsideTcpEvents {
  connected(): void;
  data(bytes: Uint8Array): void;
  /** The other side will send nothing more. */
  ended(): void;
  /** `pendingBytes` has become smaller. */
  drained(): void;
  /** It could not be connected, or has broken. The last event. */
  failed(): void;
}

export interface OutsideUdp {
  send(to: Endpoint, data: Uint8Array): void;
  close(): void;
}

export interface OutsideUdpEvents {
  received(from: Endpoint, data: Uint8Array): void;
  /** Cannot be used any more. */
  failed(): void;
}
