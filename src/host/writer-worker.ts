import { constants, openSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import type { StoredCheckpoint } from "../replay/payload.ts";
import { RecordingWriter } from "../replay/recording-writer.ts";
import { AppendFile } from "./append-file.ts";
import { isSystemError, systemReason } from "./system-errors.ts";
import type { FromWriter, ToWriter } from "./writer-protocol.ts";
import { ZSTD } from "./zstd.ts";

/** A killed process loses at most this much of its last moments. */
const FLUSH_INTERVAL_MS = 250;
/** And a power failure at most this much: asking for more would wear out disks and slow down everybody on them. */
const SYNC_INTERVAL_MS = 2000;
/** Acknowledged together, so that a flood of small messages does not cost as many answers. */
const ACKNOWLEDGE_BYTES = 256 * 1024;

/** The thread that owns a recording's file. Disk errors end the writing, never the machine. */
class WriterThread {
  readonly #reply: (message: FromWriter) => void;
  #file: AppendFile | undefined;
  #writer: RecordingWriter | undefined;
  #untold = 0;
  #syncedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(reply: (message: FromWriter) => void) {
    this.#reply = reply;
  }

  receive(message: ToWriter): void {
    switch (message.kind) {
      case "open":
        this.#attempt(() => {
          this.#file = new AppendFile(openSync(message.path, constants.O_WRONLY));
          const onCheckpoint = (checkpoint: StoredCheckpoint) => this.#reply({ kind: "stored", checkpoint });
          this.#writer = new RecordingWriter(this.#file, message.header, ZSTD, onCheckpoint);
        });
        for (const { bytes } of message.header.images) free(bytes);
        this.#timer = setInterval(() => this.#flush(), FLUSH_INTERVAL_MS);
        return;
      case "message":
        this.#attempt(() => this.#writer?.write(message.message));
        if (message.message.kind === "pages") free(message.message.bytes);
        this.#untold += message.weight;
        if (this.#untold >= ACKNOWLEDGE_BYTES) this.#acknowledge();
        return;
      case "flush":
        this.#attempt(() => this.#writer?.flush());
        this.#reply({ kind: "flushed" });
        return;
      case "close":
        this.#close();
    }
  }

  #flush(): void {
    this.#attempt(() => this.#writer?.flush());
    const now = performance.now();
    if (now - this.#syncedAtMs >= SYNC_INTERVAL_MS) {
      this.#syncedAtMs = now;
      this.#attempt(() => this.#file?.sync());
    }
    this.#acknowledge();
  }

  #acknowledge(): void {
    this.#reply({ kind: "taken", weight: this.#untold, fileBytes: this.#file?.length ?? 0 });
    this.#untold = 0;
  }

  #close(): void {
    clearInterval(this.#timer);
    this.#attempt(() => this.#writer?.flush());
    this.#attempt(() => this.#file?.sync());
    this.#attempt(() => this.#file?.close());
    this.#reply({ kind: "closed", fileBytes: this.#file?.length ?? 0 });
    port.close();
  }

  /** After the first disk error nothing is attempted any more but closing. */
  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#writer = undefined;
      if (!isSystemError(error)) {
        this.#reply({ kind: "fault", message: error instanceof Error ? error.message : String(error) });
        return;
      }
      this.#reply({ kind: "failed", reason: systemReason(error), fileBytes: this.#file?.length ?? 0 });
    }
  }
}

/** At once: this thread allocates so little that its collector seldom comes by, least of all when the guest waits. */
function free(bytes: Uint8Array | undefined): void {
  const buffer = bytes?.buffer as ArrayBuffer | undefined;
  // Small files come together in one buffer.
  if (buffer?.detached === false) buffer.transfer(0);
}

assert(parentPort !== null, "the writer is a worker");
const port = parentPort;
const thread = new WriterThread((message) => port.postMessage(message));
port.on("message", (message: ToWriter) => thread.receive(message));
