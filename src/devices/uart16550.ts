import { ByteQueue } from "./byte-queue.ts";
import type { Device, DeviceContext, DeviceState } from "./device.ts";

// Registers, in the data sheet's order. Some mean another thing on reading, or while LCR's divisor latch is open.
const RBR_THR = 0; // receive buffer; transmit holding; divisor latch low
const IER = 1; // interrupt enable; divisor latch high
const IIR_FCR = 2; // interrupt identification; FIFO control
const LCR = 3; // line control
const MCR = 4; // modem control
const LSR = 5; // line status
const MSR = 6; // modem status
const SCR = 7; // scratch

const IER_RX_AVAILABLE = 1 << 0;
const IER_THR_EMPTY = 1 << 1;
const IER_WRITABLE = 0x0f;

const IIR_NONE = 0x01;
const IIR_THR_EMPTY = 0x02;
const IIR_RX_AVAILABLE = 0x04;
const IIR_RX_TIMEOUT = 0x0c;
const IIR_FIFOS_ENABLED = 0xc0;

const FCR_ENABLE = 1 << 0;
const FCR_CLEAR_RX = 1 << 1;
const FCR_CLEAR_TX = 1 << 2;
const FCR_KEPT = 0xc9;
const FCR_TRIGGER_LEVELS = [1, 4, 8, 14];

const LCR_DIVISOR_LATCH = 1 << 7;

const MCR_LOOPBACK = 1 << 4;
const MCR_WRITABLE = 0x1f;

const LSR_RX_READY = 1 << 0; // a byte waits in RBR
const LSR_THR_EMPTY = 1 << 5;
const LSR_TX_IDLE = 1 << 6;

/** Bytes that the receiver holds while its FIFO is on. */
const FIFO_BYTES = 16;
/**
 * A guest that set up its port and looks at LSR so often asks for bytes: the first look belongs to the setting up, in which
 * drivers read LSR and RBR once, without asking, to be rid of what was there.
 */
const LOOKS_OF_A_POLL = 2;

/** Carrier, data set ready and clear to send: somebody is at the other end. */
const MSR_CONNECTED = 0xb0;

/**
 * 16550A serial port. Sending takes no time: the transmitter is always empty. What the outside sends waits on the line
 * until the guest listens and has read what came before, so nothing is ever overrun, and a driver that clears the receiver
 * while it starts loses nothing. A guest listens that has the receive interrupt enabled: then the FIFO is filled from the line.
 * So does one that polls LSR: then bytes are handed over one by one as they are read.
 */
export class Uart16550 implements Device {
  readonly name = "uart16550";
  readonly base: number;
  readonly sizeBytes = 0x100;
  readonly #context: DeviceContext;
  readonly #send: (byte: number) => void;
  /** Sent by the outside, and not yet in the receiver. */
  readonly #line = new ByteQueue();
  /** In the receiver: its FIFO, or RBR alone while the FIFOs are off. */
  readonly #received = new ByteQueue();
  /** Looks at LSR since the port was set up, LOOKS_OF_A_POLL at most; a guest that never sets it up polls. */
  #looks = LOOKS_OF_A_POLL;
  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  #scratch = 0;
  #divisor = 0x000c;
  /** The transmitter became empty and nobody has been told. */
  #thrEmptyPending = false;

  constructor(base: number, context: DeviceContext, send: (byte: number) => void) {
    this.base = base;
    this.#context = context;
    this.#send = send;
  }

  /** Bytes arrive on the line. */
  receive(bytes: Uint8Array): void {
    this.#line.push(bytes);
    this.#fill();
    this.#context.attention();
  }

  /** Level of the interrupt line. */
  interrupt(): boolean {
    return this.#identification() !== IIR_NONE;
  }

  read(offset: number, _sizeBytes: number): bigint {
    const before = this.interrupt();
    const value = this.#readRegister(offset);
    if (this.interrupt() !== before) this.#context.attention();
    return BigInt(value);
  }

  write(offset: number, _sizeBytes: number, value: bigint): boolean {
    const before = this.interrupt();
    this.#writeRegister(offset, Number(value & 0xffn));
    if (this.interrupt() !== before) this.#context.attention();
    return true;
  }

  nextDeadline(): undefined {
    return undefined;
  }

  save(): DeviceState {
    return {
      line: this.#line.contents(),
      received: this.#received.contents(),
      looks: this.#looks,
      ier: this.#ier,
      fcr: this.#fcr,
      lcr: this.#lcr,
      mcr: this.#mcr,
      scratch: this.#scratch,
      divisor: this.#divisor,
      thrEmptyPending: this.#thrEmptyPending ? 1 : 0,
    };
  }

  restore(state: DeviceState): void {
    this.#line.clear();
    this.#line.push(state.line as readonly number[]);
    this.#looks = Number(state.looks);
    this.#received.clear();
    this.#received.push(state.received as readonly number[]);
    this.#ier = Number(state.ier);
    this.#fcr = Number(state.fcr);
    this.#lcr = Number(state.lcr);
    this.#mcr = Number(state.mcr);
    this.#scratch = Number(state.scratch);
    this.#divisor = Number(state.divisor);
    this.#thrEmptyPending = state.thrEmptyPending === 1;
  }

