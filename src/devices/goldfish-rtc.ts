import type { Device, DeviceContext, DeviceState } from "./device.ts";

// Registers of Android's emulator platform ("goldfish"), as on QEMU's `virt`; each is a word. Times are nanoseconds
// since 1970.
const TIME_LOW = 0x00; // reading it keeps the high half for TIME_HIGH
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08; // writing it sets the alarm: the high half comes first
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const CLEAR_ALARM = 0x14;
const ALARM_STATUS = 0x18; // 1: an alarm is set and has not gone off
const CLEAR_INTERRUPT = 0x1c;

const WORD = 0xffff_ffffn;
const NS_PER_SECOND = 1_000_000_000n;

/** Real-time clock: the time at which the machine was started, and mtime since. */
export class GoldfishRtc implements Device {
  readonly name = "rtc";
  readonly base: number;
  readonly sizeBytes = 0x1000;
  readonly #context: DeviceContext;
  readonly #startNs: bigint;
  readonly #tickNs: bigint;
  /** What the guest has set the clock ahead by. */
  #offsetNs = 0n;
  #latchedHigh = 0;
  #alarmNs = 0n;
  #alarmSet = false;
  #pending = false;
  #enabled = false;

  /** `startTime`: seconds since 1970 when mtime is 0. */
  constructor(base: number, startTime: number, ticksPerSecond: number, context: DeviceContext) {
    this.base = base;
    this.#context = context;
    this.#startNs = BigInt(startTime) * NS_PER_SECOND;
    this.#tickNs = NS_PER_SECOND / BigInt(ticksPerSecond);
  }

  /** Level of the interrupt line. It rises with time: the machine looks at every `nextDeadline`. */
  interrupt(): boolean {
    return this.#enabled && (this.#pending || this.#due());
  }

  read(offset: number, sizeBytes: number): bigint | undefined {
    if (sizeBytes !== 4) return undefined;
    switch (offset) {
      case TIME_LOW: {
        const now = this.#now();
        this.#latchedHigh = Number(now >> 32n);
        return now & WORD;
      }
      case TIME_HIGH:
        return BigInt(this.#latchedHigh);
      case ALARM_LOW:
        return this.#alarmNs & WORD;
      case ALARM_HIGH:
        return this.#alarmNs >> 32n;
      case IRQ_ENABLED:
        return this.#enabled ? 1n : 0n;
      case ALARM_STATUS:
        return this.#alarmSet && !this.#due() ? 1n : 0n;
      default:
        return 0n;
    }
  }

  write(offset: number, sizeBytes: number, value: bigint): boolean {
    if (sizeBytes !== 4) return false;
    this.#goOff();
    this.#writeRegister(offset, value & WORD);
    this.#context.attention();
    return true;
  }

  /** When the alarm raises the interrupt line. */
  nextDeadline(): bigint | undefined {
    if (!this.#alarmSet || !this.#enabled || this.#due()) return undefined;
    const aheadNs = this.#alarmNs - this.#now();
    return this.#context.time() + (aheadNs + this.#tickNs - 1n) / this.#tickNs;
  }

  save(): DeviceState {
    return {
      offsetNs: String(this.#offsetNs),
      latchedHigh: this.#latchedHigh,
      alarmNs: String(this.#alarmNs),
      alarmSet: this.#alarmSet ? 1 : 0,
      pending: this.#pending ? 1 : 0,
      enabled: this.#enabled ? 1 : 0,
    };
  }

  restore(state: DeviceState): void {
    this.#offsetNs = BigInt(state.offsetNs as string);
    this.#latchedHigh = Number(state.latchedHigh);
    this.#alarmNs = BigInt(state.alarmNs as string);
    this.#alarmSet = state.alarmSet === 1;
    this.#pending = state.pending === 1;
    this.#enabled = state.enabled === 1;
  }

  #writeRegister(offset: number, word: bigint): void {
    switch (offset) {
      case TIME_LOW:
      case TIME_HIGH: {
        const now = this.#now();
        this.#offsetNs += withHalf(now, offset === TIME_HIGH, word) - now;
        break;
      }
      case ALARM_LOW:
        this.#alarmNs = withHalf(this.#alarmNs, false, word);
        this.#alarmSet = true;
        this.#goOff();
        break;
      case ALARM_HIGH:
        this.#alarmNs = withHalf(this.#alarmNs, true, word);
        break;
      case IRQ_ENABLED:
        this.#enabled = (word & 1n) !== 0n;
        break;
      case CLEAR_ALARM:
        this.#alarmSet = false;
        break;
      case CLEAR_INTERRUPT:
        this.#pending = false;
        break;
      default:
        break;
    }
  }

  #now(): bigint {
    return BigInt.asUintN(64, this.#startNs + this.#context.time() * this.#tickNs + this.#offsetNs);
  }

  /** An alarm whose time has come has gone off, whether or not anybody has looked since. */
  #due(): boolean {
    return this.#alarmSet && this.#now() >= this.#alarmNs;
  }

  #goOff(): void {
    if (!this.#due()) return;
    this.#alarmSet = false;
    this.#pending = true;
  }
}

function withHalf(value: bigint, high: boolean, half: bigint): bigint {
  return high ? (value & WORD) | (half << 32n) : (value & (WORD << 32n)) | half;
}
