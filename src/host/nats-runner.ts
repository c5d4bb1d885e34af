import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsMsg } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import { UserError } from "../base/errors.ts";
import type { SegmentResult, SegmentTask } from "../debuggee/search-protocol.ts";
import { attempt, connectionLost, followStatus, type Nats, natsError, type Say } from "./nats-connection.ts";
import { fileHash, offerRecording } from "./recording-exchange.ts";
import { errorFromData } from "./rpc.ts";
import type { SegmentHearer } from "./search-pool.ts";
import type { SearchSubject } from "./search-protocol.ts";
import {
  clearQuery,
  decodeMessage,
  encodeMessage,
  isQueued,
  type News,
  openQueue,
  QUEUE_TIMES,
  type QueueTimes,
  type RecordingKey,
  resultConsumer,
  type SegmentAnswer,
  type SegmentOrder,
  SUBJECTS,
  VERSION,
  type WorkerPresence,
} from "./segment-queue.ts";

/**
 * Segments that lie in the queue for each thread of a worker, beside those that are being searched: what a query leaves
 * behind when it is killed, and what others have to wait for.
 */
const QUEUED_PER_THREAD = 2;
/** While no worker is known: one may come that has many threads. */
const LEAST_QUEUED = 8;
const PRESENCE_WAIT_MS = 1000;
/** Behind the last worker that has answered. */
const PRESENCE_STALL_MS = 100;
/** How often it is asked who works, and whether what was queued is still there. */
const LOOK_INTERVAL_MS = 5000;
/** A search that is over by then needs nobody. */
const MISSING_AFTER_MS = 500;
const RESULT_WAIT_MS = 5000;
const RETRY_MS = 200;

export interface NatsRunnerOptions {
  readonly subject: SearchSubject;
  /** Hears who works, and what goes wrong meanwhile. */
  readonly say: Say;
  readonly times?: QueueTimes;
}

/**
 * Searches segments by workers on any computers that are connected to the same NATS server. Runs of a query come one after the
 * other or together; each is a query of its own to the workers.
 */
export class NatsRunner {
  readonly #nats: Nats;
  readonly #options: NatsRunnerOptions;
  readonly #runs = new Set<NatsRun>();
  readonly #key: RecordingKey;
  #presences: readonly WorkerPresence[] = [];
  readonly #said = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(nats: Nats, options: NatsRunnerOptions, key: RecordingKey) {
    this.#nats = nats;
    this.#options = options;
    this.#key = key;
    this.#timer = setInterval(() => void this.#look(), LOOK_INTERVAL_MS);
    void nats.connection.closed().then(() => {
      if (!this.#isClosed) for (const run of this.#runs) run.fail(connectionLost(nats.server));
    });
    void followStatus(nats, options.say);
  }

  /** Makes what the query needs at the server, and puts the recording there. The connection is the runner's from then on. */
  static async open(nats: Nats, options: NatsRunnerOptions): Promise<NatsRunner> {
    try {
      await openQueue(nats, options.times ?? QUEUE_TIMES);
      const { path } = options.subject;
      const sizeBytes = statSync(path).size;
      const key = { path, sizeBytes, sha256: await fileHash(path, sizeBytes) };
      await offerRecording(nats, key, () => options.say(`Sending the recording to ${nats.server}.`, false));
      const runner = new NatsRunner(nats, options, key);
      await runner.#look();
      return runner;
    } catch (error) {
      await nats.connection.close();
      throw natsError(error, nats.server);
    }
  }

  /** Threads of all workers that are known. */
  get threads(): number {
    return this.#presences.reduce((sum, { threads }) => sum + threads, 0);
  }

