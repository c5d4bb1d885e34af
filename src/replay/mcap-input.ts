import { crc32 } from "@foxglove/crc";
import { McapConstants, McapRecordBuilder, McapStreamReader, type McapTypes } from "@mcap/core";
import { ByteReader, MalformedBytes } from "../base/byte-cursor.ts";
import { UserError } from "../base/errors.ts";
import { COMPRESSION } from "./mcap-output.ts";
import type { ByteSource, ChunkCodec } from "./recording-message.ts";
import { sha256 } from "./sha256.ts";

const { Opcode, MCAP_MAGIC } = McapConstants;

/** Opcode and length of content. */
export const RECORD_HEADER_BYTES = 9;
export const MAGIC_BYTES = MCAP_MAGIC.length;
const CRC_BYTES = 4;
const FOOTER_BYTES = RECORD_HEADER_BYTES + 16 + CRC_BYTES;
const DATA_END_BYTES = RECORD_HEADER_BYTES + 4;
/** Of a chunk's first and last message. */
const CHUNK_TIMES_BYTES = 16;
/** Of a message, between its channel and its payload: sequence number and two times. */
const MESSAGE_TIMES_BYTES = 4 + 16;
const MESSAGE_HEAD_BYTES = 2 + MESSAGE_TIMES_BYTES;

/**
 * Most that one chunk may hold, compressed or not. The writer ends chunks at a mebibyte; one message may be larger
 * (input that was pasted, the state of a machine), but a length beyond this is damage or malice, and is not allocated.
 */
const MOST_CHUNK_BYTES = 64 * 1024 * 1024;
/** A chunk of the writer's, and what does not compress is a little larger. */
const MOST_ROOM_BYTES = 2 * 1024 * 1024;
/** Most that an embedded image may have: what fits in one buffer everywhere. */
const MOST_ATTACHMENT_BYTES = 1024 * 1024 * 1024;
/** Header, metadata, channels: text of our own. */
const MOST_SMALL_RECORD_BYTES = 16 * 1024 * 1024;
/** The index takes about 200 bytes a chunk of a mebibyte. */
const MOST_SUMMARY_BYTES = 256 * 1024 * 1024;

/** Bytes that say something impossible, at an offset of the file. */
export class DamagedFile extends Error {
  override readonly name = "DamagedFile";
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

export interface RecordPlace {
  readonly opcode: number;
  readonly offset: number;
  /** Of the record with its header, in bytes. */
  readonly length: number;
}

export type McapRecord = McapTypes.TypedMcapRecord;

/**
 * An MCAP file read at random and synchronously. Finds records by their lengths and leaves what is in them to the
 * library's parser, record by record, so that no length is believed before it was checked against the file.
 */
export class McapInput {
  readonly #source: ByteSource;
  readonly #codec: ChunkCodec;
  readonly #channels: Uint8Array;
  /** Where chunks are read before they are expanded: memory that is new costs more than what it is filled with. */
  #room = new Uint8Array(0);

  /** `channels` are those that messages may refer to. */
  constructor(source: ByteSource, codec: ChunkCodec, channels: readonly McapTypes.Channel[]) {
    this.#source = source;
    this.#codec = codec;
    const builder = new McapRecordBuilder();
    for (const channel of channels) builder.writeChannel(channel);
    this.#channels = builder.buffer;
  }

  get name(): string | undefined {
    return this.#source.name;
  }

  get sizeBytes(): number {
    return this.#source.sizeBytes;
  }

  /** SHA-256 of any bytes, 64 hex digits. */
  hash(bytes: Uint8Array): string {
    return this.#codec.sha256?.(bytes) ?? sha256(bytes);
  }

  magicAt(offset: number): boolean {
    const magic = this.#source.read(offset, MAGIC_BYTES);
    return magic.length === MAGIC_BYTES && MCAP_MAGIC.every((byte, index) => byte === magic[index]);
  }

