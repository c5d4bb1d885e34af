import { crc32, crc32Final, crc32Init, crc32Update } from "@foxglove/crc";
import { type McapChunkBuilder, McapConstants, McapRecordBuilder, type McapTypes } from "@mcap/core";
import { assert } from "../base/assert.ts";
import type { ByteSink, ChunkCodec } from "./recording-message.ts";

const { Opcode } = McapConstants;

/** The name by which MCAP's own tools know the compression. */
export const COMPRESSION = "zstd";

const CRC_BYTES = 4;

/**
 * An MCAP file being appended to. The library's McapWriter keeps one chunk, which only its size ends, and answers
 * through promises; a recording needs two kinds of chunk side by side and to end one when it is told to. The records
 * themselves are the library's.
 */
export class McapOutput {
  readonly #sink: ByteSink;
  readonly #codec: ChunkCodec;
  #records = new McapRecordBuilder();
  readonly #channels: McapTypes.Channel[] = [];
  readonly #chunks: McapTypes.ChunkIndex[] = [];
  readonly #attachments: McapTypes.AttachmentIndex[] = [];
  readonly #metadata: McapTypes.MetadataIndex[] = [];
  readonly #messageCounts = new Map<number, bigint>();
  #firstTime: bigint | undefined;
  #lastTime = 0n;
  #position = 0;
  #dataCrc = crc32Init();
  #state: "open" | "failed" | "ended" = "open";

  constructor(sink: ByteSink, codec: ChunkCodec, library: string) {
    this.#sink = sink;
    this.#codec = codec;
    this.#records.writeMagic();
    this.#records.writeHeader({ profile: "hindcast", library });
    this.#put();
  }

  /** Bytes written so far. */
  get position(): number {
    return this.#position;
  }

  channel(id: number, topic: string, messageEncoding: string): void {
    const channel = { id, schemaId: 0, topic, messageEncoding, metadata: new Map() };
    this.#channels.push(channel);
    this.#records.writeChannel(channel);
    this.#put();
  }

  metadata(name: string, values: ReadonlyMap<string, string>): void {
    const offset = BigInt(this.#position);
    const length = this.#records.writeMetadata({ name, metadata: new Map(values) });
    this.#metadata.push({ name, offset, length });
    this.#put();
  }

  attachment(name: string, mediaType: string, data: Uint8Array): void {
    const offset = BigInt(this.#position);
    const times = { logTime: 0n, createTime: 0n };
    const length = this.#records.writeAttachment({ ...times, name, mediaType, data });
    this.#attachments.push({ ...times, name, mediaType, offset, length, dataSize: BigInt(data.length) });
    this.#put();
    // The builder would keep room for the largest record that it ever made.
    this.#records = new McapRecordBuilder();
  }

  /** Writes what the chunk holds, with its indices, and empties it. Returns the offset of the Chunk record. */
  chunk(chunk: McapChunkBuilder): number {
    const data = chunk.buffer;
    const compressed = this.#codec.compress(data);
    const start = this.#position;
    const record = {
      messageStartTime: chunk.messageStartTime,
      messageEndTime: chunk.messageEndTime,
      uncompressedSize: BigInt(data.length),
      uncompressedCrc: crc32(data),
      compression: COMPRESSION,
      records: compressed,
    };
    const chunkLength = this.#records.writeChunk(record);
    const messageIndexOffsets = new Map<number, bigint>();
    let messageIndexLength = 0n;
    for (const index of chunk.indices) {
      messageIndexOffsets.set(index.channelId, BigInt(start) + chunkLength + messageIndexLength);
      messageIndexLength += this.#records.writeMessageIndex(index);
      const count = this.#messageCounts.get(index.channelId) ?? 0n;
      this.#messageCounts.set(index.channelId, count + BigInt(index.records.length));
    }
    this.#put();
    const { messageStartTime, messageEndTime, uncompressedSize } = record;
    this.#chunks.push({
      messageStartTime,
      messageEndTime,
      chunkStartOffset: BigInt(start),
      chunkLength,
      messageIndexOffsets,
      messageIndexLength,
      compression: COMPRESSION,
      compressedSize: BigInt(compressed.length),
      uncompressedSize,
    });
    if (this.#firstTime === undefined || messageStartTime < this.#firstTime) this.#firstTime = messageStartTime;
    if (messageEndTime > this.#lastTime) this.#lastTime = messageEndTime;
    chunk.reset();
    return start;
  }

  /** The end of the data and the summary section; nothing may follow. */
  end(): void {
    this.#records.writeDataEnd({ dataSectionCrc: crc32Final(this.#dataCrc) });
    this.#put();
    const summaryStart = BigInt(this.#position);
    const offsets: McapTypes.SummaryOffset[] = [];
    const group = (groupOpcode: number, write: () => void) => {
      const start = this.#records.length;
      write();
      const groupLength = BigInt(this.#records.length - start);
      if (groupLength > 0n) offsets.push({ groupOpcode, groupStart: summaryStart + BigInt(start), groupLength });
    };
    group(Opcode.CHANNEL, () => this.#channels.forEach((channel) => void this.#records.writeChannel(channel)));
    group(Opcode.STATISTICS, () => this.#records.writeStatistics(this.#statistics()));
    group(Opcode.METADATA_INDEX, () => this.#metadata.forEach((index) => void this.#records.writeMetadataIndex(index)));
    group(Opcode.ATTACHMENT_INDEX, () =>
      this.#attachments.forEach((index) => void this.#records.writeAttachmentIndex(index)),
    );
    group(Opcode.CHUNK_INDEX, () => this.#chunks.forEach((index) => void this.#records.writeChunkIndex(index)));
    const summaryOffsetStart = summaryStart + BigInt(this.#records.length);
    for (const offset of offsets) this.#records.writeSummaryOffset(offset);

    this.#records.writeFooter({ summaryStart, summaryOffsetStart, summaryCrc: 0 });
    // The checksum covers the summary and the footer up to the checksum itself, which is the footer's last field.
    const bytes = this.#records.buffer;
    this.#records.reset();
    const summaryCrc = crc32(bytes.subarray(0, bytes.length - CRC_BYTES));
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(bytes.length - CRC_BYTES, summaryCrc, true);
    this.#write(bytes);
    this.#write(Uint8Array.from(McapConstants.MCAP_MAGIC));
    this.#state = "ended";
  }

  #statistics(): McapTypes.Statistics {
    let messageCount = 0n;
    for (const count of this.#messageCounts.values()) messageCount += count;
    return {
      messageCount,
      schemaCount: 0,
      channelCount: this.#channels.length,
      attachmentCount: this.#attachments.length,
      metadataCount: this.#metadata.length,
      chunkCount: this.#chunks.length,
      messageStartTime: this.#firstTime ?? 0n,
      messageEndTime: this.#lastTime,
      channelMessageCounts: this.#messageCounts,
    };
  }

  /** Appends what the record builder holds. */
  #put(): void {
    assert(this.#state === "open", `the recording's file is ${this.#state}`);
    const bytes = this.#records.buffer;
    this.#records.reset();
    this.#dataCrc = crc32Update(this.#dataCrc, bytes);
    this.#write(bytes);
  }

  #write(bytes: Uint8Array): void {
    // Half a record may have reached the file when the sink throws: what came after it could not be found.
    this.#state = "failed";
    this.#sink.write(bytes);
    this.#state = "open";
    this.#position += bytes.length;
  }
}
