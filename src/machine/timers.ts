import type { Board } from "./board.ts";
import type { Clock } from "./clock.ts";
import { earliest, type Harts, isAfter } from "./harts.ts";

const MIE_STIE = 1n << 5n;
const MIE_MTIE = 1n << 7n;

/** When something next happens by itself: timers of harts and of devices. */
export class Timers {
  readonly #clock: Clock;
  readonly #harts: Harts;
  readonly #board: Board;
  readonly #isVirtual: boolean;
  /** Undefined: to be found out. */
  #deadline: number | undefined;

  /** `isVirtual`: idle time passes at once. */
  constructor(clock: Clock, harts: Harts, board: Board, isVirtual: boolean) {
    this.#isVirtual = isVirtual;
    this.#clock = clock;
    this.#harts = harts;
    this.#board = board;
  }

  /** A timer, a device or the time itself has changed. */
  changed(): void {
    this.#deadline = undefined;
  }

  /** Instant at which a timer's or an alarm's interrupt becomes pending by itself; it stays what it is until `changed`. */
  get deadline(): number {
    if (this.#deadline === undefined || this.#deadline <= this.#clock.instant) this.#deadline = this.#findDeadline();
    return this.#deadline;
  }

  /**
   * Ticks until a timer, or a device's alarm, wakes one of the harts, all of which wait; undefined: none ever will. A jump
   * that woke nobody would come before the event that does so when it is made, and behind it in a replay. Virtual time stands while
   * the guest waits for a page that it was told of: what it computes would depend on how long the page takes.
   */
  get ticksToWake(): bigint | undefined {
    if (this.#isVirtual && this.#board.asyncPages.given.length > 0) return undefined;
    const now = this.#clock.time;
    const times = this.#harts.all.flatMap(({ hart, csrs }) => {
      const enabled = csrs.get("mie");
      return [
        (enabled & MIE_MTIE) === 0n ? undefined : this.#board.clint.timerDeadline(hart.id),
        (enabled & MIE_STIE) === 0n ? undefined : csrs.supervisorDeadline(),
        this.#board.alarmDeadline(hart.id, Number(enabled)),
      ].filter((time) => isAfter(time, now));
    });
    const first = earliest(times);
    return first === undefined ? undefined : first - now;
  }

  #findDeadline(): number {
    const supervisor = this.#harts.nextSupervisorDeadline();
    return this.#clock.instantOf(
      earliest([this.#board.nextDeadline(), ...(supervisor === undefined ? [] : [supervisor])])!,
    );
  }
}
