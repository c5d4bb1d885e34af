import { crc32 } from "@foxglove/crc";
import { McapChunkBuilder } from "@mcap/core";
import { assert } from "../base/assert.ts";
import type { MachineStop } from "../machine/stop.ts";
import { McapOutput } from "./mcap-output.ts";
import {
  encodeBookmark,
  encodeCheckpoint,
  encodeDigest,
  encodeEvent,
  encodeOutput,
  encodePage,
  type PageChunk,
  type StoredCheckpoint,
} from "./payload.ts";
import {
  type ByteSink,
  type ChunkCodec,
  RECORDING_VERSION,
  type RecordingHeader,
  type RecordingMessage,
} from "./recording-message.ts";

/** Topics in the order of their channel ids, which begin at 1: part of the format. */
export const TOPICS = ["event", "output", "checkpoint", "page", "digest", "bookmark", "frame", "lockstep"] as const;
export type Topic = (typeof TOPICS)[number];
export const CHANNEL_IDS = Object.fromEntries(TOPICS.map((topic, index) => [topic, index + 1])) as Record<
  Topic,
  number
>;

export const MESSAGE_ENCODING = "hindcast";
export const HEADER_METADATA = "hindcast";
export const SUMMARY_METADATA = "hindcast-summary";
export const PAGE_BYTES = 4096;

/** A chunk is written when it holds this much: what a killed process loses at most, and large enough to compress. */
const LOG_CHUNK_BYTES = 256 * 1024;
/** Pages of a checkpoint are read back chunk by chunk, some milliseconds each. */
const PAGE_CHUNK_BYTES = 1024 * 1024;

/** What is counted in the summary, so that a reader and a person can check what they hold. */
export interface RecordingCounts {
  events: number;
  outputBytes: number;
  checkpoints: number;
  pages: number;
  digests: number;
  bookmarks: number;
  frames: number;
  /** Messages; each tells of several things. */
  lockstep: number;
}

/**
 * Writes a recording, append-only: whatever becomes of the process, what was flushed opens. Everything but pages goes
 * into one row of chunks in the order it came; pages go into chunks of their own, always before the checkpoint that
 * names them, so that a reader takes them only when it needs them.
 *
 * Throws what the sink throws; a writer that has thrown writes nothing more.
 */
