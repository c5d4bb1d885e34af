/** Watch over Time: expressions with their value here, their line over the recording, and the ways to their changes. */
import { showEmpty, showSession } from "./empty.ts";
import { byId, connect } from "./host.ts";
import { showProof } from "./proof.ts";
import { WatchElement } from "./watch-element.ts";
import type { FromWatches, ToWatches } from "./watch-messages.ts";

const PLACEHOLDER = "Expression, or expression at place";

const HELP = `
  <code>queue_length</code>: whenever what it reads is written. <code>a0 at heap_alloc</code>,
  <code>i at queue.s:42</code>: each time the run comes to that function or line, which registers and locals need.
  <code>sp every 10k</code>: every 10,000 steps.`;

const PAGE = `
<main id="session" hidden>
  <form id="add">
    <input id="text" placeholder="${PLACEHOLDER}" aria-label="Add an expression to watch over time" aria-describedby="help"
      spellcheck="false" autocomplete="off">
  </form>
  <p id="help" hidden>${HELP}</p>
  <section id="teach" hidden>
    <h2>Every value, over the whole recording</h2>
    <p>Write an expression above, or choose <b>Watch over Time</b> in the menu of a variable, of an expression in Watch, or of a name in the editor.</p>
    <p>${HELP}</p>
    <p>Its row shows the value here, all values from first to last as a line, and leads to each change. The recording does not notice: what an expression calls is undone, and the state compared.</p>
  </section>
  <ul id="rows" aria-label="Expressions watched over time"></ul>
  <footer id="proof" hidden></footer>
  <div id="spoken" aria-live="polite"></div>
</main>
<section id="empty"><p id="empty-text"></p></section>`;

const EMPTY = "Start debugging to watch expressions over the whole run.";

document.body.innerHTML = PAGE;
const host = connect<ToWatches, FromWatches>();
const elements = new Map<number, WatchElement>();
const input = byId<HTMLInputElement>("text");

host.listen((message) => {
  switch (message.type) {
    case "idle":
      showEmpty(EMPTY);
      break;
    case "starting":
      showEmpty(`Starting ${message.title}…`);
      break;
    case "watches":
      showRows(message);
      break;
    case "edit":
      elements.get(message.key)?.edit();
      break;
    case "input":
      input.focus();
      break;
  }
});

function showRows({ rows, position, restored }: Extract<ToWatches, { type: "watches" }>): void {
  showSession();
  byId("teach").hidden = rows.length > 0;
  const list = byId("rows");
  const keys = new Set(rows.map(({ key }) => key));
  for (const [key, element] of elements) {
    if (keys.has(key)) continue;
    element.root.remove();
    elements.delete(key);
  }
  for (const [index, row] of rows.entries()) {
    let element = elements.get(row.key);
    if (element === undefined) {
      element = new WatchElement((message) => host.send(message), neighbour);
      elements.set(row.key, element);
    }
    if (list.children[index] !== element.root) list.insertBefore(element.root, list.children[index] ?? null);
    element.show(row, position, index);
  }
  showProof(restored);
  byId("proof").hidden = rows.length === 0;
  byId("proof").title =
    restored === 0
      ? "Expressions without calls only look at the replayed machine."
      : "After each evaluation that called a function of the guest the machine was put back, and its digest was compared with the one before.";
}

/** The row above or below another one. */
function neighbour(root: HTMLElement, direction: 1 | -1): void {
  const beside = direction > 0 ? root.nextElementSibling : root.previousElementSibling;
  if (beside instanceof HTMLElement) beside.focus();
  else if (direction < 0) input.focus();
}

byId("add").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (text === "") return;
  host.send({ type: "add", text });
  input.value = "";
  showHelp();
});
// While something is being written: it lies over the rows, whose buttons must not be covered longer than that.
const showHelp = () => {
  byId("help").hidden = input.value === "" || document.activeElement !== input;
};
for (const event of ["input", "focus", "blur"]) input.addEventListener(event, showHelp);
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") {
    const first = byId("rows").firstElementChild;
    if (first instanceof HTMLElement) first.focus();
    event.preventDefault();
  } else if (event.key === "Escape") {
    input.value = "";
    showHelp();
  }
});
// Colours are read when a line is drawn.
const redraw = () => {
  for (const element of elements.values()) element.redraw();
};
new MutationObserver(redraw).observe(document.body, { attributes: true });
new MutationObserver(redraw).observe(document.documentElement, { attributes: true });
host.send({ type: "ready" });
