import { laneOf } from "./marks.ts";
import type { Mark } from "./messages.ts";
import { exact } from "./scale.ts";

/** Height of a row in CSS pixels; timeline.css has the same number. */
const ROW_HEIGHT = 22;
/** Rows drawn above and below those in view, so that scrolling shows no gaps. */
const OVERSCAN = 8;

/**
 * The marks as a list, for the keyboard and for screen readers. Only the rows in view are in the document, so that
 * thousands of marks cost no more than a screenful. The focus stays on the list itself, which names the active row.
 */
export class MarkList {
  private readonly element: HTMLElement;
  private readonly rows: HTMLElement;
  private readonly onSelect: (mark: Mark) => void;
  private readonly onTravel: (mark: Mark) => void;
  private marks: readonly Mark[] = [];
  private active = -1;
  private now = 0;

  constructor(element: HTMLElement, onSelect: (mark: Mark) => void, onTravel: (mark: Mark) => void) {
    this.element = element;
    this.onSelect = onSelect;
    this.onTravel = onTravel;
    this.rows = document.createElement("div");
    this.rows.className = "rows";
    this.rows.role = "presentation";
    element.append(this.rows);
    element.addEventListener("scroll", () => this.render());
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.render()).observe(element);
  }

  /** `marks` ascend. The active row stays on its mark where that is still there. */
  show(marks: readonly Mark[], selected: Mark | undefined, now: number): void {
    this.marks = marks;
    this.now = now;
    this.active = selected === undefined ? -1 : marks.indexOf(selected);
    this.rows.style.height = `${marks.length * ROW_HEIGHT}px`;
    this.render();
  }

  reveal(mark: Mark): void {
    const index = this.marks.indexOf(mark);
    if (index < 0) return;
    this.active = index;
    const top = index * ROW_HEIGHT;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    const bottom = top + ROW_HEIGHT - this.element.clientHeight;
    if (bottom > this.element.scrollTop) this.element.scrollTop = bottom;
    this.render();
  }

  private render(): void {
    const first = Math.max(0, Math.floor(this.element.scrollTop / ROW_HEIGHT) - OVERSCAN);
    const shown = Math.ceil(this.element.clientHeight / ROW_HEIGHT) + 2 * OVERSCAN;
    const last = Math.min(this.marks.length, first + shown);
    const rows: HTMLElement[] = [];
    for (let index = first; index < last; index++) rows.push(this.row(index));
    this.rows.replaceChildren(...rows);
    if (this.active >= first && this.active < last) {
      this.element.setAttribute("aria-activedescendant", `mark-${this.active}`);
    } else {
      this.element.removeAttribute("aria-activedescendant");
    }
  }

  private row(index: number): HTMLElement {
    const mark = this.marks[index];
    const lane = laneOf(mark);
    const row = document.createElement("div");
    row.id = `mark-${index}`;
    row.role = "option";
    row.className = "row";
    row.classList.toggle("active", index === this.active);
    row.classList.toggle("future", mark.instant > this.now);
    row.style.top = `${index * ROW_HEIGHT}px`;
    row.dataset.index = String(index);
    row.ariaSelected = String(index === this.active);
    row.ariaSetSize = String(this.marks.length);
    row.ariaPosInSet = String(index + 1);
    row.title = [mark.label, mark.detail, `${lane.singular} at instant ${exact(mark.instant)}`]
      .filter((part) => part)
      .join("\n");
    row.ariaLabel = `${lane.singular}: ${mark.label}, instant ${exact(mark.instant)}`;
    const sign = document.createElement("span");
    sign.className = `sign ${lane.shape} kind-${mark.kind}`;
    row.append(
      sign,
      text("label", mark.label),
      text("detail", mark.detail ?? ""),
      text("instant", exact(mark.instant)),
    );
    return row;
  }

  private key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW_HEIGHT) - 1);
    const moves: Record<string, number> = {
      ArrowDown: this.active + 1,
      ArrowUp: this.active - 1,
      PageDown: this.active + page,
      PageUp: this.active - page,
      Home: 0,
      End: this.marks.length - 1,
    };
    if (event.key in moves && this.marks.length > 0) {
      const index = Math.min(Math.max(moves[event.key], 0), this.marks.length - 1);
      this.onSelect(this.marks[index]);
      event.preventDefault();
    } else if (event.key === "Enter" && this.active >= 0) {
      this.onTravel(this.marks[this.active]);
      event.preventDefault();
    }
  }

  private click(event: MouseEvent): void {
    const row = (event.target as Element).closest<HTMLElement>(".row");
    if (row !== null) this.onTravel(this.marks[Number(row.dataset.index)]);
  }
}

function text(className: string, content: string): HTMLElement {
  const span = document.createElement("span");
  span.className = className;
  span.textContent = content;
  return span;
}