export class RecordingWriter {
  readonly #output: McapOutput;
  readonly #log = new McapChunkBuilder({});
  readonly #pages = new McapChunkBuilder({});
  readonly #sequences = new Map<Topic, number>();
  readonly #counts: RecordingCounts = {
    events: 0,
    outputBytes: 0,
    checkpoints: 0,
    pages: 0,
    digests: 0,
    bookmarks: 0,
    frames: 0,
    lockstep: 0,
  };
  readonly #onCheckpoint: ((stored: StoredCheckpoint) => void) | undefined;
  /** Chunks of pages since the last checkpoint, and the pages that are not in a chunk yet. */
  #pageChunks: PageChunk[] = [];
  #pendingPages: number[] = [];
  #ended = false;

  /** `onCheckpoint` hears of each checkpoint whose pages are in the file: `CheckpointFile.add` wants to know. */
  constructor(
    sink: ByteSink,
    header: RecordingHeader,
    codec: ChunkCodec,
    onCheckpoint?: (stored: StoredCheckpoint) => void,
  ) {
    this.#onCheckpoint = onCheckpoint;
    this.#output = new McapOutput(sink, codec, header.tool);
    this.#output.metadata(HEADER_METADATA, headerMetadata(header));
    for (const topic of TOPICS) this.#output.channel(CHANNEL_IDS[topic], topic, MESSAGE_ENCODING);
    header.images.forEach((image, index) => {
      if (image.bytes === undefined) return;
      const mediaType = image.role === "source" ? "text/plain" : "application/octet-stream";
      this.#output.attachment(attachmentName(index, image.name), mediaType, image.bytes);
    });
  }

  /** Bytes in the file, what waits in memory not counted. */
  get bytesWritten(): number {
    return this.#output.position;
  }

  get ended(): boolean {
    return this.#ended;
  }

  write(message: RecordingMessage): void {
    assert(!this.#ended, "a message after the end of the recording");
    switch (message.kind) {
      case "event":
        this.#counts.events++;
        this.#add("event", message.event.instant, encodeEvent(message.event));
        break;
      case "output":
        this.#counts.outputBytes += message.bytes.length;
        this.#add("output", message.instant, encodeOutput(message.bytes, message.deltas));
        break;
      case "frame":
        this.#counts.frames++;
        this.#add("frame", message.instant, message.frame);
        break;
      case "pages":
        this.#writePages(message);
        break;
      case "checkpoint":
        this.#writeCheckpoint(message);
        break;
      case "digest":
        this.#counts.digests++;
        this.#add("digest", message.instant, encodeDigest(message.digest, message.events));
        break;
      case "bookmark":
        this.#counts.bookmarks++;
        this.#add("bookmark", message.instant, encodeBookmark(message.name));
        break;
      case "lockstep":
        this.#counts.lockstep++;
        this.#add("lockstep", message.instant, message.bytes);
        break;
      case "end":
        this.#end(message.instant, message.reason);
        break;
    }
  }

  /** Writes what waits: after it, a killed process loses nothing that came before. */
  flush(): void {
    if (this.#log.numMessages > 0) this.#output.chunk(this.#log);
  }

  #add(topic: Topic, instant: number, data: Uint8Array): void {
    this.#log.addMessage(this.#message(topic, instant, data));
    if (this.#log.byteLength >= LOG_CHUNK_BYTES) this.flush();
  }

  #message(topic: Topic, instant: number, data: Uint8Array) {
    const sequence = this.#sequences.get(topic) ?? 0;
    this.#sequences.set(topic, (sequence + 1) >>> 0);
    return { channelId: CHANNEL_IDS[topic], sequence, logTime: BigInt(instant), publishTime: BigInt(instant), data };
  }

  #writePages(message: Extract<RecordingMessage, { kind: "pages" }>): void {
    assert(message.bytes.length === message.pages.length * PAGE_BYTES, "bytes and numbers of pages differ");
    this.#counts.pages += message.pages.length;
    message.pages.forEach((page, index) => {
      const bytes = message.bytes.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
      this.#pages.addMessage(this.#message("page", message.instant, encodePage(page, bytes)));
      this.#pendingPages.push(page);
      if (this.#pages.byteLength >= PAGE_CHUNK_BYTES) this.#flushPages();
    });
  }

  #flushPages(): void {
    if (this.#pendingPages.length === 0) return;
    const pages = Uint32Array.from(this.#pendingPages);
    this.#pageChunks.push({ offset: this.#output.chunk(this.#pages), pages });
    this.#pendingPages = [];
  }

  #writeCheckpoint(message: Extract<RecordingMessage, { kind: "checkpoint" }>): void {
    this.#flushPages();
    this.#counts.checkpoints++;
    const { kind: _, ...told } = message;
    const { instant } = told;
    const stored = { ...told, chunks: this.#pageChunks };
    this.#add("checkpoint", instant, encodeCheckpoint(stored));
    this.#pageChunks = [];
    this.#onCheckpoint?.(stored);
  }

  #end(end: number, reason: MachineStop | undefined): void {
    this.flush();
    const values = new Map([
      ["end", String(end)],
      ["reason", JSON.stringify(reason ?? null, bigintsAsText)],
      ["counts", JSON.stringify(this.#counts)],
    ]);
    this.#output.metadata(SUMMARY_METADATA, withCheck(values));
    this.#output.end();
    this.#ended = true;
  }
}

export function attachmentName(index: number, name: string): string {
  return `${index}:${name}`;
}

function headerMetadata(header: RecordingHeader): Map<string, string> {
  const images = header.images.map(({ role, name, sizeBytes, sha256, bytes, packed }) => {
    return { role, name, sizeBytes, sha256, embedded: bytes !== undefined, packed };
  });
  return withCheck(
    new Map([
      ["formatVersion", String(RECORDING_VERSION)],
      ["tool", header.tool],
      ["configuration", JSON.stringify(header.configuration)],
      ["images", JSON.stringify(images)],
      ...optional("start", header.start),
      ...optional("lockstep", header.lockstep),
    ]),
  );
}

function optional(key: string, value: object | undefined): [string, string][] {
  return value === undefined ? [] : [[key, JSON.stringify(value)]];
}

/** MCAP protects chunks and attachments by a checksum, but not metadata: it gets its own. */
function withCheck(values: Map<string, string>): Map<string, string> {
  return values.set("check", metadataCheck(values));
}

export function metadataCheck(values: ReadonlyMap<string, string>): string {
  const text = [...values].filter(([key]) => key !== "check").map(([key, value]) => `${key}=${value}\n`);
  return crc32(new TextEncoder().encode(text.sort().join("")))
    .toString(16)
    .padStart(8, "0");
}

/** Traps carry 64-bit values, which JSON has no numbers for. */
function bigintsAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `0x${value.toString(16)}` : value;
}
