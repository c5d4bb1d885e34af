import type { Motion, Progress } from "../replay/timeline-interface.ts";

/** Wakes whoever sleeps: rung when there is input, a pause, room in the writer's backlog. A ring is never lost. */
export class Bell {
  #rung = false;
  #listeners: (() => void)[] = [];

  ring(): void {
    this.#rung = true;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  /** Resolves at the next ring, or at once when it rang since the last `rest`. `timeoutMs` bounds the sleep. */
  async rest(timeoutMs?: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
        this.#listeners.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    this.#rung = false;
  }
}

export interface DriveOptions {
  /** Asked after each yield: true abandons the motion. */
  readonly stop: () => boolean;
  /** Rung when something changed that a sleeping motion should see: input, a stop, room in the writer's backlog. */
  readonly bell: Bell;
  /** Called at each yield, about every 10 ms. A promise is waited for: the place to sleep, or to let a reader catch up. */
  readonly onProgress?: (progress: Progress) => Promise<void> | undefined;
}

export type Driven<Result> = { readonly finished: true; readonly value: Result } | { readonly finished: false };

/**
 * Iterates a motion to its end, letting the event loop turn at every yield, so that messages, signals and keys are
 * served at most some 10 ms after they came. Sleeps while the guest waits for input or the writer is behind. When
 * `stop` says so the motion is abandoned (`return()`).
 */
export async function drive<Result>(motion: Motion<Result>, options: DriveOptions): Promise<Driven<Result>> {
  for (;;) {
    const turn = motion.next();
    if (turn.done) return { finished: true, value: turn.value };
    await options.onProgress?.(turn.value);
    await eventLoopTurn();
    // Whoever asked to stop need not wait for the guest or for the disk.
    if (!options.stop() && isBlocked(turn.value)) await options.bell.rest();
    if (options.stop()) {
      motion.return(undefined as Result);
      return { finished: false };
    }
  }
}

/** Only a ring can help: input for the guest, room in the writer's backlog. A paced guest's timer is the pacer's. */
function isBlocked({ waiting, waitingTicks, writerBehind, elsewhere }: Progress): boolean {
  return writerBehind === true || elsewhere === true || (waiting === true && waitingTicks === undefined);
}

/** Runs a motion to its end without letting anybody in: for short ones. */
export function finish<Result>(motion: Motion<Result>): Result {
  for (;;) {
    const turn = motion.next();
    if (turn.done) return turn.value;
  }
}

/** A whole turn, so that messages, timers and signals are all seen to. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => turnPort(resolve));
}

/** Browsers have no `setImmediate`; a message to oneself is their nearest (a timer would wait 4 ms). */
const turnPort: (callback: () => void) => void = typeof setImmediate === "function" ? setImmediate : browserTurn();

function browserTurn(): (callback: () => void) => void {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    port2.postMessage(undefined);
  };
}
