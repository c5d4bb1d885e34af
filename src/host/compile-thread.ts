import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { CompilerSetup, MadeRegions, RegionCompiler } from "../cpu/region-compiler.ts";
import type { EncodedOrder } from "../cpu/region-order.ts";
import type { FromCompiler, MachineBox, ToCompileThread } from "./compile-protocol.ts";
import { workerUrl } from "./worker-url.ts";

/** One module of several functions costs less than several modules, but what is made first should not wait for the rest. */
const MOST_TOGETHER = 16;
/** What it throws away, the bytes of modules mostly, would otherwise gather to 48 MB. */
const YOUNG_GENERATION_MB = 6;

/**
 * One for all machines of this thread: a recording's machine and the one that travels seldom run at the same time. Or the way to
 * the one that it was given.
 */
let thread: Worker | MessagePort | undefined;
let hasFailed = false;

/**
 * A machine's end of the post box to the thread that makes regions. The thread is started when it is needed first. The
 * machine looks into the box between slices, so that it never waits and needs no event loop.
 */
class CompileThread implements RegionCompiler {
  readonly #setup: CompilerSetup;
  readonly #answered = new Int32Array(new SharedArrayBuffer(4));
  /** Answers that were taken. */
  #taken = 0;
  #port: MessagePort | undefined;
  #isReady = false;
  #waiting: EncodedOrder[] = [];
  /** Orders that have not come back. */
  #sent = 0;

  constructor(setup: CompilerSetup) {
    this.#setup = setup;
  }

  get isReady(): boolean {
    if (this.#isReady) return !hasFailed;
    this.#port ??= this.#open();
    this.#isReady = this.#take() === "ready";
    return this.#isReady;
  }

  get isGone(): boolean {
    return hasFailed;
  }

  order(order: EncodedOrder): void {
    this.#waiting.push(order);
    if (this.#waiting.length >= MOST_TOGETHER) this.#send();
  }

  collect(): MadeRegions | undefined {
    const message = this.#take();
    const made = typeof message === "object" ? message : undefined;
    if (made !== undefined) this.#sent -= made.orders;
    if (this.#sent === 0 && this.#waiting.length > 0) this.#send();
    return made;
  }

  #take(): FromCompiler | undefined {
    if (this.#port === undefined || Atomics.load(this.#answered, 0) === this.#taken) return undefined;
    this.#taken++;
    return receiveMessageOnPort(this.#port)?.message as FromCompiler;
  }

  /** To wake a thread costs more than anything else here: while it is busy, orders wait for each other. */
  #send(): void {
    this.#sent += this.#waiting.length;
    this.#port?.postMessage(this.#waiting);
    this.#waiting = [];
  }

  #open(): MessagePort {
    thread ??= start(failed);
    const { port1, port2 } = new MessageChannel();
    const message: MachineBox = { port: port2, setup: this.#setup, answered: this.#answered };
    thread.postMessage(message, [port2]);
    port1.unref();
    return port1;
  }
}

export function makeCompileThread(setup: CompilerSetup): RegionCompiler {
  return new CompileThread(setup);
}

/** Likewise, and the thread is started at once: for a machine that will not begin slowly. */
export function startCompileThread(setup: CompilerSetup): RegionCompiler {
  const compiler = new CompileThread(setup);
  // Whoever asks starts it.
  void compiler.isReady;
  return compiler;
}

/** A compiler that threads share, each of which is given a port, for `useCompiler`. */
export class SharedCompiler {
  #isGone = false;
  #members = 0;
  readonly #worker: Worker | MessagePort;

  private constructor(worker: Worker | MessagePort | undefined) {
    this.#worker =
      worker ??
      start(() => {
        this.#isGone = true;
      });
  }

  /** The one that this thread's machines have, which ends with the thread. */
  static own(): SharedCompiler {
    const isUsed = thread !== undefined;
    thread ??= start(failed);
    const compiler = new SharedCompiler(thread);
    if (isUsed) compiler.#members++;
    return compiler;
  }

  static start(): SharedCompiler {
    return new SharedCompiler(undefined);
  }

  /** It has ended by itself. */
  get isGone(): boolean {
    return this.#worker === thread ? hasFailed : this.#isGone;
  }

  /** Threads that use it. */
  get members(): number {
    return this.#members;
  }

  join(): MessagePort {
    this.#members++;
    const { port1, port2 } = new MessageChannel();
    const message: ToCompileThread = { clients: port2 };
    this.#worker.postMessage(message, [port2]);
    return port1;
  }

  leave(): void {
    this.#members--;
  }

  async close(): Promise<void> {
    if (this.#worker instanceof Worker && this.#worker !== thread) await this.#worker.terminate();
  }
}

/** Regions of this thread's machines are made there, as long as anybody is there. */
export function useCompiler(port: MessagePort): void {
  thread = port;
  port.on("close", failed);
  port.unref();
}

/** Without it regions are made by the machine's own thread, which is slower and gives the same. */
function failed(): void {
  hasFailed = true;
}

function start(onError: () => void): Worker {
  const worker = new Worker(workerUrl("compile-worker"), {
    name: "hindcast compiler",
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  worker.on("error", onError);
  worker.unref();
  return worker;
}
