import { Worker } from "node:worker_threads";
import { interpretersKnown } from "../cpu/interpreter-code.ts";
import { SharedCompiler } from "./compile-thread.ts";
import type { SearcherSetup } from "./search-protocol.ts";
import { workerUrl } from "./worker-url.ts";

/** As of the machine's thread (node-debuggee.ts). */
const YOUNG_GENERATION_MB = 12;
/**
 * A searcher orders most of its regions in its first second. More of them would wait for each other, and what waits is interpreted; to
 * start a compiler takes as long as it is busy for one searcher.
 */
const SEARCHERS_PER_COMPILER = 2;

/** Starts threads that search. Some share a thread that makes their regions. */
export class SearcherThreads {
  readonly #compilers = new Set<SharedCompiler>();
  /** The compiler of this thread's own machines is taken first. */
  #hasShared = false;

  start(): Worker {
    const compiler = this.#compiler();
    const setup: SearcherSetup = { compiler: compiler.join(), interpreters: interpretersKnown() };
    const worker = new Worker(workerUrl("search-worker"), {
      name: "hindcast searcher",
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      workerData: setup,
      transferList: [setup.compiler],
    });
    worker.once("exit", () => compiler.leave());
    return worker;
  }

  async close(): Promise<void> {
    const compilers = [...this.#compilers];
    this.#compilers.clear();
    await Promise.all(compilers.map((compiler) => compiler.close()));
  }

  #compiler(): SharedCompiler {
    for (const compiler of this.#compilers) {
      if (compiler.isGone) this.#compilers.delete(compiler);
      else if (compiler.members < SEARCHERS_PER_COMPILER) return compiler;
    }
    const compiler = this.#hasShared ? SharedCompiler.start() : SharedCompiler.own();
    this.#hasShared = true;
    this.#compilers.add(compiler);
    return compiler;
  }
}
