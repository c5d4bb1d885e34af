import type { MessagePort } from "node:worker_threads";
import type { CompiledRegions, CompilerSetup } from "../cpu/region-compiler.ts";

/** A machine's post box, through which orders come. */
export interface ToCompileThread {
  readonly port: MessagePort;
  readonly setup: CompilerSetup;
  /** One number: answers that were given. To look at it costs less than to look into the box. */
  readonly answered: Int32Array<SharedArrayBuffer>;
}

/** What the thread answers: first that it is there, then what it has made of so many of the oldest orders. */
export type FromCompiler = "ready" | { readonly orders: number; readonly compiled: CompiledRegions };
