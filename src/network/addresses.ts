/** An IPv4 address as an unsigned 32-bit number, its first byte highest. */
export type Ipv4Address = number;

export function ipv4(text: string): Ipv4Address {
  return parseIpv4Address(text) as Ipv4Address;
}

/** Undefined for what is not four numbers up to 255. */
export function parseIpv4Address(text: string): Ipv4Address | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes.reduce((value, byte) => value * 256 + byte, 0) : undefined;
}

export function formatIpv4(address: Ipv4Address): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

/** The network that the guest is in: the plan of QEMU's user network, which guests and their images are used to. */
export const NETWORK = ipv4("10.0.2.0");
export const NETMASK = ipv4("255.255.255.0");
/** The gateway, the DHCP server, and the host as the guest sees it. */
export const GATEWAY = ipv4("10.0.2.2");
export const NAME_SERVER = ipv4("10.0.2.3");
/** What DHCP gives. */
export const GUEST = ipv4("10.0.2.15");
export const NETWORK_BROADCAST = ipv4("10.0.2.255");
export const BROADCAST = 0xffff_ffff;
export const LOOPBACK = ipv4("127.0.0.1");

export function isInNetwork(address: Ipv4Address): boolean {
  return (address & NETMASK) >>> 0 === NETWORK;
}

export function isLoopback(address: Ipv4Address): boolean {
  return address >>> 24 === 127;
}

/** An address that one host can have: not 0.x, not loopback, no group, no broadcast. */
export function isHostAddress(address: Ipv4Address): boolean {
  const first = address >>> 24;
  return first > 0 && first < 224 && !isLoopback(address);
}

export type MacAddress = Uint8Array;

/** Locally administered, with the IPv4 address in it, as QEMU's. */
export function macOf(address: Ipv4Address): MacAddress {
  return Uint8Array.of(0x52, 0x55, address >>> 24, address >>> 16, address >>> 8, address);
}

export const BROADCAST_MAC: MacAddress = new Uint8Array(6).fill(0xff);
