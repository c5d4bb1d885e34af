import { ACK, FIN, RST, SYN, type TcpSegment } from "../../src/network/tcp-segment.ts";

const NOTHING = new Uint8Array(0);
const RETRY_MS = 400;

/**
 * The guest's end of a connection, written apart from the one under test: keeps what is out of order, acknowledges
 * everything at once, sends all that is not acknowledged again after a while.
 */
export class GuestTcp {
  readonly #send: (segment: TcpSegment) => void;
  readonly #iss: number;
  readonly #mss: number;
  #toSend: number[] = [];
  #una: number;
  #sentUpTo = 0;
  #finWanted = false;
  #peerWindow = 0;
  #rcvNxt = 0;
  #early = new Map<number, TcpSegment>();
  #retryAtMs = 0;
  /** Bytes that the application has not read, with `reads` false. */
  #unread = 0;
  readonly bufferBytes: number;
  reads = true;
  state: "closed" | "syn-sent" | "listen" | "syn-received" | "open" | "reset" = "closed";
  readonly received: number[] = [];
  peerFinished = false;
  retries = 0;

  constructor(send: (segment: TcpSegment) => void, options: { iss?: number; mss?: number; bufferBytes?: number } = {}) {
    this.#send = send;
    this.#iss = options.iss ?? 0xffff_ff00;
    this.#mss = options.mss ?? 1460;
    this.bufferBytes = options.bufferBytes ?? 65_535;
    this.#una = this.#iss;
  }

  get window(): number {
    return Math.min(65_535, Math.max(0, this.bufferBytes - this.#unread));
  }

  get finished(): boolean {
    return this.#finWanted && this.#acknowledgedBytes > this.#toSend.length;
  }

  get #acknowledgedBytes(): number {
    return ((this.#una - this.#iss) >>> 0) - 1;
  }

  connect(nowMs: number): void {
    this.state = "syn-sent";
    this.#retryAtMs = nowMs + RETRY_MS;
    this.#emit(SYN, this.#iss, NOTHING);
  }

  write(bytes: Uint8Array, nowMs: number): void {
    for (const byte of bytes) this.#toSend.push(byte);
    this.#push(nowMs);
  }

  finish(nowMs: number): void {
    this.#finWanted = true;
    this.#push(nowMs);
  }

  reset(): void {
    this.#emit(RST, this.#sequence(this.#sentUpTo), NOTHING);
    this.state = "reset";
  }

  /** The application reads what it had left lying. */
  read(): void {
    this.#unread = 0;
    if (this.state === "open") this.#acknowledge();
  }

  tick(nowMs: number): void {
    if (nowMs < this.#retryAtMs || this.state === "reset" || this.state === "listen") return;
    this.#retryAtMs = nowMs + RETRY_MS;
    if (this.state === "syn-sent") this.connect(nowMs);
    else if (this.state === "syn-received") this.#emit(SYN | ACK, this.#iss, NOTHING);
    else if (this.state === "open" && this.#acknowledgedBytes < this.#toSend.length + (this.#finWanted ? 1 : 0)) {
      this.retries++;
      this.#sentUpTo = Math.max(0, this.#acknowledgedBytes);
      // A byte into a closed window, in case the word that it has opened was lost.
      if (this.#peerWindow === 0) this.#peerWindow = 1;
      this.#push(nowMs);
    }
  }

  receive(segment: TcpSegment, nowMs: number): void {
    const { flags, sequence, acknowledgement } = segment;
    if (flags & RST) {
      this.state = "reset";
      return;
    }
    if (this.state === "listen" && flags & SYN) {
      this.state = "syn-received";
      this.#rcvNxt = (sequence + 1) >>> 0;
      this.#retryAtMs = nowMs + RETRY_MS;
      this.#emit(SYN | ACK, this.#iss, NOTHING);
      return;
    }
    if (this.state === "syn-sent") {
      if ((flags & (SYN | ACK)) !== (SYN | ACK) || acknowledgement !== (this.#iss + 1) >>> 0) return;
      this.#rcvNxt = (sequence + 1) >>> 0;
      this.state = "open";
      this.#una = acknowledgement;
      this.#peerWindow = segment.window;
      this.#acknowledge();
      this.#push(nowMs);
      return;
    }
    if (flags & SYN) {
      if (this.state === "open") this.#acknowledge();
      return;
    }
    if (this.state === "syn-received" && acknowledgement === (this.#iss + 1) >>> 0) this.state = "open";
    if (this.state !== "open") return;
    if (((acknowledgement - this.#una) | 0) >= 0) {
      if (acknowledgement !== this.#una) this.#retryAtMs = nowMs + RETRY_MS;
      this.#una = acknowledgement;
      this.#sentUpTo = Math.max(this.#sentUpTo, this.#acknowledgedBytes);
      this.#peerWindow = segment.window;
    }
    if (segment.payload.length > 0 || flags & FIN) this.#takeData(segment);
    this.#push(nowMs);
  }

  #takeData(segment: TcpSegment): void {
    if (this.window > 0 || segment.payload.length === 0) {
      const known = this.#early.get(segment.sequence);
      if (known === undefined || known.payload.length <= segment.payload.length) {
        this.#early.set(segment.sequence, segment);
      }
    }
    for (let found = true; found; ) {
      found = false;
      for (const [key, early] of this.#early) {
        const skip = (this.#rcvNxt - early.sequence) | 0;
        if (skip < 0) continue;
        this.#early.delete(key);
        found = true;
        if (skip <= early.payload.length) this.#accept(early, skip);
      }
    }
    this.#acknowledge();
  }

  #accept(segment: TcpSegment, skip: number): void {
    const bytes = segment.payload.subarray(skip);
    for (const byte of bytes) this.received.push(byte);
    if (!this.reads) this.#unread += bytes.length;
    this.#rcvNxt = (this.#rcvNxt + bytes.length) >>> 0;
    if (segment.flags & FIN && !this.peerFinished) {
      this.peerFinished = true;
      this.#rcvNxt = (this.#rcvNxt + 1) >>> 0;
    }
  }

  #push(nowMs: number): void {
    if (this.state !== "open") return;
    const acknowledged = this.#acknowledgedBytes;
    const end = Math.min(this.#toSend.length, acknowledged + this.#peerWindow);
    while (this.#sentUpTo < end) {
      const size = Math.min(this.#mss, end - this.#sentUpTo);
      const payload = Uint8Array.from(this.#toSend.slice(this.#sentUpTo, this.#sentUpTo + size));
      if (acknowledged === this.#sentUpTo) this.#retryAtMs = nowMs + RETRY_MS;
      const sequence = this.#sequence(this.#sentUpTo);
      this.#sentUpTo += size;
      this.#emit(ACK, sequence, payload);
    }
    if (this.#finWanted && this.#sentUpTo === this.#toSend.length) {
      const sequence = this.#sequence(this.#sentUpTo);
      this.#sentUpTo++;
      this.#retryAtMs = nowMs + RETRY_MS;
      this.#emit(ACK | FIN, sequence, NOTHING);
    }
  }

  #acknowledge(): void {
    this.#emit(ACK, this.#sequence(this.#sentUpTo), NOTHING);
  }

  #sequence(offset: number): number {
    return (this.#iss + 1 + offset) >>> 0;
  }

  #emit(flags: number, sequence: number, payload: Uint8Array): void {
    const maximumSegment = flags & SYN ? { maximumSegment: this.#mss } : {};
    this.#send({ sequence, acknowledgement: this.#rcvNxt, flags, window: this.window, ...maximumSegment, payload });
  }
}