  /** See `SegmentRunner`. */
  run(tasks: readonly SegmentTask[], hearer: SegmentHearer): { cancel(): void } {
    const run = new NatsRun(this.#nats, this.#orders(tasks), hearer, {
      mostQueued: () => Math.max(LEAST_QUEUED, this.threads * (1 + QUEUED_PER_THREAD)),
      trouble: (sentence) => this.#sayOnce(sentence, true),
      over: () => this.#runs.delete(run),
    });
    this.#runs.add(run);
    void run.start();
    setTimeout(() => this.#sayWhoIsMissing(), MISSING_AFTER_MS).unref();
    return { cancel: () => void run.cancel() };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await Promise.all([...this.#runs].map((run) => run.cancel()));
    await this.#nats.connection.close();
  }

  #orders(tasks: readonly SegmentTask[]): Order[] {
    const { path: _, ...subject } = this.#options.subject;
    const recording = { ...this.#key, ...subject };
    return tasks.map((task, index) => ({ index, task, recording }));
  }

  async #look(): Promise<void> {
    const { connection } = this.#nats;
    if (connection.isClosed()) return;
    try {
      const found: WorkerPresence[] = [];
      const options = { strategy: "stall" as const, stall: PRESENCE_STALL_MS, maxWait: PRESENCE_WAIT_MS };
      for await (const answer of await connection.requestMany(SUBJECTS.present, new Uint8Array(), options)) {
        if (answer.data.length > 0) found.push(decodeMessage<WorkerPresence>(answer.data));
      }
      this.#presences = found.filter(({ version }) => version === VERSION);
      for (const { worker, version } of found) {
        if (version === VERSION) continue;
        this.#sayOnce(
          `The worker ${worker} has Hindcast ${version} and this is ${VERSION}: it does not take part.`,
          true,
        );
      }
    } catch {
      // Nobody has answered, or the server is away for the moment.
      this.#presences = [];
    }
    if (!connection.isClosed()) this.#sayWhoIsMissing();
    for (const run of this.#runs) void run.look();
  }

  #sayWhoIsMissing(): void {
    if (this.threads > 0 || this.#runs.size === 0) return;
    const { server } = this.#nats;
    this.#sayOnce(`No worker is connected to ${server}: waiting for one (hindcast worker --nats URL).`, true);
  }

  #sayOnce(sentence: string, isTrouble: boolean): void {
    if (this.#said.has(sentence)) return;
    this.#said.add(sentence);
    this.#options.say(sentence, isTrouble);
  }
}

/** A segment before it is put into the queue. */
type Order = Omit<SegmentOrder, "query" | "times">;

interface RunSurroundings {
  readonly mostQueued: () => number;
  readonly trouble: (sentence: string) => void;
  readonly over: () => void;
}

/** One set of segments: queued a few at a time, collected by number, each once. */
class NatsRun {
  readonly #query = randomUUID();
  readonly #nats: Nats;
  readonly #hearer: SegmentHearer;
  readonly #surroundings: RunSurroundings;
  readonly #orders: readonly Order[];
  #nextToQueue = 0;
  /** Segments that are in the queue or being searched: where they lie there, and how often they were put there. */
  readonly #queued = new Map<number, { readonly sequence: number; readonly times: number }>();
  readonly #finished = new Set<number>();
  /** Of all that was ever put into the queue. */
  readonly #sequences: number[] = [];
  #filling: Promise<void> = Promise.resolve();
  #isFilling = false;
  readonly #stopped = Promise.withResolvers<undefined>();
  readonly #cleared = Promise.withResolvers<void>();
  #isOver = false;

  constructor(nats: Nats, orders: readonly Order[], hearer: SegmentHearer, surroundings: RunSurroundings) {
    this.#nats = nats;
    this.#orders = orders;
    this.#hearer = hearer;
    this.#surroundings = surroundings;
  }

