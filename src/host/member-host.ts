import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type MessagePort, Worker } from "node:worker_threads";
import { SharedCompiler } from "./compile-thread.ts";
import { type ThreadEnd, threadEnds } from "./lockstep-channels.ts";
import type { ChannelEnd, FromMember, ToMember } from "./lockstep-protocol.ts";
import { SharedRing } from "./shared-ring.ts";
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
  /** What it shares with others has changed. */
  wake(): void;
  /** Ends it at once. */
  kill(): Promise<void>;
}

/** Where members live: each in a thread, or each in a process of its own. */
export interface MemberHosting {
  open(name: string, listener: MemberListener): MemberHost;
  /** Both ends of a new channel: first for who is there, second for who comes. */
  channel(): readonly [ChannelEnd, ChannelEnd];
  close(): Promise<void>;
}

/** What a member's thread begins with. */
export interface MemberThread {
  /** To the thread that makes the regions of all members: they run the same guest. */
  readonly compiler: MessagePort;
}

export class ThreadHosting implements MemberHosting {
  #compiler = SharedCompiler.start();

  open(name: string, listener: MemberListener): MemberHost {
    if (this.#compiler.isGone) this.#compiler = SharedCompiler.start();
    const workerData: MemberThread = { compiler: this.#compiler.join() };
    const worker = new Worker(workerUrl("lockstep-worker"), {
      name: `hindcast machine ${name}`,
      workerData,
      transferList: [workerData.compiler],
    });
    let fault: Error | undefined;
    /** It may hold its thread for what comes through one of these. */
    const rings: SharedRing[] = [];
    const wake = () => {
      for (const ring of rings) ring.wake();
    };
    worker.on("message", (message: FromMember) => listener.heard(message));
    worker.on("error", (error) => {
      fault = error as Error;
    });
    worker.on("exit", () => listener.gone(fault));
    return {
      post: (message) => {
        const end = threadEndOf(message);
        worker.postMessage(message, end === undefined ? [] : [end.port]);
        if (end !== undefined) rings.push(new SharedRing(end.receives));
        wake();
      },
      wake,
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

  close(): Promise<void> {
    return this.#compiler.close();
  }
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
      wake: () => {},
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

  async close(): Promise<void> {
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

function threadEndOf(message: ToMember): ThreadEnd | undefined {
  const channel = message.kind === "begin" || message.kind === "accept" ? message.channel : undefined;
  return channel?.kind === "thread" ? channel.end : undefined;
}
