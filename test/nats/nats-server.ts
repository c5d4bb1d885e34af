import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const START_DEADLINE_MS = 20_000;

/** A NATS server on a port that was free, with a folder of its own; gone when the tests of its file are over. */
export class NatsServer {
  readonly folder = mkdtempSync(join(tmpdir(), "hindcast-nats-"));
  readonly #args: readonly string[];
  #configuration: readonly string[] = [];
  #process: ChildProcess | undefined;
  #port = -1;

  private constructor(args: readonly string[]) {
    this.#args = args;
  }

  /** `configuration`: what only a file can tell the server; `{folder}` in it is the server's own. */
  static async start(args: readonly string[] = ["-js"], configuration?: string): Promise<NatsServer> {
    const server = new NatsServer(args);
    if (configuration !== undefined) {
      const path = join(server.folder, "server.conf");
      writeFileSync(path, configuration.replaceAll("{folder}", server.folder));
      server.#configuration = ["-c", path];
    }
    after(async () => {
      await server.stop();
      rmSync(server.folder, { recursive: true, force: true });
    });
    await server.begin();
    return server;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Starts it, on the same port as before, with what it has stored. */
  async begin(): Promise<void> {
    const port = String(this.#port);
    const args = [
      ...this.#args,
      ...this.#configuration,
      "-a",
      "127.0.0.1",
      "-p",
      port,
      "-sd",
      join(this.folder, "store"),
    ];
    const child = spawn("nats-server", args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    let log = "";
    child.stderr.setEncoding("utf8");
    const deadline = setTimeout(() => child.kill("SIGKILL"), START_DEADLINE_MS);
    await new Promise<void>((resolve, reject) => {
      child.stderr.on("data", (text: string) => {
        log += text;
        const listening = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(log);
        if (listening !== null) this.#port = Number(listening[1]);
        if (log.includes("Server is ready")) resolve();
      });
      child.on("error", reject);
      child.on("exit", () => reject(new Error(`nats-server ended: ${log}`)));
    });
    clearTimeout(deadline);
  }

  /** `SIGKILL` loses what it has not written. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }
}
