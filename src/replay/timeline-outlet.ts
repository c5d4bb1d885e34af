import type { Instant } from "../base/brand.ts";
import type { Outlet } from "../machine/inlet.ts";
import type { OutputCursor, OutputLog } from "./output-log.ts";

export interface OutputMismatch {
  readonly instant: Instant;
  readonly expected: string;
  readonly got: string;
}

/** What the machine says: logged while it makes history, held against the log while it repeats it. */
export class TimelineOutlet implements Outlet {
  readonly #log: OutputLog;
  readonly #onByte: (instant: Instant, byte: number) => void;
  #live = false;
  /** Bytes that the machine has printed. */
  #printed = 0;
  #cursor: OutputCursor | undefined;
  #mismatch: OutputMismatch | undefined;
  #agreedAt = 0;

  constructor(log: OutputLog, onByte: (instant: Instant, byte: number) => void) {
    this.#log = log;
    this.#onByte = onByte;
  }

  get printed(): number {
    return this.#printed;
  }

  /** The first byte that was not as recorded, since `goTo`. */
  get mismatch(): OutputMismatch | undefined {
    return this.#mismatch;
  }

  /** Instant of the newest byte that was as recorded, since `goTo`; 0 before any. */
  get agreedAt(): Instant {
    return this.#agreedAt as Instant;
  }

  goTo(printed: number): void {
    this.#printed = printed;
    this.#live = false;
    this.#cursor = undefined;
    this.#mismatch = undefined;
    this.#agreedAt = 0;
  }

  goLive(): void {
    this.#live = true;
  }

  consoleOutput(instant: Instant, byte: number): void {
    this.#printed++;
    if (!this.#live) {
      this.#check(instant, byte);
      return;
    }
    this.#log.append(instant, byte);
    this.#onByte(instant, byte);
  }

  /** Bytes that should have been printed by steps before `instant` and were not, or the other way round. */
  missingBefore(instant: Instant): OutputMismatch | undefined {
    const expected = this.#log.countBefore(instant);
    if (expected === undefined || expected === this.#printed) return undefined;
    return { instant, expected: `${expected} bytes so far`, got: `${this.#printed}` };
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
