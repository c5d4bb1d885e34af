import type { PhysicalAddress } from "../base/brand.ts";
import { Prng } from "../base/prng.ts";
import type { Edit } from "../machine/inlet.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import { RAM_BASE } from "../machine/memory-map.ts";
import type { Channel } from "./channel.ts";

/** What a user may do to a pair, to see what it does about it. */
export const FAULT_KINDS = [
  ...(["flip-register", "flip-memory", "kill", "freeze", "lose-entry", "delay-entry", "double-entry"] as const),
  "slow-channel",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
export type PairRole = "primary" | "secondary";

export interface Fault {
  readonly kind: FaultKind;
  /** Whom it meets. What happens to the channel meets the log: where the primary sends it, or where the secondary receives it. */
  readonly role: PairRole;
  /** When that machine has come there. */
  readonly instant: number;
}

/** `KIND@INSTANT` or `KIND:primary@INSTANT`, the instant already read. Undefined: none of these. */
export function parseFaultKind(text: string): Pick<Fault, "kind" | "role"> | undefined {
  const [kind, role = "secondary", more] = text.split(":");
  if (more !== undefined || !isFaultKind(kind) || (role !== "primary" && role !== "secondary")) return undefined;
  return { kind, role };
}

function isFaultKind(text: string): text is FaultKind {
  return (FAULT_KINDS as readonly string[]).includes(text);
}

/** Some faults out of a seed, in the first `steps` steps; nobody is killed, so that all of them are met. */
export function drawFaults(seed: number, steps: number): readonly Fault[] {
  const random = new Prng(seed);
  const kinds = FAULT_KINDS.filter((kind) => kind !== "kill" && kind !== "freeze");
  return Array.from({ length: 1 + random.below(MOST_DRAWN) }, () => ({
    kind: random.pick(kinds),
    role: "secondary" as const,
    instant: 1 + Math.floor((random.next32() / 2 ** 32) * steps),
  }));
}

const MOST_DRAWN = 4;
const WORD_BITS = 64;
const REGISTERS = 32;
const PAGE_BYTES = 4096;

/** One bit of a register of the hart that has its turn, or of a page of RAM that is not zero. */
export function flipOf(
  kind: "flip-register" | "flip-memory",
  random: Prng,
): (machine: MachineLike) => Edit | undefined {
  const [place, bit] = [random.next32(), random.below(WORD_BITS)];
  return (machine) => {
    if (kind === "flip-register") {
      const register = 1 + (place % (REGISTERS - 1));
      const hart = machine.currentHart;
      const value = machine.harts[hart].register(register) ^ (1n << BigInt(bit));
      return { target: "register", hart, register, value };
    }
    const ramPages = machine.configuration.memoryBytes / PAGE_BYTES;
    const pages = [...machine.checkpoint().pages.changedSince(undefined)].filter(({ page }) => page < ramPages);
    if (pages.length === 0) return undefined;
    const { page } = pages[place % pages.length];
    const address = (RAM_BASE + page * PAGE_BYTES + (Math.floor(place / 7) % PAGE_BYTES)) as PhysicalAddress;
    const byte = machine.peekPhysical(address, 1)[0] ?? 0;
    return { target: "memory", address, bytes: Uint8Array.of(byte ^ (1 << (bit % 8))) };
  };
}

/** A slow channel lets a frame through so often. */
const SLOW_MS = 5;
/** So long a delayed frame waits. */
const DELAY_MS = 30;

type ChannelFault = Extract<FaultKind, "lose-entry" | "delay-entry" | "double-entry" | "slow-channel">;

export function isChannelFault(kind: FaultKind): kind is ChannelFault {
  return kind === "lose-entry" || kind === "delay-entry" || kind === "double-entry" || kind === "slow-channel";
}

/** A channel whose next frame of the log may be lost, doubled or held up, or which becomes slow. `turn` lets time pass on it. */
export class FaultyChannel implements Channel {
  readonly #channel: Channel;
  readonly #log: "sent" | "received";
  #next: ChannelFault | undefined;
  #slow = false;
  #held: { readonly frame: Uint8Array; readonly dueMs: number }[] = [];
  readonly #due: Uint8Array[] = [];
  #nowMs = 0;

  /** `log`: whether the log is what is sent here, or what is received. */
  constructor(channel: Channel, log: "sent" | "received") {
    this.#channel = channel;
    this.#log = log;
  }

  get isImmediate(): boolean {
    return this.#channel.isImmediate ?? false;
  }

  get closed(): boolean {
    return this.#channel.closed === true && this.#held.length === 0 && this.#due.length === 0;
  }

  get isAway(): boolean {
    return this.#channel.isAway ?? false;
  }

  wait(ms: number): boolean {
    return this.#channel.wait?.(ms) ?? false;
  }

  listen(): void {
    this.#channel.listen?.();
  }

  /** Frames wait here for their time. */
  get holds(): boolean {
    return this.#held.length > 0;
  }

  arm(kind: ChannelFault): void {
    if (kind === "slow-channel") this.#slow = true;
    else this.#next = kind;
  }

  send(frame: Uint8Array): void {
    if (this.#log === "sent") this.#pass(frame);
    else this.#channel.send(frame);
  }

  receive(): Uint8Array | undefined {
    if (this.#log === "sent") return this.#channel.receive();
    for (let frame = this.#channel.receive(); frame !== undefined; frame = this.#channel.receive()) this.#pass(frame);
    return this.#due.shift();
  }

  turn(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#held.length === 0) return;
    const due = this.#held.filter(({ dueMs }) => dueMs <= nowMs);
    this.#held = this.#held.filter(({ dueMs }) => dueMs > nowMs);
    for (const { frame } of due) this.#deliver(frame);
  }

  #pass(frame: Uint8Array): void {
    const fault = this.#next;
    this.#next = undefined;
    if (fault === "lose-entry") return;
    if (fault === "double-entry") this.#deliver(frame.slice());
    if (fault === "delay-entry") this.#held.push({ frame, dueMs: this.#nowMs + DELAY_MS });
    else if (this.#slow) {
      const last = this.#held.at(-1)?.dueMs ?? this.#nowMs;
      this.#held.push({ frame, dueMs: Math.max(last, this.#nowMs) + SLOW_MS });
    } else this.#deliver(frame);
  }

  #deliver(frame: Uint8Array): void {
    if (this.#log === "sent") this.#channel.send(frame);
    else this.#due.push(frame);
  }
}
