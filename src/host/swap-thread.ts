import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { performSwap, type SwapAnswer, type SwapOrder } from "./swap-jobs.ts";
import type { SwapSetup } from "./swap-protocol.ts";
import { SwapSlots, slotsBuffer } from "./swap-slots.ts";
import { workerUrl } from "./worker-url.ts";

/** What it throws away would otherwise gather. */
const YOUNG_GENERATION_MB = 6;

/** Without the number that the thread gives it. */
export type SwapWish = SwapOrder extends infer Order ? (Order extends SwapOrder ? Omit<Order, "id"> : never) : never;

/**
 * The machine's end of the post box to the store's thread, which is started when it is needed first. Answers are looked for, so that
 * the machine needs no event loop. When the thread is gone, what it was asked for is done here, and so is everything from then on.
 */
export class SwapThread {
  readonly #latencyMs: number;
  readonly #ordered = new Int32Array(new SharedArrayBuffer(4));
  readonly #answered = new Int32Array(new SharedArrayBuffer(4));
  readonly #slotsBuffer = slotsBuffer();
  readonly #slots = new SwapSlots(this.#slotsBuffer);
  /** Who waits for the page of a slot. */
  readonly #slotted = new Map<number, (answer: SwapAnswer) => void>();
  /** Not answered yet. */
  readonly #open = new Map<number, { order: SwapOrder; done: (answer: SwapAnswer) => void }>();
  #worker: Worker | undefined;
  #port: MessagePort | undefined;
  #isGone = false;
  #isClosed = false;
  #lastId = 0;
  #taken = 0;

  constructor(latencyMs: number) {
    this.#latencyMs = latencyMs;
  }

  /** Orders that have not come back. */
  get open(): number {
    return this.#open.size + this.#slotted.size;
  }

  /** Of the thread; 0 when there is none. */
  get threadId(): number {
    return this.#worker?.threadId ?? 0;
  }

  /** `done` is called by `collect`. */
  order(wish: SwapWish, done: (answer: SwapAnswer) => void): void {
    if (!this.#isGone) this.#port ??= this.#start();
    if (!this.#isGone && (wish.kind === "unpack" || wish.kind === "fetch")) {
      const slot = this.#slots.order(wish);
      if (slot !== undefined) {
        this.#slotted.set(slot, done);
        this.#wake();
        return;
      }
    }
    const order = { ...wish, id: ++this.#lastId } as SwapOrder;
    this.#open.set(order.id, { order, done });
    if (this.#isGone) return;
    // Copied, not moved: it is needed again when the thread ends before it answers.
    this.#port?.postMessage(order);
    this.#wake();
  }

  /** Done at once, and on this thread. */
  orderHere(wish: SwapWish, done: (answer: SwapAnswer) => void): void {
    done(performSwap({ ...wish, id: ++this.#lastId } as SwapOrder));
  }

  /** Takes what has come. */
  collect(): void {
    if (this.#isGone) {
      for (const [slot, done] of [...this.#slotted]) {
        this.#slotted.delete(slot);
        done({ id: slot, kind: "lost" });
      }
      for (const { order } of [...this.#open.values()]) {
        // Where a page was when it was asked for may be another's by now.
        const isPage = order.kind === "fetch" || order.kind === "unpack";
        this.#take(isPage ? { id: order.id, kind: "lost" } : performSwap(order));
      }
      return;
    }
    const answered = Atomics.load(this.#answered, 0);
    if (answered === this.#taken || this.#port === undefined) return;
    this.#taken = answered;
    for (const [slot, done] of this.#slotted) {
      const answer = this.#slots.take(slot);
      if (answer === undefined) continue;
      this.#slotted.delete(slot);
      done(answer);
    }
    while (this.#open.size > 0) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#take(received.message as SwapAnswer);
    }
  }

  /** Stands still until something comes, or so many milliseconds. */
  wait(mostMs: number): void {
    if (!this.#isGone && this.open > 0) Atomics.wait(this.#answered, 0, this.#taken, mostMs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isGone = true;
    this.#open.clear();
    this.#slotted.clear();
    await this.#worker?.terminate();
  }

  /** The thread ends in the midst of whatever it does, as when its memory runs out. For tests. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }

  #take(answer: SwapAnswer): void {
    const entry = this.#open.get(answer.id);
    this.#open.delete(answer.id);
    entry?.done(answer);
  }

  #wake(): void {
    Atomics.add(this.#ordered, 0, 1);
    Atomics.notify(this.#ordered, 0);
  }

  #start(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const setup: SwapSetup = {
      ...{ port: port2, slots: this.#slotsBuffer, ordered: this.#ordered },
      ...{ answered: this.#answered, latencyMs: this.#latencyMs },
    };
    const worker = new Worker(workerUrl("swap-worker"), {
      name: "hindcast swap",
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      workerData: setup,
      transferList: [port2],
    });
    const gone = () => {
      if (!this.#isClosed) this.collect();
      this.#isGone = true;
    };
    worker.on("error", gone);
    worker.on("exit", gone);
    worker.unref();
    port1.unref();
    this.#worker = worker;
    return port1;
  }
}
