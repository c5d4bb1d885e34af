import type { Instant, PhysicalAddress, VirtualAddress } from "../base/brand.ts";
import type { HitFilter } from "../cpu/condition.ts";
import { EXCEPTION } from "../isa/causes.ts";

export type {
  Comparison,
  Condition,
  FloatTerm,
  HitCounter,
  HitFilter,
  IntegerOperator,
  IntegerTerm,
} from "../cpu/condition.ts";

/** What the machine looks out for while it runs. Costs nothing where it does not occur. */
export interface StopConditions {
  /** Stop before the instruction at one of these addresses is executed, in whatever address space. */
  readonly breakpoints: readonly VirtualAddress[];
  /** For breakpoints that are hits on some conditions only; the machine may stop at others too. */
  readonly filters?: ReadonlyMap<VirtualAddress, readonly HitFilter[]>;
  readonly watches: readonly Watch[];
  /**
   * Stop before a synchronous exception with one of these mcause values is taken. "Page not ready" (24) is none of a step: as with
   * interrupts, the hart stands in its handler.
   */
  readonly exceptions: readonly number[];
  /** Stop where an interrupt has been taken. */
  readonly interrupts?: boolean;
  /** Stop before the HINTs of isa/replay-hints.ts, as at a breakpoint. */
  readonly replayHints?: boolean;
}

export const NO_STOPS: StopConditions = { breakpoints: [], watches: [], exceptions: [] };

/** Memory that is watched, whatever addresses it is accessed by. */
export interface Watch {
  readonly address: PhysicalAddress;
  /** Bytes, at least 1. */
  readonly length: number;
  readonly access: "read" | "write" | "readWrite";
}

export interface WatchHit {
  /** Index into `StopConditions.watches`. */
  readonly watch: number;
  /** The state before the step that accessed: pc is the culprit there. */
  readonly instant: Instant;
  readonly hart: number;
  readonly pc: VirtualAddress;
  readonly access: "read" | "write";
  /** What was accessed, as the instruction named it, which may be wider than what is watched. */
  readonly address: VirtualAddress;
  readonly size: number;
}

/** What the guest can be told of a page that is not ready: docs/async-pages.md. */
export interface PageNotice {
  readonly hart: number;
  /** What it accesses. */
  readonly address: VirtualAddress;
  readonly token: number;
}

/** A stop that belongs to the arrival at its instant, and to the step before it: the hart stands in a handler. */
export function isOnArrival(stop: MachineStop): boolean {
  return stop.kind === "interrupt" || (stop.kind === "exception" && stop.cause === EXCEPTION.pageNotReady);
}

/**
 * Why `Machine.run` came back. The machine's instant and state are those *at* the stop. "breakpoint" and "exception"
 * stop before the step in question, "watch" after it, "interrupt" where the hart stands in the handler; "finished" and "unhandled-trap" are for good.
 */
export type MachineStop =
  | { readonly kind: "reached" }
  | { readonly kind: "breakpoint"; readonly hart: number; readonly pc: VirtualAddress }
  | { readonly kind: "watch"; readonly hits: readonly WatchHit[] }
  | { readonly kind: "exception"; readonly hart: number; readonly cause: number; readonly tval: bigint }
  /** `cause` without the bit that says that it is an interrupt; `pc` is what was interrupted. */
  | { readonly kind: "interrupt"; readonly hart: number; readonly cause: number; readonly pc: VirtualAddress }
  /** A trap whose handler cannot be fetched: real hardware would trap for ever. The state is the one before the trap. */
  | { readonly kind: "unhandled-trap"; readonly hart: number; readonly cause: number; readonly tval: bigint }
  /**
   * The next step, or an event of this instant, needs a page that is absent and that its source cannot give now. Nothing of it
   * has been done: once the page is there `run` goes on as if it had always been. Only where a source may say no. With `notice` the
   * guest can be told now, by an event "page-not-ready" of this instant, and run somebody else meanwhile; with `needs` it could be if
   * that page were not absent: its handler's, say.
   */
  | { readonly kind: "absent"; readonly page: number; readonly notice?: PageNotice; readonly needs?: number }
  /** The guest wrote the test finisher. */
  | { readonly kind: "finished"; readonly exitCode: number; readonly reset: boolean }
  /**
   * Every hart waits for an interrupt. Without `ticks` nothing inside the machine will raise it: only an event can go
   * on. With `ticks` (paced clock only) a timer interrupt is due after so many ticks: the host lets that time pass and
   * delivers it as an "idle-jump". While the guest waits for a page under a virtual clock time stands still: an event "page-ready"
   * goes on.
   */
  | { readonly kind: "waiting"; readonly ticks?: number };
