import { distance } from "./wire.ts";

/** RFC 6298; the least is below its second, since the wire has no length, and above the 200 ms that guests delay. */
const FIRST_TIMEOUT_MS = 1000;
const LEAST_TIMEOUT_MS = 300;
const MOST_TIMEOUT_MS = 8000;
/** Times in a row that something is sent again before its connection is given up. */
const MOST_RETRIES = 12;

/** When to send again what was not acknowledged. */
export class RetransmissionTimer {
  #deadlineMs: number | undefined;
  #timeoutMs = FIRST_TIMEOUT_MS;
  #smoothedMs: number | undefined;
  #variationMs = 0;
  #retries = 0;
  /** What is being timed; nothing that was sent twice is, since nobody knows which one was answered (Karn). */
  #timed: { readonly end: number; readonly sentMs: number } | undefined;

  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  /** Something new was sent, up to the sequence number `end`. */
  sent(end: number, nowMs: number): void {
    this.#timed ??= { end, sentMs: nowMs };
    this.start(nowMs);
  }

  /** Sets the timer, unless it runs. */
  start(nowMs: number): void {
    this.#deadlineMs ??= nowMs + this.#timeoutMs;
  }

  restart(nowMs: number): void {
    this.#deadlineMs = nowMs + this.#timeoutMs;
  }

  stop(): void {
    this.#deadlineMs = undefined;
  }

  resent(): void {
    this.#timed = undefined;
  }

  /** Everything before `acknowledgement` has arrived; `more`: something is still under way. */
  acknowledged(acknowledgement: number, nowMs: number, more: boolean): void {
    this.#retries = 0;
    const timed = this.#timed;
    if (timed !== undefined && distance(acknowledgement, timed.end) >= 0) {
      this.#timed = undefined;
      this.#measure(nowMs - timed.sentMs);
    }
    if (more) this.restart(nowMs);
    else this.stop();
  }

  /** The time is up. False: it was so too often. */
  backOff(nowMs: number, isCounted: boolean): boolean {
    this.#timed = undefined;
    if (isCounted && ++this.#retries > MOST_RETRIES) return false;
    this.#timeoutMs = Math.min(this.#timeoutMs * 2, MOST_TIMEOUT_MS);
    this.restart(nowMs);
    return true;
  }

  #measure(roundTripMs: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = roundTripMs;
      this.#variationMs = roundTripMs / 2;
    } else {
      this.#variationMs = 0.75 * this.#variationMs + 0.25 * Math.abs(this.#smoothedMs - roundTripMs);
      this.#smoothedMs = 0.875 * this.#smoothedMs + 0.125 * roundTripMs;
    }
    const timeoutMs = this.#smoothedMs + 4 * this.#variationMs;
    this.#timeoutMs = Math.min(Math.max(timeoutMs, LEAST_TIMEOUT_MS), MOST_TIMEOUT_MS);
  }
}
