import { GATEWAY, GUEST, NAME_SERVER, NETMASK } from "./addresses.ts";
import { get32, put32 } from "./wire.ts";

/** RFC 2131 and 2132, as far as one client with one address needs them. */
export const DHCP_SERVER_PORT = 67;
export const DHCP_CLIENT_PORT = 68;

const BOOT_REQUEST = 1;
const BOOT_REPLY = 2;
const CLIENT_ADDRESS = 12;
const YOUR_ADDRESS = 16;
const SERVER_ADDRESS = 20;
const OPTIONS = 236;
const MAGIC_COOKIE = 0x6382_5363;

const OPTION = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  nameServer: 6,
  requestedAddress: 50,
  leaseTime: 51,
  messageType: 53,
  server: 54,
  end: 255,
} as const;
const TYPE = { discover: 1, offer: 2, request: 3, acknowledge: 5, refuse: 6, inform: 8 } as const;
const LEASE_SECONDS = 86_400;

/**
 * The answer to what a client sent to the server's port; undefined when there is none to give. The only address to be
 * had is GUEST; a client that asks for another is refused, and begins anew.
 */
export function answerDhcp(request: Uint8Array): Uint8Array | undefined {
  if (request.length < OPTIONS + 4 || request[0] !== BOOT_REQUEST) return undefined;
  if (request[1] !== 1 || request[2] !== 6 || get32(request, OPTIONS) !== MAGIC_COOKIE) return undefined;
  const options = parseOptions(request);
  const type = options?.get(OPTION.messageType)?.[0];
  if (options === undefined || type === undefined) return undefined;
  const server = addressIn(options.get(OPTION.server));
  if (server !== undefined && server !== GATEWAY) return undefined;
  switch (type) {
    case TYPE.discover:
      return reply(request, TYPE.offer, true);
    case TYPE.request: {
      const wanted = addressIn(options.get(OPTION.requestedAddress)) ?? get32(request, CLIENT_ADDRESS);
      return reply(request, wanted === GUEST ? TYPE.acknowledge : TYPE.refuse, true);
    }
    case TYPE.inform:
      return reply(request, TYPE.acknowledge, false);
    default:
      return undefined;
  }
}

function parseOptions(request: Uint8Array): Map<number, Uint8Array> | undefined {
  const options = new Map<number, Uint8Array>();
  for (let offset = OPTIONS + 4; offset < request.length; ) {
    const code = request[offset++];
    if (code === OPTION.pad) continue;
    if (code === OPTION.end) break;
    const length = request[offset++];
    if (length === undefined || offset + length > request.length) return undefined;
    options.set(code, request.subarray(offset, offset + length));
    offset += length;
  }
  return options;
}

function addressIn(option: Uint8Array | undefined): number | undefined {
  return option?.length === 4 ? get32(option, 0) : undefined;
}

function reply(request: Uint8Array, type: number, leases: boolean): Uint8Array {
  const isRefusal = type === TYPE.refuse;
  const options: number[] = [OPTION.messageType, 1, type, OPTION.server, 4, ...bytesOf(GATEWAY)];
  if (!isRefusal) {
    if (leases) options.push(OPTION.leaseTime, 4, ...bytesOf(LEASE_SECONDS));
    options.push(OPTION.subnetMask, 4, ...bytesOf(NETMASK), OPTION.router, 4, ...bytesOf(GATEWAY));
    options.push(OPTION.nameServer, 4, ...bytesOf(NAME_SERVER));
  }
  options.push(OPTION.end);
  // BOOTP's least message: some clients refuse shorter ones.
  const answer = new Uint8Array(Math.max(300, OPTIONS + 4 + options.length));
  // Operation to transaction, flags, and the client's hardware address are the request's.
  answer.set(request.subarray(0, CLIENT_ADDRESS + 4));
  answer.set(request.subarray(24, 44), 24);
  answer[0] = BOOT_REPLY;
  answer[3] = 0;
  if (isRefusal) put32(answer, CLIENT_ADDRESS, 0);
  else if (leases) put32(answer, YOUR_ADDRESS, GUEST);
  if (!isRefusal) put32(answer, SERVER_ADDRESS, GATEWAY);
  put32(answer, OPTIONS, MAGIC_COOKIE);
  answer.set(options, OPTIONS + 4);
  return answer;
}

function bytesOf(value: number): number[] {
  const bytes = new Uint8Array(4);
  put32(bytes, 0, value);
  return [...bytes];
}
