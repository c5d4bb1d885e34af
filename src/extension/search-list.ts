import * as vscode from "vscode";
import type { QuestionBody, SearchBody } from "../adapter/custom-protocol.ts";
import type { ChainFacts, OriginQuestion, SearchFacts } from "../webview/messages.ts";
import { isChain } from "../webview/messages.ts";
import type { Session, Sessions } from "./session.ts";

export type Entry = SearchFacts | ChainFacts;

/** What was searched in one session, the newest first. */
interface Book {
  entries: readonly Entry[];
  selected: number | undefined;
  /** Searches up to the newest instant that there was. */
  readonly openEnded: Set<number>;
}

/** Searches are numbered by the debuggee; chains count down from here. */
const FIRST_CHAIN = -1;

/** The searches of all sessions that somebody asked for by a command, and which of them is looked at. */
export class SearchList implements vscode.Disposable {
  private readonly books = new Map<Session, Book>();
  /** What was told of searches whose request is not answered yet. */
  private readonly early = new Map<Session, Map<number, SearchBody>>();
  private readonly subscriptions: vscode.Disposable[];
  private readonly changed = new vscode.EventEmitter<{
    readonly session: Session;
    readonly entry: Entry | undefined;
  }>();
  private readonly asked = new vscode.EventEmitter<Session>();
  private readonly done = new vscode.EventEmitter<{ readonly session: Session; readonly id: number }>();
  private lastChain = FIRST_CHAIN + 1;
  /** `entry`: only that one is another; else the list is. */
  readonly onChanged = this.changed.event;
  /** Somebody has asked something and wants to see it. */
  readonly onAsked = this.asked.event;

  constructor(sessions: Sessions) {
    this.subscriptions = [
      this.changed,
      this.asked,
      this.done,
      sessions.onSearch(({ session, body }) => this.heard(session, body)),
      sessions.onEnded((session) => this.forget(session)),
      sessions.onRestarted((session) => this.forget(session)),
      sessions.onStatus(({ session }) => this.grown(session)),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  entries(session: Session): readonly Entry[] {
    return this.books.get(session)?.entries ?? [];
  }

  selected(session: Session): Entry | undefined {
    const book = this.books.get(session);
    return book?.entries.find(({ id }) => id === book.selected);
  }

  /** Starts a search and shows it. Resolves when it is over; what it has found is seen before. */
  async search(
    session: Session,
    question: QuestionBody,
    stretch: { readonly from?: number; readonly to?: number } = {},
    title?: string,
  ): Promise<void> {
    const body = await session.request("hindcast/search", { question, ...stretch });
    const known = this.early.get(session)?.get(body.id) ?? body;
    this.early.get(session)?.delete(body.id);
    if (stretch.to === undefined) this.bookOf(session).openEnded.add(body.id);
    this.add(session, this.factsOf(session, title === undefined ? known : { ...known, title }));
    if (known.done) return;
    await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: known.title }, (progress) =>
      this.until(session, body.id, progress),
    );
  }

  /** Follows a value back and shows its way. */
  async follow(session: Session, ask: OriginQuestion, title: string): Promise<void> {
    const id = --this.lastChain;
    const chain: ChainFacts = { id, title };
    this.add(session, chain);
    try {
      const origin = await session.request("hindcast/origin", ask);
      this.replace(session, { ...chain, origin });
    } catch (error) {
      this.replace(session, { ...chain, problem: error instanceof Error ? error.message : String(error) });
    }
  }

  select(session: Session, id: number): void {
    const book = this.books.get(session);
    if (book === undefined) return;
    book.selected = id;
    this.changed.fire({ session, entry: undefined });
  }

  /** Searches what has come behind it as well. */
  async extend(session: Session, id: number): Promise<void> {
    this.heard(session, await session.request("hindcast/extendSearch", { id }));
  }

  async close(session: Session, id: number): Promise<void> {
    const book = this.books.get(session);
    const index = book?.entries.findIndex((entry) => entry.id === id) ?? -1;
    if (book === undefined || index < 0) return;
    book.entries = book.entries.filter((entry) => entry.id !== id);
    // The one that moves up to its place.
    if (book.selected === id) book.selected = (book.entries[index] ?? book.entries.at(-1))?.id;
    this.changed.fire({ session, entry: undefined });
    this.done.fire({ session, id });
    if (id > FIRST_CHAIN) await session.request("hindcast/closeSearch", { id });
  }

  private add(session: Session, entry: Entry): void {
    const book = this.bookOf(session);
    book.entries = [entry, ...book.entries];
    book.selected = entry.id;
    this.changed.fire({ session, entry: undefined });
    this.asked.fire(session);
  }

  private bookOf(session: Session): Book {
    const book = this.books.get(session) ?? { entries: [], selected: undefined, openEnded: new Set() };
    this.books.set(session, book);
    return book;
  }

  private replace(session: Session, entry: Entry): void {
    const book = this.books.get(session);
    if (book === undefined || !book.entries.some(({ id }) => id === entry.id)) return;
    book.entries = book.entries.map((known) => (known.id === entry.id ? entry : known));
    this.changed.fire({ session, entry });
  }

  private heard(session: Session, body: SearchBody): void {
    const known = this.entries(session).find(({ id }) => id === body.id);
    if (known === undefined) {
      // Of the views' own searches and of those that will never be shown, too: they are few.
      const early = this.early.get(session) ?? new Map();
      this.early.set(session, early.set(body.id, body));
      return;
    }
    this.replace(session, this.factsOf(session, { ...body, title: known.title }));
    if (body.done) this.done.fire({ session, id: body.id });
  }

  /** A run goes on: what was asked of all of it was asked of less. */
  private grown(session: Session): void {
    for (const entry of this.entries(session)) {
      if (isChain(entry)) continue;
      const behind = this.isBehind(session, entry);
      if (behind !== entry.behind) this.replace(session, { ...entry, behind });
    }
  }

  private forget(session: Session): void {
    this.early.delete(session);
    if (!this.books.delete(session)) return;
    this.changed.fire({ session, entry: undefined });
    this.done.fire({ session, id: Number.NaN });
  }

  private factsOf(session: Session, { question, ...rest }: SearchBody): SearchFacts {
    return { ...rest, kind: question.kind, behind: this.isBehind(session, rest) };
  }

  private isBehind(session: Session, { id, to }: { readonly id: number; readonly to: number }): boolean {
    const { status } = session;
    const isOpenEnded = this.books.get(session)?.openEnded.has(id) === true;
    return isOpenEnded && status !== undefined && !status.running && status.end > to;
  }

  private until(session: Session, id: number, progress: vscode.Progress<{ message: string }>): Promise<void> {
    return new Promise((resolve) => {
      const finished = () => {
        for (const listener of listeners) listener.dispose();
        resolve();
      };
      const listeners = [
        this.onChanged(({ session: changed, entry }) => {
          if (changed !== session || entry?.id !== id || isChain(entry)) return;
          progress.report({ message: `${Math.floor(entry.fraction * 100)} %` });
          if (entry.done) finished();
        }),
        this.done.event((ended) => {
          if (ended.session === session && (ended.id === id || Number.isNaN(ended.id))) finished();
        }),
      ];
    });
  }
}
