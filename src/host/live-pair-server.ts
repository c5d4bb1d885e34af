import { UserError } from "../base/errors.ts";
import type { LaunchOptions, PairRun, PairSide, PairStop } from "../debuggee/protocol.ts";
import { DebuggeeServer } from "./debuggee-server.ts";
import { type HostNetwork, openNetwork } from "./host-network.ts";
import { LivePair } from "./live-pair.ts";
import { Bell } from "./motion-driver.ts";
import type { Port } from "./port.ts";
import { RpcServer } from "./rpc.ts";

/** What has changed in the pair is told so often while it runs. */
const CHANGED_MS = 250;

/** What is asked of both machines of a live pair. */
export interface LivePairApi {
  open(options: LaunchOptions): Promise<void>;
  run(how: PairRun): Promise<PairStop>;
  pause(): void;
  situation(): ReturnType<LivePair["situation"]>;
  input(bytes: Uint8Array): void;
  /** Everything is in the files. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Serves a live pair: what is about both on one port, and each machine's debuggee on one of its own. */
export class LivePairServer implements LivePairApi {
  readonly #rpc: RpcServer;
  readonly #servers: Readonly<Record<PairSide, DebuggeeServer>>;
  readonly #bell = new Bell();
  #pair: LivePair | undefined;
  #network: HostNetwork | undefined;
  #running: Promise<PairStop> | undefined;
  #changedMs = 0;

  constructor(port: Port, ports: Readonly<Record<PairSide, Port>>) {
    this.#rpc = new RpcServer(port, (method, args) =>
      (this[method as keyof LivePairApi] as (...args: unknown[]) => unknown).apply(this, [...args]),
    );
    const serve = (side: PairSide): DebuggeeServer => {
      const server: DebuggeeServer = new DebuggeeServer(
        ports[side],
        async (_options, emit, bell) => this.#opened.side(side).attach(emit, bell, () => server.renewed()),
        () => performance.now(),
      );
      return server;
    };
    this.#servers = { left: serve("left"), right: serve("right") };
  }

  async open(options: LaunchOptions): Promise<void> {
    const { lockstep } = options;
    if (!lockstep) throw new UserError("no-lockstep", "A pair was launched without saying what it is like.", 2);
    this.#network = await openNetwork(options.net, this.#bell);
    try {
      this.#pair = new LivePair(options, lockstep, this.#bell, this.#network);
    } catch (error) {
      this.#network?.close();
      throw error;
    }
  }

  async run(how: PairRun): Promise<PairStop> {
    if (this.#running !== undefined) throw new UserError("running", "The pair is running: pause it first.");
    this.#running = this.#opened.run(how, () => this.#look(true));
    try {
      return await this.#running;
    } finally {
      this.#running = undefined;
      this.#look(false);
    }
  }

  pause(): void {
    this.#pair?.pause();
  }

  situation() {
    return this.#opened.situation();
  }

  input(bytes: Uint8Array): void {
    this.#opened.input({ kind: "console-input", bytes });
  }

  flush(): Promise<void> {
    return this.#opened.flush();
  }

  async close(): Promise<void> {
    this.pause();
    await this.#running?.catch(() => {});
    this.#network?.close();
    await this.#pair?.close();
  }

  get #opened(): LivePair {
    if (this.#pair === undefined) throw new UserError("not-launched", "Nothing has been launched yet.");
    return this.#pair;
  }

  #look(isRunning: boolean): void {
    for (const server of Object.values(this.#servers)) server.look(isRunning);
    const now = performance.now();
    if (isRunning && now - this.#changedMs < CHANGED_MS) return;
    this.#changedMs = now;
    this.#rpc.event({ type: "changed" });
  }
}
