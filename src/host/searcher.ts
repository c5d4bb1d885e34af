import { isDeepStrictEqual } from "node:util";
import { knowInterpreters } from "../cpu/interpreter-code.ts";
import { Debuggee } from "../debuggee/debuggee.ts";
import type { SegmentResult, SegmentTask } from "../debuggee/search-protocol.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { Bell, drive } from "./motion-driver.ts";
import type { Port } from "./port.ts";
import { openForSearch } from "./recorded-session.ts";
import { errorToData } from "./rpc.ts";
import type { FromSearcher, SearchSubject, ToSearcher } from "./search-protocol.ts";
import { sourceTexts } from "./source-files.ts";

/** Enough for a smooth bar, whatever number of threads there is. */
const PROGRESS_INTERVAL_MS = 100;

export type SegmentSearch = (debuggee: Debuggee, task: SegmentTask) => Motion<SegmentResult>;

/** A recording that is open, with a machine that is warm from the segments before. */
export interface OpenSubject {
  readonly debuggee: Debuggee;
  close(): void;
}

interface Opened extends OpenSubject {
  readonly subject: SearchSubject;
}

/**
 * Searches segments, one after the other, each as it comes. The machine stays for the next one; what a segment says does not
 * depend on it.
 */
export class Searcher {
  readonly #port: Port;
  readonly #nowMs: () => number;
  readonly #search: SegmentSearch;
  readonly #openSubject: (subject: SearchSubject) => OpenSubject;
  /** Segments that have not been answered; true: nobody wants them any more. */
  readonly #cancelled = new Map<number, boolean>();
  readonly #bell = new Bell();
  #opened: Opened | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(port: Port, nowMs: () => number, search: SegmentSearch, openSubject = openWithMachine) {
    this.#port = port;
    this.#nowMs = nowMs;
    this.#search = search;
    this.#openSubject = openSubject;
    port.listen((message) => this.#receive(message as ToSearcher));
  }

  /** Leaves everything where it is; resolves when nothing is done any more. */
  async stop(): Promise<void> {
    for (const id of this.#cancelled.keys()) this.#cancelled.set(id, true);
    await this.#last;
  }

  #receive(message: ToSearcher): void {
    if (message.kind === "open") {
      knowInterpreters(message.interpreters);
      this.#last = this.#last.then(() => this.#prepare(message.subject));
      return;
    }
    const { id } = message;
    if (message.kind === "cancel") {
      if (this.#cancelled.has(id)) this.#cancelled.set(id, true);
      return;
    }
    this.#cancelled.set(id, false);
    this.#last = this.#last.then(() => this.#answer(message));
  }

  /** What is wrong with the recording is said to whoever asks about it. */
  #prepare(subject: SearchSubject): void {
    try {
      this.#open(subject);
    } catch {
      this.#close();
    }
  }

  async #answer({ id, subject, task }: Extract<ToSearcher, { kind: "search" }>): Promise<void> {
    try {
      const result = this.#cancelled.get(id) ? undefined : await this.#run(id, subject, task);
      this.#post(result === undefined ? { kind: "cancelled", id } : { kind: "result", id, result });
    } catch (error) {
      // What a machine that met a difference would say next is worth nothing.
      this.#close();
      this.#post({ kind: "error", id, error: errorToData(error) });
    }
    this.#cancelled.delete(id);
  }

  /** Undefined: it was cancelled. */
  async #run(id: number, subject: SearchSubject, task: SegmentTask): Promise<SegmentResult | undefined> {
    const { debuggee } = this.#open(subject);
    let toldAtMs = this.#nowMs();
    const outcome = await drive(this.#search(debuggee, task), {
      stop: () => this.#cancelled.get(id) === true,
      bell: this.#bell,
      onProgress: ({ fraction }) => {
        const now = this.#nowMs();
        if (fraction === undefined || now - toldAtMs < PROGRESS_INTERVAL_MS) return undefined;
        toldAtMs = now;
        this.#post({ kind: "progress", id, fraction });
        return undefined;
      },
    });
    return outcome.finished ? outcome.value : undefined;
  }

  #open(subject: SearchSubject): Opened {
    const opened = this.#opened;
    if (opened !== undefined && knowsAllOf(opened.subject, subject)) return opened;
    this.#close();
    this.#opened = { ...this.#openSubject(subject), subject };
    return this.#opened;
  }

  #close(): void {
    this.#opened?.close();
    this.#opened = undefined;
  }

  #post(message: FromSearcher): void {
    this.#port.post(message);
  }
}

function openWithMachine(subject: SearchSubject): OpenSubject {
  const session = openForSearch(subject);
  const { timeline, programs, sources, executable } = session;
  const texts = sourceTexts(sources);
  const parts = { timeline, history: timeline.history, programs, sourceTexts: texts, executable, emit: () => {} };
  return { debuggee: new Debuggee(parts), close: () => session.close() };
}

/** What has been recorded since is not needed for a stretch that was known before. At the same end, the run may have ended. */
function knowsAllOf(opened: SearchSubject, { path, end, ended }: SearchSubject): boolean {
  if (opened.path !== path || opened.end < end) return false;
  return opened.end > end || isDeepStrictEqual(opened.ended, ended);
}
