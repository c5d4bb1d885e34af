/** Expressions large, on one axis of instants, beside the list of their changes. */
import { element } from "./elements.ts";
import { showEmpty, showSession } from "./empty.ts";
import { byId, connect } from "./host.ts";
import { iconButton } from "./icons.ts";
import { AXIS_HEIGHT } from "./painter.ts";
import { LEAST_TRACK_HEIGHT, PlotChart, type Pointed, type Track } from "./plot-chart.ts";
import { PlotLegend, seriesStatus } from "./plot-legend.ts";
import { PlotList } from "./plot-list.ts";
import { showProof } from "./proof.ts";
import { exact, type Range } from "./scale.ts";
import { rangeText } from "./series.ts";
import { styleOf } from "./sparkline.ts";
import { showTip } from "./tip.ts";
import { placeText, SERIES_COLOURS } from "./watch-element.ts";
import type { Change, FromPlot, ToPlot, WatchPosition, WatchRow } from "./watch-messages.ts";

/** Zooming and panning ask once they pause for this long. */
const ASK_DELAY_MS = 60;
/** So often what has been found meanwhile is drawn. */
const PROGRESS_DELAY_MS = 300;

const PAGE = `
<main id="session" hidden>
  <header>
    <div id="where"></div>
    <div id="buttons"></div>
  </header>
  <div id="body">
    <div id="tracks">
      <div id="legend" role="listbox" aria-label="Expressions"></div>
      <div id="plot">
        <canvas id="axis" tabindex="0" role="application"
          aria-label="Plot. Left and Right choose a change, Enter travels to it, plus and minus zoom, Page Up and Page Down pan. The list of changes holds the same."></canvas>
        <div id="tip" role="presentation" hidden></div>
      </div>
    </div>
    <aside>
      <div id="list-title"></div>
      <div id="list" aria-label="Changes, newest first. Enter travels."></div>
      <div id="count"></div>
    </aside>
  </div>
  <footer id="proof"></footer>
  <div id="spoken" aria-live="polite"></div>
</main>
<section id="empty"><p id="empty-text"></p></section>`;

document.body.innerHTML = PAGE;
const host = connect<ToPlot, FromPlot>();
const travel = (instant: number) => host.send({ type: "travel", instant });

interface Shown {
  row: WatchRow;
  track: Track;
  /** The stretch that was asked for last. */
  request: number;
}

let shown: Shown[] = [];
let selectedKey: number | undefined;
let position: WatchPosition | undefined;
let marked: number | undefined;
let request = 0;
/** The last question for a place in the list. */
let placeRequest = 0;
let askTimer: number | undefined;

const chart = new PlotChart(byId<HTMLCanvasElement>("axis"), {
  travel,
  viewed: () => askSoon(),
  pointed: (at) => showTip(at && { ...at, lines: tipLines(at) }),
  select: (track) => select(track.key),
  beside: (which) => askPlace(which, marked ?? position?.now ?? 0),
  enter: () => marked !== undefined && travel(marked),
  escape: () => mark(undefined),
});
const list = new PlotList(byId("list"), {
  ask: (search, first, count) =>
    selectedKey !== undefined && host.send({ type: "askChanges", key: selectedKey, search, first, count }),
  selected: (change) => mark(change),
  activated: (change) => {
    mark(change);
    travel(change.instant);
  },
});

const legend = new PlotLegend(byId("legend"), {
  select,
  remove: (key) => host.send({ type: "remove", key }),
});

host.listen((message) => {
  switch (message.type) {
    case "idle":
      showEmpty(message.text);
      break;
    case "plot":
      showPlot(message);
      break;
    case "stretch": {
      const found = shown.find(({ row }) => row.key === message.key);
      // A slow answer to an older question must not replace a newer one.
      if (found === undefined || message.request < found.request) break;
      found.request = message.request;
      const { from, to, stretch } = message;
      found.track = { ...found.track, shown: { from, to, stretch } };
      showTracks();
      break;
    }
    case "changes":
      list.put(message.search, message.first, message.changes);
      break;
    case "place":
      if (message.request !== placeRequest || message.key !== selectedKey) break;
      if (message.index >= 0) list.reveal(message.index);
      if (message.change !== undefined) mark(message.change);
      break;
  }
});

function showPlot(message: Extract<ToPlot, { type: "plot" }>): void {
  showSession();
  const first = position === undefined;
  const moved = position?.now !== message.position.now;
  position = message.position;
  let stale = false;
  shown = message.rows.map((row, index) => {
    const old = shown.find((each) => each.row.key === row.key);
    stale ||= JSON.stringify(old?.row.search) !== JSON.stringify(row.search) || old?.row.fraction !== row.fraction;
    const known = old?.track.shown;
    return { row, request: old?.request ?? 0, track: trackOf(row, index, known) };
  });
  if (!shown.some(({ row }) => row.key === selectedKey)) selectedKey = shown.at(-1)?.row.key;
  const { now, end, running } = position;
  byId("where").replaceChildren("Instant ", element("b", {}, exact(now)), ` of ${exact(end)}`);
  const least = `${AXIS_HEIGHT + shown.length * LEAST_TRACK_HEIGHT}px`;
  for (const half of ["legend", "plot"]) byId(half).style.minHeight = least;
  chart.setPosition({ first: position.first, now, end, live: false, running });
  if (first) chart.fit();
  showLegend();
  showTracks();
  showList();
  showProof(message.restored);
  if (stale) askSoon(message.rows.some(({ status }) => status === "searching") ? PROGRESS_DELAY_MS : ASK_DELAY_MS);
  if (moved && marked === undefined) askPlace("holding", now);
}

