import { Worker } from "node:worker_threads";
import { UserError } from "../base/errors.ts";
import { compareSides, findDivergence } from "../debuggee/divergence.ts";
import type { DivergenceFinding, FindOptions, SideBySide } from "../debuggee/divergence-protocol.ts";
import type { RunAsker } from "../debuggee/run-probe.ts";
import { nodePort } from "./port.ts";
import { RemoteFault, RpcClient } from "./rpc.ts";
import { askerOf } from "./run-probes.ts";
import type { SearchSubject } from "./search-protocol.ts";
import { workerUrl } from "./worker-url.ts";

/** Two recordings, each open for reading in a thread of its own, so that both are run at once. */
export class DivergenceSearch {
  readonly #left: ProbeThread;
  readonly #right: ProbeThread;

  private constructor(left: SearchSubject, right: SearchSubject) {
    this.#left = new ProbeThread(left);
    this.#right = new ProbeThread(right);
  }

  /** Whoever opens closes. What cannot be opened is told by what is asked first. */
  static open(left: SearchSubject, right: SearchSubject): DivergenceSearch {
    return new DivergenceSearch(left, right);
  }

  /** Sentences about what of the two is missing or damaged. */
  async warnings(): Promise<{ left: readonly string[]; right: readonly string[] }> {
    const [left, right] = await Promise.all([this.#left.opened, this.#right.opened]);
    return { left, right };
  }

  async find(options?: FindOptions): Promise<DivergenceFinding> {
    await this.warnings();
    return findDivergence({ left: this.#left.asker, right: this.#right.asker }, options);
  }

  async compare(left: number, right: number): Promise<SideBySide> {
    await this.warnings();
    return compareSides({ left: this.#left.asker, right: this.#right.asker }, { left, right });
  }

  /** Ends both threads; whoever waits for an answer is told that it was interrupted. */
  async close(): Promise<void> {
    await Promise.all([this.#left.close(), this.#right.close()]);
  }
}

class ProbeThread {
  readonly asker: RunAsker;
  readonly opened: Promise<readonly string[]>;
  readonly #worker = new Worker(workerUrl("probe-worker"), { name: "hindcast probe" });
  readonly #client: RpcClient;

  constructor(subject: SearchSubject) {
    const client = new RpcClient(nodePort(this.#worker), () => {});
    this.#client = client;
    this.#worker.on("error", (error: Error) => client.break(new RemoteFault(error.message, error.stack)));
    this.#worker.on("exit", (code) =>
      client.break(new RemoteFault(`A thread that compares ended by itself (exit code ${code}).`, undefined)),
    );
    this.opened = client.call("open", [subject]) as Promise<readonly string[]>;
    // It is told to whoever asks.
    this.opened.catch(() => {});
    this.asker = askerOf((question, args) => client.call(question, args));
  }

  async close(): Promise<void> {
    this.#client.break(new UserError("interrupted", "The comparison was interrupted."));
    await this.#worker.terminate();
  }
}