  #readRegister(offset: number): number {
    const latch = (this.#lcr & LCR_DIVISOR_LATCH) !== 0;
    switch (offset) {
      case RBR_THR:
        return latch ? this.#divisor & 0xff : this.#take();
      case IER:
        return latch ? this.#divisor >> 8 : this.#ier;
      case IIR_FCR: {
        const identification = this.#identification();
        if (identification === IIR_THR_EMPTY) this.#thrEmptyPending = false;
        return identification | ((this.#fcr & FCR_ENABLE) !== 0 ? IIR_FIFOS_ENABLED : 0);
      }
      case LCR:
        return this.#lcr;
      case MCR:
        return this.#mcr;
      case LSR:
        if (this.#looks < LOOKS_OF_A_POLL) this.#looks++;
        return LSR_THR_EMPTY | LSR_TX_IDLE | (this.#ready ? LSR_RX_READY : 0);
      case MSR:
        return this.#modemStatus();
      case SCR:
        return this.#scratch;
      default:
        return 0;
    }
  }

  #writeRegister(offset: number, value: number): void {
    const latch = (this.#lcr & LCR_DIVISOR_LATCH) !== 0;
    if (offset >= IER && offset <= MCR) this.#looks = 0;
    switch (offset) {
      case RBR_THR:
        if (latch) this.#divisor = (this.#divisor & 0xff00) | value;
        else this.#transmit(value);
        break;
      case IER:
        if (latch) this.#divisor = (this.#divisor & 0x00ff) | (value << 8);
        else this.#enableInterrupts(value & IER_WRITABLE);
        this.#fill();
        break;
      case IIR_FCR:
        this.#controlFifos(value);
        break;
      case LCR:
        this.#lcr = value;
        break;
      case MCR:
        this.#mcr = value & MCR_WRITABLE;
        this.#fill();
        break;
      case SCR:
        this.#scratch = value;
        break;
      default: // LSR and MSR are read-only.
        break;
    }
  }

  /**
   * A transmitter's FIFO that is cleared has become empty, which QEMU's board tells, too; switching the FIFOs clears it. What
   * is in the receiver goes only when that is asked for, and what is still on the line follows.
   */
  #controlFifos(value: number): void {
    const switched = ((value ^ this.#fcr) & FCR_ENABLE) !== 0;
    if (switched || (value & FCR_CLEAR_TX) !== 0) this.#thrEmptyPending = true;
    if ((value & FCR_CLEAR_RX) !== 0) this.#received.clear();
    this.#fcr = value & FCR_KEPT;
    this.#fill();
  }

  /** Moves bytes from the line to the receiver of a guest that is interrupted for them. In loopback the line is cut off. */
  #fill(): void {
    if ((this.#ier & IER_RX_AVAILABLE) === 0 || (this.#mcr & MCR_LOOPBACK) !== 0) return;
    while (this.#hasRoom && this.#line.length > 0) this.#received.push([this.#line.shift()!]);
  }

  get #hasRoom(): boolean {
    return this.#received.length < ((this.#fcr & FCR_ENABLE) !== 0 ? FIFO_BYTES : 1);
  }

  /** The guest polls: RBR shows what is on the line. */
  get #polled(): boolean {
    return this.#looks >= LOOKS_OF_A_POLL && (this.#mcr & MCR_LOOPBACK) === 0 && this.#line.length > 0;
  }

  get #ready(): boolean {
    return this.#received.length > 0 || this.#polled;
  }

  /** The guest reads RBR. */
  #take(): number {
    const byte = this.#received.shift() ?? (this.#polled ? this.#line.shift() : undefined) ?? 0;
    this.#fill();
    return byte;
  }

  /** A byte that comes back in loopback and finds the receiver full is lost: drivers count by it what the FIFO holds. */
  #transmit(byte: number): void {
    if ((this.#mcr & MCR_LOOPBACK) === 0) this.#send(byte);
    else if (this.#hasRoom) this.#received.push([byte]);
    this.#thrEmptyPending = true;
  }

  /** Enabling the transmitter's interrupt while it is empty raises it at once: drivers start sending that way. */
  #enableInterrupts(value: number): void {
    const enabled = value & ~this.#ier;
    this.#ier = value;
    if ((enabled & IER_THR_EMPTY) !== 0) this.#thrEmptyPending = true;
  }

  /** The pending interrupt of the highest priority, as IIR shows it. */
  #identification(): number {
    if ((this.#ier & IER_RX_AVAILABLE) !== 0 && this.#received.length > 0) {
      const fifo = (this.#fcr & FCR_ENABLE) !== 0;
      const level = fifo ? FCR_TRIGGER_LEVELS[this.#fcr >> 6] : 1;
      // Below the trigger level the FIFO's timeout tells: the line never delivers slowly enough to wait for it.
      return this.#received.length >= level ? IIR_RX_AVAILABLE : IIR_RX_TIMEOUT;
    }
    if ((this.#ier & IER_THR_EMPTY) !== 0 && this.#thrEmptyPending) return IIR_THR_EMPTY;
    return IIR_NONE;
  }

  /** In loopback the modem outputs come back as inputs, bit by bit: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD. */
  #modemStatus(): number {
    if ((this.#mcr & MCR_LOOPBACK) === 0) return MSR_CONNECTED;
    const [dtr, rts, out1, out2] = [0, 1, 2, 3].map((bit) => (this.#mcr >> bit) & 1);
    return (rts << 4) | (dtr << 5) | (out1 << 6) | (out2 << 7);
  }
}
