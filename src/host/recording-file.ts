import { closeSync, constants, existsSync, openSync, readSync, rmSync, statSync, unlinkSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { UserError } from "../base/errors.ts";
import { CheckpointFile } from "../replay/checkpoint-file.ts";
import {
  messageBytes,
  type RecordingHeader,
  type RecordingMessage,
  type RecordingSink,
  transferList,
} from "../replay/recording-message.ts";
import { BOOKMARKS_EXTENSION } from "./bookmark-file.ts";
import { acquireRecordingLock, type RecordingLock } from "./recording-lock.ts";
import { FileByteSource } from "./recording-source.ts";
import { withSystemErrors } from "./system-errors.ts";
import { workerUrl } from "./worker-url.ts";
import type { FromWriter, ToWriter } from "./writer-protocol.ts";
import { ZSTD } from "./zstd.ts";

/** Devices are nobody's recording, and their folder is not ours to write. */
const NO_LOCK: RecordingLock = { release: () => {} };

/** Of the writer's thread: it holds messages for a moment only. */
const YOUNG_GENERATION_MB = 6;

const MCAP_MAGIC = Uint8Array.of(0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a);

/**
 * A recording being written: the machine's end of the post box to the writer's thread. The machine never waits for the
 * disk unless the recorder sees `backlogBytes` beyond its bound; then the driver sleeps until `onRoom`.
 */
export class RecordingFile implements RecordingSink {
  readonly path: string;
  /** The checkpoints that have reached the file, for travels into the far past of the run that is being recorded. */
  readonly checkpoints: CheckpointFile | undefined;
  readonly #source: FileByteSource | undefined;
  readonly #worker: Worker;
  readonly #lock: RecordingLock;
  readonly #onRoom: () => void;
  readonly #closed = Promise.withResolvers<void>();
  /** Who waits for a flush, in order. */
  #flushes: (() => void)[] = [];
  #backlogBytes = 0;
  #fileBytes = 0;
  #failure: string | undefined;
  #closing = false;

  private constructor(path: string, lock: RecordingLock, header: RecordingHeader, onRoom: () => void) {
    this.path = path;
    this.#lock = lock;
    this.#onRoom = onRoom;
    if (lock !== NO_LOCK) {
      this.#source = new FileByteSource(path, true);
      this.checkpoints = CheckpointFile.of(this.#source, ZSTD);
    }
    this.#worker = new Worker(workerUrl("writer-worker"), {
      name: "recording writer",
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#worker.on("message", (message: FromWriter) => this.#receive(message));
    this.#worker.on("error", (error) => this.#fail(`the writer's thread ended with a fault (${error.message})`));
    this.#worker.on("exit", () => this.#exited());
    // A run that has ended does not stay alive for its writer; `close` waits for it.
    this.#worker.unref();
    this.#send({ kind: "open", path, header }, packedBuffers(header));
  }

  /**
   * Begins a recording at `path`. An older recording there is replaced, anything else is left alone. `onRoom` is called
   * whenever the backlog has shrunk, and when the recording has failed. What was packed for the header goes to the
   * writer's thread and is gone here, disks apart. Throws a UserError when the file cannot be had.
   */
  static create(path: string, header: RecordingHeader, onRoom: () => void): RecordingFile {
    const lock = isDevice(path) ? NO_LOCK : acquireRecordingLock(path);
    try {
      // The writer's thread opens it again: a file belongs to the thread that opened it.
      withSystemErrors("recording-unwritable", `record to ${path}`, () => closeSync(openEmpty(path)));
      return new RecordingFile(path, lock, header, onRoom);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Bytes on disk. */
  get fileBytes(): number {
    return this.#fileBytes;
  }

  /** A sentence once nothing more can be written. What was written before stays. */
  get failure(): string | undefined {
    return this.#failure;
  }

  post(message: RecordingMessage): void {
    if (this.#failure !== undefined) return;
    const weight = messageBytes(message);
    // Who waits for room waits for the writer, and it may be that nothing else keeps the process alive.
    if (this.#backlogBytes === 0) this.#worker.ref();
    this.#backlogBytes += weight;
    this.#send({ kind: "message", message, weight }, transferList(message));
  }

  /**
   * Has the whole recording written, and closes it. A file that could not be written to its end is not left behind. Throws a
   * UserError when the disk did not take it.
   */
  async writeWhole(write: () => Promise<unknown>): Promise<void> {
    let isWhole = false;
    try {
      await write();
      isWhole = true;
    } finally {
      await this.close();
      if (!isWhole && this.#lock !== NO_LOCK) rmSync(this.path, { force: true });
    }
    if (this.#failure !== undefined) throw new UserError("recording-unwritable", this.#failure);
  }

  /** Resolves when everything that was posted is in the file, for other readers of it, or will never be. */
  async flush(): Promise<void> {
    if (this.#closing || this.#failure !== undefined) return;
    const flushed = Promise.withResolvers<void>();
    this.#flushes.push(flushed.resolve);
    this.#send({ kind: "flush" });
    await flushed.promise;
  }

  /** Writes what is pending, closes the file and ends the thread. May be called twice. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#worker.ref();
      this.#send({ kind: "close" });
    }
    await this.#closed.promise;
  }

  #send(message: ToWriter, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWriter): void {
    if (message.kind === "fault") {
      this.#fail(`the writer's thread had a fault (${message.message})`);
      return;
    }
    if (message.kind === "stored") {
      this.checkpoints?.add(message.checkpoint);
      return;
    }
    if (message.kind === "flushed") {
      this.#flushes.shift()?.();
      return;
    }
    this.#fileBytes = message.fileBytes;
    if (message.kind === "failed") this.#fail(message.reason);
    // After a failure nothing is owed any more.
    if (message.kind !== "taken" || this.#failure !== undefined) return;
    this.#backlogBytes -= message.weight;
    if (this.#backlogBytes === 0 && !this.#closing) this.#worker.unref();
    this.#onRoom();
  }

  #fail(reason: string): void {
    this.#failure ??=
      `The recording stopped growing: ${reason}. ` +
      `What was recorded until then is kept in ${this.path}; going on is possible, unrecorded.`;
    this.#backlogBytes = 0;
    if (!this.#closing) this.#worker.unref();
    this.#onRoom();
  }

  #exited(): void {
    for (const flushed of this.#flushes) flushed();
    this.#flushes = [];
    if (!this.#closing) this.#fail("the writer's thread ended");
    this.#lock.release();
    this.#source?.close();
    this.#closed.resolve();
  }
}

/** Buffers that were made for the recording only. The machine reads its packed disks. */
function packedBuffers({ images }: RecordingHeader): ArrayBuffer[] {
  return images.flatMap(({ role, bytes, packed }) => {
    const isOurs = packed !== undefined && role !== "disk" && bytes?.length === bytes?.buffer.byteLength;
    return isOurs && bytes !== undefined ? [bytes.buffer as ArrayBuffer] : [];
  });
}

function isDevice(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  return status !== undefined && !status.isFile() && !status.isDirectory();
}

function openEmpty(path: string): number {
  if (existsSync(path) && !isDevice(path)) clear(path);
  return openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
}

/**
 * Makes room for a new recording. An old one is unlinked, not emptied: whoever travels through it keeps it. A file that
 * is no recording is somebody's work and stays. Devices (/dev/null) are written as they are.
 */
function clear(path: string): void {
  checkReplaceable(path);
  unlinkSync(path);
  // They are of the old run.
  rmSync(`${path}${BOOKMARKS_EXTENSION}`, { force: true });
}

/** Throws a UserError when there is a file that is no recording. */
export function checkReplaceable(path: string): void {
  if (!existsSync(path) || isDevice(path)) return;
  const fd = openSync(path, constants.O_RDONLY);
  try {
    const head = new Uint8Array(MCAP_MAGIC.length);
    const length = readSync(fd, head, 0, head.length, 0);
    if (length > 0 && !MCAP_MAGIC.every((byte, index) => head[index] === byte)) {
      throw new UserError(
        "recording-not-replaced",
        `${path} exists and is not a recording: choose another name, or remove it first.`,
      );
    }
  } finally {
    closeSync(fd);
  }
}
