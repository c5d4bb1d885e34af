import { Chart } from "./chart.ts";
import { EMPTY_SECTION, listenToButtons, showEmpty, showSession } from "./empty.ts";
import { byId, connect } from "./host.ts";
import { MarkList } from "./mark-list.ts";
import { type Filter, lanesFor, passes, withLabel } from "./marks.ts";
import type { FromTimeline, Mark, MarkKind, Position, ToTimeline } from "./messages.ts";
import { exact, type Range } from "./scale.ts";
import { showTip } from "./tip.ts";

/** More marks than this cannot be told apart on a screen; the rest is thinned away where they are kept. */
const MOST_MARKS = 4000;
/** Zooming and panning ask for marks once they pause for this long. */
const ASK_DELAY_MS = 60;

const PAGE = `
<main id="session" hidden>
  <header>
    <div id="where"><span id="state"></span><span>Instant <b id="now"></b> of <span id="end"></span></span></div>
    <div id="buttons">
      <button id="previous" title="Select the previous mark (Left)" aria-label="Previous mark">‹</button>
      <button id="next" title="Select the next mark (Right)" aria-label="Next mark">›</button>
      <span class="gap"></span>
      <button id="out" title="Zoom out (-)" aria-label="Zoom out">−</button>
      <button id="in" title="Zoom in (+)" aria-label="Zoom in">+</button>
      <button id="fit" title="Show the whole run (0)">Fit</button>
    </div>
  </header>
  <div id="body">
    <div id="chart">
      <div id="lanes" role="group" aria-label="Kinds of marks to show"></div>
      <div id="plot">
        <canvas id="axis" tabindex="0" role="application"
          aria-label="Timeline. Left and Right select a mark, Enter travels to it, plus and minus zoom, Home and End go to the start and to the newest instant. The list of marks holds the same."></canvas>
        <div id="tip" role="presentation" hidden></div>
      </div>
    </div>
    <aside>
      <input id="filter" type="search" placeholder="Filter marks" aria-label="Filter marks" spellcheck="false">
      <div id="list" role="listbox" tabindex="0" aria-label="Marks, oldest first. Enter travels; F2 renames a bookmark, Delete removes it."></div>
      <div id="count"></div>
    </aside>
  </div>
  <div id="spoken" aria-live="polite"></div>
</main>${EMPTY_SECTION}`;

const EMPTY =
  "No run to show. Open a RISC-V assembly file, an ELF or a recording and press F5: everything that it does appears here.";

document.body.innerHTML = PAGE;
const host = connect<ToTimeline, FromTimeline>();

let position: Position | undefined;
let marks: readonly Mark[] = [];
let total = 0;
/** Of waits that were asked for, by instant. */
const stories = new Map<number, string>();
let hasWaits = false;
let filter: Filter = { hidden: new Set<MarkKind>(), text: "" };
let request = 0;
let answered = 0;
let askTimer: number | undefined;

const wanted = (mark: Mark) => passes(mark, filter);
const travel = (instant: number) => host.send({ type: "travel", instant });

const chart = new Chart(byId<HTMLCanvasElement>("axis"), {
  travel,
  viewed: () => askSoon(),
  selected: (mark) => {
    if (mark !== undefined) {
      if (mark.kind === "wait" && !stories.has(mark.instant)) host.send({ type: "askWait", instant: mark.instant });
      list.reveal(mark);
      say(`${mark.label}, instant ${exact(mark.instant)}`);
    }
    showList();
  },
  hovered: (over) => showTip(over && { ...over, lines: tipLines(over) }),
});
const list = new MarkList(byId("list"), {
  onSelect: (mark) => chart.select(mark),
  onTravel: (mark) => {
    chart.select(mark);
    travel(mark.instant);
  },
  onBookmark: (type, { instant, label }) => host.send({ type, instant, name: label }),
});

function askSoon(): void {
  if (askTimer !== undefined) return;
  askTimer = window.setTimeout(() => {
    askTimer = undefined;
    ask(chart.viewedRange);
  }, ASK_DELAY_MS);
}

function ask({ from, to }: Range): void {
  request++;
  host.send({ type: "askMarks", request, from: Math.floor(from), to: Math.ceil(to), most: MOST_MARKS });
}

host.listen((message) => {
  switch (message.type) {
    case "idle":
      forget(EMPTY, true);
      break;
    case "starting":
      forget(`Starting ${message.title}…`, false);
      break;
    case "position":
      if (position === undefined) begin();
      position = message.position;
      showPosition(position);
      break;
    case "changed":
      askSoon();
      break;
    case "marks":
      // A slow answer to an older question must not replace a newer one.
      if (message.request < answered) break;
      answered = message.request;
      marks = message.marks.map(withLabel).map(withStory);
      total = message.total;
      showWaits(marks.some(({ kind }) => kind === "wait"));
      showMarks();
      break;
    case "wait":
      stories.set(message.instant, message.text);
      marks = marks.map(withStory);
      showMarks();
      if (chart.selected?.instant === message.instant) say(message.text);
      break;
  }
});

