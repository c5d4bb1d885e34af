import { element } from "./elements.ts";
import { iconButton } from "./icons.ts";
import { changesText, shortText } from "./series.ts";
import { placeText, SERIES_COLOURS } from "./watch-element.ts";
import type { WatchRow } from "./watch-messages.ts";

export interface LegendListener {
  select(key: number): void;
  remove(key: number): void;
}

/** An expression beside its track. It stays the same element while its contents change: a press must find it where it was. */
class Entry {
  readonly root = element("div.entry", { role: "option" });
  private readonly expression = element("span.expression");
  private readonly place = element("span.place");
  private readonly value = element("span.value");
  private readonly status = element("span.status");
  private readonly removing: HTMLButtonElement;

  constructor(key: number, listener: LegendListener) {
    this.removing = iconButton("remove", "", () => listener.remove(key));
    this.root.append(
      element("span.swatch"),
      element("span.texts", {}, element("span.name", {}, this.expression, this.place), this.value, this.status),
      this.removing,
    );
    this.root.addEventListener("click", (event) => {
      if (!this.removing.contains(event.target as Node)) listener.select(key);
    });
  }

  show(row: WatchRow, index: number, chosen: boolean): void {
    const { root } = this;
    const place = placeText(row);
    root.style.setProperty("--series", `var(--series-${index % SERIES_COLOURS})`);
    root.classList.toggle("chosen", chosen);
    root.tabIndex = chosen ? 0 : -1;
    root.ariaSelected = String(chosen);
    root.title = `${row.expression} ${place}`.trim();
    this.expression.textContent = row.expression;
    this.place.textContent = place === "" ? "" : ` ${place}`;
    this.value.textContent = valueText(row);
    this.status.textContent = seriesStatus(row);
    this.removing.title = `Remove ${row.expression} from the plot`;
    this.removing.ariaLabel = this.removing.title;
  }
}

/** The expressions that are plotted, each at the height of its track. */
export class PlotLegend {
  private readonly root: HTMLElement;
  private readonly listener: LegendListener;
  private readonly entries = new Map<number, Entry>();

  constructor(root: HTMLElement, listener: LegendListener) {
    this.root = root;
    this.listener = listener;
  }

  show(rows: readonly WatchRow[], chosen: number | undefined): void {
    for (const [key, entry] of this.entries) {
      if (rows.some((row) => row.key === key)) continue;
      entry.root.remove();
      this.entries.delete(key);
    }
    for (const [index, row] of rows.entries()) {
      let entry = this.entries.get(row.key);
      if (entry === undefined) {
        entry = new Entry(row.key, this.listener);
        this.entries.set(row.key, entry);
      }
      const { root } = this;
      if (root.children[index] !== entry.root) root.insertBefore(entry.root, root.children[index] ?? null);
      entry.show(row, index, row.key === chosen);
    }
  }

  /** The keyboard goes on from the chosen entry. */
  focus(chosen: number | undefined): void {
    if (chosen !== undefined) this.entries.get(chosen)?.root.focus();
  }
}

/** How much is known of a series, in words. */
export function seriesStatus({ status, changes, exact: all, fraction, problem, sampled }: WatchRow): string {
  if (problem !== undefined && status === "failed") return problem;
  if (status === "searching") return `${changesText(changes, false)}, ${Math.floor(fraction * 100)} %`;
  if (status === "cancelled") return `${changesText(changes, false)}, stopped`;
  if (status === "waiting") return "waits";
  return sampled ? `${changesText(changes, false)}, sampled` : changesText(changes, all);
}

function valueText({ value = "…", becomes }: WatchRow): string {
  return becomes === undefined ? value : `${shortText(value)} → ${shortText(becomes)}`;
}