  async start(): Promise<void> {
    const { connection } = this.#nats;
    const query = this.#query;
    const answers = connection.subscribe(SUBJECTS.query(query), { callback: (_, message) => void message.respond() });
    const news = connection.subscribe(SUBJECTS.news(query), { callback: (_, message) => this.#hear(message) });
    try {
      if (this.#orders.length > 0) {
        const consumer = await attempt(() => resultConsumer(this.#nats, query));
        await this.#fill();
        while (!this.#isOver) await this.#collect(consumer);
      }
    } catch (error) {
      this.fail(natsError(error, this.#nats.server));
    } finally {
      answers.unsubscribe();
      news.unsubscribe();
      await this.#clear();
      this.#surroundings.over();
      this.#cleared.resolve();
    }
  }

  /** Resolves when nothing of it is left at the server. */
  async cancel(): Promise<void> {
    this.#isOver = true;
    this.#stopped.resolve(undefined);
    await this.#cleared.promise;
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopped.resolve(undefined);
    this.#hearer.failed(error);
  }

  /** Now and then: what was queued and is no more, and has no result, is queued again. */
  async look(): Promise<void> {
    try {
      const lost: number[] = [];
      for (const [index, { sequence, times }] of this.#queued) {
        if (!(await isQueued(this.#nats, sequence, this.#messageId(index, times)))) lost.push(index);
      }
      // A result that is on its way comes first.
      if (lost.length > 0) await sleep(LOOK_INTERVAL_MS / 2);
      for (const index of lost) {
        if (!this.#isOver && !this.#finished.has(index)) await this.#queue(index, this.#queued.get(index)!.times + 1);
      }
      await this.#fill();
    } catch {
      // The server is away: the next look is soon.
    }
  }

  #messageId(index: number, times: number): string {
    return `${this.#query}.${index}.${times}`;
  }

  async #collect(consumer: Awaited<ReturnType<typeof resultConsumer>>): Promise<void> {
    let message: JsMsg | null | undefined;
    try {
      const next = consumer.next({ expires: RESULT_WAIT_MS });
      // Of a run that was stopped nobody waits for it, and what comes is nobody's.
      next.then(
        (late) => this.#isOver && late?.ack(),
        () => {},
      );
      message = await Promise.race([next, this.#stopped.promise]);
    } catch (error) {
      if (this.#nats.connection.isClosed()) throw connectionLost(this.#nats.server);
      if (error instanceof UserError) throw error;
      await sleep(RETRY_MS);
    }
    message?.ack();
    if (!message || this.#isOver) return;
    const { index, worker, result, error } = decodeMessage<SegmentAnswer>(message.data);
    if (this.#finished.has(index) || this.#orders[index] === undefined) return;
    if (result === undefined) {
      const cause = error === undefined ? new Error("an answer without a result") : errorFromData(error);
      this.#surroundings.trouble(`The worker ${worker} could not search a segment.`);
      this.fail(cause);
      return;
    }
    this.#finished.add(index);
    this.#queued.delete(index);
    this.#isOver = this.#finished.size === this.#orders.length;
    this.#tell(index, result);
    void this.#fill().catch(() => {});
  }

  #tell(index: number, result: SegmentResult): void {
    try {
      this.#hearer.result(index, result);
    } catch (error) {
      this.#isOver = false;
      this.fail(error);
    }
  }

  /** Puts segments into the queue, as many as workers can do at once and some more. */
  #fill(): Promise<void> {
    if (!this.#isFilling) {
      this.#isFilling = true;
      this.#filling = this.#fillOnce();
    }
    return this.#filling;
  }

  async #fillOnce(): Promise<void> {
    try {
      while (this.#nextToQueue < this.#orders.length && this.#queued.size < this.#surroundings.mostQueued()) {
        if (this.#isOver) return;
        await this.#queue(this.#nextToQueue, 1);
        this.#nextToQueue++;
      }
    } finally {
      this.#isFilling = false;
    }
  }

  async #queue(index: number, times: number): Promise<void> {
    const payload = encodeMessage({ ...this.#orders[index], query: this.#query, times } satisfies SegmentOrder);
    // The same once more, because no answer came, must not be a second one.
    const options = { msgID: this.#messageId(index, times) };
    const { seq } = await attempt(() => this.#nats.stream.publish(SUBJECTS.segments(this.#query), payload, options));
    this.#sequences.push(seq);
    if (!this.#finished.has(index)) this.#queued.set(index, { sequence: seq, times });
  }

  #hear({ data }: Msg): void {
    const news = decodeMessage<News>(data);
    if (this.#isOver) return;
    if (news.kind === "trouble") this.#surroundings.trouble(`The worker ${news.worker}: ${news.sentence}`);
    else if (!this.#finished.has(news.index)) this.#hearer.progress?.(news.index, news.fraction);
  }

  async #clear(): Promise<void> {
    const { connection } = this.#nats;
    if (connection.isClosed()) return;
    try {
      connection.publish(SUBJECTS.over(this.#query));
      await this.#filling.catch(() => {});
      await clearQuery(this.#nats, this.#query, this.#sequences);
    } catch {
      // What is left goes with time.
    }
  }
}
