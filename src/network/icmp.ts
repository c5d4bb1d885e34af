import type { Ipv4Packet } from "./ipv4.ts";
import { checksum, put16, sum16 } from "./wire.ts";

/** RFC 792. */
const ECHO_REPLY = 0;
const DESTINATION_UNREACHABLE = 3;
const ECHO_REQUEST = 8;
const TIME_EXCEEDED = 11;
const HEADER_BYTES = 8;
/** What an error quotes of the packet's payload. */
const QUOTED_PAYLOAD_BYTES = 8;

export const UNREACHABLE = { host: 1, protocol: 2, port: 3, prohibited: 13 } as const;
export const EXCEEDED = { inTransit: 0, reassembly: 1 } as const;

export function isEchoRequest(payload: Uint8Array): boolean {
  return payload.length >= HEADER_BYTES && payload[0] === ECHO_REQUEST && payload[1] === 0;
}

/** The message that answers an echo request; undefined when its checksum is wrong. */
export function echoReply(request: Uint8Array): Uint8Array | undefined {
  if (checksum(sum16(request)) !== 0) return undefined;
  const reply = request.slice();
  reply[0] = ECHO_REPLY;
  return withChecksum(reply);
}

export function unreachable(code: number, about: Ipv4Packet): Uint8Array {
  return errorAbout(DESTINATION_UNREACHABLE, code, about);
}

export function timeExceeded(code: number, about: Ipv4Packet): Uint8Array {
  return errorAbout(TIME_EXCEEDED, code, about);
}

/** Errors must not be answered by errors (RFC 1122, 3.2.2). */
export function mayBeAnsweredByError({ protocol, payload, isLaterFragment }: Ipv4Packet): boolean {
  return !isLaterFragment && (protocol !== 1 || isEchoRequest(payload));
}

function errorAbout(type: number, code: number, { bytes, payload }: Ipv4Packet): Uint8Array {
  const quoted = bytes.subarray(0, bytes.length - payload.length + Math.min(QUOTED_PAYLOAD_BYTES, payload.length));
  const message = new Uint8Array(HEADER_BYTES + quoted.length);
  message[0] = type;
  message[1] = code;
  message.set(quoted, HEADER_BYTES);
  return withChecksum(message);
}

function withChecksum(message: Uint8Array): Uint8Array {
  put16(message, 2, 0);
  put16(message, 2, checksum(sum16(message)));
  return message;
}
