import type { MessagePort } from "node:worker_threads";
import type { CompilerSetup, MadeRegions } from "../cpu/region-compiler.ts";

/** What the compiler's thread is told: of a machine, or of another thread that has machines and will tell of them. */
export type ToCompileThread = MachineBox | { readonly clients: MessagePort };

/** A machine's post box, through which orders come. */
export interface MachineBox {
  readonly port: MessagePort;
  readonly setup: CompilerSetup;
  /** One number: answers that were given. To look at it costs less than to look into the box. */
  readonly answered: Int32Array<SharedArrayBuffer>;
}

/** What the thread answers: first that it is there, then what it has made of so many of the oldest orders. */
export type FromCompiler = "ready" | MadeRegions;
