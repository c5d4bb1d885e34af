import type { Stopped } from "../debuggee/protocol.ts";
import { Access } from "./access.ts";
import { HostFiles } from "./host-files.ts";
import { sentenceOf } from "./monitor.ts";
import {
  ACKNOWLEDGED,
  encodePacket,
  fromHex,
  PacketReader,
  parseHexAddress,
  parseHexNumber,
  REFUSED,
  toHex,
} from "./packets.ts";
import { Queries } from "./queries.ts";
import { STOP_POINT_TYPES, type StopPoint } from "./stop-points.ts";
import { exitReply, stopReply } from "./stop-reply.ts";
import type { Target } from "./target.ts";

/** How a session ended, and so whether the server goes on. */
export type SessionEnd = "detached" | "lost" | "killed";

/** What the session needs of its connection. */
export interface SessionOutlet {
  write(bytes: Uint8Array): void;
  /** A sentence for whoever started the server. */
  say(sentence: string): void;
}

/** A client waits for each answer; one that has sent more than this is none. */
const MOST_WAITING_PACKETS = 1000;
/** Errors by their numbers in errno.h, which is all that most replies have room for. */
const NO_SUCH_THREAD = "E03";
const BAD_ADDRESS = "E0e";
const BAD_REQUEST = "E16";
const INTERRUPT_AGAIN_MS = 5;
/** Console output goes in packets of so many bytes, twice as many digits. */
const CONSOLE_BYTES = 2048;

/** One client, from its first packet to its last. Knows no socket: bytes in, bytes out. */
export class GdbSession {
  readonly #target: Target;
  readonly #outlet: SessionOutlet;
  readonly #access: Access;
  readonly #queries: Queries;
  readonly #files: HostFiles;
  readonly #reader = new PacketReader();
  readonly #end = Promise.withResolvers<SessionEnd>();
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;
  #acknowledges = true;
  #lastSent: Uint8Array | undefined;
  /** Hart that registers and memory are meant of (`Hg`), and one that steps where none is named (`Hc`). */
  #selected: number;
  #stepping: number | undefined;
  #ended = false;

  constructor(target: Target, outlet: SessionOutlet) {
    this.#target = target;
    this.#outlet = outlet;
    this.#access = new Access(target);
    this.#queries = new Queries(target, (text) => this.#print(text));
    this.#files = new HostFiles(target);
    this.#selected = target.stopped.hart;
    target.listen({
      output: (bytes) => this.#console(bytes),
      say: (sentence) => {
        this.#outlet.say(sentence);
        // While the machine stands the client does not listen.
        if (target.moving) this.#print(`${sentence}\n`);
      },
    });
    void target.lost.then(() => {
      this.#send("X06");
      this.#finish("killed");
    });
  }

  /** Resolves when the client has said good-bye or `disconnected` was called. */
  get ended(): Promise<SessionEnd> {
    return this.#end.promise;
  }

