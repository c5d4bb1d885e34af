import { availableParallelism } from "node:os";
import { assert } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import { interpretersKnown } from "../cpu/interpreter-code.ts";
import type { SegmentResult, SegmentRunner, SegmentTask } from "../debuggee/search-protocol.ts";
import { errorFromData } from "./rpc.ts";
import type { FromSearcher, SearchSubject, ToSearcher } from "./search-protocol.ts";
import { SearcherThreads } from "./searcher-threads.ts";

/** A segment in which so many threads have ended is not tried again: it would be the same once more. */
const MOST_ATTEMPTS = 3;

/** The little of a `Worker` that the pool needs. */
export interface SearchThread {
  postMessage(message: ToSearcher): void;
  on(event: "message", listener: (message: FromSearcher) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "exit", listener: (code: number) => void): unknown;
  terminate(): Promise<unknown>;
}

export interface SearchPoolOptions {
  /** Most threads; absent: as many as the computer has cores. */
  readonly threads?: number;
  /** What is searched. Asked before each search: a run that goes on has grown since the one before. */
  readonly subject: () => SearchSubject | Promise<SearchSubject>;
  readonly start?: () => SearchThread;
}

/** Who hears what a run comes to. */
export type SegmentHearer = Parameters<SegmentRunner["run"]>[1];

/** A segment that a thread is at. */
interface Errand {
  readonly id: number;
  readonly run: PoolRun;
  readonly index: number;
}

interface Member {
  readonly thread: SearchThread;
  errand: Errand | undefined;
}

/**
 * Threads that search segments of a recording, each with a machine of its own. They are started when there is something to
 * do for them, and stay, with warm machines, until the pool is closed. The order of a run's tasks is the order in which
 * they are begun; several runs take turns. While all threads are busy, one more serves those who wait for a page. A thread that
 * dies is replaced, and its segment done again.
 */
export class SearchPool {
  readonly threads: number;
  readonly #subject: SearchPoolOptions["subject"];
  readonly #start: () => SearchThread;
  readonly #threads = new SearcherThreads();
  /** Will be a member once there is something to do. */
  #joining: SearchThread | undefined;
  readonly #members = new Set<Member>();
  #runs: PoolRun[] = [];
  #nextId = 1;
  #isClosed = false;

  constructor({ threads = availableParallelism(), subject, start }: SearchPoolOptions) {
    assert(threads >= 1, "a pool without threads");
    this.threads = threads;
    this.#subject = subject;
    this.#start = start ?? (() => this.#threads.start());
  }

  /** One of the threads is there already, and need not be started. */
  join(thread: SearchThread): void {
    this.#joining = thread;
  }

