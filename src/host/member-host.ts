import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type TransferListItem, Worker } from "node:worker_threads";
import { threadEnds } from "./lockstep-channels.ts";
import type { ChannelEnd, FromMember, ToMember } from "./lockstep-protocol.ts";
import { workerUrl } from "./worker-url.ts";

/** What becomes of a member's thread or process. */
export interface MemberListener {
  heard(message: FromMember): void;
  /** It is gone; `fault` when it broke. */
  gone(fault: Error | undefined): void;
}

/** The thread or process of one member. */
export interface MemberHost {
  post(message: ToMember): void;
  /** Ends it at once. */
  kill(): Promise<void>;
}

/** Where members live: each in a thread, or each in a process of its own. */
export interface MemberHosting {
  open(name: string, listener: MemberListener): MemberHost;
  /** Both ends of a new channel: first for who is there, second for who comes. */
  channel(): readonly [ChannelEnd, ChannelEnd];
  close(): void;
}

export class ThreadHosting implements MemberHosting {
  open(name: string, listener: MemberListener): MemberHost {
    const worker = new Worker(workerUrl("lockstep-worker"), { name: `hindcast machine ${name}` });
    let fault: Error | undefined;
    worker.on("message", (message: FromMember) => listener.heard(message));
    worker.on("error", (error) => {
      fault = error as Error;
    });
    worker.on("exit", () => listener.gone(fault));
    return {
      post: (message) => worker.postMessage(message, transferred(message)),
      kill: async () => void (await worker.terminate()),
    };
  }

  channel(): readonly [ChannelEnd, ChannelEnd] {
    const [first, second] = threadEnds();
    return [
      { kind: "thread", end: first },
      { kind: "thread", end: second },
    ];
  }

  close(): void {}
}

export class ProcessHosting implements MemberHosting {
  /** Of sockets where nobody has come yet. */
  readonly #folders: string[] = [];
  #channels = 0;

  open(_name: string, listener: MemberListener): MemberHost {
    const child = fork(fileURLToPath(workerUrl("lockstep-worker")), {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    let isGone = false;
    const gone = new Promise<void>((resolve) => {
      child.on("exit", () => {
        isGone = true;
        resolve();
        listener.gone(undefined);
      });
    });
    // A message to who has died meanwhile: `exit` tells.
    child.on("error", () => {});
    child.on("message", (message) => listener.heard(message as FromMember));
    return {
      post: (message) => {
        if (!isGone && child.connected) child.send(message);
      },
      kill: async () => {
        if (!isGone) child.kill("SIGKILL");
        await gone;
      },
    };
  }

  channel(): readonly [ChannelEnd, ChannelEnd] {
    const path = this.#socketPath();
    return [
      { kind: "listen", path },
      { kind: "connect", path },
    ];
  }

  close(): void {
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }

  /** A socket lies where only this user comes; whoever listens takes the folder away. */
  #socketPath(): string {
    const name = String(++this.#channels);
    if (process.platform === "win32") return `\\\\.\\pipe\\hindcast-${process.pid}-${name}`;
    const folder = mkdtempSync(join(tmpdir(), "hindcast-"));
    this.#folders.push(folder);
    return join(folder, name);
  }
}

function transferred(message: ToMember): TransferListItem[] {
  const channel = message.kind === "begin" || message.kind === "accept" ? message.channel : undefined;
  return channel?.kind === "thread" ? [channel.end.port] : [];
}
