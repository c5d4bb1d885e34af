import { UserError } from "../base/errors.ts";
import { GATEWAY, GUEST, type Ipv4Address, isInNetwork, LOOPBACK, NAME_SERVER, parseIpv4Address } from "./addresses.ts";
import type { Endpoint } from "./udp.ts";

/** What `--net` asks for. */
export interface NetOptions {
  readonly forwards: readonly Forward[];
  readonly restricted: boolean;
}

/** A port of the host that leads to one of the guest. */
export interface Forward {
  readonly protocol: "tcp" | "udp";
  readonly host: Endpoint;
  readonly guest: Endpoint;
  /** As it was written, for messages. */
  readonly text: string;
}

const MOST_FORWARDS = 64;
const SWITCH: Readonly<Record<string, boolean | undefined>> = { on: true, yes: true, off: false, no: false };

/**
 * QEMU's syntax: `none`, or `user` with `hostfwd=PROTOCOL:[ADDRESS]:PORT-[ADDRESS]:PORT` and `restrict=on` behind commas.
 * Undefined: no network. Unlike QEMU, a forward without an address of the host listens on the loopback interface only:
 * whoever wants others in says so.
 */
export function parseNetOptions(text: string): NetOptions | undefined {
  const [kind, ...parts] = text.split(",");
  if (kind === "none" && parts.length === 0) return undefined;
  if (kind !== "user") throw bad(text, "the networks are “none” and “user”");
  const forwards: Forward[] = [];
  let restricted = false;
  for (const part of parts) {
    const [name, value] = splitAt(part, "=");
    if (name === "hostfwd" && value !== undefined) {
      forwards.push(parseForward(text, value));
    } else if (name === "restrict" && value !== undefined && SWITCH[value] !== undefined) {
      restricted = SWITCH[value];
    } else if (name === "restrict") {
      throw bad(text, "“restrict” is “on” or “off”");
    } else {
      throw bad(text, `“${part}” is none of its options, which are “hostfwd=…” and “restrict=on”`);
    }
  }
  if (forwards.length > MOST_FORWARDS) throw bad(text, `there are more than ${MOST_FORWARDS} forwards`);
  return { forwards, restricted };
}

function parseForward(all: string, text: string): Forward {
  const match = /^(tcp|udp)?:([^:-]*):(\d{1,5})-([^:]*):(\d{1,5})$/.exec(text);
  if (match === null) {
    throw bad(all, `“hostfwd=${text}” does not have the form hostfwd=tcp:127.0.0.1:8022-:22`);
  }
  const [, protocol, hostAddress, hostPort, guestAddress, guestPort] = match;
  const guest = { address: addressOf(all, guestAddress, GUEST), port: portOf(all, guestPort) };
  if (!isInNetwork(guest.address) || guest.address === GATEWAY || guest.address === NAME_SERVER) {
    throw bad(all, `“${guestAddress}” is no address that the guest can have: its network is 10.0.2.0/24`);
  }
  // Port 0 of the host: one that is free.
  const host = { address: addressOf(all, hostAddress, LOOPBACK), port: portOf(all, hostPort, 0) };
  return { protocol: (protocol ?? "tcp") as "tcp" | "udp", host, guest, text };
}

function addressOf(all: string, text: string, missing: Ipv4Address): Ipv4Address {
  const address = text === "" ? missing : parseIpv4Address(text);
  if (address === undefined) throw bad(all, `“${text}” is no IPv4 address`);
  return address;
}

function portOf(all: string, text: string, least = 1): number {
  const port = Number(text);
  if (port < least || port > 65_535) throw bad(all, `${text} is no port`);
  return port;
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const index = text.indexOf(mark);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

function bad(text: string, why: string): UserError {
  return new UserError("net-options", `The network “${text}” is not understood: ${why}.`, 2);
}
