import type { Instant } from "../base/brand.ts";
import { sameBytes } from "../base/same-bytes.ts";
import type { Outlet } from "../machine/inlet.ts";
import type { FrameLog } from "./frame-log.ts";
import type { OutputCursor, OutputLog } from "./output-log.ts";

export interface OutputMismatch {
  readonly instant: Instant;
  readonly expected: string;
  readonly got: string;
}

/** How much the machine has said. */
export interface Said {
  readonly outputBytes: number;
  readonly framesSent: number;
}

/** What hears of new history. */
export interface OutletListeners {
  onByte(instant: Instant, byte: number): void;
  onFrame(instant: Instant, frame: Uint8Array): void;
  /** Absent: what the guest prints is not answered. */
  isAnswered?(): boolean;
}

/** What the machine says: logged while it makes history, held against the log while it repeats it. */
export class TimelineOutlet implements Outlet {
  readonly #log: OutputLog;
  readonly #frames: FrameLog;
  readonly #listeners: OutletListeners;
  #live = false;
  /** Bytes that the machine has printed, and frames that it has sent. */
  #printed = 0;
  #framesSent = 0;
  #cursor: OutputCursor | undefined;
  #mismatch: OutputMismatch | undefined;
  #agreedAt = 0;

  constructor(log: OutputLog, frames: FrameLog, listeners: OutletListeners) {
    this.#log = log;
    this.#frames = frames;
    this.#listeners = listeners;
  }

  get printed(): number {
    return this.#printed;
  }

  get framesSent(): number {
    return this.#framesSent;
  }

  /** The first byte or frame that was not as recorded, since `goTo`. */
  get mismatch(): OutputMismatch | undefined {
    return this.#mismatch;
  }

  /** Instant of the newest byte or frame that was as recorded, since `goTo`; 0 before any. */
  get agreedAt(): Instant {
    return this.#agreedAt as Instant;
  }

  goTo({ outputBytes, framesSent }: Said): void {
    this.#printed = outputBytes;
    this.#framesSent = framesSent;
    this.#live = false;
    this.#cursor = undefined;
    this.#mismatch = undefined;
    this.#agreedAt = 0;
  }

  goLive(): void {
    this.#live = true;
  }

  /** In the past the log says when an answer comes. */
  get isAnswered(): boolean {
    return this.#live && (this.#listeners.isAnswered?.() ?? false);
  }

  consoleOutput(instant: Instant, byte: number): void {
    this.#printed++;
    if (!this.#live) {
      this.#check(instant, byte);
      return;
    }
    this.#log.append(instant, byte);
    this.#listeners.onByte(instant, byte);
  }

  networkOutput(instant: Instant, frame: Uint8Array): void {
    this.#framesSent++;
    if (!this.#live) {
      this.#checkFrame(instant, frame);
      return;
    }
    this.#frames.push(instant, frame);
    this.#listeners.onFrame(instant, frame);
  }

  /** What should have been said by steps before `instant` and was not, or the other way round. */
  missingBefore(instant: Instant): OutputMismatch | undefined {
    const expected = this.#log.countBefore(instant);
    if (expected !== undefined && expected !== this.#printed) {
      return { instant, expected: `${expected} bytes so far`, got: `${this.#printed}` };
    }
    const frames = this.#frames.countBefore(instant);
    if (frames === this.#framesSent) return undefined;
    return { instant, expected: `${frames} frames so far`, got: `${this.#framesSent}` };
  }

  #checkFrame(instant: Instant, frame: Uint8Array): void {
    const index = this.#framesSent - 1;
    if (this.#mismatch !== undefined || index < this.#frames.firstHeld) return;
    const recorded = this.#frames.at(index);
    const isSame = recorded !== undefined && sameBytes(recorded, frame);
    if (isSame && this.#frames.instantOf(index) === instant) {
      this.#agreedAt = instant;
      return;
    }
    const expected =
      recorded === undefined
        ? "no more frames"
        : `a frame of ${recorded.length} bytes at instant ${this.#frames.instantOf(index)}`;
    const contents = isSame ? "" : recorded === undefined ? "" : " with other contents";
    this.#mismatch = { instant, expected, got: `one of ${frame.length} bytes${contents} at instant ${instant}` };
  }

  #check(instant: Instant, byte: number): void {
    const offset = this.#printed - 1;
    // What the log no longer holds cannot be held against it.
    if (this.#mismatch !== undefined || offset < this.#log.firstHeld) return;
    this.#cursor ??= this.#log.from(offset);
    const cursor = this.#cursor;
    const isRecorded = cursor.advance();
    if (isRecorded && cursor.instant === instant && cursor.byte === byte) {
      this.#agreedAt = instant;
      return;
    }
    const expected = isRecorded ? `${describeByte(cursor.byte)} at instant ${cursor.instant}` : "nothing more";
    this.#mismatch = { instant, expected, got: `${describeByte(byte)} at instant ${instant}` };
  }
}

function describeByte(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `0x${byte.toString(16).padStart(2, "0")}`;
}
