import { createConnection, createServer, type Server, type Socket } from "node:net";
import type { MessagePort } from "node:worker_threads";
import type { Channel } from "../lockstep/channel.ts";

/** Shorter frames are copied: to hand over a buffer costs more than that. */
const LEAST_TRANSFERRED_BYTES = 16 * 1024;
/** How often the other end's socket is looked for, and how long: its process may have to start first. */
const CONNECT_EVERY_MS = 5;
const CONNECT_WITHIN_MS = 30_000;
const LENGTH_BYTES = 4;
/** Longer than any frame: who says so speaks something else. */
const MOST_FRAME_BYTES = 4 * 2 ** 20;

/** Between two threads of a process. */
export class PortChannel implements Channel {
  readonly #port: MessagePort;
  readonly #arrived: Uint8Array[] = [];
  #isClosed = false;

  /** `onFrame` is called when a frame has come, or none will any more. */
  constructor(port: MessagePort, onFrame: () => void) {
    this.#port = port;
    port.on("message", (frame: Uint8Array) => {
      this.#arrived.push(frame);
      onFrame();
    });
    port.on("close", () => {
      this.#isClosed = true;
      onFrame();
    });
  }

  get closed(): boolean {
    return this.#isClosed && this.#arrived.length === 0;
  }

  send(frame: Uint8Array): void {
    if (this.#isClosed) return;
    if (frame.length < LEAST_TRANSFERRED_BYTES) this.#port.postMessage(frame.slice());
    else this.#port.postMessage(frame, [frame.buffer as ArrayBuffer]);
  }

  /** What the event loop has brought: to look into the port (`receiveMessageOnPort`) as it closes ends Node 24 with a segmentation fault. */
  receive(): Uint8Array | undefined {
    return this.#arrived.shift();
  }

  close(): void {
    this.#port.close();
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

  static listen(path: string, onFrame: () => void): SocketChannel {
    const channel = new SocketChannel(onFrame);
    const server = createServer((socket) => {
      server.close();
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
