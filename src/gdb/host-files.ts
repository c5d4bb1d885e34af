import { fromHex, PACKET_BYTES, parseHexNumber } from "./packets.ts";
import type { Target } from "./target.ts";

/** Of the protocol's own list of errors (GDB manual, E.13.7 "Errno Values"), in hexadecimal as answers have them. */
const NO_ENTRY = "F-1,2";
const BAD_DESCRIPTOR = "F-1,9";
const INVALID = "F-1,16";
const READ_ONLY = "F-1,1e";

/** A byte may be escaped, and the answer has its framing. */
const MOST_READ_BYTES = PACKET_BYTES / 2 - 32;
const STAT_BYTES = 64;
const REGULAR_FILE = 0o100444;

/**
 * `vFile`: the one file that a client may read here, the program that runs. A client that was started without one gets
 * symbols and lines from it, out of a recording too. Nothing else of this computer can be read, and nothing written.
 */
export class HostFiles {
  readonly #target: Target;
  /** Of descriptors that are open; all are of the same file. */
  readonly #open = new Set<number>();
  #next = 1;

  constructor(target: Target) {
    this.#target = target;
  }

  async answer(text: string): Promise<string | Uint8Array> {
    const [, operation, rest = ""] = /^vFile:(\w+):?(.*)$/s.exec(text) ?? [];
    const parts = rest.split(",");
    const numbers = parts.map(parseHexNumber);
    switch (operation) {
      case "setfs":
        return "F0";
      case "open":
        return this.#openFile(parts[0], numbers[1]);
      case "close":
        return this.#open.delete(numbers[0] ?? 0) ? "F0" : BAD_DESCRIPTOR;
      case "fstat":
        return this.#withFile(numbers[0], (bytes) => data(stat(bytes.length)));
      case "pread":
        return this.#withFile(numbers[0], (bytes) => {
          const [, count, offset] = numbers;
          if (count === undefined || offset === undefined) return INVALID;
          return data(bytes.subarray(offset, offset + Math.min(count, MOST_READ_BYTES)));
        });
      default:
        return "";
    }
  }

  async #openFile(hexName: string, flags: number | undefined): Promise<string> {
    const bytes = fromHex(hexName);
    if (bytes === undefined || flags === undefined) return INVALID;
    const executable = await this.#target.executable();
    if (executable === undefined || new TextDecoder().decode(bytes) !== executable.name) return NO_ENTRY;
    if (flags !== 0) return READ_ONLY;
    this.#open.add(this.#next);
    return `F${(this.#next++).toString(16)}`;
  }

  async #withFile(descriptor: number | undefined, read: (bytes: Uint8Array) => string | Uint8Array) {
    const executable = await this.#target.executable();
    return executable === undefined || !this.#open.has(descriptor ?? 0) ? BAD_DESCRIPTOR : read(executable.bytes);
  }
}

/** `F`, the count of bytes, and the bytes. */
function data(bytes: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`F${bytes.length.toString(16)};`);
  return Uint8Array.from([...head, ...bytes]);
}

/** The protocol's `struct stat`, big-endian: of interest are the mode and the size. */
function stat(sizeBytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(STAT_BYTES));
  view.setUint32(8, REGULAR_FILE);
  view.setUint32(12, 1);
  view.setBigUint64(28, BigInt(sizeBytes));
  return new Uint8Array(view.buffer);
}
