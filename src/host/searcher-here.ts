import type { Debuggee } from "../debuggee/debuggee.ts";
import type { SearchThread } from "./search-pool.ts";
import type { FromSearcher, ToSearcher } from "./search-protocol.ts";
import { Searcher } from "./searcher.ts";

/**
 * The thread that asks, as one of those that search: for whoever does nothing else meanwhile. Its debuggee is there already, and
 * stands where it stood whenever a segment has been searched.
 */
export class SearcherHere implements SearchThread {
  readonly #searcher: Searcher;
  #receive: (message: unknown) => void = () => {};
  #hear: (message: FromSearcher) => void = () => {};
  #hasEnded = false;

  constructor(debuggee: Debuggee) {
    // Neither side is called back in the midst of what it does.
    const port = {
      post: (message: unknown) => queueMicrotask(() => this.#hear(message as FromSearcher)),
      listen: (receive: (message: unknown) => void) => {
        this.#receive = receive;
      },
    };
    this.#searcher = new Searcher(
      port,
      () => performance.now(),
      (searching, task) => searching.searchEngine.segment(task),
      () => ({ debuggee, close: () => {} }),
    );
  }

  postMessage(message: ToSearcher): void {
    queueMicrotask(() => {
      // What is still on its way when it ends would be begun by somebody whom nobody waits for.
      if (!this.#hasEnded) this.#receive(message);
    });
  }

  /** It cannot end by itself. */
  on(event: "message" | "error" | "exit", listener: (message: never) => void): void {
    if (event === "message") this.#hear = listener as (message: FromSearcher) => void;
  }

  terminate(): Promise<void> {
    this.#hasEnded = true;
    return this.#searcher.stop();
  }
}
