import { McapConstants, type McapTypes } from "@mcap/core";
import { type Instant, RESET_INSTANT } from "../base/brand.ts";
import { ByteReader, MalformedBytes } from "../base/byte-cursor.ts";
import { pageCountOf } from "../machine/configuration.ts";
import type { MachineStop } from "../machine/stop.ts";
import { CheckpointFile } from "./checkpoint-file.ts";
import { DigestLog } from "./digest-log.ts";
import { EventLog } from "./event-log.ts";
import { FrameLog } from "./frame-log.ts";
import { DamagedFile, McapInput, type RecordPlace } from "./mcap-input.ts";
import { OutputLog } from "./output-log.ts";
import { decodeBookmark, decodeCheckpoint, decodeDigest, decodeEvent, decodeOutput } from "./payload.ts";
import type { ByteSource, ChunkCodec, RecordingHeader } from "./recording-message.ts";
import { readPrologue, recordingChannels } from "./recording-prologue.ts";
import { CHANNEL_IDS, metadataCheck, SUMMARY_METADATA, TOPICS, type Topic } from "./recording-writer.ts";
import type { Bookmark } from "./timeline-interface.ts";

const { Opcode } = McapConstants;

/**
 * Most bytes of input and edits that are taken into memory from a recording: what people type and paste is far below,
 * and a small file whose chunks expand without end is not followed further.
 */
const MOST_EVENT_BYTES = 1024 * 1024 * 1024;

/** What the writer said last. */
interface Summary {
  readonly end: Instant;
  readonly reason: MachineStop | undefined;
}

/**
 * A recording that was opened: what led the run is in memory, checkpoints' pages are read when they are needed. A file
 * that was torn or damaged opens as far as it is good, with `complete` false and a sentence in `warnings`; one that
 * does not say which machine and program it is about is refused with a UserError.
 */
export class RecordingReader {
  readonly header: RecordingHeader;
  readonly events = new EventLog();
  readonly outputs: OutputLog;
  readonly frames = new FrameLog();
  readonly digests = new DigestLog();
  readonly checkpoints: CheckpointFile;
  readonly bookmarks: Bookmark[] = [];
  /** What a member of a pair saw of the protocol, as it was encoded, and up to which instant. */
  readonly lockstep: { readonly instant: Instant; readonly bytes: Uint8Array }[] = [];
  readonly warnings: string[] = [];
  /** The recording was ended in good order, the file is whole, and nothing in it is damaged as far as was read. */
  readonly complete: boolean;
  /** The newest instant that can be replayed to. */
  readonly end: Instant;
  /** Sound as far as it goes, but nobody has ended it: its writer was killed, or still writes. */
  readonly endsOpen: boolean;
  /** Why the run ended; undefined when it could have gone on. */
  readonly reason: MachineStop | undefined;
  readonly sizeBytes: number;
  readonly #input: McapInput;
  readonly #sequences = new Map<number, number>();
  #lastInstant = 0;
  #eventBytes = 0;

