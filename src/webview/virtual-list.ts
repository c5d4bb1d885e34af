/** Of every row, in CSS pixels; virtual-list.css has the same number. */
const ROW_HEIGHT = 22;
/** Rows drawn above and below those in view, so that scrolling shows no gaps. */
const OVERSCAN = 4;
/** Browsers cut elements that are some 33 million pixels high; a longer list scrolls by its scroll bar's share. */
const MOST_SCROLLED_PIXELS = 8_000_000;

export interface VirtualListOptions<Row> {
  /** Rows have ids `PREFIX-INDEX`. */
  readonly idPrefix: string;
  /** What screen readers call a row; default: an option of a list box. */
  readonly rowRole?: "option" | "treeitem";
  /** The row at an index; undefined: it is not known yet, and `missing` hears of it. */
  row(index: number): Row | undefined;
  /** What a row shows: its element, to which the list adds place, id and role. */
  render(row: Row, index: number): HTMLElement;
  /** Rows in [first, last) are in view, some of which are not known. */
  missing?(first: number, last: number): void;
  /** The active row was chosen with the keyboard. */
  selected?(row: Row, index: number): void;
  /** A row was clicked, or Enter was pressed on it. Not told of clicks on a button or link in the row. */
  activated(row: Row, index: number): void;
  /** The keyboard's others, on the list itself. True when it was of use. */
  key?(event: KeyboardEvent, active: number): boolean;
}

/**
 * A list of any number of rows of one height, of which only those in view are in the document. The focus stays on the list
 * itself, which names the active row. The element becomes a scrolled box; `virtual-list.css` has the rest of its looks.
 */
export class VirtualList<Row> {
  readonly #element: HTMLElement;
  readonly #options: VirtualListOptions<Row>;
  readonly #spacer = document.createElement("div");
  readonly #rows = document.createElement("div");
  #count = 0;
  #active = -1;
  /** Pixels above the upper edge of the view, were all rows there. */
  #top = 0;
  /** The scroll bar's place that `#top` has: another one is the user's doing. */
  #scrolledTo = 0;