  /** The record that begins at `offset`; undefined when the file ends before it does. */
  placeAt(offset: number): RecordPlace | undefined {
    const header = this.#source.read(offset, RECORD_HEADER_BYTES);
    if (header.length < RECORD_HEADER_BYTES) return undefined;
    const content = new DataView(header.buffer, header.byteOffset).getBigUint64(1, true);
    const opcode = header[0];
    if (opcode === 0) throw new DamagedFile(offset, "no record begins here");
    if (content > BigInt(this.#source.sizeBytes - offset - RECORD_HEADER_BYTES)) return undefined;
    return { opcode, offset, length: RECORD_HEADER_BYTES + Number(content) };
  }

  /** The one record at `place`; not for chunks. */
  record(place: RecordPlace): McapRecord {
    const most = place.opcode === Opcode.ATTACHMENT ? MOST_ATTACHMENT_BYTES : MOST_SMALL_RECORD_BYTES;
    const [record, ...others] = this.#parse(place, most);
    if (record === undefined || others.length > 0) throw new DamagedFile(place.offset, "not one record");
    return record;
  }

  /** Messages of the chunk at `place`, in order; their data are views that stay valid. */
  messages(place: RecordPlace): McapTypes.Message[] {
    if (place.opcode !== Opcode.CHUNK) throw new DamagedFile(place.offset, "not a chunk");
    const messages: McapTypes.Message[] = [];
    for (const record of this.#parse(place, MOST_CHUNK_BYTES)) {
      if (record.type === "Message") messages.push(record);
    }
    return messages;
  }

  /**
   * Payloads of the chunk at `place`, in order; all messages are of one channel. They are views of what the chunk expands to. The
   * library's parser, which copies each message twice, took most of the time of a long way through the file.
   */
  payloads(place: RecordPlace, channelId: number): Uint8Array[] {
    if (place.opcode !== Opcode.CHUNK) throw new DamagedFile(place.offset, "not a chunk");
    try {
      const chunk = new ByteReader(this.#bytesOf(place, MOST_CHUNK_BYTES, this.#roomFor(place.length)));
      chunk.bytes(RECORD_HEADER_BYTES + CHUNK_TIMES_BYTES);
      const size = chunk.big64();
      const crc = chunk.u32();
      const compression = new TextDecoder().decode(chunk.bytes(chunk.u32()));
      if (compression !== COMPRESSION) throw new MalformedBytes(`compressed by ${compression}`);
      const compressed = chunk.bytes(chunk.u64());
      chunk.end();
      const bytes = this.#decompress(compressed, size);
      if ((this.#codec.crc32?.(bytes) ?? crc32(bytes)) !== crc)
        throw new MalformedBytes("the checksum of a chunk is wrong");
      return messagePayloads(bytes, channelId);
    } catch (error) {
      // Decompressors throw plain errors: the bytes are at fault, whatever the class.
      if (error instanceof UserError || error instanceof DamagedFile) throw error;
      throw new DamagedFile(place.offset, error instanceof Error ? error.message : String(error));
    }
  }

  /** Channel of the messages in a chunk, from the index record behind it; undefined when the file ends first. */
  channelOfChunk(place: RecordPlace): number | undefined {
    const index = this.placeAt(place.offset + place.length);
    if (index?.opcode !== Opcode.MESSAGE_INDEX) return undefined;
    const id = this.#source.read(index.offset + RECORD_HEADER_BYTES, 2);
    return id.length === 2 ? id[0] | (id[1] << 8) : undefined;
  }

  /**
   * DataEnd and the summary section, when the file ends as a complete one does, else undefined. Throws when the
   * summary is damaged.
   */
  summary(): McapRecord[] | undefined {
    const footerOffset = this.#source.sizeBytes - MAGIC_BYTES - FOOTER_BYTES;
    if (footerOffset < MAGIC_BYTES || !this.magicAt(footerOffset + FOOTER_BYTES)) return undefined;
    const footer = this.#source.read(footerOffset, FOOTER_BYTES);
    const view = new DataView(footer.buffer, footer.byteOffset, footer.byteLength);
    if (footer[0] !== Opcode.FOOTER) return undefined;
    const start = Number(view.getBigUint64(RECORD_HEADER_BYTES, true));
    const offset = start - DATA_END_BYTES;
    if (offset < MAGIC_BYTES || start > footerOffset) throw new DamagedFile(footerOffset, `a summary at ${start}`);
    const length = this.#source.sizeBytes - offset;
    if (length > MOST_SUMMARY_BYTES) throw new DamagedFile(start, `a summary of ${length} bytes`);
    const bytes = this.#source.read(offset, length);
    const checked = bytes.subarray(DATA_END_BYTES, bytes.length - MAGIC_BYTES - CRC_BYTES);
    if (crc32(checked) !== view.getUint32(FOOTER_BYTES - CRC_BYTES, true)) {
      throw new DamagedFile(start, "the checksum of the summary is wrong");
    }
    return parseRecords(offset, bytes, {});
  }

  #parse(place: RecordPlace, most: number): McapRecord[] {
    const bytes = this.#bytesOf(place, most);
    if (place.opcode !== Opcode.CHUNK) return parseRecords(place.offset, bytes, {});
    // The parser wants to have seen the channels that the messages of a chunk refer to.
    const withChannels = new Uint8Array(this.#channels.length + bytes.length);
    withChannels.set(this.#channels);
    withChannels.set(bytes, this.#channels.length);
    return parseRecords(place.offset, withChannels, { [COMPRESSION]: (data, size) => this.#decompress(data, size) });
  }

  #roomFor(length: number): Uint8Array {
    if (this.#room.length < length && length <= MOST_ROOM_BYTES) this.#room = new Uint8Array(MOST_ROOM_BYTES);
    return this.#room;
  }

  #bytesOf(place: RecordPlace, most: number, room?: Uint8Array): Uint8Array {
    if (place.length > most) throw new DamagedFile(place.offset, `a record of ${place.length} bytes`);
    const bytes = this.#source.read(place.offset, place.length, room);
    if (bytes.length < place.length) throw new DamagedFile(place.offset, "the file became shorter");
    return bytes;
  }

  #decompress(compressed: Uint8Array, size: bigint): Uint8Array {
    if (size > BigInt(MOST_CHUNK_BYTES)) throw new MalformedBytes(`a chunk of ${size} bytes`);
    const bytes = this.#codec.decompress(compressed, Number(size));
    if (bytes.length !== Number(size)) throw new MalformedBytes(`${bytes.length} bytes instead of ${size}`);
    return bytes;
  }
}

/** Payloads of the message records in `bytes`, and nothing else is in them. */
function messagePayloads(bytes: Uint8Array, channelId: number): Uint8Array[] {
  // A host's decompressor may give a buffer of another class, whose slices are no copies.
  const reader = new ByteReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  const payloads: Uint8Array[] = [];
  while (reader.offset < bytes.length) {
    if (reader.u8() !== Opcode.MESSAGE) throw new MalformedBytes("not a message");
    const length = reader.u64();
    if (length < MESSAGE_HEAD_BYTES) throw new MalformedBytes(`a message of ${length} bytes`);
    if (reader.u16() !== channelId) throw new MalformedBytes("a message of another channel");
    reader.bytes(MESSAGE_TIMES_BYTES);
    payloads.push(reader.bytes(length - MESSAGE_HEAD_BYTES));
  }
  return payloads;
}

/** Records in `bytes`. Whatever the parser says against them is damage at `offset`. */
function parseRecords(offset: number, bytes: Uint8Array, decompressHandlers: McapTypes.DecompressHandlers) {
  try {
    const reader = new McapStreamReader({ noMagicPrefix: true, decompressHandlers });
    reader.append(bytes);
    const records: McapRecord[] = [];
    for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) records.push(record);
    if (reader.bytesRemaining() > 0) throw new MalformedBytes("a record that is cut short");
    return records;
  } catch (error) {
    // The parser throws plain errors, and so do decompressors: the bytes are at fault, whatever the class.
    throw new DamagedFile(offset, error instanceof Error ? error.message : String(error));
  }
}
