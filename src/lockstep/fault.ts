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
  /** Whom it meets. What happens to the channel meets what the primary sends. */
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

/** Frames that a slow channel lets through at a turn. */
const SLOW_FRAMES = 1;
/** Turns that a delayed frame waits. */
const DELAY_TURNS = 20;

/** A channel whose next frame may be lost, doubled or held up, or which becomes slow. `turn` lets time pass on it. */
export class FaultyChannel implements Channel {
  readonly #channel: Channel;
  #next: "lose-entry" | "delay-entry" | "double-entry" | undefined;
  #slow = false;
  #held: { frame: Uint8Array; turns: number }[] = [];

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  arm(kind: "lose-entry" | "delay-entry" | "double-entry" | "slow-channel"): void {
    if (kind === "slow-channel") this.#slow = true;
    else this.#next = kind;
  }

  send(frame: Uint8Array): void {
    const fault = this.#next;
    this.#next = undefined;
    if (fault === "lose-entry") return;
    if (fault === "delay-entry") this.#held.push({ frame: frame.slice(), turns: DELAY_TURNS });
    else if (this.#slow) this.#held.push({ frame: frame.slice(), turns: 0 });
    else this.#channel.send(frame);
    if (fault === "double-entry") this.#channel.send(frame);
  }

  receive(): Uint8Array | undefined {
    return this.#channel.receive();
  }

  turn(): void {
    for (const held of this.#held) held.turns--;
    const due = this.#held.filter(({ turns }) => turns < 0).slice(0, this.#slow ? SLOW_FRAMES : undefined);
    this.#held = this.#held.filter((held) => !due.includes(held));
    for (const { frame } of due) this.#channel.send(frame);
  }
}
