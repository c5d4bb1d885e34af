import { ByteQueue } from "./byte-queue.ts";
import { Congestion } from "./congestion.ts";
import type { OutsideTcp, OutsideTcpEvents } from "./outside.ts";
import { RetransmissionTimer } from "./retransmission.ts";
import { ACK, FIN, PSH, RST, SYN, segmentLength, type TcpSegment } from "./tcp-segment.ts";
import { distance } from "./wire.ts";

/** Bytes from the guest that the outside has not taken yet, and with that the window; without scaling it has 16 bits. */
const RECEIVE_BYTES = 65_535;
/** Bytes for the guest: beyond the first the outside is held, below the second it goes on. */
const SEND_HIGH_BYTES = 256 * 1024;
const SEND_LOW_BYTES = 64 * 1024;
/** Of an MTU of 1500. */
const OUR_MAXIMUM_SEGMENT = 1460;
/** RFC 9293, 3.7.1: where the guest does not say; and what no stack goes below. */
const DEFAULT_MAXIMUM_SEGMENT = 536;
const LEAST_MAXIMUM_SEGMENT = 64;
/** The last acknowledgement may have been lost, and the guest repeats its FIN. Nothing else can come late. */
const TIME_WAIT_MS = 2000;
/** When the line to the guest was full. */
const LINE_FULL_RETRY_MS = 5;

/**
 * "connecting": the guest has asked, the outside has not answered. "syn-sent": we have asked the guest. "open" is all
 * of RFC 9293's states from ESTABLISHED to LAST-ACK: which one says who has sent and acknowledged a FIN.
 */
type State = "connecting" | "syn-sent" | "syn-received" | "open" | "time-wait" | "closed";

export interface TcpSurroundings {
  /** False: the line to the guest is full, and the segment has not left. */
  send(segment: TcpSegment): boolean;
  /** Frames that the guest has not looked at. */
  lineBacklog(): number;
  nowMs(): number;
  closed(): void;
}

/**
 * One connection, seen from the side that plays the guest's peer. TCP ends here: the guest's segments become bytes for a
 * stream outside, and that stream's bytes become segments.
 *
 * The wire towards us loses nothing, so what is out of order is not kept; towards the guest its card may run out of
 * buffers, so there is retransmission with congestion control (RFC 6298, 5681, 6582).
 */
export class TcpConnection implements OutsideTcpEvents {
  readonly #surroundings: TcpSurroundings;
  readonly #timer: RetransmissionTimer;
  #outside: OutsideTcp | undefined;
  #state: State;

  /** Names of RFC 9293, 3.3.1: SND.UNA, SND.NXT, SND.WND; `highest` is what was sent before a resending went back. */
  #unacknowledged: number;
  #next: number;
  #highest: number;
  #window = 0;
  #windowSequence = 0;
  #windowAcknowledgement = 0;
  #maximumSegment = DEFAULT_MAXIMUM_SEGMENT;
  /** From `#unacknowledged` on. */
  readonly #queue = new ByteQueue();
  #finQueued = false;
  /** Of our FIN, once it was sent. */
  #finSequence: number | undefined;
  #outsidePaused = false;
  /** Once it is open. */
  #congestion!: Congestion;
  #lineFullUntilMs: number | undefined;
  #timeWaitUntilMs: number | undefined;

  /** RCV.NXT, and the window as the guest was last told. */
  #expected = 0;
  #advertised = RECEIVE_BYTES;
  #guestFinished = false;

  /** `syn`: the guest's, which asks for a connection; undefined: it is we who ask. */
  constructor(surroundings: TcpSurroundings, initialSequence: number, syn: TcpSegment | undefined) {
    this.#surroundings = surroundings;
    this.#timer = new RetransmissionTimer();
    this.#unacknowledged = initialSequence;
    this.#next = initialSequence;
    this.#highest = initialSequence;
    this.#state = syn === undefined ? "syn-sent" : "connecting";
    if (syn !== undefined) this.#takeSyn(syn);
  }

