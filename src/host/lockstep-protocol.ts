import type { DiskChoice } from "../base/disk-choice.ts";
import type { Tenure } from "../lockstep/arbiter.ts";
import type { Fault } from "../lockstep/fault.ts";
import type { MachineSkew } from "../lockstep/machine-replica.ts";
import type { LockstepOptions } from "../lockstep/options.ts";
import type { Counts, InputEvent, OutputRun } from "../lockstep/replica.ts";
import type { CacheGroupChoice, EngineChoice, MachineConfiguration } from "../machine/configuration.ts";
import type { CacheGroupReport, Image } from "../machine/machine-interface.ts";
import type { MachineStop } from "../machine/stop.ts";
import type { RecordedImage } from "../replay/recording-message.ts";
import type { ThreadEnd } from "./lockstep-channels.ts";
import type { MemberEnd, MemberStart } from "./lockstep-member.ts";
import type { MemberReport } from "./pair-report.ts";
import type { RpcError } from "./rpc.ts";

/** What a member's machine is made of: plain data, so that it can be made in another thread or process. */
export interface MachineSpecification {
  readonly configuration: MachineConfiguration;
  /** What lies in memory at reset. */
  readonly image: Image;
  readonly disks: readonly DiskChoice[];
  readonly engine?: EngineChoice;
  readonly cacheGroup?: CacheGroupChoice;
  /** How it differs from its partner, beside its configuration. */
  readonly skew?: MachineSkew;
}

/** How a member is recorded. */
export interface MemberRecordingSpecification {
  /** Of the recording of the pair's first member: the others stand beside it. */
  readonly path: string;
  readonly pair: string;
  /** Whose state it is given when it is given one. */
  readonly partner: string | undefined;
  readonly images: readonly RecordedImage[];
  /** When the pair began, in milliseconds since 1970. */
  readonly startedMs: number;
}

/** What there is of a member's recording. */
export interface MemberRecordingState {
  readonly paths: readonly string[];
  readonly bytes: number;
  readonly warnings: readonly string[];
  /** A sentence once nothing more can be recorded. */
  readonly failure: string | undefined;
}

export interface MemberSpecification {
  readonly member: string;
  readonly start: MemberStart;
  readonly machine: MachineSpecification;
  /** Absent: it is not recorded. */
  readonly recording: MemberRecordingSpecification | undefined;
  readonly options: Partial<LockstepOptions>;
  readonly faults: readonly Fault[];
  readonly faultSeed: number;
  /** Inputs that somebody may still ask for. */
  readonly inputs: { readonly first: number; readonly events: readonly InputEvent[] };
  /** What the sink has taken. */
  readonly taken: Counts;
  /** The same as it grows, where memory can be shared. */
  readonly sharedTaken: SharedArrayBuffer | undefined;
  readonly limit: number | undefined;
  readonly isPaused: boolean;
}

/** A member's end of the channel to its partner. */
export type ChannelEnd =
  | { readonly kind: "thread"; readonly end: ThreadEnd }
  | { readonly kind: "listen" | "connect"; readonly path: string };

/** What the thread or process of a member is told. */
export type ToMember =
  | { readonly kind: "begin"; readonly specification: MemberSpecification; readonly channel: ChannelEnd }
  /** Somebody joins: over this channel. */
  | { readonly kind: "accept"; readonly channel: ChannelEnd }
  | { readonly kind: "input"; readonly event: InputEvent }
  | { readonly kind: "forget"; readonly below: number }
  | { readonly kind: "taken"; readonly counts: Counts }
  | { readonly kind: "tenure"; readonly request: number; readonly tenure: Tenure }
  | { readonly kind: "pause" | "resume" | "report" | "stop" };

/** What it says. */
export type FromMember =
  /** `runs` may be empty: who has become the primary asks what the sink has. */
  | { readonly kind: "offer"; readonly runs: readonly OutputRun[] }
  | { readonly kind: "forget"; readonly below: number }
  | { readonly kind: "read"; readonly request: number }
  | { readonly kind: "test-and-set"; readonly request: number; readonly expected: number; readonly next: Tenure }
  | { readonly kind: "state"; readonly state: MemberState }
  | { readonly kind: "report"; readonly report: MemberReport }
  | { readonly kind: "ended"; readonly end: MemberEnd; readonly state: MemberState; readonly report: MemberReport }
  | { readonly kind: "failed"; readonly error: RpcError };

/** What the outside needs to know of a member while it runs. */
export interface MemberState {
  /** "alone", "paired", "following" …: the phase of what it is now. */
  readonly phase: string;
  /** It is the one that the outside hears. */
  readonly speaks: boolean;
  /** Of its right to speak; 0: it never had one. */
  readonly term: number;
  readonly instant: number;
  /** The guest waits, with nothing on its way; `ticks`: for its timer, on a paced clock. */
  readonly waiting: { readonly ticks: number | undefined } | undefined;
  /** Number of the input that its machine takes next. */
  readonly nextInput: number;
  /** How the guest ended. */
  readonly ending: MachineStop | undefined;
  /** pc of each hart. */
  readonly pcs: readonly bigint[];
  readonly cacheGroup: CacheGroupReport | undefined;
  readonly recording: MemberRecordingState | undefined;
}
