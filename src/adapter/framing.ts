/**
 * The wire form of DAP: `Content-Length: N`, an empty line, N bytes of JSON. The library's own reader skips over what
 * it does not understand and then waits for ever; this one says what is wrong, because after a broken header nobody can
 * know where the next message begins.
 */

const HEADER_END = new Uint8Array([13, 10, 13, 10]);
/** DAP has one header field of about 25 bytes; more than this is not DAP. */
const HEADER_LIMIT_BYTES = 4096;
/** The largest message that makes sense is a `writeMemory` in base64; this bounds what a broken client can make us hold. */
const BODY_LIMIT_BYTES = 64 * 2 ** 20;

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/** What came is not DAP; the connection cannot go on. The message is a sentence. */
export class FramingError extends Error {
  override readonly name = "FramingError";
}

/** Takes bytes as they come and hands out messages. Throws a FramingError once and is done then. */
export class MessageReader {
  readonly #onMessage: (message: { type: string } & Record<string, unknown>) => void;
  /** What has come and is not used; joined only when a header or a body is complete, so that many small pieces of a
   * large message cost no more than one. */
  #pieces: Uint8Array[] = [];
  #available = 0;
  /** Length of the body that is awaited; undefined while a header is. */
  #bodyLength: number | undefined;

  constructor(onMessage: (message: { type: string } & Record<string, unknown>) => void) {
    this.#onMessage = onMessage;
  }

  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#available += bytes.length;
    while (this.#bodyLength === undefined ? this.#takeHeader() : this.#takeBody(this.#bodyLength));
  }

  /** Bytes of an unfinished message are waiting: the other side ended in the middle of it. */
  get unfinished(): boolean {
    return this.#available > 0 || this.#bodyLength !== undefined;
  }

  #takeHeader(): boolean {
    const bytes = this.#joined();
    // Who speaks something else (a browser, a shell) is told at once, not left waiting for the end of a header.
    const beginning = new TextDecoder().decode(bytes.subarray(0, 32));
    if (!/^([\w-]+(:|$)|$)/.test(beginning)) {
      throw new FramingError(`Expected the DAP header “Content-Length: …”, got “${printable(beginning)}”.`);
    }
    const end = indexOf(bytes, HEADER_END);
    if (end < 0) {
      if (bytes.length > HEADER_LIMIT_BYTES) throw new FramingError("Expected a DAP header, but no end of one came.");
      return false;
    }
    this.#bodyLength = parseHeader(new TextDecoder().decode(bytes.subarray(0, end)));
    this.#replace(bytes.subarray(end + HEADER_END.length));
    return true;
  }

  #takeBody(length: number): boolean {
    if (this.#available < length) return false;
    const bytes = this.#joined();
    this.#bodyLength = undefined;
    this.#replace(bytes.subarray(length));
    this.#onMessage(parseMessage(bytes.subarray(0, length)));
    return this.#available > 0;
  }

  #joined(): Uint8Array {
    if (this.#pieces.length !== 1) {
      const joined = new Uint8Array(this.#available);
      let at = 0;
      for (const piece of this.#pieces) {
        joined.set(piece, at);
        at += piece.length;
      }
      this.#pieces = [joined];
    }
    return this.#pieces[0];
  }

  #replace(bytes: Uint8Array): void {
    this.#pieces = [bytes];
    this.#available = bytes.length;
  }
}

export function frame(message: unknown): Uint8Array {
  const body = encoder.encode(JSON.stringify(message));
  const header = encoder.encode(`Content-Length: ${body.length}\r\n\r\n`);
  const bytes = new Uint8Array(header.length + body.length);
  bytes.set(header);
  bytes.set(body, header.length);
  return bytes;
}

function parseHeader(header: string): number {
  for (const line of header.split("\r\n")) {
    const field = /^content-length:(.*)$/i.exec(line);
    if (field === null) continue;
    const text = field[1].trim();
    if (!/^\d+$/.test(text)) throw new FramingError(`The DAP header says “Content-Length: ${printable(text)}”.`);
    const length = Number(text);
    if (length > BODY_LIMIT_BYTES) {
      throw new FramingError(`A DAP message of ${text} bytes was announced; the limit is ${BODY_LIMIT_BYTES}.`);
    }
    return length;
  }
  throw new FramingError(`The DAP header has no Content-Length: “${printable(header.slice(0, 40))}”.`);
}

function parseMessage(bytes: Uint8Array): { type: string } & Record<string, unknown> {
  let message: unknown;
  try {
    message = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw new FramingError(`A DAP message is not valid JSON: ${error instanceof Error ? error.message : error}.`);
  }
  const { type, seq, command } = (message ?? {}) as Record<string, unknown>;
  const known = type === "request" || type === "response" || type === "event";
  if (!known || !Number.isSafeInteger(seq) || (type === "request" && typeof command !== "string")) {
    throw new FramingError("A DAP message needs “type”, “seq” and, as a request, “command”.");
  }
  return message as { type: string } & Record<string, unknown>;
}

function indexOf(bytes: Uint8Array, pattern: Uint8Array): number {
  // Only the header's own bytes are searched: the limit keeps a flood without an end of header from costing squares.
  const last = Math.min(bytes.length, HEADER_LIMIT_BYTES + pattern.length) - pattern.length;
  for (let at = 0; at <= last; at++) {
    if (pattern.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "·");
}
