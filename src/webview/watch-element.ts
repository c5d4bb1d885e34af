import { element } from "./elements.ts";
import { iconButton } from "./icons.ts";
import { exact } from "./scale.ts";
import { changesText, shortText } from "./series.ts";
import { Sparkline } from "./sparkline.ts";
import type { FromWatches, WatchPosition, WatchRow } from "./watch-messages.ts";

/** Series beside each other differ in colour; watches.css and plot.css have as many. */
export const SERIES_COLOURS = 6;

/** One row of the view. It stays the same element while its contents change, so that focus and pointer stay where they are. */
export class WatchElement {
  readonly root = element("li.watch", { tabindex: "0" });
  private readonly send: (message: FromWatches) => void;
  private readonly name = element("span.expression");
  private readonly place = element("span.place");
  private readonly value = element("span.value");
  private readonly status = element("span.status");
  private readonly badge = element("span.badge", {}, "sampled");
  private readonly instead = element("button.instead");
  private readonly progress = element("div.progress", { role: "progressbar", "aria-label": "Searching" });
  private readonly problem = element("div.problem");
  private readonly plotting: HTMLButtonElement;
  private readonly previous: HTMLButtonElement;
  private readonly next: HTMLButtonElement;
  private readonly cancel: HTMLButtonElement;
  private readonly again: HTMLButtonElement;
  private readonly line: Sparkline;
  private editor: HTMLInputElement | undefined;
  private row!: WatchRow;
  /** What is under the pointer takes the place of the status. */
  private over: string | undefined;

  constructor(send: (message: FromWatches) => void, neighbour: (root: HTMLElement, direction: 1 | -1) => void) {
    this.send = send;
    this.instead.addEventListener("click", () => {
      if (this.row.instead !== undefined) this.send({ type: "edit", key: this.row.key, text: this.row.instead });
    });
    this.line = new Sparkline(
      (instant) => send({ type: "travel", instant }),
      (text) => {
        this.over = text;
        this.showStatus();
      },
    );
    const step = (direction: "previous" | "next") => () => this.step(direction);
    this.previous = iconButton("previous", "Go to the previous change (Left)", step("previous"));
    this.next = iconButton("next", "Go to the next change (Right)", step("next"));
    this.cancel = iconButton("stop", "Stop searching", () => this.send({ type: "cancel", key: this.row.key }));
    this.again = iconButton("again", "Search again", () => this.send({ type: "restart", key: this.row.key }));
    const quiet = element(
      "span.quiet",
      {},
      iconButton("edit", "Edit (F2)", () => this.edit()),
      iconButton("remove", "Remove (Delete)", () => this.remove()),
    );
    this.plotting = iconButton("plot", "Plot it large (Enter)", () => this.plot());
    this.root.append(
      element("div.head", {}, element("span.name", {}, this.name, this.place), this.value, quiet),
      this.line.canvas,
      this.progress,
      this.problem,
      element(
        "div.foot",
        {},
        element("span.told", {}, this.status, this.badge, this.instead),
        element("span.buttons", {}, this.cancel, this.again, this.previous, this.next, this.plotting),
      ),
    );
    this.root.addEventListener("keydown", (event) => this.key(event, neighbour));
    this.name.addEventListener("dblclick", () => this.edit());
  }

  show(row: WatchRow, position: WatchPosition, index: number): void {
    this.row = row;
    const { root } = this;
    root.style.setProperty("--series", `var(--series-${index % SERIES_COLOURS})`);
    root.classList.toggle("stale", position.running);
    this.name.textContent = row.expression;
    this.place.textContent = placeText(row);
    root.title = "";
    this.showValue(row);
    this.line.canvas.hidden = row.status === "failed";
    this.line.show(row, position);
    this.showStatus();
    this.badge.hidden = !row.sampled;
    this.badge.title = `Looked at every ${exact(row.everySteps ?? 1)} steps only, because it does not read memory alone: changes in between are not seen. With a place it is exact: “${row.expression} at heap_alloc”.`;
    this.instead.hidden = row.instead === undefined;
    this.instead.textContent = `watch ${row.instead}`;
    this.instead.title = `${row.expression} is an address. ${row.instead} is what lies there.`;
    const searching = row.status === "searching";
    this.progress.classList.toggle("on", searching);
    this.progress.style.setProperty("--share", String(row.fraction));
    this.progress.ariaValueNow = searching ? String(Math.round(row.fraction * 100)) : null;
    this.problem.textContent = row.problem ?? "";
    this.problem.hidden = row.problem === undefined;
    this.previous.disabled = !row.hasPrevious;
    this.next.disabled = !row.hasNext;
    this.cancel.hidden = !searching;
    for (const button of [this.previous, this.next, this.plotting]) button.hidden = row.status === "failed";
    this.again.hidden = row.status !== "cancelled" && row.status !== "failed";
    root.ariaLabel = [`${row.expression} ${placeText(row)}`.trim(), row.value, this.statusText()]
      .filter((part) => part)
      .join(", ");
  }