  /** Starts so many threads before anybody asks. */
  prepare(threads: number): void {
    while (this.#members.size < Math.min(threads, this.threads)) this.#enlist();
  }

  /** Threads that have nothing to do open what will be searched. */
  open(subject: SearchSubject): void {
    const message: ToSearcher = { kind: "open", subject, interpreters: interpretersKnown() };
    for (const { thread, errand } of this.#members) if (errand === undefined) thread.postMessage(message);
  }

  /** See `SegmentRunner`. */
  run(tasks: readonly SegmentTask[], hearer: SegmentHearer): { cancel(): void } {
    const run = new PoolRun(tasks, hearer);
    void this.#begin(run);
    return { cancel: () => this.#end(run) };
  }

  /** Threads that are alive, for tests and status. */
  get alive(): number {
    return this.#members.size;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const run of this.#runs) run.fail(closed());
    this.#runs = [];
    const members = [...this.#members];
    this.#members.clear();
    await Promise.all(members.map(({ thread }) => thread.terminate()));
    await this.#threads.close();
  }

  async #begin(run: PoolRun): Promise<void> {
    try {
      run.subject = await this.#subject();
    } catch (error) {
      run.fail(error);
      return;
    }
    if (this.#isClosed) run.fail(closed());
    if (run.isOver) return;
    // Who asks last waits least: a page of what is being searched.
    this.#runs.unshift(run);
    this.#assign();
  }

  /** Gives segments to threads that have none, and starts threads while there are more segments than those. */
  #assign(): void {
    for (;;) {
      const run = this.#runs.find(({ hasNext }) => hasNext);
      const member = run && this.#free(this.threads + (run.isPage ? 1 : 0));
      if (run === undefined || member === undefined) return;
      // Several searches go on side by side.
      this.#runs = [...this.#runs.filter((other) => other !== run), run];
      const index = run.next();
      const id = this.#nextId++;
      member.errand = { id, run, index };
      member.thread.postMessage({ kind: "search", id, subject: run.subject!, task: run.tasks[index] });
    }
  }

  /** A thread that has nothing to do, if no more than so many are to have. */
  #free(most: number): Member | undefined {
    const free = [...this.#members].filter(({ errand }) => errand === undefined);
    if (this.#members.size - free.length >= most) return undefined;
    const joining = this.#joining;
    this.#joining = undefined;
    return joining ? this.#enlist(joining) : (free[0] ?? this.#enlist());
  }

  #enlist(thread = this.#start()): Member {
    const member: Member = { thread, errand: undefined };
    this.#members.add(member);
    member.thread.on("message", (message) => this.#receive(member, message));
    member.thread.on("error", (error) => this.#lost(member, error.message));
    member.thread.on("exit", (code) => this.#lost(member, `exit code ${code}`));
    return member;
  }

  #receive(member: Member, message: FromSearcher): void {
    const { errand } = member;
    if (errand === undefined || errand.id !== message.id) return;
    const { run, index } = errand;
    if (message.kind === "progress") {
      run.progress(index, message.fraction);
      return;
    }
    member.errand = undefined;
    if (message.kind === "result") this.#finish(run, index, message.result);
    else if (message.kind === "error") this.#fail(run, errorFromData(message.error));
    this.#dismiss(run);
    this.#assign();
  }

  #finish(run: PoolRun, index: number, result: SegmentResult): void {
    try {
      run.finish(index, result);
    } catch (error) {
      // Whoever puts results together could not: that ends its search, and not the pool.
      run.isOver = false;
      this.#fail(run, error);
    }
  }

  #lost(member: Member, reason: string): void {
    // The second of "error" and "exit", or after `close`.
    if (!this.#members.delete(member)) return;
    const { errand } = member;
    if (errand !== undefined && !errand.run.isOver) {
      const { run, index } = errand;
      const { from, to } = run.tasks[index];
      if (!run.again(index, MOST_ATTEMPTS)) this.#fail(run, lostTooOften(from, to, reason));
    }
    this.#assign();
  }

  #fail(run: PoolRun, error: unknown): void {
    this.#end(run, () => run.fail(error));
  }

  /** Ends a run; its threads stop where they are, and keep their machines. */
  #end(run: PoolRun, how = () => run.cancel()): void {
    if (run.isOver) return;
    how();
    for (const { thread, errand } of this.#members) {
      if (errand?.run === run) thread.postMessage({ kind: "cancel", id: errand.id });
    }
    this.#dismiss(run);
  }

  #dismiss(run: PoolRun): void {
    if (run.isOver) this.#runs = this.#runs.filter((other) => other !== run);
  }
}

class PoolRun {
  readonly tasks: readonly SegmentTask[];
  subject: SearchSubject | undefined;
  isOver = false;
  readonly #hearer: SegmentHearer;
  readonly #waiting: number[];
  readonly #attempts: number[];
  readonly #finished = new Set<number>();

  constructor(tasks: readonly SegmentTask[], hearer: SegmentHearer) {
    this.tasks = tasks;
    this.#hearer = hearer;
    this.#waiting = tasks.map((_, index) => index);
    this.#attempts = tasks.map(() => 0);
  }

  /** It is short, and somebody looks at where it is to be. */
  get isPage(): boolean {
    return this.tasks.every(({ mostMarks }) => mostMarks === 0);
  }

  get hasNext(): boolean {
    return !this.isOver && this.#waiting.length > 0;
  }

  next(): number {
    const index = this.#waiting.shift();
    assert(index !== undefined, "a run without waiting segments");
    this.#attempts[index]++;
    return index;
  }

  /** Its thread is gone: the segment is the next to be done, unless that has been tried so many times. */
  again(index: number, mostAttempts: number): boolean {
    if (this.#attempts[index] >= mostAttempts) return false;
    this.#waiting.unshift(index);
    return true;
  }

  progress(index: number, fraction: number): void {
    if (!this.isOver) this.#hearer.progress?.(index, fraction);
  }

  finish(index: number, result: SegmentResult): void {
    if (this.isOver || this.#finished.has(index)) return;
    this.#finished.add(index);
    this.isOver = this.#finished.size === this.tasks.length;
    this.#hearer.result(index, result);
  }

  fail(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#hearer.failed(error);
  }

  cancel(): void {
    this.isOver = true;
  }
}

function lostTooOften(from: number, to: number, reason: string): UserError {
  const stretch = `${from.toLocaleString("en-US")} to ${to.toLocaleString("en-US")}`;
  return new UserError(
    "search-thread-lost",
    `The search was given up: ${MOST_ATTEMPTS} threads that went through instants ${stretch} ended by themselves (${reason}).`,
  );
}

function closed(): UserError {
  return new UserError("cancelled", "The search was cancelled: its recording was closed.");
}
