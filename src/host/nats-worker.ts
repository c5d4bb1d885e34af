import { setTimeout as sleep } from "node:timers/promises";
import type { JsMsg } from "@nats-io/jetstream";
import { RequestError } from "@nats-io/transport-node";
import { UserError } from "../base/errors.ts";
import type { SegmentResult } from "../debuggee/search-protocol.ts";
import { attempt, connectionLost, followStatus, type Nats, natsError, type Say } from "./nats-connection.ts";
import { RecordingCache } from "./recording-exchange.ts";
import { errorToData } from "./rpc.ts";
import { SearchPool } from "./search-pool.ts";
import type { SearchSubject } from "./search-protocol.ts";
import {
  decodeMessage,
  encodeMessage,
  type News,
  openQueue,
  PROCESS_NAME,
  QUEUE_TIMES,
  type QueueTimes,
  type SegmentAnswer,
  type SegmentOrder,
  SUBJECTS,
  segmentConsumer,
  VERSION,
  type WorkerPresence,
} from "./segment-queue.ts";

/** Recordings that stay open, each with its threads' machines. */
const MOST_OPEN_RECORDINGS = 2;
const SEGMENT_WAIT_MS = 5000;
const RETRY_MS = 500;
/** A segment that is given back because this computer cannot search it: another may be faster to take it. */
const GIVE_BACK_MS = 1000;
/** The query is asked so often whether it still wants its segments; it may be away for a moment, like the server. */
const ASK_TIMES = 3;
const ASK_WAIT_MS = 2000;
const ASK_PAUSE_MS = 1500;
/** Who ends waits so long for the server to hear of what is done. */
const ANSWER_WAIT_MS = 2000;
/** With `once`: nothing has come for so long behind the last segment. */
const IDLE_END_MS = 2000;
/** What another computer may have, where this one does not. */
const NOT_HERE = new Set(["file-not-found", "file-unreadable", "image-changed", "recording-not-offered"]);

/** The little of a `SearchPool` that a worker needs. */
export type SegmentPool = Pick<SearchPool, "run" | "close">;

export interface NatsWorkerOptions {
  readonly threads: number;
  /** End when nothing is left to do, once there was something. */
  readonly once: boolean;
  readonly say: Say;
  readonly times?: QueueTimes;
  readonly cache?: RecordingCache;
  readonly makePool?: (subject: SearchSubject, threads: number) => SegmentPool;
}

/** What a segment in work can be stopped by. */
interface Job {
  readonly order: SegmentOrder;
  readonly message: JsMsg;
  /** Nobody wants it any more, or it is for somebody else. */
  stop(): void;
  /** Its result is on its way. */
  isAnswered: boolean;
  readonly over: Promise<void>;
}

interface OpenRecording {
  readonly key: string;
  readonly pool: SegmentPool;
  busy: number;
}

/** Takes segments out of the queue, searches them in threads, and says what they came to. */
export class NatsWorker {
  readonly #nats: Nats;
  readonly #options: NatsWorkerOptions;
  readonly #times: QueueTimes;
  readonly #cache: RecordingCache;
  readonly #jobs = new Set<Job>();
  /** The ones that were used last come last. */
  #recordings: OpenRecording[] = [];
  readonly #ended = Promise.withResolvers<void>();
  readonly #seen = new Set<string>();
  readonly #gone = new Set<string>();
  #isStopping = false;
  #done = 0;
  #lastDoneMs = 0;

  private constructor(nats: Nats, options: NatsWorkerOptions) {
    this.#nats = nats;
    this.#options = options;
    this.#times = options.times ?? QUEUE_TIMES;
    this.#cache = options.cache ?? new RecordingCache();
  }