  redraw(): void {
    this.line.draw();
  }

  /** Turns the expression into an input. */
  edit(): void {
    if (this.editor !== undefined) return;
    const { expression, key } = this.row;
    const editor = document.createElement("input");
    editor.className = "edit";
    editor.value = `${expression} ${placeText(this.row)}`.trim();
    editor.spellcheck = false;
    editor.ariaLabel = "Edit the expression";
    const done = (keep: boolean) => {
      if (this.editor === undefined) return;
      this.editor = undefined;
      editor.remove();
      this.root.classList.remove("editing");
      if (keep) this.send({ type: "edit", key, text: editor.value });
      this.root.focus();
    };
    editor.addEventListener("keydown", (event) => {
      if (event.key === "Enter") done(true);
      else if (event.key === "Escape") done(false);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    editor.addEventListener("blur", () => done(true));
    this.editor = editor;
    this.root.classList.add("editing");
    this.root.prepend(editor);
    editor.focus();
    editor.select();
  }

  private showValue({ value, becomes, status }: WatchRow): void {
    const shown = value ?? (status === "failed" ? "" : "…");
    const changes = becomes !== undefined && becomes !== value;
    const pieces = changes ? [shortText(shown), element("span.becomes", {}, ` → ${shortText(becomes)}`)] : [shown];
    this.value.replaceChildren(...pieces);
    this.value.title = becomes === undefined ? shown : `${shown}; the step at this instant makes it ${becomes}`;
  }

  private showStatus(): void {
    this.status.textContent = this.over ?? this.statusText();
    this.status.title = this.over === undefined ? this.statusTitle() : "";
  }

  private statusText(): string {
    const { status, changes, exact: all, sampled, fraction } = this.row;
    switch (status) {
      case "waiting":
        return "waits for the machine to stop";
      case "failed":
        return "cannot be evaluated";
      case "searching":
        return `${changesText(changes, false)}, ${Math.floor(fraction * 100)} %`;
      case "cancelled":
        return `${changesText(changes, false)}, stopped`;
      case "done":
        return sampled ? changesText(changes, false) : changesText(changes, all);
    }
  }

  private statusTitle(): string {
    const { status } = this.row;
    if (status === "searching")
      return "The recording is searched from its newest instant back; what is not yet searched is hatched.";
    return status === "cancelled" ? "The search was stopped: there may be changes before the first one shown." : "";
  }

  private step(direction: "previous" | "next"): void {
    this.send({ type: "step", key: this.row.key, direction });
  }

  private plot(): void {
    this.send({ type: "plot", key: this.row.key });
  }

  private remove(): void {
    const beside = this.root.nextElementSibling ?? this.root.previousElementSibling;
    if (this.root.contains(document.activeElement) && beside instanceof HTMLElement) beside.focus();
    this.send({ type: "remove", key: this.row.key });
  }

  private key(event: KeyboardEvent, neighbour: (root: HTMLElement, direction: 1 | -1) => void): void {
    if (event.target !== this.root || event.ctrlKey || event.metaKey || event.altKey) return;
    const actions: Record<string, () => void> = {
      ArrowLeft: () => this.step("previous"),
      ArrowRight: () => this.step("next"),
      ArrowUp: () => neighbour(this.root, -1),
      ArrowDown: () => neighbour(this.root, 1),
      Enter: () => this.plot(),
      F2: () => this.edit(),
      Delete: () => this.remove(),
      Backspace: () => this.remove(),
      Escape: () => this.row.status === "searching" && this.send({ type: "cancel", key: this.row.key }),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }
}

/** Where, or how often, it is evaluated. */
export function placeText({ at, every }: WatchRow): string {
  if (every !== undefined) return `every ${exact(every)}`;
  return at === undefined ? "" : `at ${at}`;
}
