import { element } from "./elements.ts";
import { PagedRows } from "./paged-rows.ts";
import { exact } from "./scale.ts";
import { VirtualList } from "./virtual-list.ts";
import type { Change, WatchRow } from "./watch-messages.ts";

export interface PlotListListener {
  ask(search: number, first: number, count: number): void;
  /** A change was chosen with the keyboard. */
  selected(change: Change): void;
  /** A change was clicked, or entered. */
  activated(change: Change): void;
}

/** All changes of one expression, newest first, of which there may be millions. */
export class PlotList {
  private readonly list: VirtualList<Change>;
  private readonly pages: PagedRows<Change>;
  private search: WatchRow["search"];
  private now = 0;

  constructor(root: HTMLElement, listener: PlotListListener) {
    this.pages = new PagedRows((first, count) => {
      if (this.search !== undefined) listener.ask(this.search.id, first, count);
    });
    this.list = new VirtualList<Change>(root, {
      idPrefix: "change",
      row: (index) => this.pages.at(index),
      render: (change, index) => this.row(change, index),
      missing: (first, last) => this.pages.want(first, last, this.search?.rows ?? 0),
      selected: (change) => listener.selected(change),
      activated: (change) => listener.activated(change),
    });
  }

  show(search: WatchRow["search"], now: number): void {
    const other = search?.id !== this.search?.id;
    const grown = search?.to !== this.search?.to;
    // What has been drawn stays, lest a row be exchanged while it is pressed.
    if (!other && !grown && search?.rows === this.search?.rows && now === this.now) return;
    // A run that has grown has new rows before all others: what was row 5 is row 8 now.
    if (other || grown) this.pages.clear();
    this.search = search;
    this.now = now;
    this.list.show(search?.rows ?? 0, other ? -1 : this.list.active);
  }

  put(search: number, first: number, changes: readonly Change[] | undefined): void {
    if (search !== this.search?.id) return;
    if (changes === undefined) {
      this.pages.refused(first);
      return;
    }
    this.pages.put(first, changes);
    this.list.refresh();
  }

  reveal(index: number): void {
    this.list.reveal(index);
  }

  private row({ instant, text, problem, place }: Change, index: number): HTMLElement {
    const beginning = index === (this.search?.rows ?? 0) - 1 && instant === this.search?.from;
    const row = element(
      instant > this.now ? "div.future" : "div",
      { title: `${problem ?? text}\n${place}\nInstant ${exact(instant)}` },
      element(problem === undefined ? "span.value" : "span.value.problem", {}, problem ?? text),
      element("span.place", {}, beginning ? "at the beginning" : place),
      element("span.instant", {}, exact(instant)),
    );
    row.ariaLabel = `${problem ?? text}, instant ${exact(instant)}, ${place}`;
    return row;
  }
}
