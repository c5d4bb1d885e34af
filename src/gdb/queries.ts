import { monitor, sentenceOf } from "./monitor.ts";
import { fromHex, PACKET_BYTES, parseHexNumber } from "./packets.ts";
import { type ClientFeatures, threadOf } from "./stop-reply.ts";
import type { Target } from "./target.ts";
import { targetDescription } from "./target-description.ts";

const SUPPORTED = [
  `PacketSize=${PACKET_BYTES.toString(16)}`,
  "QStartNoAckMode+",
  "qXfer:features:read+",
  "qXfer:exec-file:read+",
  "qXfer:memory-map:read+",
  "qXfer:threads:read+",
  "vContSupported+",
  "swbreak+",
  "hwbreak+",
  "ReverseStep+",
  "ReverseContinue+",
].join(";");

/** Room for the sign and the framing of a packet beside what it carries. */
const PACKET_ROOM = 16;
const UTF8 = new TextEncoder();

/** `q…` and `Q…`: what the client wants to know, and how it wants things done. */
export class Queries {
  readonly #target: Target;
  readonly #print: (text: string) => void;
  client: ClientFeatures = { swbreak: false, hwbreak: false };
  /** The client is an `extended-remote` one: a kill does not end the session, and it may run the program again. */
  extended = false;

  constructor(target: Target, print: (text: string) => void) {
    this.#target = target;
    this.#print = print;
  }

  /** Memory goes as two digits a byte. */
  get mostMemoryBytes(): number {
    return PACKET_BYTES / 2 - PACKET_ROOM;
  }

  async answer(text: string, hart: number): Promise<string | Uint8Array> {
    const [name] = text.split(/[:,;]/);
    const rest = text.slice(name.length + 1);
    switch (name) {
      case "qSupported":
        return this.#supported(rest.split(";"));
      case "QStartNoAckMode":
        return "OK";
      case "qC":
        return `QC${threadOf(this.#target.stopped.hart)}`;
      case "qfThreadInfo":
        return `m${Array.from({ length: this.#target.harts }, (_, id) => threadOf(id)).join(",")}`;
      case "qsThreadInfo":
        return "l";
      case "qThreadExtraInfo":
        return this.#extraInfo(rest);
      case "qAttached":
        // "quit" in the client then leaves the machine where it is.
        return "1";
      case "qOffsets":
        return "Text=0;Data=0;Bss=0";
      case "qSymbol":
        return "OK";
      case "qRcmd":
        return this.#command(rest, hart);
      case "qXfer":
        return this.#transfer(rest);
      default:
        return "";
    }
  }

  #supported(features: readonly string[]): string {
    this.client = { swbreak: features.includes("swbreak+"), hwbreak: features.includes("hwbreak+") };
    return SUPPORTED;
  }

  async #extraInfo(thread: string): Promise<string> {
    const number = parseHexNumber(thread);
    const hart = number === undefined ? undefined : (await this.#harts())[number - 1];
    if (hart === undefined) return "E03";
    return [...UTF8.encode(hart.text)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** A word or two about each hart. */
  async #harts(): Promise<{ readonly id: number; readonly text: string }[]> {
    const { harts } = await this.#target.debuggee.machine();
    return harts.map(({ id, privilege, waiting, space }) => {
      const parts = [`${privilege} mode`];
      if (space !== undefined && space.scheme !== "bare") parts.push(`${space.scheme} ASID ${space.asid}`);
      if (waiting) parts.push("waits for an interrupt");
      return { id, text: parts.join(", ") };
    });
  }

  async #command(hex: string, hart: number): Promise<string> {
    const bytes = fromHex(hex);
    if (bytes === undefined) return "E16";
    try {
      this.#print(`${await monitor(this.#target, new TextDecoder().decode(bytes), hart)}\n`);
    } catch (error) {
      // An error code would show as a fault of the protocol.
      const sentence = sentenceOf(error);
      if (sentence === undefined) throw error;
      this.#print(`${sentence}\n`);
    }
    return "OK";
  }

  // ---- qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH

  async #transfer(request: string): Promise<string | Uint8Array> {
    const [object, operation, annex, range = ""] = request.split(":");
    const [offset, length] = range.split(",").map(parseHexNumber);
    if (operation !== "read") return "";
    if (offset === undefined || length === undefined) return "E16";
    const document = await this.#document(object, annex);
    if (document === undefined) return "";
    if (document === "no such annex") return "E00";
    const bytes = UTF8.encode(document);
    // Every byte might have to be escaped.
    const end = Math.min(offset + Math.min(length, PACKET_BYTES / 2 - PACKET_ROOM), bytes.length);
    const mark = end < bytes.length ? "m" : "l";
    return Uint8Array.from([mark.charCodeAt(0), ...bytes.subarray(offset, end)]);
  }

  async #document(object: string, annex: string): Promise<string | undefined> {
    switch (object) {
      case "features":
        return annex === "target.xml" ? targetDescription(this.#target.registers) : "no such annex";
      case "exec-file":
        return (await this.#target.executable())?.name;
      case "memory-map":
        return this.#memoryMap();
      case "threads":
        return threadList(await this.#harts());
      default:
        return undefined;
    }
  }

  /**
   * Where the client may read. Where harts translate addresses, a map of physical memory would keep it from most of what is
   * mapped, and what that is changes with every address space: so there it is all of it.
   */
  async #memoryMap(): Promise<string> {
    const { harts, memory } = await this.#target.debuggee.machine();
    const translates = harts.some(({ space }) => space !== undefined);
    const ram = memory.filter(({ kind }) => kind === "memory");
    const all = [{ start: 0n, end: 0xffff_ffff_ffff_ffffn }];
    const regions = (translates ? all : ram).map(({ start, end = start }) => {
      return `<memory type="ram" start="0x${start.toString(16)}" length="0x${(end - start).toString(16)}"/>`;
    });
    return ['<?xml version="1.0"?>', "<memory-map>", ...regions, "</memory-map>", ""].join("\n");
  }
}

function threadList(harts: readonly { readonly id: number; readonly text: string }[]): string {
  const threads = harts.map(({ id, text }) => {
    return `<thread id="${threadOf(id)}" core="${id}" name="hart ${id}">${text}</thread>`;
  });
  return ['<?xml version="1.0"?>', "<threads>", ...threads, "</threads>", ""].join("\n");
}
