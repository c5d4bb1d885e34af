import { rmdirSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Channel } from "../lockstep/channel.ts";
import { SharedRing } from "./shared-ring.ts";

/** How often the other end's socket is looked for, and how long: its process may have to start first. */
const CONNECT_EVERY_MS = 5;
const CONNECT_WITHIN_MS = 30_000;
const LENGTH_BYTES = 4;
/** Longer than any frame: who says so speaks something else. */
const MOST_FRAME_BYTES = 4 * 2 ** 20;

/** One end of a channel between two threads: memory that both have, and a port that closes when the other thread is gone. */
export interface ThreadEnd {
  readonly port: MessagePort;
  readonly sends: SharedArrayBuffer;
  readonly receives: SharedArrayBuffer;
}

/** Both ends of a new channel between threads. */
export function threadEnds(): readonly [ThreadEnd, ThreadEnd] {
  const { port1, port2 } = new MessageChannel();
  const [there, back] = [SharedRing.create(), SharedRing.create()];
  return [
    { port: port1, sends: there, receives: back },
    { port: port2, sends: back, receives: there },
  ];
}

/** Between two threads of a process. What has come is there without the event loop. */
export class ThreadChannel implements Channel {
  readonly isImmediate = true;
  readonly #port: MessagePort;
  readonly #sends: SharedRing;
  readonly #receives: SharedRing;
  readonly #onFrame: () => void;
  /** For which there was no room. */
  #backlog: Uint8Array[] = [];
  #isClosed = false;

  /** `onFrame` is called when none will come any more, and, for who has called `listen`, when one has. */
  constructor({ port, sends, receives }: ThreadEnd, onFrame: () => void) {
    this.#port = port;
    this.#onFrame = onFrame;
    this.#sends = new SharedRing(sends);
    this.#receives = new SharedRing(receives);
    // A port closes only for who listens to it.
    port.on("message", () => {});
    port.on("close", () => {
      this.#isClosed = true;
      this.#receives.wake();
      onFrame();
    });
  }

  get closed(): boolean {
    return this.#isClosed && this.#receives.isEmpty;
  }

  send(frame: Uint8Array): void {
    this.#flush();
    if (this.#isClosed) return;
    if (this.#backlog.length > 0 || !this.#sends.write(frame)) this.#backlog.push(frame);
  }

  receive(): Uint8Array | undefined {
    this.#flush();
    return this.#receives.read();
  }

  wait(ms: number): boolean {
    this.#flush();
    return !this.#isClosed && this.#receives.wait(ms);
  }

  listen(): void {
    this.#flush();
    if (!this.#isClosed) this.#receives.listen(this.#onFrame);
  }

  close(): void {
    this.#port.close();
  }

  #flush(): void {
    let written = 0;
    while (written < this.#backlog.length && this.#sends.write(this.#backlog[written])) written++;
    if (written > 0) this.#backlog = this.#backlog.slice(written);
    if (this.#isClosed) this.#backlog = [];
  }
}

function removeSocket(path: string): void {
  try {
    rmSync(path, { force: true });
    rmdirSync(dirname(path));
  } catch {
    // It is gone, or was no folder of its own.
  }
}

/** Between two processes of a machine: a socket that only its owner can open. One end listens, the other connects. */
export class SocketChannel implements Channel {
  readonly #onFrame: () => void;
  readonly #arrived: Uint8Array[] = [];
  #socket: Socket | undefined;
  #server: Server | undefined;
  /** Sent before there was a connection. */
  #early: Uint8Array[] = [];
  #received: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #isCorked = false;

  private constructor(onFrame: () => void) {
    this.#onFrame = onFrame;
  }

  /** The socket's folder is its own, and goes with it as soon as somebody has come: nobody may be left to do that later. */
  static listen(path: string, onFrame: () => void): SocketChannel {
    const channel = new SocketChannel(onFrame);
    const remove = () => removeSocket(path);
    process.once("exit", remove);
    const server = createServer((socket) => {
      server.close();
      process.off("exit", remove);
      remove();
      channel.#attach(socket);
    });
    channel.#server = server;
    server.on("error", () => channel.#close());
    server.listen(path);
    return channel;
  }

  static connect(path: string, onFrame: () => void): SocketChannel {
    const channel = new SocketChannel(onFrame);
    channel.#connect(path, performance.now() + CONNECT_WITHIN_MS);
    return channel;
  }

  get closed(): boolean {
    return this.#isClosed && this.#arrived.length === 0;
  }

  send(frame: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#socket === undefined) this.#early.push(frame);
    else this.#write(this.#socket, frame);
  }

  receive(): Uint8Array | undefined {
    return this.#arrived.shift();
  }

  close(): void {
    this.#server?.close();
    this.#socket?.destroy();
    this.#close();
  }

  #connect(path: string, untilMs: number): void {
    const socket = createConnection(path);
    const failed = () => {
      if (this.#isClosed || performance.now() > untilMs) this.#close();
      else setTimeout(() => this.#connect(path, untilMs), CONNECT_EVERY_MS);
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      socket.off("error", failed);
      if (this.#isClosed) socket.destroy();
      else this.#attach(socket);
    });
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("error", () => {});
    socket.on("close", () => this.#close());
    for (const frame of this.#early) this.#write(socket, frame);
    this.#early = [];
  }

  /** What is said in one turn leaves in one piece. */
  #write(socket: Socket, frame: Uint8Array): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        socket.uncork();
      });
    }
    const length = Buffer.allocUnsafe(LENGTH_BYTES);
    length.writeUInt32LE(frame.length);
    socket.write(length);
    socket.write(frame);
  }

  #take(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    let at = 0;
    while (this.#received.length - at >= LENGTH_BYTES) {
      const length = this.#received.readUInt32LE(at);
      if (length > MOST_FRAME_BYTES) {
        this.#socket?.destroy();
        return;
      }
      if (this.#received.length - at < LENGTH_BYTES + length) break;
      at += LENGTH_BYTES;
      this.#arrived.push(new Uint8Array(this.#received.subarray(at, at + length)));
      at += length;
    }
    if (at > 0) this.#received = this.#received.subarray(at);
    this.#onFrame();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onFrame();
  }
}
