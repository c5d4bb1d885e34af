import { element } from "./elements.ts";
import { PagedRows } from "./paged-rows.ts";
import { RowFilter } from "./row-filter.ts";
import { exact } from "./scale.ts";
import type { RowFacts, SearchFacts, SourceFacts } from "./search-messages.ts";
import { lineButton, lineText } from "./source-button.ts";
import { VirtualList } from "./virtual-list.ts";

export interface RowsOptions {
  ask(id: number, first: number, count: number): Promise<readonly RowFacts[]>;
  travel(instant: number): void;
  openSource(source: SourceFacts): void;
  /** What is shown has become more, or other. */
  changed(): void;
}

/** The rows of one search: asked for as they come into view, newest or oldest first, all or those that pass a filter. */
export class SearchRows {
  readonly #options: RowsOptions;
  readonly #list: VirtualList<RowFacts>;
  #pages = new PagedRows<RowFacts>(() => {});
  #search: SearchFacts | undefined;
  #filter: RowFilter<RowFacts> | undefined;
  #oldestFirst = false;
  #now = -1;
  /** A row of another hart than the first has come: from now on each says which it is. */
  #several = false;

  constructor(box: HTMLElement, options: RowsOptions) {
    this.#options = options;
    this.#list = new VirtualList(box, {
      idPrefix: "found",
      row: (index) => this.#at(index),
      render: (row) => this.#render(row),
      missing: (first, last) => this.#missing(first, last),
      activated: (row) => options.travel(row.instant),
    });
  }

  /** How far the filter is; undefined: there is none. */
  get filtered() {
    return this.#filter?.state;
  }

  get oldestFirst(): boolean {
    return this.#oldestFirst;
  }

  focus(): void {
    this.#list.focus();
  }

  /** Another search, or the same further on. */
  show(search: SearchFacts): void {
    const isOther = search.id !== this.#search?.id;
    this.#search = search;
    // Only of a search that is over is it known which rows are the oldest.
    if (isOther || !search.done) this.#oldestFirst = false;
    if (isOther) {
      this.filter("");
      this.#pages = this.#freshPages(search.id);
      this.#list.begin(this.#count);
      return;
    }
    void this.#filter?.upTo(search.rows);
    this.#list.show(this.#count);
  }

  /** Where the machine stands: the row of that instant is marked. */
  position(now: number): void {
    if (now === this.#now) return;
    this.#now = now;
    this.#list.refresh();
  }

  order(oldestFirst: boolean): void {
    this.#oldestFirst = oldestFirst;
    this.#list.begin(this.#count);
  }

  filter(text: string): void {
    this.#filter?.stop();
    this.#filter = undefined;
    const wanted = text.trim().toLowerCase();
    const search = this.#search;
    if (wanted !== "" && search !== undefined) {
      this.#filter = new RowFilter(
        (first, count) => this.#options.ask(search.id, first, count),
        (row) => textOf(row).includes(wanted),
        () => {
          this.#list.show(this.#count);
          this.#options.changed();
        },
      );
      void this.#filter.upTo(search.rows);
    }
    this.#list.begin(this.#count);
  }

  #freshPages(id: number): PagedRows<RowFacts> {
    const pages: PagedRows<RowFacts> = new PagedRows((first, count) => {
      this.#options.ask(id, first, count).then(
        (rows) => {
          pages.put(first, rows);
          this.#several ||= rows.some(({ hart }) => hart > 0);
          if (pages === this.#pages) this.#list.refresh();
        },
        // Asked again when it is looked at again.
        () => pages.refused(first),
      );
    });
    return pages;
  }

  get #count(): number {
    return this.#filter?.state.found.length ?? this.#search?.rows ?? 0;
  }

  /** Rows are counted from the newest, whatever order they are shown in. */
  #index(shown: number): number {
    return this.#oldestFirst ? this.#count - 1 - shown : shown;
  }

  #at(shown: number): RowFacts | undefined {
    const index = this.#index(shown);
    return this.#filter === undefined ? this.#pages.at(index) : this.#filter.state.found[index]?.row;
  }

  #missing(first: number, last: number): void {
    if (this.#filter !== undefined) return;
    const [from, to] = this.#oldestFirst ? [this.#count - last, this.#count - first] : [first, last];
    this.#pages.want(from, to, this.#count);
  }

  #render(row: RowFacts): HTMLElement {
    const { instant, hart, symbol, source, text, problem, call } = row;
    const said = problem ?? text;
    const place = source === undefined ? symbol : `${symbol} (${lineText(source)})`;
    const result = call !== undefined && call.returned === undefined ? "It has not returned." : undefined;
    const title = [said, place, `Instant ${exact(instant)}, hart ${hart}`, result];
    const made = element(
      "div.found",
      {
        title: title.filter((part) => part !== undefined).join("\n"),
        "aria-label": `instant ${exact(instant)}: ${said}, in ${place}`,
      },
      element("span.instant", {}, exact(instant)),
      this.#several ? element("span.hart", {}, `hart ${hart}`) : undefined,
      element(problem === undefined ? "span.text" : "span.text.problem", {}, said.replaceAll("\n", " ⏎ ")),
      element("span.place", {}, symbol),
      source === undefined ? element("span.line", {}) : lineButton(source, this.#options.openSource),
    );
    made.classList.toggle("here", instant === this.#now);
    return made;
  }
}

/** What a filter looks at, in lower case. */
function textOf({ instant, hart, symbol, source, text, problem }: RowFacts): string {
  const place = source === undefined ? "" : `${source.path}:${source.line}`;
  return `${instant} ${exact(instant)} hart ${hart} ${symbol} ${place} ${text} ${problem ?? ""}`.toLowerCase();
}