  /** The connection is the worker's from then on. */
  static async start(nats: Nats, options: NatsWorkerOptions): Promise<NatsWorker> {
    const worker = new NatsWorker(nats, options);
    try {
      await openQueue(nats, worker.#times);
    } catch (error) {
      await nats.connection.close();
      throw natsError(error, nats.server);
    }
    worker.#listen();
    const slots = Array.from({ length: options.threads }, () => worker.#serve());
    Promise.all(slots).then(() => worker.#ended.resolve(), worker.#ended.reject);
    return worker;
  }

  /** Resolves when it has ended; rejects with a UserError when the server is gone. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Segments that it has searched. */
  get done(): number {
    return this.#done;
  }

  /** Gives back what it has not finished, and ends. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const jobs = [...this.#jobs];
    for (const { message, stop, isAnswered } of jobs) {
      if (isAnswered) continue;
      stop();
      message.nak();
    }
    const answered = jobs.filter(({ isAnswered }) => isAnswered).map(({ over }) => over);
    await Promise.race([Promise.all(answered), sleep(ANSWER_WAIT_MS)]);
    const { connection } = this.#nats;
    if (!connection.isClosed()) await connection.flush().catch(() => {});
    await connection.close();
    await Promise.all(this.#recordings.map(({ pool }) => pool.close()));
    await this.#ended.promise.catch(() => {});
  }

  #listen(): void {
    const { connection } = this.#nats;
    const presence: WorkerPresence = { worker: PROCESS_NAME, version: VERSION, threads: this.#options.threads };
    connection.subscribe(SUBJECTS.present, { callback: (_, message) => void message.respond(encodeMessage(presence)) });
    connection.subscribe(SUBJECTS.over("*"), {
      callback: (_, { subject }) => {
        for (const job of this.#jobs) {
          if (subject !== SUBJECTS.over(job.order.query)) continue;
          job.stop();
          job.message.term();
        }
      },
    });
    void followStatus(this.#nats, this.#options.say);
  }

  /** One thread's share: a segment at a time, newest first as they lie in the queue. */
  async #serve(): Promise<void> {
    let consumer: Awaited<ReturnType<typeof segmentConsumer>> | undefined;
    while (!this.#isStopping && !this.#isIdleEnd()) {
      let message: JsMsg | null = null;
      try {
        consumer ??= await segmentConsumer(this.#nats);
        message = await consumer.next({ expires: this.#options.once ? IDLE_END_MS / 2 : SEGMENT_WAIT_MS });
      } catch {
        if (this.#isStopping) return;
        if (this.#nats.connection.isClosed()) throw connectionLost(this.#nats.server);
        // The server is away, or was emptied: then the queue is made anew.
        consumer = undefined;
        await sleep(RETRY_MS);
        await openQueue(this.#nats, this.#times).catch(() => {});
      }
      if (message === null) continue;
      if (this.#isStopping) message.nak();
      else await this.#handle(message);
    }
  }

  #isIdleEnd(): boolean {
    const { once } = this.#options;
    return once && this.#done > 0 && this.#jobs.size === 0 && performance.now() - this.#lastDoneMs > IDLE_END_MS;
  }

  async #handle(message: JsMsg): Promise<void> {
    let order: SegmentOrder;
    try {
      order = decodeMessage<SegmentOrder>(message.data);
    } catch {
      message.term();
      return;
    }
    const stopped = Promise.withResolvers<undefined>();
    const over = Promise.withResolvers<void>();
    const job: Job = {
      ...{ order, message, isAnswered: false, over: over.promise },
      stop: () => stopped.resolve(undefined),
    };
    this.#jobs.add(job);
    // From here on the server hears now and then that somebody is at it.
    const beat = setInterval(() => void this.#beat(job), this.#times.ackWaitMs / 3);
    try {
      await this.#work(job, stopped.promise);
    } catch (error) {
      // Not said: the segment comes back when the server has not heard of it for a while.
      if (!this.#isStopping) this.#options.say(`A segment could not be finished: ${(error as Error).message}`, true);
    } finally {
      clearInterval(beat);
      this.#jobs.delete(job);
      over.resolve();
      this.#lastDoneMs = performance.now();
    }
  }

  async #beat({ order, message, stop }: Job): Promise<void> {
    message.working();
    if (await this.#isWanted(order.query)) return;
    stop();
    message.term();
  }

  async #work(job: Job, stopped: Promise<undefined>): Promise<void> {
    const { order, message } = job;
    const { query, index } = order;
    const { deliveryCount } = message.info;
    if (deliveryCount > this.#times.mostDeliveries) {
      await this.#answer(order, { error: errorToData(givenUp(order, deliveryCount - 1)) });
      message.term();
      return;
    }
    if (!(await this.#isWanted(query))) {
      message.term();
      return;
    }
    if (!this.#seen.has(query)) {
      this.#seen.add(query);
      this.#options.say(`Searching ${order.recording.path} for a query.`, false);
    }
    let result: SegmentResult | undefined;
    try {
      result = await Promise.race([this.#search(order, stopped), stopped]);
    } catch (error) {
      if (error instanceof UserError && NOT_HERE.has(error.code) && deliveryCount < this.#times.mostDeliveries) {
        this.#options.say(error.message, true);
        this.#news(query, { kind: "trouble", worker: PROCESS_NAME, sentence: error.message });
        message.nak(GIVE_BACK_MS);
        return;
      }
      if (this.#isStopping) return;
      await this.#answer(order, { error: errorToData(error) });
      message.term();
      return;
    }
    if (result === undefined) return;
    job.isAnswered = true;
    // First the result, then that it is done: who dies in between leaves a segment that is done twice and counts once.
    await this.#answer(order, { result });
    await message.ackAck().catch(() => false);
    this.#done++;
    this.#news(query, { kind: "progress", index, fraction: 1 });
  }

  /** Undefined: it was stopped. */
  async #search(
    { recording, task, index, query }: SegmentOrder,
    stopped: Promise<undefined>,
  ): Promise<SegmentResult | undefined> {
    const { sha256, sizeBytes } = recording;
    const megabytes = Math.ceil(sizeBytes / 1e6);
    const path = await this.#cache.find(this.#nats, recording, () => {
      this.#options.say(`Fetching the recording ${sha256.slice(0, 12)}… (${megabytes} MB).`, false);
    });
    const { end, engine, cacheGroup } = recording;
    const subject = { path, end, ...(engine && { engine }), ...(cacheGroup && { cacheGroup }) };
    const open = this.#open(subject);
    open.busy++;
    const outcome = Promise.withResolvers<SegmentResult>();
    const run = open.pool.run([task], {
      result: (_, result) => outcome.resolve(result),
      failed: outcome.reject,
      progress: (_, fraction) => this.#news(query, { kind: "progress", index, fraction }),
    });
    void stopped.then(() => run.cancel());
    try {
      return await Promise.race([outcome.promise, stopped]);
    } finally {
      open.busy--;
    }
  }

  #open(subject: SearchSubject): OpenRecording {
    const key = JSON.stringify(subject);
    const known = this.#recordings.find((recording) => recording.key === key);
    const { threads, makePool = (of, count) => new SearchPool({ threads: count, subject: () => of }) } = this.#options;
    const recording = known ?? { key, pool: makePool(subject, threads), busy: 0 };
    this.#recordings = [...this.#recordings.filter((other) => other !== recording), recording];
    const idle = this.#recordings.filter(({ busy }) => busy === 0 && recording.busy === 0);
    for (const old of idle.slice(0, Math.max(0, this.#recordings.length - MOST_OPEN_RECORDINGS))) {
      if (old === recording) continue;
      this.#recordings = this.#recordings.filter((other) => other !== old);
      void old.pool.close();
    }
    return recording;
  }

  async #answer(
    order: Pick<SegmentOrder, "query" | "index" | "times">,
    outcome: Pick<SegmentAnswer, "result" | "error">,
  ): Promise<void> {
    const { query, index, times } = order;
    const payload = encodeMessage({ index, worker: PROCESS_NAME, ...outcome } satisfies SegmentAnswer);
    const { stream, connection, server } = this.#nats;
    const most = connection.info?.max_payload ?? payload.length;
    if (payload.length > most) {
      const sizes = `${payload.length.toLocaleString("en-US")} bytes, ${most.toLocaleString("en-US")}`;
      const sentence = `A segment's result is larger than the NATS server at ${server} takes (${sizes}): raise its max_payload.`;
      await this.#answer(order, { error: errorToData(new UserError("nats-payload", sentence)) });
      return;
    }
    await attempt(() => stream.publish(SUBJECTS.results(query), payload, { msgID: `${query}.${index}.${times}` }));
  }

  #news(query: string, news: News): void {
    if (!this.#nats.connection.isClosed()) this.#nats.connection.publish(SUBJECTS.news(query), encodeMessage(news));
  }

  /**
   * Whether the query is still there. Of one that was killed the server says that nobody answers, several times, and its
   * segments are let go. Of one that was away for the moment only they are queued again by itself.
   */
  async #isWanted(query: string): Promise<boolean> {
    const { connection } = this.#nats;
    for (let times = 1; times <= ASK_TIMES; times++) {
      try {
        await connection.request(SUBJECTS.query(query), new Uint8Array(), { timeout: ASK_WAIT_MS });
        this.#gone.delete(query);
        return true;
      } catch (error) {
        const isNobody = error instanceof RequestError && error.isNoResponders();
        if (!isNobody || connection.isClosed()) return true;
        if (this.#gone.has(query)) return false;
        if (times < ASK_TIMES) await sleep(ASK_PAUSE_MS);
      }
    }
    this.#gone.add(query);
    return false;
  }
}

function givenUp({ task }: SegmentOrder, times: number): UserError {
  const stretch = `${task.from.toLocaleString("en-US")} to ${task.to.toLocaleString("en-US")}`;
  return new UserError(
    "segment-given-up",
    `The search was given up: instants ${stretch} were begun by workers ${times} times, and none of them came to an end.`,
  );
}
