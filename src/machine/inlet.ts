import type { Instant, PhysicalAddress } from "../base/brand.ts";
import type { LatentWork } from "./latent-work.ts";

/**
 * One door for chance: everything that the machine cannot compute from its own state comes through an `Inlet`, stamped
 * with the instant at which it takes effect, and everything that it says leaves through an `Outlet`. Live, recording,
 * replaying (and later lockstep) are rooms behind these two.
 */
export type MachineEvent =
  | { readonly kind: "console-input"; readonly instant: Instant; readonly bytes: Uint8Array }
  /** An edit by the user at the newest instant. */
  | { readonly kind: "edit"; readonly instant: Instant; readonly edit: Edit }
  /** A frame from the network beyond the guest's card. */
  | { readonly kind: "network-input"; readonly instant: Instant; readonly frame: Uint8Array }
  /** Paced running only: the guest waited, and the host let this many ticks of mtime pass. */
  | { readonly kind: "idle-jump"; readonly instant: Instant; readonly ticks: number }
  /**
   * A hart is told that a page is not ready, and gets a token for it: taken where an edit is, behind the instant's interrupts. No
   * step; the hart stands in its handler then. `page` and `work` are for people.
   */
  | {
      readonly kind: "page-not-ready";
      readonly instant: Instant;
      readonly hart: number;
      /** Virtual: what the hart accesses. */
      readonly address: bigint;
      readonly token: number;
      readonly page: number;
      readonly work: LatentWork;
    }
  /** The page that a token stands for is there. */
  | { readonly kind: "page-ready"; readonly instant: Instant; readonly token: number };

export type PageNotReady = Extract<MachineEvent, { kind: "page-not-ready" }>;

/** Before its instant is known. */
export type PageNotReadyNotice = Omit<PageNotReady, "instant">;

export type PageEvent = Extract<MachineEvent, { kind: "page-not-ready" | "page-ready" }>;

/** The guest is told something of its pages. */
export function isPageEvent(event: MachineEvent): event is PageEvent {
  return event.kind === "page-not-ready" || event.kind === "page-ready";
}

export type Edit =
  | { readonly target: "register"; readonly hart: number; readonly register: number; readonly value: bigint }
  | { readonly target: "pc"; readonly hart: number; readonly value: bigint }
  | { readonly target: "csr"; readonly hart: number; readonly csr: number; readonly value: bigint }
  /** All 64 bits: whoever edits a single boxes it. */
  | { readonly target: "float-register"; readonly hart: number; readonly register: number; readonly value: bigint }
  /** Physical, so that an event means the same whatever the page tables say when it is replayed. */
  | { readonly target: "memory"; readonly address: PhysicalAddress; readonly bytes: Uint8Array };

export interface Inlet {
  /**
   * The next event that takes effect at `instant`, or undefined when there is none (any more). The machine asks until
   * it hears undefined, and applies each at once.
   */
  take(instant: Instant): MachineEvent | undefined;
  /**
   * The machine may run from `instant` up to this instant without asking: the instant of the next event when replaying,
   * Infinity when there is none. A live inlet also answers Infinity: its host bounds the slices.
   */
  horizon(instant: Instant): number;
  /**
   * For an inlet that stands before this one and takes nothing more at an instant whose interrupts have been decided: what the guest is
   * told there of a page all the same, since that comes behind them. `take` has it as well. Absent: there never is any.
   */
  takeNotice?(instant: Instant): MachineEvent | undefined;
}

export interface Outlet {
  /** `instant` is the state before the step that produced the output: travelling there shows the store that printed. */
  consoleOutput(instant: Instant, byte: number): void;
  /** A frame that the guest's card sends; the same instant. Absent: nobody hears it. */
  networkOutput?(instant: Instant, frame: Uint8Array): void;
  /** What the guest prints now is perhaps answered: the inlet is asked again at the next instant. Absent: it is not. */
  readonly isAnswered?: boolean;
}

/** An inlet that says nothing, for tests and for runs without input. */
export const SILENT_INLET: Inlet = { take: () => undefined, horizon: () => Number.POSITIVE_INFINITY };
export const DROPPING_OUTLET: Outlet = { consoleOutput: () => {} };
