import type { Link } from "./link.ts";
import { Primary } from "./primary.ts";
import type { PrimaryParts } from "./primary-parts.ts";
import { Secondary, type SecondaryParts } from "./secondary.ts";

/** A machine with a part in the pair, which may change: a secondary that survives is the primary. */
export class Member {
  readonly #parts: Omit<PrimaryParts, "options"> & Omit<SecondaryParts, "link" | "start">;
  #primary: Primary | undefined;
  #secondary: Secondary | undefined;

  private constructor(parts: Omit<PrimaryParts, "options"> & Omit<SecondaryParts, "link" | "start">) {
    this.#parts = parts;
  }

  static primary(parts: MemberParts, link: Link, secondary: string, term: number, nowMs: number): Member {
    const member = new Member(parts);
    member.#primary = new Primary(parts, { term, nextInput: 0, sequence: 0 });
    member.#primary.pair(link, secondary, nowMs);
    return member;
  }

  /** The only machine, until another joins it. */
  static alone(parts: MemberParts, term: number): Member {
    const member = new Member(parts);
    member.#primary = new Primary(parts, { term, nextInput: 0, sequence: 0 });
    return member;
  }

  /** `start` as of `SecondaryParts`. */
  static secondary(parts: MemberParts, link: Link, start: SecondaryParts["start"], nowMs: number): Member {
    const member = new Member(parts);
    member.#secondary = new Secondary({ ...parts, link, start }, nowMs);
    return member;
  }

  get name(): string {
    return this.#parts.member;
  }

  /** Undefined while it is the secondary. */
  get primary(): Primary | undefined {
    return this.#primary;
  }

  /** What it is, or was before it survived. */
  get secondary(): Secondary | undefined {
    return this.#secondary;
  }

  turn(nowMs: number, budget: number): boolean {
    if (this.#primary !== undefined) return this.#primary.turn(nowMs, budget);
    const moved = this.#secondary!.turn(nowMs, budget);
    const { estate } = this.#secondary!;
    if (estate === undefined) return moved;
    this.#primary = new Primary(this.#parts, estate);
    return true;
  }
}

export type MemberParts = PrimaryParts & Omit<SecondaryParts, "link" | "start">;