  /** Follows the constructor: the stream outside, connected already when it is we who ask the guest. */
  attach(outside: OutsideTcp): void {
    this.#outside = outside;
    if (this.#state === "syn-sent") this.#sendSyn();
  }

  get state(): State {
    return this.#state;
  }

  /** Something may still come from the outside, or has to be sent again. */
  get isBusy(): boolean {
    return this.#state !== "closed" && this.#state !== "time-wait";
  }

  get deadlineMs(): number | undefined {
    if (this.#timeWaitUntilMs !== undefined) return this.#timeWaitUntilMs;
    const { deadlineMs } = this.#timer;
    if (this.#lineFullUntilMs === undefined) return deadlineMs;
    return Math.min(this.#lineFullUntilMs, deadlineMs ?? Number.POSITIVE_INFINITY);
  }

  // What comes from the outside.

  connected(): void {
    if (this.#state !== "connecting") return;
    this.#state = "syn-received";
    this.#sendSyn();
  }

  data(bytes: Uint8Array): void {
    if (this.#state === "closed" || this.#finQueued) return;
    this.#queue.push(bytes);
    if (this.#queue.length > SEND_HIGH_BYTES && !this.#outsidePaused) {
      this.#outsidePaused = true;
      this.#outside!.pause();
    }
    this.#transmit();
  }

  ended(): void {
    if (this.#finQueued) return;
    this.#finQueued = true;
    this.#transmit();
  }

  drained(): void {
    if (this.#state !== "open" || this.#guestFinished) return;
    const window = this.#receiveWindow();
    // The guest hears of a window that it can use: not of every byte that has left (RFC 9293, 3.8.6.2.2).
    if (window - this.#advertised >= RECEIVE_BYTES / 2) this.#acknowledge();
  }

  failed(): void {
    // What breaks after both sides have finished is of no interest to the guest.
    if (this.#state !== "time-wait") this.#reset();
  }

  /** Ends it at once: the guest is told. */
  #reset(): void {
    if (this.#state === "closed") return;
    const isAnswered = this.#state !== "syn-sent";
    this.#send({ flags: RST | (isAnswered ? ACK : 0), payload: NOTHING });
    this.#close(true);
  }

  #close(aborts: boolean): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#timer.stop();
    this.#timeWaitUntilMs = undefined;
    this.#lineFullUntilMs = undefined;
    if (aborts) this.#outside?.abort();
    this.#surroundings.closed();
  }

  /** Nothing of it is left, and nobody is told: a new connection takes its place, or the network ends. */
  abandon(): void {
    this.#close(true);
  }

  // What comes from the guest.

  receive(segment: TcpSegment): void {
    switch (this.#state) {
      case "connecting":
        if (segment.flags & RST) this.#close(true);
        return;
      case "syn-sent":
        this.#receiveAnswer(segment);
        return;
      case "closed":
        return;
      default:
        this.#receiveInWindow(segment);
    }
  }

  #receiveAnswer(segment: TcpSegment): void {
    const { flags, acknowledgement } = segment;
    const isForUs = (flags & ACK) !== 0 && acknowledgement === this.#highest;
    if (flags & RST) {
      if (isForUs) this.#close(true);
      return;
    }
    if ((flags & ACK) !== 0 && !isForUs) {
      this.#surroundings.send({ ...EMPTY, sequence: acknowledgement, flags: RST });
      return;
    }
    if (!isForUs || (flags & SYN) === 0) return;
    this.#takeSyn(segment);
    this.#establish(segment);
    this.#acknowledge();
    this.#transmit();
  }

  #receiveInWindow(segment: TcpSegment): void {
    const { flags, sequence } = segment;
    if (!this.#isAcceptable(segment)) {
      if (flags & RST) return;
      if (this.#state === "syn-received" && flags & SYN) this.#resendSyn();
      else this.#acknowledge();
      return;
    }
    if (flags & RST) {
      // Only the exact number: anything else is a challenge (RFC 5961, 3.2).
      if (sequence === this.#expected) this.#close(true);
      else this.#acknowledge();
      return;
    }
    if (flags & SYN) {
      this.#acknowledge();
      return;
    }
    if ((flags & ACK) === 0) return;
    if (this.#state === "syn-received") {
      if (segment.acknowledgement !== this.#highest) {
        this.#surroundings.send({ ...EMPTY, sequence: segment.acknowledgement, flags: RST });
        return;
      }
      this.#establish(segment);
    } else if (!this.#takeAcknowledgement(segment)) {
      return;
    }
    this.#takeData(segment);
    this.#transmit();
    this.#finishWhenDone();
  }

  /** RFC 9293, 3.10.7.4, first check. */
  #isAcceptable(segment: TcpSegment): boolean {
    const first = distance(segment.sequence, this.#expected);
    const length = segmentLength(segment);
    const window = this.#receiveWindow();
    if (length === 0) return first === 0 || (first > 0 && first < window);
    // What begins at the right place is looked at even when the window is closed: its acknowledgement counts.
    return first === 0 || (first < window && first + length > 0);
  }

  /** False: it acknowledges what was never sent. */
  #takeAcknowledgement(segment: TcpSegment): boolean {
    const { acknowledgement } = segment;
    const advance = distance(acknowledgement, this.#unacknowledged);
    if (distance(acknowledgement, this.#highest) > 0) {
      this.#acknowledge();
      return false;
    }
    const isDuplicate =
      advance === 0 &&
      segmentLength(segment) === 0 &&
      segment.window === this.#window &&
      segment.window > 0 &&
      this.#highest !== this.#unacknowledged;
    this.#takeWindow(segment);
    if (advance > 0) this.#acknowledged(acknowledgement, advance);
    // What follows was lost, and what came after has arrived.
    else if (isDuplicate && this.#congestion.duplicate(this.#inFlight, this.#highest)) this.#resendFirst();
    return true;
  }

  #acknowledged(acknowledgement: number, advance: number): void {
    // A FIN takes a number and no byte.
    this.#queue.drop(Math.min(advance, this.#queue.length));
    this.#unacknowledged = acknowledgement;
    if (distance(this.#next, acknowledgement) < 0) this.#next = acknowledgement;
    const now = this.#surroundings.nowMs();
    this.#timer.acknowledged(acknowledgement, now, this.#highest !== acknowledgement);
    if (this.#congestion.acknowledged(acknowledgement, advance)) this.#resendFirst();
    if (this.#outsidePaused && this.#queue.length < SEND_LOW_BYTES) {
      this.#outsidePaused = false;
      this.#outside!.resume();
    }
  }

  /** RFC 9293, 3.10.7.4: an old segment must not change the window. */
  #takeWindow({ sequence, acknowledgement, window }: TcpSegment): void {
    const age = distance(sequence, this.#windowSequence);
    if (age < 0 || (age === 0 && distance(acknowledgement, this.#windowAcknowledgement) < 0)) return;
    // What was sent to try a closed window was not taken.
    if (this.#window === 0 && window > 0) this.#next = this.#unacknowledged;
    this.#window = window;
    this.#windowSequence = sequence;
    this.#windowAcknowledgement = acknowledgement;
  }

  #takeData(segment: TcpSegment): void {
    if (segmentLength(segment) === 0) return;
    const skip = -distance(segment.sequence, this.#expected);
    if (skip < 0 || this.#guestFinished) {
      // Something before it is missing, and not kept for later: the guest sends both again.
      this.#acknowledge();
      return;
    }
    const { payload } = segment;
    const taken = payload.subarray(skip, skip + this.#receiveWindow());
    if (taken.length > 0) this.#outside!.write(taken.slice());
    this.#expected = (this.#expected + taken.length) >>> 0;
    if (segment.flags & FIN && skip + taken.length >= payload.length) {
      this.#expected = (this.#expected + 1) >>> 0;
      this.#guestFinished = true;
      this.#outside!.end();
    }
    this.#acknowledge();
  }

  #finishWhenDone(): void {
    if (this.#state !== "open" || !this.#guestFinished || !this.#isFinAcknowledged) return;
    this.#timer.stop();
    this.#state = "time-wait";
    this.#timeWaitUntilMs = this.#surroundings.nowMs() + TIME_WAIT_MS;
  }

  // Time.

  tick(): void {
    const now = this.#surroundings.nowMs();
    if (this.#timeWaitUntilMs !== undefined) {
      if (now >= this.#timeWaitUntilMs) this.#close(false);
      return;
    }
    if (this.#lineFullUntilMs !== undefined && now >= this.#lineFullUntilMs) {
      this.#lineFullUntilMs = undefined;
      this.#transmit();
    }
    const { deadlineMs } = this.#timer;
    if (deadlineMs !== undefined && now >= deadlineMs) this.#timeout(now);
  }

  #timeout(now: number): void {
    // A guest that stands at a breakpoint answers nothing: it is not asked again before it has looked.
    if (this.#surroundings.lineBacklog() > 0) {
      this.#timer.restart(now);
      return;
    }
    const isOpen = this.#state === "open";
    // A closed window may stay closed as long as the guest likes.
    const isCounted = !isOpen || this.#window > 0;
    if (!this.#timer.backOff(now, isCounted)) {
      this.#reset();
      return;
    }
    if (!isOpen) {
      this.#resendSyn();
      return;
    }
    this.#congestion.timeout(this.#inFlight);
    this.#next = this.#unacknowledged;
    this.#transmit(this.#window === 0);
  }

  // Sending.

  get #inFlight(): number {
    return distance(this.#highest, this.#unacknowledged);
  }

  get #isFinAcknowledged(): boolean {
    return this.#finSequence !== undefined && distance(this.#unacknowledged, this.#finSequence) > 0;
  }

  #takeSyn({ sequence, maximumSegment }: TcpSegment): void {
    this.#expected = (sequence + 1) >>> 0;
    const most = Math.min(maximumSegment ?? DEFAULT_MAXIMUM_SEGMENT, OUR_MAXIMUM_SEGMENT);
    this.#maximumSegment = Math.max(most, LEAST_MAXIMUM_SEGMENT);
  }

  /** Our SYN was acknowledged. */
  #establish({ sequence, acknowledgement, window }: TcpSegment): void {
    this.#state = "open";
    this.#unacknowledged = acknowledgement;
    this.#next = acknowledgement;
    this.#window = window;
    this.#windowSequence = sequence;
    this.#windowAcknowledgement = acknowledgement;
    this.#congestion = new Congestion(this.#maximumSegment, SEND_HIGH_BYTES);
    this.#timer.acknowledged(acknowledgement, this.#surroundings.nowMs(), false);
  }

  #sendSyn(): void {
    this.#highest = (this.#unacknowledged + 1) >>> 0;
    this.#next = this.#highest;
    this.#timer.sent(this.#highest, this.#surroundings.nowMs());
    this.#resendSyn();
  }

  #resendSyn(): void {
    this.#surroundings.send({
      sequence: this.#unacknowledged,
      acknowledgement: this.#expected,
      flags: SYN | (this.#state === "syn-received" ? ACK : 0),
      window: this.#receiveWindow(),
      maximumSegment: OUR_MAXIMUM_SEGMENT,
      payload: NOTHING,
    });
  }

  /** Sends what the guest's window and the congestion window allow. `probes`: a byte even into a closed window. */
  #transmit(probes = false): void {
    if (this.#state !== "open" || this.#isFinAcknowledged) return;
    for (;;) {
      const inFlight = distance(this.#next, this.#unacknowledged);
      const unsent = this.#queue.length - inFlight;
      const room = Math.min(this.#window, this.#congestion.window) - inFlight;
      const isProbe = probes && inFlight === 0 && room <= 0;
      const length = Math.max(0, Math.min(unsent, this.#maximumSegment, isProbe ? 1 : room));
      // Behind the FIN `unsent` is -1. It may go into a closed window: it takes no room.
      const finishes = this.#finQueued && unsent >= 0 && length === unsent;
      if (length === 0 && !finishes) break;
      // No dribble: the rest of a window is used when it has become worth a segment, or nothing is under way.
      if (length < unsent && length < this.#maximumSegment && inFlight > 0) break;
      if (!this.#sendData(this.#next, length, finishes)) return;
      if (finishes) this.#finSequence = (this.#next + length) >>> 0;
      this.#next = (this.#next + length + (finishes ? 1 : 0)) >>> 0;
      if (distance(this.#next, this.#highest) > 0) {
        this.#highest = this.#next;
        this.#timer.sent(this.#highest, this.#surroundings.nowMs());
      }
      if (isProbe) break;
    }
    // A closed window is tried now and then: the guest's word that it has opened may be lost.
    const isStuck = this.#queue.length > 0 && this.#window === 0;
    if (isStuck || this.#highest !== this.#unacknowledged) this.#timer.start(this.#surroundings.nowMs());
  }

  #resendFirst(): void {
    const length = Math.min(this.#queue.length, this.#maximumSegment, Math.max(this.#window, 1));
    const sequence = (this.#unacknowledged + length) >>> 0;
    this.#timer.resent();
    this.#sendData(this.#unacknowledged, length, this.#finSequence === sequence);
  }

  #sendData(sequence: number, length: number, finishes: boolean): boolean {
    const payload = this.#queue.peek(distance(sequence, this.#unacknowledged), length);
    const flags = ACK | (length > 0 ? PSH : 0) | (finishes ? FIN : 0);
    const hasLeft = this.#send({ flags, payload, sequence });
    if (!hasLeft) this.#lineFullUntilMs = this.#surroundings.nowMs() + LINE_FULL_RETRY_MS;
    return hasLeft;
  }

  #acknowledge(): void {
    // A byte that was sent to try a closed window lies beyond it, and so would this segment.
    const sequence = this.#window === 0 ? this.#unacknowledged : this.#highest;
    this.#send({ flags: ACK, payload: NOTHING, sequence });
  }

  #send(segment: { flags: number; payload: Uint8Array; sequence?: number }): boolean {
    const window = this.#receiveWindow();
    const whole = { sequence: this.#next, acknowledgement: this.#expected, window, ...segment };
    const hasLeft = this.#surroundings.send(whole);
    if (hasLeft) this.#advertised = window;
    return hasLeft;
  }

  #receiveWindow(): number {
    return Math.max(0, RECEIVE_BYTES - (this.#outside?.pendingBytes ?? 0));
  }
}

const NOTHING = new Uint8Array(0);
const EMPTY: TcpSegment = { sequence: 0, acknowledgement: 0, flags: 0, window: 0, payload: NOTHING };
