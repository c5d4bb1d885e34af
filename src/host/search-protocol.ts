import type { MessagePort } from "node:worker_threads";
import type { InterpreterCode } from "../cpu/interpreter-code.ts";
import type { SegmentResult, SegmentTask } from "../debuggee/search-protocol.ts";
import type { CacheGroupChoice, EngineChoice } from "../machine/configuration.ts";
import type { MachineStop } from "../machine/stop.ts";
import type { RpcError } from "./rpc.ts";

/** The recording that threads search, each with a machine of its own. */
export interface SearchSubject {
  readonly path: string;
  /** How far the run is known: a file that is still being written may say less, where nothing has happened since. */
  readonly end: number;
  /** What the run ended by there, as far as is known: such a file does not say. */
  readonly ended?: MachineStop | undefined;
  readonly engine?: EngineChoice | undefined;
  readonly cacheGroup?: CacheGroupChoice | undefined;
}

/**
 * What crosses to a thread that searches. "open" says what it will be asked about, so that it is ready by then; nothing is
 * answered. `id` pairs an answer with its segment.
 */
export type ToSearcher =
  | { readonly kind: "open"; readonly subject: SearchSubject; readonly interpreters: readonly InterpreterCode[] }
  | { readonly kind: "search"; readonly id: number; readonly subject: SearchSubject; readonly task: SegmentTask }
  | { readonly kind: "cancel"; readonly id: number };

/** And back. A segment that was cancelled is answered too, unless its result was under way. */
export type FromSearcher =
  | { readonly kind: "progress"; readonly id: number; readonly fraction: number }
  | { readonly kind: "result"; readonly id: number; readonly result: SegmentResult }
  | { readonly kind: "error"; readonly id: number; readonly error: RpcError }
  | { readonly kind: "cancelled"; readonly id: number };

/** What a thread is started with. */
export interface SearcherSetup {
  /** Leads to the thread that makes regions. */
  readonly compiler: MessagePort;
  readonly interpreters: readonly InterpreterCode[];
}