function trackOf(row: WatchRow, index: number, known: Track["shown"]): Track {
  const searchedFrom = row.search?.searchedFrom ?? Number.POSITIVE_INFINITY;
  return {
    key: row.key,
    colour:
      getComputedStyle(document.body)
        .getPropertyValue(`--series-${index % SERIES_COLOURS}`)
        .trim() || "#3794ff",
    style: styleOf(row),
    selected: row.key === selectedKey,
    searchedFrom,
    ...(known === undefined ? {} : { shown: known }),
  };
}

function showTracks(): void {
  chart.show(shown.map(({ track }) => ({ ...track, selected: track.key === selectedKey })));
}

function showLegend(): void {
  legend.show(
    shown.map(({ row }) => row),
    selectedKey,
  );
}

function select(key: number): void {
  if (key === selectedKey) return;
  selectedKey = key;
  mark(undefined);
  showLegend();
  showTracks();
  showList();
  if (position !== undefined) askPlace("holding", position.now);
}

function showList(): void {
  const row = shown.find((each) => each.row.key === selectedKey)?.row;
  byId("list-title").textContent = row === undefined ? "" : `${row.expression} ${placeText(row)}`.trim();
  list.show(row?.search, position?.now ?? 0);
  byId("count").textContent = row === undefined ? "" : `${seriesStatus(row)}, newest first`;
}

/** Chooses a change, in the plot and for the keyboard. */
function mark(change: Change | undefined): void {
  marked = change?.instant;
  chart.mark(marked);
  if (change !== undefined)
    byId("spoken").textContent = `${change.problem ?? change.text}, instant ${exact(change.instant)}`;
}

function askSoon(delayMs = ASK_DELAY_MS): void {
  if (askTimer !== undefined) return;
  askTimer = window.setTimeout(() => {
    askTimer = undefined;
    ask(chart.viewedRange);
  }, delayMs);
}

function ask({ from, to }: Range): void {
  const most = Math.max(16, Math.round(chart.width));
  for (const { row } of shown) {
    if (row.search === undefined) continue;
    const stretch = { from: Math.floor(from), to: Math.ceil(to) + 1, most };
    host.send({ type: "askStretch", request: ++request, key: row.key, ...stretch });
  }
}

function askPlace(which: "holding" | "previous" | "next", instant: number): void {
  if (selectedKey === undefined) return;
  placeRequest = ++request;
  host.send({ type: "askPlace", request: placeRequest, key: selectedKey, instant, which });
}

function tipLines({ instant, track, change, column }: Pointed): string[] {
  const row = shown.find((each) => each.row.key === track?.key)?.row;
  const name = row === undefined ? [] : [row.expression];
  if (change !== undefined) {
    const { text, problem, place, instant: at } = change.change;
    if (!change.on) return [problem ?? text, ...name, `Instant ${exact(instant)}, since ${exact(at)}`];
    const before = change.before === undefined ? "" : `${change.before.text} → `;
    return [`${before}${problem ?? text}`, ...name, place, `Instant ${exact(at)}`];
  }
  if (column === undefined) return [`Instant ${exact(instant)}`, ...name];
  const { min, max, changes } = column;
  const count =
    changes === 0
      ? []
      : [
          `${exact(changes)} ${changes === 1 ? "change" : "changes"} here; zoom in to see ${changes === 1 ? "it" : "each"}`,
        ];
  const values = min === undefined || max === undefined ? [] : [rangeText({ min, max }, track?.style ?? "decimal")];
  return [...values, ...name, ...count, `Instant ${exact(instant)}`];
}

byId("legend").addEventListener("keydown", (event) => {
  const index = shown.findIndex(({ row }) => row.key === selectedKey);
  const next = { ArrowDown: index + 1, ArrowUp: index - 1 }[event.key];
  if (next !== undefined && shown[next] !== undefined) {
    select(shown[next].row.key);
    legend.focus(selectedKey);
    event.preventDefault();
  } else if (event.key === "Delete" && selectedKey !== undefined) {
    host.send({ type: "remove", key: selectedKey });
    event.preventDefault();
  }
});
const step = (direction: "previous" | "next") => () => {
  if (selectedKey !== undefined) host.send({ type: "step", key: selectedKey, direction });
};
byId("buttons").append(
  iconButton("previous", "Go to the previous change", step("previous")),
  iconButton("next", "Go to the next change", step("next")),
  element("span.gap"),
  iconButton("zoomOut", "Zoom out (-)", () => chart.zoomBy(2)),
  iconButton("zoomIn", "Zoom in (+)", () => chart.zoomBy(1 / 2)),
  iconButton("fit", "Show the whole run (0)", () => chart.fit()),
  element("span.gap"),
  iconButton("save", "Export all changes as CSV…", () => host.send({ type: "export" })),
);
new ResizeObserver(() => askSoon()).observe(byId("axis"));
// Tracks have their colours from the theme.
new MutationObserver(() => {
  shown = shown.map((each, index) => ({ ...each, track: trackOf(each.row, index, each.track.shown) }));
  showTracks();
}).observe(document.documentElement, { attributes: true });
host.send({ type: "ready" });
