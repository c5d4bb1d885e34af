/**
 * The framing of the remote serial protocol (GDB manual, appendix E.1 "Overview"): `$payload#checksum`, acknowledged by `+`
 * or `-` until the client asks to leave that out; `}` escapes a byte, `*` repeats the one before.
 */

const DOLLAR = 0x24;
const HASH = 0x23;
const ESCAPE = 0x7d;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const CTRL_C = 0x03;
/** What an escaped byte was combined with. */
const ESCAPE_MASK = 0x20;

/** Bytes of one packet, told to the client as `PacketSize`: a whole page of memory in hex, and all registers. */
export const PACKET_BYTES = 0x4000;

/** Counts are written as printable characters: 29 more than the repetitions behind the first. */
const RUN_BASE = 29;
/** Below this a run takes as much room as its bytes do. */
const SHORTEST_RUN = 4;
const LONGEST_RUN = 98;

const UTF8 = new TextEncoder();

export type Incoming =
  | { readonly kind: "packet"; readonly payload: Uint8Array; readonly intact: boolean }
  /** The client pressed Ctrl-C. */
  | { readonly kind: "interrupt" }
  /** The client wants the last packet again. */
  | { readonly kind: "repeat" };

/** Takes a stream apart. What is no packet is passed over, as the protocol wants it. */
export class PacketReader {
  /** The body of the packet that has begun, as it came; undefined between packets. */
  #body: number[] | undefined;
  /** The two digits behind `#`, as far as they have come; undefined inside of the body. */
  #digits: string | undefined;
  #tooLong = false;

  /** The connection's end would cut a packet short. */
  get unfinished(): boolean {
    return this.#body !== undefined;
  }

  push(bytes: Uint8Array): Incoming[] {
    const found: Incoming[] = [];
    for (const byte of bytes) {
      const incoming = this.#byte(byte);
      if (incoming !== undefined) found.push(incoming);
    }
    return found;
  }

  #byte(byte: number): Incoming | undefined {
    if (byte === DOLLAR) {
      // Inside of a packet that is the next one: the rest of this one was lost.
      this.#body = [];
      this.#digits = undefined;
      this.#tooLong = false;
      return undefined;
    }
    if (this.#body === undefined) {
      if (byte === CTRL_C) return { kind: "interrupt" };
      return byte === MINUS ? { kind: "repeat" } : undefined;
    }
    if (this.#digits === undefined) {
      if (byte === HASH) this.#digits = "";
      else if (this.#body.length < PACKET_BYTES) this.#body.push(byte);
      else this.#tooLong = true;
      return undefined;
    }
    this.#digits += String.fromCharCode(byte);
    return this.#digits.length < 2 ? undefined : this.#finish(this.#body, this.#digits);
  }

  #finish(body: readonly number[], digits: string): Incoming {
    const intact = !this.#tooLong && /^[0-9a-f]{2}$/i.test(digits) && Number.parseInt(digits, 16) === checksum(body);
    this.#body = undefined;
    this.#digits = undefined;
    const payload: number[] = [];
    for (let i = 0; i < body.length; i++) {
      if (body[i] === ESCAPE && i + 1 < body.length) payload.push(body[++i] ^ ESCAPE_MASK);
      else payload.push(body[i]);
    }
    return { kind: "packet", payload: Uint8Array.from(payload), intact };
  }
}

function checksum(bytes: Iterable<number>): number {
  let sum = 0;
  for (const byte of bytes) sum = (sum + byte) & 0xff;
  return sum;
}

export const ACKNOWLEDGED = Uint8Array.of(PLUS);
export const REFUSED = Uint8Array.of(MINUS);

/** A packet to send. Runs of one byte are shortened: most registers, and most of a fresh memory, are zeros. */
export function encodePacket(payload: Uint8Array | string): Uint8Array {
  const bytes = typeof payload === "string" ? UTF8.encode(payload) : payload;
  const body: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at];
    if (byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === STAR) {
      body.push(ESCAPE, byte ^ ESCAPE_MASK);
      at++;
      continue;
    }
    let run = 1;
    while (run < LONGEST_RUN && bytes[at + run] === byte) run++;
    if (run < SHORTEST_RUN) {
      body.push(byte);
      at++;
      continue;
    }
    // The characters of 6 and 7 repetitions would be `#` and `$`.
    const repeated = run - 1 === 6 || run - 1 === 7 ? 5 : run - 1;
    body.push(byte, STAR, repeated + RUN_BASE);
    at += repeated + 1;
  }
  const digits = checksum(body).toString(16).padStart(2, "0");
  return Uint8Array.from([DOLLAR, ...body, HASH, digits.charCodeAt(0), digits.charCodeAt(1)]);
}

// ---- what payloads are made of

export function toHex(bytes: Iterable<number>): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** Undefined for what is not pairs of hexadecimal digits. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export function textToHex(text: string): string {
  return toHex(UTF8.encode(text));
}

/** 64 bits as the target has them in memory: the lowest byte first. */
export function wordToHex(value: bigint): string {
  let text = "";
  for (let shift = 0n; shift < 64n; shift += 8n) text += ((value >> shift) & 0xffn).toString(16).padStart(2, "0");
  return text;
}

export function wordFromHex(text: string): bigint | undefined {
  const bytes = text.length === 16 ? fromHex(text) : undefined;
  return bytes?.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** A number as requests have it: hexadecimal, without a prefix. */
export function parseHexNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9a-f]{1,13}$/i.test(text)) return undefined;
  return Number.parseInt(text, 16);
}

export function parseHexAddress(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[0-9a-f]{1,16}$/i.test(text)) return undefined;
  return BigInt(`0x${text}`);
}