  constructor(source: ByteSource, codec: ChunkCodec, outputLogBytes?: number) {
    this.#input = new McapInput(source, codec, recordingChannels());
    this.sizeBytes = source.sizeBytes;
    this.outputs = new OutputLog(outputLogBytes);
    this.checkpoints = new CheckpointFile(() => this.#input);
    const prologue = readPrologue(this.#input);
    this.header = prologue.header;
    this.#lastInstant = this.first;

    const index = this.#readIndex();
    const { summary, damage } = this.#readAll(index ?? this.#walk(prologue.end));
    this.complete = summary !== undefined && damage === undefined && index !== undefined;
    this.end = (damage === undefined ? (summary?.end ?? this.#lastInstant) : this.#lastInstant) as Instant;
    this.reason = damage === undefined ? summary?.reason : undefined;
    this.endsOpen = summary === undefined && damage === undefined;
    this.bookmarks.sort((a, b) => a.instant - b.instant);
    const goodUpTo = `it is good up to instant ${this.end.toLocaleString("en-US")}, and what came later is missing`;
    if (damage !== undefined) {
      this.warnings.push(`The recording is damaged at byte ${damage.offset} (${damage.message}): ${goodUpTo}.`);
    } else if (summary === undefined) {
      this.warnings.push(`The recording was cut short, by a killed process or a full disk: ${goodUpTo}.`);
    } else if (index === undefined) {
      const end = this.end.toLocaleString("en-US");
      this.warnings.push(
        `The recording's index is missing or damaged: it was read from its beginning instead, and is good up to ` +
          `instant ${end}, where the run ended.`,
      );
    }
  }

  /** The instant at which the run begins. */
  get first(): Instant {
    return this.header.start?.instant ?? RESET_INSTANT;
  }

  /** Reads log chunks and metadata; what was said against them ends it. */
  #readAll(places: Iterable<RecordPlace>): { summary: Summary | undefined; damage: DamagedFile | undefined } {
    let summary: Summary | undefined;
    try {
      for (const place of places) {
        if (place.opcode === Opcode.METADATA) summary = this.#readSummary(place) ?? summary;
        else this.#readLogChunk(place);
      }
      if (summary !== undefined && summary.end < this.#lastInstant) {
        throw new DamagedFile(this.sizeBytes, `the summary ends at instant ${summary.end}`);
      }
      return { summary, damage: undefined };
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
      return { summary, damage: error };
    }
  }

  /** Log chunks and metadata in order, from the index; undefined when the file has no sound one. */
  #readIndex(): RecordPlace[] | undefined {
    const places: RecordPlace[] = [];
    try {
      const records = this.#input.summary();
      if (records === undefined) return undefined;
      for (const record of records) {
        if (record.type === "ChunkIndex") {
          if (record.messageIndexOffsets.has(CHANNEL_IDS.page)) continue;
          places.push(this.#placeAt(Number(record.chunkStartOffset)));
        } else if (record.type === "MetadataIndex" && record.name === SUMMARY_METADATA) {
          places.push(this.#placeAt(Number(record.offset)));
        }
      }
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
      return undefined;
    }
    return places.sort((a, b) => a.offset - b.offset);
  }

  #placeAt(offset: number): RecordPlace {
    const place = this.#input.placeAt(offset);
    if (place === undefined) throw new DamagedFile(offset, "the index points outside of the file");
    return place;
  }

  /** Log chunks and metadata in order, from one record to the next up to the tear. */
  *#walk(start: number): Generator<RecordPlace, void, void> {
    for (let offset = start; ; ) {
      const place = this.#input.placeAt(offset);
      if (place === undefined || place.opcode === Opcode.DATA_END) return;
      if (place.opcode === Opcode.CHUNK) {
        if (this.#input.channelOfChunk(place) !== CHANNEL_IDS.page) yield place;
      } else if (place.opcode === Opcode.METADATA) {
        yield place;
      } else if (place.opcode !== Opcode.MESSAGE_INDEX) {
        throw new DamagedFile(offset, `no record of kind ${place.opcode} belongs here`);
      }
      offset = place.offset + place.length;
    }
  }

  #readSummary(place: RecordPlace): Summary | undefined {
    const record = this.#input.record(place);
    if (record.type !== "Metadata" || record.name !== SUMMARY_METADATA) return undefined;
    const values = record.metadata;
    const end = Number(values.get("end"));
    if (values.get("check") !== metadataCheck(values) || !Number.isSafeInteger(end) || end < 0) {
      throw new DamagedFile(place.offset, "the checksum of the summary is wrong");
    }
    const reason: unknown = JSON.parse(values.get("reason") ?? "null", textAsBigint);
    return { end: end as Instant, reason: (reason ?? undefined) as MachineStop | undefined };
  }

  #readLogChunk(place: RecordPlace): void {
    for (const message of this.#input.messages(place)) {
      // A chunk of pages whose index is lost tells by its first message.
      if (message.channelId === CHANNEL_IDS.page) return;
      try {
        this.#readMessage(message, place.offset);
      } catch (error) {
        if (error instanceof MalformedBytes) throw new DamagedFile(place.offset, error.message);
        throw error;
      }
    }
  }

  #readMessage(message: McapTypes.Message, chunkOffset: number): void {
    const topic: Topic | undefined = TOPICS[message.channelId - 1];
    const expected = this.#sequences.get(message.channelId) ?? 0;
    if (message.sequence !== expected) throw new MalformedBytes(`${topic} ${message.sequence} instead of ${expected}`);
    this.#sequences.set(message.channelId, (expected + 1) >>> 0);
    if (message.logTime > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedBytes(`instant ${message.logTime}`);
    const instant = Number(message.logTime) as Instant;
    if (topic === "bookmark") {
      this.bookmarks.push({ instant, name: decodeBookmark(message.data) });
      return;
    }
    if (instant < this.#lastInstant) throw new MalformedBytes(`instant ${instant} after ${this.#lastInstant}`);
    this.#lastInstant = instant;
    if (topic === "event") this.#readEvent(instant, message.data);
    else if (topic === "output") this.#readOutput(instant, message.data);
    else if (topic === "frame") this.frames.push(instant, message.data.slice());
    else if (topic === "digest") this.#readDigest(instant, message.data);
    else if (topic === "lockstep") this.lockstep.push({ instant, bytes: message.data.slice() });
    else if (topic === "checkpoint") this.#readCheckpoint(instant, message.data, chunkOffset);
    else throw new MalformedBytes(`channel ${message.channelId}`);
  }

  #readEvent(instant: Instant, payload: Uint8Array): void {
    this.#eventBytes += payload.length;
    if (this.#eventBytes > MOST_EVENT_BYTES) throw new MalformedBytes("more input than can be taken into memory");
    this.events.push(decodeEvent(instant, payload));
  }

  #readOutput(instant: Instant, payload: Uint8Array): void {
    const { bytes, deltas } = decodeOutput(payload);
    const reader = new ByteReader(deltas);
    let at: number = instant;
    for (let index = 0; index < bytes.length; index++) {
      if (index > 0) at += reader.varint();
      if (!Number.isSafeInteger(at)) throw new MalformedBytes(`instant ${at}`);
      this.outputs.append(at, bytes[index]);
    }
    this.#lastInstant = at;
  }

  #readDigest(instant: Instant, payload: Uint8Array): void {
    const { digest, events } = decodeDigest(payload);
    if (events !== this.events.length) throw new MalformedBytes(`${events} events before a digest`);
    this.digests.push({ instant, events, digest });
  }