/** The label of a wait says what the events say; who it was is known once the wait has been gone through. */
function withStory(mark: Mark): Mark {
  const label = mark.kind === "wait" ? stories.get(mark.instant) : undefined;
  return label === undefined ? mark : { ...mark, label };
}

/** Once a run has had a wait it has the lane. */
function showWaits(has: boolean): void {
  if (!has || hasWaits) return;
  hasWaits = true;
  showLaneButtons();
}

/** A session has begun: nothing of the last one stays. */
function begin(): void {
  marks = [];
  total = 0;
  stories.clear();
  hasWaits = false;
  showLaneButtons();
  chart.select(undefined);
  chart.setMarks(marks, lanesFor(false), wanted);
  showSession();
  chart.setPosition({ first: 0, now: 0, end: 0, live: true, running: false });
  chart.fit();
  askSoon();
}

function forget(text: string, buttons: boolean): void {
  position = undefined;
  showEmpty(text, buttons);
}

function showPosition(position: Position): void {
  byId("now").textContent = exact(position.now);
  byId("end").textContent = exact(position.end);
  const { branch } = position;
  document.body.classList.toggle("branch", branch !== undefined);
  const state = position.running
    ? "running"
    : branch !== undefined
      ? "branch"
      : position.live && position.now === position.end
        ? "live"
        : "past";
  const names = {
    running: "Running",
    branch: branch?.label ?? "",
    live: "Live",
    past: position.live ? "In the past" : "Recording",
  };
  const badge = byId("state");
  badge.textContent = names[state];
  badge.className = state;
  badge.title = {
    running: branch === undefined ? "The machine is running." : `The machine is running in ${branch.label}.`,
    branch: "A what-if run that left the recording at its origin; the recording stays as it is.",
    live: "The machine stands at the newest instant: running on makes new history.",
    past: position.live
      ? "The machine stands in the past; history goes on to the right."
      : "This is a finished recording: history ends where it ends.",
  }[state];
  chart.setPosition(position);
  showList();
}

function showMarks(): void {
  chart.setMarks(marks, lanesFor(hasWaits), wanted);
  showList();
}

function showList(): void {
  const shown = marks.filter(wanted);
  list.show(shown, chart.selected, position?.now ?? 0);
  byId("count").textContent = countSentence(shown.length);
}

function countSentence(shown: number): string {
  if (marks.length === 0) return "Nothing has happened in this stretch.";
  if (shown === 0) return "No mark passes the filter.";
  if (total > marks.length) return `${exact(shown)} of ${exact(total)} marks in view; zoom in for all.`;
  return shown === 1 ? "1 mark in view." : `${exact(shown)} marks in view.`;
}

function tipLines({ instant, mark }: { readonly instant: number; readonly mark?: Mark }): string[] {
  const lines = mark === undefined ? [] : [mark.label, ...(mark.detail ? [mark.detail] : [])];
  return [...lines, `Instant ${exact(instant)}`];
}

function say(sentence: string): void {
  byId("spoken").textContent = sentence;
}

function showLaneButtons(): void {
  byId("lanes").replaceChildren(
    ...lanesFor(hasWaits).map((lane) => {
      const button = document.createElement("button");
      button.title = `${lane.explanation}. Click to hide or show.`;
      button.ariaPressed = String(!filter.hidden.has(lane.kind));
      const sign = document.createElement("span");
      sign.className = `sign ${lane.shape} kind-${lane.kind}`;
      button.append(sign, lane.title);
      button.addEventListener("click", () => {
        const hidden = new Set(filter.hidden);
        if (!hidden.delete(lane.kind)) hidden.add(lane.kind);
        filter = { ...filter, hidden };
        button.ariaPressed = String(!hidden.has(lane.kind));
        showMarks();
      });
      return button;
    }),
  );
}

showLaneButtons();
byId<HTMLInputElement>("filter").addEventListener("input", (event) => {
  filter = { ...filter, text: (event.target as HTMLInputElement).value.trim().toLowerCase() };
  showMarks();
});
byId("previous").addEventListener("click", () => chart.selectNext(-1));
byId("next").addEventListener("click", () => chart.selectNext(1));
byId("in").addEventListener("click", () => chart.zoomBy(1 / 2));
byId("out").addEventListener("click", () => chart.zoomBy(2));
byId("fit").addEventListener("click", () => chart.fit());
listenToButtons((command) => host.send({ type: "command", command }));
host.send({ type: "ready" });