  push(bytes: Uint8Array): void {
    for (const incoming of this.#reader.push(bytes)) {
      if (this.#ended) return;
      if (incoming.kind === "interrupt") void this.#interrupt();
      else if (incoming.kind === "repeat") this.#repeat();
      else this.#received(incoming.payload, incoming.intact);
    }
  }

  /** The connection is gone. */
  disconnected(): void {
    if (!this.#ended && this.#reader.unfinished) this.#outlet.say("The client's connection ended within a packet.");
    this.#finish("lost");
  }

  /** The machine comes to rest, without this client's breakpoints, for the next one. */
  async close(): Promise<void> {
    this.#finish("lost");
    await this.#target.pause().catch(() => {});
    await this.#queue;
    this.#target.listen(undefined);
    await this.#target.stopPoints.clear().catch(() => {});
  }

  #finish(end: SessionEnd): void {
    this.#ended = true;
    this.#end.resolve(end);
  }

  // ---- packets

  #received(payload: Uint8Array, intact: boolean): void {
    if (this.#acknowledges) {
      this.#outlet.write(intact ? ACKNOWLEDGED : REFUSED);
      // The client sends it again.
      if (!intact) return;
    }
    // Without acknowledgements the stream is held to be reliable, and there is no way to ask again: as gdbserver does.
    if (this.#waiting >= MOST_WAITING_PACKETS) {
      this.#outlet.say("The client sends packets without waiting for answers; its connection is given up.");
      this.#finish("lost");
      return;
    }
    this.#waiting++;
    this.#queue = this.#queue.then(async () => {
      if (!this.#ended) await this.#handle(payload);
      this.#waiting--;
    });
  }

  async #handle(payload: Uint8Array): Promise<void> {
    const text = latin1(payload);
    let reply: string | Uint8Array | undefined;
    try {
      reply = await this.#answer(text, payload);
    } catch (error) {
      const sentence = sentenceOf(error) ?? `A fault of Hindcast, please report it: ${stackOf(error)}`;
      this.#outlet.say(sentence);
      // Where an answer is data, words might be taken for some.
      reply = /^[gpm]/.test(text) ? BAD_ADDRESS : `E.${sentence}`;
    }
    if (reply === undefined) return;
    this.#send(reply);
    if (text === "QStartNoAckMode") this.#acknowledges = false;
    if (/^(D|vKill)(;|$)/.test(text) && reply === "OK" && !this.#queries.extended) {
      this.#finish(text.startsWith("D") ? "detached" : "killed");
    }
  }

  #send(payload: string | Uint8Array): void {
    const packet = encodePacket(payload);
    this.#lastSent = packet;
    if (!this.#ended) this.#outlet.write(packet);
  }

  #repeat(): void {
    if (this.#acknowledges && this.#lastSent !== undefined) this.#outlet.write(this.#lastSent);
  }

  /** Ctrl-C may overtake the request that it is meant to end. */
  async #interrupt(): Promise<void> {
    while (this.#waiting > 0 && !this.#target.moving) {
      await new Promise((resolve) => setTimeout(resolve, INTERRUPT_AGAIN_MS));
    }
    if (this.#target.moving) await this.#target.pause();
  }

  #print(text: string): void {
    this.#console(new TextEncoder().encode(text));
  }

  /** Shown by the client as it comes. The protocol allows it while the machine moves and before the answer to `qRcmd`. */
  #console(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += CONSOLE_BYTES) {
      this.#send(`O${toHex(bytes.subarray(at, at + CONSOLE_BYTES))}`);
    }
  }

  /** Undefined: the client expects no answer. Empty: there is no such request here. */
  async #answer(text: string, payload: Uint8Array): Promise<string | Uint8Array | undefined> {
    const rest = text.slice(1);
    const hart = this.#selected;
    switch (text[0]) {
      case "?":
        return this.#stopReply({ ...this.#target.stopped, reason: "entry" });
      case "g":
        return this.#access.allRegisters(hart);
      case "G":
        return (await this.#access.setAllRegisters(hart, rest)) ? "OK" : BAD_REQUEST;
      case "p": {
        const number = parseHexNumber(rest);
        return (number !== undefined && (await this.#access.register(number, hart))) || BAD_REQUEST;
      }
      case "P":
        return this.#setRegister(rest);
      case "m":
        return this.#readMemory(rest);
      case "M":
      case "X":
        return this.#writeMemory(text, payload);
      case "c":
      case "C":
        return this.#resume();
      case "s":
      case "S":
        return this.#step(this.#stepping ?? this.#target.stopped.hart);
      case "b":
        return this.#backward(rest);
      case "v":
        return this.#verbose(text);
      case "Z":
      case "z":
        return this.#stopPoint(text);
      case "H":
        return this.#select(rest);
      case "T":
        return this.#hartOf(rest) === undefined ? NO_SUCH_THREAD : "OK";
      case "D":
        return "OK";
      case "k":
        this.#finish("killed");
        return undefined;
      case "!":
        this.#queries.extended = true;
        return "OK";
      case "R":
        await this.#restart();
        return undefined;
      case "q":
      case "Q":
        return this.#queries.answer(text, hart);
      default:
        return "";
    }
  }

  // ---- harts

  /** A thread as requests name it: `1`, or with a process as `p1.1`. Undefined for one that does not exist; -1: any. */
  #hartOf(text: string | undefined): number | undefined {
    const thread = text?.replace(/^p[0-9a-f]+\.?/i, "");
    if (thread === undefined || thread === "-1" || thread === "0" || thread === "") return -1;
    const number = parseHexNumber(thread);
    return number !== undefined && number >= 1 && number <= this.#target.harts ? number - 1 : undefined;
  }

  #select(rest: string): string {
    const hart = this.#hartOf(rest.slice(1));
    if (hart === undefined) return NO_SUCH_THREAD;
    if (rest[0] === "g") this.#selected = hart < 0 ? this.#target.stopped.hart : hart;
    else if (rest[0] === "c") this.#stepping = hart < 0 ? undefined : hart;
    else return BAD_REQUEST;
    return "OK";
  }

  // ---- registers and memory

  async #setRegister(rest: string): Promise<string> {
    const [number, value = ""] = rest.split("=");
    const parsed = parseHexNumber(number);
    if (parsed === undefined || !(await this.#access.setRegister(parsed, value, this.#selected))) return BAD_REQUEST;
    return "OK";
  }

  async #readMemory(rest: string): Promise<string> {
    const [start, count, ...more] = rest.split(",");
    const address = parseHexAddress(start);
    const length = parseHexNumber(count);
    if (address === undefined || length === undefined || more.length > 0) return BAD_REQUEST;
    const most = this.#queries.mostMemoryBytes;
    const bytes = await this.#access.memory(address, Math.min(length, most), this.#selected);
    return bytes.length === 0 && length > 0 ? BAD_ADDRESS : toHex(bytes);
  }

  async #writeMemory(text: string, payload: Uint8Array): Promise<string> {
    const [, start, count] = /^.([0-9a-f]+),([0-9a-f]+):/i.exec(text) ?? [];
    const address = parseHexAddress(start);
    const length = parseHexNumber(count);
    if (address === undefined || length === undefined) return BAD_REQUEST;
    const behind = text.indexOf(":") + 1;
    const bytes = text[0] === "X" ? payload.subarray(behind) : fromHex(text.slice(behind));
    if (bytes === undefined || bytes.length !== length) return BAD_REQUEST;
    await this.#access.setMemory(address, bytes, this.#selected);
    return "OK";
  }

  async #stopPoint(text: string): Promise<string> {
    const [place] = text.slice(1).split(";");
    const [type, start, size] = place.split(",");
    const address = parseHexAddress(start);
    const length = parseHexNumber(size);
    const known = STOP_POINT_TYPES[Number(type)];
    if (known === undefined) return "";
    if (address === undefined || length === undefined) return BAD_REQUEST;
    const point: StopPoint = { type: known, address, length };
    if (text[0] === "z") {
      await this.#target.stopPoints.remove(point);
      return "OK";
    }
    const problem = await this.#target.stopPoints.insert(point, this.#selected);
    if (problem === undefined) return "OK";
    this.#outlet.say(problem);
    return `E.${problem}`;
  }

  // ---- motions

  #resume(): Promise<string> {
    const { reason, instant } = this.#target.stopped;
    return this.#move(async () => {
      const stopped = await this.#target.resume();
      const { exitCode } = stopped;
      // The first time it stops there, so that one can go back; whoever goes on all the same wants to see the end.
      const isOver = exitCode !== undefined && reason === "finished" && stopped.instant === instant;
      return isOver ? exitReply(exitCode) : stopped;
    });
  }

  #step(hart: number): Promise<string> {
    return this.#move(() => this.#target.step(hart));
  }

  async #backward(rest: string): Promise<string> {
    if (rest === "c") return this.#move(() => this.#target.reverseContinue());
    if (rest !== "s") return "";
    return this.#move(() => this.#target.reverseStep(this.#stepping ?? this.#target.stopped.hart));
  }

  async #move(motion: () => Promise<Stopped | string>): Promise<string> {
    let outcome: Stopped | string;
    for (const sentence of this.#target.takeUntold()) this.#print(`${sentence}\n`);
    try {
      outcome = await motion();
    } catch (error) {
      const sentence = sentenceOf(error);
      if (sentence === undefined) throw error;
      // The machine stands where it stood; the client has to be told of a stop, and its user why.
      this.#outlet.say(sentence);
      this.#print(`${sentence}\n`);
      outcome = { ...this.#target.stopped, reason: "pause" };
    }
    if (typeof outcome === "string") return outcome;
    this.#selected = outcome.hart;
    if (isWorthTelling(outcome)) this.#print(`${outcome.description}\n`);
    return this.#stopReply(outcome);
  }

  async #stopReply(stopped: Stopped): Promise<string> {
    const values = await this.#target.values(stopped.hart);
    const point = stopped.reason === "entry" ? undefined : this.#target.stopPoints.find(stopped.breakpoints);
    return stopReply(stopped, values, point, this.#queries.client);
  }

  async #verbose(text: string): Promise<string | Uint8Array | undefined> {
    if (text === "vCont?") return "vCont;c;C;s;S;r";
    if (text.startsWith("vCont;")) return this.#continue(text.slice("vCont;".length).split(";"));
    if (text.startsWith("vKill")) return "OK";
    if (text.startsWith("vRun") && this.#queries.extended) {
      await this.#restart();
      return this.#stopReply({ ...this.#target.stopped, reason: "entry" });
    }
    return text.startsWith("vFile:") ? this.#files.answer(text) : "";
  }

  /**
   * At most one of the actions is a step: that hart's. The others go on meanwhile, as far as their turns come, whatever is
   * said of them: harts take turns as the machine has it, which no debugger may change.
   */
  async #continue(actions: readonly string[]): Promise<string> {
    for (const action of actions) {
      const [what, thread] = action.split(":");
      const named = this.#hartOf(thread);
      if (named === undefined) return NO_SUCH_THREAD;
      const hart = named < 0 ? this.#target.stopped.hart : named;
      if (what[0] === "s" || what[0] === "S") return this.#step(hart);
      if (what[0] === "r") {
        const [start, end] = what.slice(1).split(",").map(parseHexAddress);
        if (start === undefined || end === undefined) return BAD_REQUEST;
        return this.#move(() => this.#target.stepRange(hart, start, end));
      }
      if (what[0] !== "c" && what[0] !== "C") return BAD_REQUEST;
    }
    return this.#resume();
  }

  async #restart(): Promise<void> {
    const { first } = await this.#target.debuggee.timeline({ most: 0 });
    const { hart } = await this.#target.seek(first);
    this.#selected = hart;
  }
}

/** What the client's own words for a stop do not say. */
function isWorthTelling({ reason }: Stopped): boolean {
  return ["exception", "start", "end", "finished", "waiting"].includes(reason);
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