  #readCheckpoint(instant: Instant, payload: Uint8Array, chunkOffset: number): void {
    const stored = decodeCheckpoint(instant, payload);
    const mostPages = pageCountOf(this.header.configuration);
    if (stored.events !== this.events.length) throw new MalformedBytes(`${stored.events} events before a checkpoint`);
    if (stored.outputBytes !== this.outputs.length) {
      throw new MalformedBytes(`${stored.outputBytes} bytes printed before a checkpoint`);
    }
    if (stored.framesSent !== this.frames.length) {
      throw new MalformedBytes(`${stored.framesSent} frames sent before a checkpoint`);
    }
    const lists = [stored.zeroPages, stored.rewrittenPages ?? []].map((pages) => ({ offset: 0, pages }));
    for (const { offset, pages } of [...lists, ...stored.chunks]) {
      if (offset >= chunkOffset) throw new MalformedBytes("a checkpoint whose pages come after it");
      if (pages.length > 0 && pages[pages.length - 1] >= mostPages)
        throw new MalformedBytes("a page beyond memory and disks");
    }
    this.checkpoints.add(stored);
  }
}

/** 64-bit values of a stop were written as text. */
function textAsBigint(key: string, value: unknown): unknown {
  return (key === "tval" || key === "pc") && typeof value === "string" ? BigInt(value) : value;
}
