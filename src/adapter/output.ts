import type { SourcePosition } from "../debuggee/protocol.ts";
import type { Client } from "./client.ts";
import type { ConsoleBody } from "./custom-protocol.ts";
import type { Launch } from "./launch-arguments.ts";
import type { LogLinks } from "./log-links.ts";
import { formatInstant, toBase64 } from "./references.ts";
import type { Sources } from "./sources.ts";
import { Throttle } from "./throttle.ts";

/** Twenty times a second is as fast as anybody sees. */
const FLUSH_INTERVAL_MS = 50;

interface Bounds {
  readonly bytesPerFlush: number;
  /** More than is shown before the next flush is more than anybody reads; all of it is in the recording. */
  readonly pendingLimitBytes: number;
}
const BOUNDS: Readonly<Record<ConsoleMode, Bounds>> = {
  // 160 kB a second and about a thousand lines at a stop: what an editor's debug console takes without falling behind.
  internalConsole: { bytesPerFlush: 8 * 1024, pendingLimitBytes: 64 * 1024 },
  // Terminals are made for more.
  integratedTerminal: { bytesPerFlush: 64 * 1024, pendingLimitBytes: 1024 * 1024 },
};
const LOGS_PER_FLUSH = 100;
const LOGS_LIMIT = 1000;

type ConsoleMode = Launch["console"];

interface Chunk {
  readonly bytes: Uint8Array;
  readonly instant: number;
}

/**
 * The guest's console on its way to the client: gathered, at a bounded rate, within bounded memory. What does not fit is
 * left out, oldest first, and the gap is named.
 */
export class GuestConsole {
  readonly #client: Client;
  readonly #mode: ConsoleMode;
  readonly #bounds: Bounds;
  readonly #throttle: Throttle;
  #chunks: Chunk[] = [];
  #pending = 0;
  #skipped = 0;
  /** Offset in the console's output since reset of the first pending byte, and of the first skipped one before it. */
  #offset = 0;
  #decoder = new TextDecoder();

  constructor(client: Client, mode: ConsoleMode) {
    this.#client = client;
    this.#mode = mode;
    this.#bounds = BOUNDS[mode];
    this.#throttle = new Throttle(FLUSH_INTERVAL_MS, () => this.#flushSome());
  }

  push(bytes: Uint8Array, instant: number): void {
    this.#chunks.push({ bytes, instant });
    this.#pending += bytes.length;
    while (this.#pending > this.#bounds.pendingLimitBytes) this.#skip(this.#pending - this.#bounds.pendingLimitBytes);
    this.#throttle.request();
  }

  /** Everything at once: the user is about to look. */
  flush(): void {
    while (this.#pending > 0) this.#send(this.#take(this.#bounds.bytesPerFlush));
  }

  dispose(): void {
    this.#throttle.cancel();
  }

  #flushSome(): void {
    if (!this.#client.congested && this.#pending > 0) this.#send(this.#take(this.#bounds.bytesPerFlush));
    if (this.#pending > 0) this.#throttle.request();
  }

  #skip(bytes: number): void {
    this.#skipped += this.#take(Math.min(bytes, this.#chunks[0].bytes.length)).bytes.length;
  }

  /** Removes up to `most` bytes from the front. */
  #take(most: number): Chunk {
    const taken: Uint8Array[] = [];
    let size = 0;
    let instant = 0;
    while (size < most && this.#chunks.length > 0) {
      const [first] = this.#chunks;
      const part = first.bytes.subarray(0, most - size);
      instant = first.instant;
      taken.push(part);
      size += part.length;
      if (part.length === first.bytes.length) this.#chunks.shift();
      else this.#chunks[0] = { bytes: first.bytes.subarray(part.length), instant };
    }
    this.#pending -= size;
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const part of taken) {
      bytes.set(part, at);
      at += part.length;
    }
    return { bytes, instant };
  }

  #send({ bytes, instant }: Chunk): void {
    const skipped = this.#skipped;
    this.#skipped = 0;
    this.#offset += skipped;
    if (this.#mode === "integratedTerminal") {
      const body: ConsoleBody = { base64: toBase64(bytes), offset: this.#offset, instant };
      this.#client.event("hindcast/console", skipped === 0 ? body : { ...body, skipped });
    } else {
      if (skipped > 0) this.#startAfterGap(skipped);
      const output = this.#decoder.decode(bytes, { stream: true });
      if (output !== "") this.#client.event("output", { category: "stdout", output });
    }
    this.#offset += bytes.length;
  }

  #startAfterGap(skipped: number): void {
    this.#decoder = new TextDecoder();
    this.#client.say(
      `[${formatInstant(skipped)} bytes of console output left out here: the guest prints faster than this console shows; all of it is in the recording]`,
    );
  }
}

interface Log {
  readonly text: string;
  readonly source: SourcePosition | undefined;
  /** Of replay-only code: when it was logged, which the line says and leads to. */
  readonly instant?: number;
  /** The line leads there, and says so itself. */
  readonly leadsTo?: number;
}

/** Messages of log points, each with its place in the source, at a bounded rate like the console. */
export class LogMessages {
  readonly #client: Client;
  readonly #sources: Sources;
  readonly #links: LogLinks;
  readonly #throttle = new Throttle(FLUSH_INTERVAL_MS, () => this.#flushSome());
  #waiting: Log[] = [];
  #dropped = 0;

  constructor(client: Client, sources: Sources, links: LogLinks) {
    this.#client = client;
    this.#sources = sources;
    this.#links = links;
  }

  push(log: Log): void {
    this.#waiting.push(log);
    if (this.#waiting.length > LOGS_LIMIT) {
      this.#waiting.shift();
      this.#dropped++;
    }
    this.#throttle.request();
  }

  flush(): void {
    while (this.#waiting.length > 0) this.#send();
  }

  dispose(): void {
    this.#throttle.cancel();
  }

  #flushSome(): void {
    for (let sent = 0; sent < LOGS_PER_FLUSH && this.#waiting.length > 0 && !this.#client.congested; sent++)
      this.#send();
    if (this.#waiting.length > 0) this.#throttle.request();
  }

  #send(): void {
    if (this.#dropped > 0) {
      this.#client.say(`[${formatInstant(this.#dropped)} messages of log points left out here: they came too fast]`);
      this.#dropped = 0;
    }
    const { text, source, instant, leadsTo = instant } = this.#waiting.shift()!;
    const line = instant === undefined ? text : `[${formatInstant(instant)}] ${text}`;
    const output = line.endsWith("\n") ? line : `${line}\n`;
    const place = source === undefined ? {} : this.#sources.placeOf(source);
    const linked = leadsTo !== undefined && this.#client.followsLines;
    const link = linked ? { variablesReference: this.#links.add({ text: line, instant: leadsTo, source }) } : {};
    this.#client.event("output", { category: "console", output, ...place, ...link });
  }
}