  constructor(element: HTMLElement, options: VirtualListOptions<Row>) {
    this.#element = element;
    this.#options = options;
    element.classList.add("virtual-list");
    element.role ??= "listbox";
    element.tabIndex = 0;
    this.#spacer.className = "spacer";
    this.#spacer.role = "presentation";
    this.#rows.className = "rows";
    this.#rows.role = "presentation";
    this.#spacer.append(this.#rows);
    element.append(this.#spacer);
    element.addEventListener("scroll", () => this.#scrolled());
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("click", (event) => this.#click(event));
    new ResizeObserver(() => this.#moveTo(this.#top)).observe(element);
  }

  get count(): number {
    return this.#count;
  }

  /** Index of the active row; -1: none. */
  get active(): number {
    return this.#active;
  }

  /** Rows came or went, or are others now. What is in view stays, as far as there is so much. */
  show(count: number, active = this.#active): void {
    this.#count = count;
    this.#active = active < count ? active : -1;
    this.#moveTo(this.#top);
  }

  /** Scrolls as little as it takes to have the row in view, and makes it the active one. */
  reveal(index: number): void {
    if (index < 0 || index >= this.#count) return;
    this.#active = index;
    const top = index * ROW_HEIGHT;
    const lowest = top + ROW_HEIGHT - this.#element.clientHeight;
    this.#moveTo(Math.max(Math.min(this.#top, top), lowest));
  }

  /** From the first row on, none of them active. */
  begin(count: number): void {
    this.#count = count;
    this.#active = -1;
    this.#moveTo(0);
  }

  focus(): void {
    this.#element.focus();
  }

  /** Draws anew: rows that were missing are known, or look otherwise. */
  refresh(): void {
    const { idPrefix, rowRole = "option", row, render, missing } = this.#options;
    const height = this.#element.clientHeight;
    this.#rows.style.height = `${height}px`;
    const firstInView = Math.floor(this.#top / ROW_HEIGHT);
    const lastInView = Math.min(this.#count, Math.ceil((this.#top + height) / ROW_HEIGHT));
    const first = Math.max(0, firstInView - OVERSCAN);
    const last = Math.min(this.#count, lastInView + OVERSCAN);
    const rows: HTMLElement[] = [];
    let complete = true;
    for (let index = first; index < last; index++) {
      const known = row(index);
      complete &&= known !== undefined;
      const element = known === undefined ? pending() : render(known, index);
      element.id = `${idPrefix}-${index}`;
      element.role = rowRole;
      element.classList.add("row");
      element.classList.toggle("active", index === this.#active);
      element.dataset.index = String(index);
      element.style.top = `${index * ROW_HEIGHT - this.#top}px`;
      element.ariaSelected = String(index === this.#active);
      element.ariaSetSize = String(this.#count);
      element.ariaPosInSet = String(index + 1);
      rows.push(element);
    }
    this.#rows.replaceChildren(...rows);
    if (this.#active >= first && this.#active < last) {
      this.#element.setAttribute("aria-activedescendant", `${idPrefix}-${this.#active}`);
    } else {
      this.#element.removeAttribute("aria-activedescendant");
    }
    if (!complete) missing?.(first, last);
  }

  /** How many times higher all rows are than what is scrolled. */
  get #scale(): number {
    return Math.max(1, (this.#count * ROW_HEIGHT) / MOST_SCROLLED_PIXELS);
  }

  #moveTo(top: number): void {
    const all = this.#count * ROW_HEIGHT;
    this.#top = Math.min(Math.max(0, top), Math.max(0, all - this.#element.clientHeight));
    const scale = this.#scale;
    // The last row must be at the lower edge when the scroll bar is.
    const reach = Math.max(1, all - this.#element.clientHeight);
    const spacer = scale === 1 ? all : MOST_SCROLLED_PIXELS;
    this.#spacer.style.height = `${spacer}px`;
    this.#element.scrollTop = (this.#top / reach) * (spacer - this.#element.clientHeight);
    this.#scrolledTo = this.#element.scrollTop;
    this.refresh();
  }

  #scrolled(): void {
    const { scrollTop, clientHeight } = this.#element;
    if (Math.abs(scrollTop - this.#scrolledTo) < 1) return;
    this.#scrolledTo = scrollTop;
    const all = this.#count * ROW_HEIGHT;
    const spacer = this.#scale === 1 ? all : MOST_SCROLLED_PIXELS;
    this.#top = (scrollTop / Math.max(1, spacer - clientHeight)) * Math.max(0, all - clientHeight);
    this.refresh();
  }

  /** Where the scroll bar stands for more than it shows, the wheel would pass over rows. */
  #wheel(event: WheelEvent): void {
    if (this.#scale === 1 || event.ctrlKey) return;
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? ROW_HEIGHT : 1;
    event.preventDefault();
    this.#moveTo(this.#top + event.deltaY * unit);
  }

  #key(event: KeyboardEvent): void {
    if (event.target !== this.#element) return;
    const { row, selected, activated, key } = this.#options;
    const page = Math.max(1, Math.floor(this.#element.clientHeight / ROW_HEIGHT) - 1);
    const moves: Record<string, number> = {
      ArrowDown: this.#active + 1,
      ArrowUp: this.#active - 1,
      PageDown: this.#active + page,
      PageUp: this.#active - page,
      Home: 0,
      End: this.#count - 1,
    };
    if (event.key in moves && this.#count > 0) {
      this.reveal(Math.min(Math.max(moves[event.key], 0), this.#count - 1));
      const chosen = row(this.#active);
      if (chosen !== undefined) selected?.(chosen, this.#active);
      event.preventDefault();
    } else if (event.key === "Enter" && this.#active >= 0) {
      const chosen = row(this.#active);
      if (chosen !== undefined) activated(chosen, this.#active);
      event.preventDefault();
    } else if (key?.(event, this.#active)) {
      event.preventDefault();
    }
  }

  #click(event: MouseEvent): void {
    const target = event.target as Element;
    if (target.closest("button, a") !== null) return;
    const element = target.closest<HTMLElement>(".row");
    if (element === null) return;
    const index = Number(element.dataset.index);
    const chosen = this.#options.row(index);
    if (chosen === undefined) return;
    this.#active = index;
    this.refresh();
    this.#options.activated(chosen, index);
  }
}

function pending(): HTMLElement {
  const element = document.createElement("div");
  element.classList.add("pending");
  element.ariaBusy = "true";
  element.textContent = "…";
  return element;
}
