import { once } from "node:events";
import type { ObjectStore } from "@nats-io/obj";
import type { Msg, Subscription } from "@nats-io/transport-node";
import { ByteReader, ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import type { Channel } from "../lockstep/channel.ts";
import { frameHeader } from "../lockstep/link.ts";
import type { Message } from "../lockstep/message.ts";
import type { Nats } from "./nats-connection.ts";
import { openPages, type PairPlace } from "./pair-streams.ts";
import { StreamTail } from "./stream-tail.ts";

/** What a message at the server is: a frame, a part of one, or the name of an object that is one. */
const [WHOLE, PART, OBJECT] = [0, 1, 2];
/** Room for what stands before a part, and for the server's own headers. */
const HEADER_BYTES = 1024;
/** States and pages that are larger go through the object store. */
const LEAST_OBJECT_BYTES = 16 * 1024;
const CHUNK_BYTES = 512 * 1024;
/** No frame of the protocol comes near: a mebibyte of pages, the state of a machine without its memory. */
const MOST_FRAME_BYTES = 256 * 2 ** 20;
/** Frames whose parts have not all come; the oldest is dropped, and comes again. */
const MOST_PARTIAL = 8;
/** An object that has not come by then is asked for anew, when it is named again. */
const FETCH_MS = 5_000;
/** How often what both have been through is purged. */
const PURGE_MS = 1_000;
/** Of the messages of the log the server acknowledges one so often: what it says is wanted for the purge alone. */
const STORED_MS = 50;
/** After the server came back the partner has so much time to find it, too: its silence is no death before that. */
const GRACE_MS = 1_000;

export interface ChannelEnd {
  readonly nats: Nats;
  readonly place: PairPlace;
  /** Of the two members' time together: a name that nobody else has. */
  readonly session: string;
  readonly role: "primary" | "secondary";
  /** Something has arrived. */
  readonly onFrame: () => void;
  /** What goes wrong at the server, as a sentence. */
  readonly onTrouble?: (sentence: string) => void;
}

/**
 * A channel between two members through a NATS server. The log goes into a stream, which has it when a server comes back, and is
 * heard on the way there; states and pages go through an object store; signs of life and acknowledgements as messages that nobody keeps.
 */
export class NatsChannel implements Channel {
  readonly #end: ChannelEnd;
  readonly #store: ObjectStore;
  readonly #arrived: Uint8Array[] = [];
  readonly #partial = new Map<number, (Uint8Array | undefined)[]>();
  readonly #liveTo: string;
  readonly #logTo: string;
  readonly #mostBytes: number;
  #subscriptions: Subscription[] = [];
  #tail: StreamTail | undefined;
  #parts = 0;
  /** Frames that are in the object store, or on their way there, by number; since which message of its stream. */
  readonly #objects = new Map<number, { name: string; first: number; isThere: boolean }>();
  readonly #fetching = new Set<number>();
  /** Of frames that are not acknowledged: what messages they are of. */
  readonly #kinds = new Map<number, Message["kind"]>();
  /** Messages of the log's stream, and the frames that they are. */
  #stored: { readonly sequence: number; readonly message: number }[] = [];
  #logPurge: number | undefined;
  #storedMs = Number.NEGATIVE_INFINITY;
  #pagesPurge: number | undefined;
  readonly #purging: NodeJS.Timeout;
  #isAway = false;
  #graceUntilMs = 0;
  #isClosed = false;

  private constructor(end: ChannelEnd, store: ObjectStore) {
    const { nats, place, session, role } = end;
    this.#end = end;
    this.#store = store;
    this.#liveTo = place.liveSubject(session, role === "primary" ? "secondary" : "primary");
    this.#logTo = place.logSubject(session);
    this.#mostBytes = (nats.connection.info?.max_payload ?? 2 ** 20) - HEADER_BYTES;
    this.#purging = setInterval(() => void this.#purge(), PURGE_MS).unref();
    void this.#follow();
  }

  /** Resolves when what the other end sends would arrive. */
  static async open(end: ChannelEnd): Promise<NatsChannel> {
    const channel = new NatsChannel(end, await openPages(end.nats, end.place));
    await channel.#listen();
    return channel;
  }

  get isAway(): boolean {
    return this.#isAway || performance.now() < this.#graceUntilMs;
  }

  send(frame: Uint8Array): void {
    // What is not acknowledged is sent again.
    if (this.#isAway || this.#isClosed) return;
    const header = frameHeader(frame);
    if (header !== undefined) this.#forgetFetched(header.acknowledged);
    const sequence = header?.sequence ?? 0;
    const kind = header === undefined || sequence === 0 ? undefined : this.#kindOf(sequence, header.kind);
    const isBulk = kind === "snapshot" || kind === "page-hashes" || kind === "pages";
    if (isBulk && frame.length > LEAST_OBJECT_BYTES) void this.#put(sequence, frame);
    else if (kind === "log" && this.#end.role === "primary") this.#log(sequence, frame);
    else for (const message of this.#split(frame)) this.#end.nats.connection.publish(this.#liveTo, message);
  }

  receive(): Uint8Array | undefined {
    return this.#arrived.shift();
  }

  /** The connection stays. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#purging);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#tail?.close();
  }

  async #listen(): Promise<void> {
    const { nats, place, session, role } = this.#end;
    // The stream hears the log as a subscriber does: who waited for it to deliver would wait for its file and for its consumer.
    const subjects = [place.liveSubject(session, role), ...(role === "secondary" ? [this.#logTo] : [])];
    const callback = (error: Error | null, message: Msg) => {
      if (error === null) this.#take(message.data);
    };
    this.#subscriptions = subjects.map((subject) => nats.connection.subscribe(subject, { callback }));
    await nats.connection.flush();
  }

  /** What the log's stream has heard while this end was away; what has come already is dropped by whoever reads the frames. */
  #catchUp(): void {
    this.#tail?.close();
    const { nats, place } = this.#end;
    const tail = new StreamTail(nats, place.log, this.#logTo, 1, (message) => {
      this.#take(message.data);
      if (message.info.pending === 0) tail.close();
    });
    this.#tail = tail;
    void tail.resume();
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.#end.nats.connection.status()) {
      if (this.#isClosed) return;
      if (type === "disconnect") this.#isAway = true;
      if (type !== "reconnect") continue;
      this.#isAway = false;
      this.#graceUntilMs = performance.now() + GRACE_MS;
      if (this.#end.role === "secondary") this.#catchUp();
    }
  }

  /** Only the first frame of a message says what it is. */
  #kindOf(sequence: number, said: Message["kind"] | undefined): Message["kind"] | undefined {
    const kind = said ?? this.#kinds.get(sequence - 1) ?? this.#kinds.get(sequence);
    if (kind !== undefined) this.#kinds.set(sequence, kind);
    return kind;
  }

  #log(sequence: number, frame: Uint8Array): void {
    const { nats, onTrouble } = this.#end;
    for (const message of this.#split(frame)) {
      const nowMs = performance.now();
      if (nowMs - this.#storedMs < STORED_MS) {
        nats.connection.publish(this.#logTo, message);
        continue;
      }
      this.#storedMs = nowMs;
      nats.stream.publish(this.#logTo, message).then(
        ({ seq }) => this.#stored.push({ sequence, message: seq }),
        (error: Error) => {
          // The server is away: the frame is not acknowledged then, and comes again.
          if (!this.#isAway && !this.#isClosed && error.name !== "TimeoutError") {
            onTrouble?.(`The log cannot be written at ${nats.server}: ${error.message}.`);
          }
        },
      );
    }
  }

  #split(frame: Uint8Array): Uint8Array[] {
    if (frame.length + 1 <= this.#mostBytes) return [envelope(WHOLE, (writer) => writer.bytes(frame))];
    const id = this.#parts++;
    const count = Math.ceil(frame.length / this.#mostBytes);
    return Array.from({ length: count }, (_, index) =>
      envelope(PART, (writer) => {
        for (const value of [id, index, count]) writer.varint(value);
        writer.bytes(frame.subarray(index * this.#mostBytes, (index + 1) * this.#mostBytes));
      }),
    );
  }

  async #put(sequence: number, frame: Uint8Array): Promise<void> {
    const { nats, place, session } = this.#end;
    const known = this.#objects.get(sequence);
    if (known !== undefined) {
      if (known.isThere) this.#refer(sequence, known.name);
      return;
    }
    const object = { name: `${session}.${sequence}`, first: 0, isThere: false };
    this.#objects.set(sequence, object);
    try {
      object.first = (await nats.manager.streams.info(place.pagesStream)).state.last_seq + 1;
      const data = new ReadableStream<Uint8Array>({
        start: (controller) => {
          controller.enqueue(frame);
          controller.close();
        },
      });
      const options = { max_chunk_size: Math.min(CHUNK_BYTES, this.#mostBytes) };
      await this.#store.put({ name: object.name, options }, data);
      object.isThere = true;
      this.#refer(sequence, object.name);
    } catch {
      this.#objects.delete(sequence);
    }
  }

  #refer(sequence: number, name: string): void {
    if (this.#isAway || this.#isClosed) return;
    const message = envelope(OBJECT, (writer) => {
      writer.varint(sequence);
      writer.bytes(new TextEncoder().encode(name));
    });
    this.#end.nats.connection.publish(this.#liveTo, message);
  }

  #take(message: Uint8Array): void {
    const reader = new ByteReader(message);
    try {
      const kind = reader.u8();
      if (kind === WHOLE) this.#arrive(reader.rest());
      else if (kind === PART) this.#takePart(reader);
      else if (kind === OBJECT) {
        const sequence = reader.varint();
        void this.#fetch(sequence, new TextDecoder().decode(reader.rest()));
      } else throw new MalformedBytes("a message of something else");
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      // Who speaks something else is refused by whoever reads the frames.
      this.#arrive(message);
    }
  }

  #arrive(frame: Uint8Array): void {
    const header = frameHeader(frame);
    if (header !== undefined) this.#forgetSent(header.acknowledged);
    this.#arrived.push(new Uint8Array(frame.buffer, frame.byteOffset, frame.length));
    this.#end.onFrame();
  }

  #takePart(reader: ByteReader): void {
    const [id, index, count] = [reader.varint(), reader.varint(), reader.varint()];
    if (index >= count || count > MOST_FRAME_BYTES / HEADER_BYTES) throw new MalformedBytes("a part of nothing");
    let parts = this.#partial.get(id);
    if (parts === undefined) {
      parts = Array.from({ length: count });
      this.#partial.set(id, parts);
      if (this.#partial.size > MOST_PARTIAL) this.#partial.delete(this.#partial.keys().next().value!);
    }
    if (parts.length !== count) throw new MalformedBytes("parts of two frames");
    parts[index] = reader.rest();
    if (!parts.every((part) => part !== undefined)) return;
    this.#partial.delete(id);
    this.#arrive(Buffer.concat(parts));
  }

  async #fetch(sequence: number, name: string): Promise<void> {
    if (this.#fetching.has(sequence)) return;
    this.#fetching.add(sequence);
    const bytes = await this.#read(name).catch(() => undefined);
    if (this.#isClosed) return;
    // It is named again as long as it is not acknowledged.
    if (bytes === undefined) this.#fetching.delete(sequence);
    else this.#arrive(bytes);
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    const object = await this.#store.get(name);
    if (object === null || object.info.size > MOST_FRAME_BYTES) return undefined;
    const reader = object.data.getReader();
    const deadline = AbortSignal.timeout(FETCH_MS);
    const late = once(deadline, "abort").then(() => {
      throw new Error("late");
    });
    late.catch(() => {});
    const pieces: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) return Buffer.concat(pieces);
      pieces.push(value);
    }
  }

  /** The other end has these frames. */
  #forgetSent(acknowledged: number): void {
    // The last one says what the next goes on with.
    for (const sequence of this.#kinds.keys()) if (sequence < acknowledged) this.#kinds.delete(sequence);
    let count = 0;
    while (count < this.#stored.length && this.#stored[count].sequence <= acknowledged) count++;
    if (count > 0) {
      this.#logPurge = this.#stored[count - 1].message + 1;
      this.#stored = this.#stored.slice(count);
    }
    for (const [sequence, { isThere }] of this.#objects) {
      if (sequence > acknowledged || !isThere) continue;
      this.#objects.delete(sequence);
      this.#pagesPurge = 0;
    }
  }

  #forgetFetched(acknowledged: number): void {
    for (const sequence of this.#fetching) if (sequence <= acknowledged) this.#fetching.delete(sequence);
  }

  async #purge(): Promise<void> {
    const { nats, place, role } = this.#end;
    if (this.#isAway || role !== "primary") return;
    const { streams } = nats.manager;
    try {
      if (this.#logPurge !== undefined) {
        const seq = this.#logPurge;
        this.#logPurge = undefined;
        await streams.purge(place.log, { seq });
      }
      if (this.#pagesPurge !== undefined) {
        this.#pagesPurge = undefined;
        const needed = [...this.#objects.values()].map(({ first }) => first);
        // By number: a purge by subject makes a server of version 2.9 pass over what others have there.
        if (needed.every((first) => first > 0)) {
          const { state } = await streams.info(place.pagesStream);
          const seq = Math.min(state.last_seq + 1, ...needed);
          if (this.#objects.size === needed.length) await streams.purge(place.pagesStream, { seq });
        }
      }
    } catch {
      // The server is away for a moment, or the pair's streams are gone: the next purge takes more, or nothing.
    }
  }
}

function envelope(kind: number, write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u8(kind);
  write(writer);
  return writer.view();
}
