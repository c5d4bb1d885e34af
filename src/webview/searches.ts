import { Asking } from "./asking.ts";
import { element } from "./elements.ts";
import { EMPTY_SECTION, listenToButtons, showEmpty, showSession } from "./empty.ts";
import { byId, connect } from "./host.ts";
import { OriginTree } from "./origin-tree.ts";
import { exact } from "./scale.ts";
import type {
  ChainFacts,
  FromSearches,
  OriginFacts,
  RowFacts,
  SearchCommand,
  SearchFacts,
  ToSearches,
} from "./search-messages.ts";
import { isChain } from "./search-messages.ts";
import { SearchRows } from "./search-rows.ts";
import { counted, nothing, progress, proof, stretch } from "./search-text.ts";

const PAGE = `
<main id="session" hidden>
  <aside>
    <div id="searches" role="listbox" tabindex="0" aria-label="Searches, the newest first. Delete closes one."></div>
    <button id="new" class="quiet" data-command="hindcast.newSearch">+ New Search…</button>
  </aside>
  <section id="result" hidden>
    <header>
      <h2 id="title"></h2>
      <span id="stretch" class="muted"></span>
      <span id="space"></span>
      <input id="filter" type="search" placeholder="Filter rows" aria-label="Filter rows" spellcheck="false">
      <button id="order" class="quiet" title="Which rows come first"></button>
    </header>
    <div id="bar" hidden><div id="done"></div></div>
    <div id="rows" aria-label="Rows. Enter travels to the instant of one."></div>
    <div id="chain" aria-label="Where the value came from, the newest step first. Enter travels; Right follows another value." hidden></div>
    <p id="nothing" hidden></p>
    <footer><span id="count"></span><span id="proof" class="muted"></span></footer>
  </section>
  <section id="none" hidden>
    <p>Nothing has been searched in this session. Right-click a variable, a register, a watch or a function's name and choose
      <b>Search the Past</b>, or run a breakpoint or log point over the whole recording from its line's menu.</p>
    <div class="buttons">
      <button class="action" data-command="hindcast.newSearch">New Search…</button>
      <button class="action secondary" data-command="hindcast.allTraps">All Exceptions</button>
      <button class="action secondary" data-command="hindcast.allOutputs">All Lines of Output</button>
    </div>
  </section>
  <div id="spoken" aria-live="polite"></div>
</main>${EMPTY_SECTION}`;

const EMPTY =
  "Nothing to search. Open a RISC-V assembly file, an ELF or a recording and press F5; then ask who wrote a value, when a function was called, where it came from.";

document.body.innerHTML = PAGE;
const host = connect<ToSearches, FromSearches>();
const rowsAsked = new Asking<readonly RowFacts[]>();
const originsAsked = new Asking<OriginFacts>();

let entries: readonly (SearchFacts | ChainFacts)[] = [];
let selected: number | undefined;

const rows = new SearchRows(byId("rows"), {
  ask: (id, first, count) => rowsAsked.ask((request) => host.send({ type: "askRows", request, id, first, count })),
  travel: (instant) => host.send({ type: "travel", instant }),
  openSource: (source) => host.send({ type: "openSource", source }),
  changed: () => showResult(),
});
const tree = new OriginTree(byId("chain"), {
  // Of both kinds of questions the numbers are told apart by their sign.
  ask: (ask) => originsAsked.ask((request) => host.send({ type: "askOrigin", request: -request, ask })),
  travel: (instant) => host.send({ type: "travel", instant }),
  openSource: (source) => host.send({ type: "openSource", source }),
});

host.listen((message) => {
  switch (message.type) {
    case "idle":
      showEmpty(EMPTY, true);
      break;
    case "starting":
      showEmpty(`Starting ${message.title}…`, false);
      break;
    case "position":
      rows.position(message.now);
      tree.position(message.now);
      break;
    case "list":
      showList(message.entries, message.selected);
      break;
    case "changed":
      entries = entries.map((entry) => (entry.id === message.entry.id ? message.entry : entry));
      byId(`search-${message.entry.id}`).replaceWith(entryRow(message.entry));
      if (message.entry.id === selected) showResult();
      break;
    case "rows":
      rowsAsked.answered(message.request, message.rows);
      break;
    case "origin":
      originsAsked.answered(-message.request, message.origin);
      break;
    case "refused":
      if (message.request < 0) originsAsked.refused(-message.request, message.message);
      else rowsAsked.refused(message.request, message.message);
      break;
  }
});

function current(): SearchFacts | ChainFacts | undefined {
  return entries.find(({ id }) => id === selected);
}

function showList(all: readonly (SearchFacts | ChainFacts)[], chosen: number | undefined): void {
  const isOther = chosen !== selected;
  entries = all;
  selected = chosen;
  showSession();
  byId("searches").parentElement!.hidden = all.length === 0;
  byId("none").hidden = all.length > 0;
  byId("result").hidden = all.length === 0;
  byId("searches").replaceChildren(...all.map(entryRow));
  if (chosen === undefined) byId("searches").removeAttribute("aria-activedescendant");
  else byId("searches").setAttribute("aria-activedescendant", `search-${chosen}`);
  if (isOther) byId<HTMLInputElement>("filter").value = "";
  showResult();
  if (isOther && chosen !== undefined) byId(`search-${chosen}`).scrollIntoView({ block: "nearest" });
}

function entryRow(entry: SearchFacts | ChainFacts): HTMLElement {
  const isSelected = entry.id === selected;
  const state = isChain(entry) ? chainState(entry) : progress(entry);
  const runs = isChain(entry) ? entry.origin === undefined && entry.problem === undefined : !entry.done;
  const fraction = isChain(entry) ? 0 : entry.fraction;
  const button = (kind: "cancel" | "close", sign: string, title: string) => {
    const made = element("button.quiet", { type: "button", tabindex: "-1", title, "aria-label": title }, sign);
    made.addEventListener("click", () => host.send({ type: kind, id: entry.id }));
    return made;
  };
  const bar = element("span.bar", { "aria-hidden": "true" }, element("span.done"));
  bar.hidden = !runs;
  (bar.firstElementChild as HTMLElement).style.width = `${100 * fraction}%`;
  const row = element(
    `div.search${isSelected ? ".active" : ""}`,
    {
      id: `search-${entry.id}`,
      role: "option",
      "aria-selected": String(isSelected),
      title: isChain(entry) ? entry.title : `${entry.title}\nInstants ${stretch(entry)}`,
    },
    element("span.name", {}, entry.title),
    element("span.state", {}, state),
    bar,
    element(
      "span.buttons",
      {},
      runs && !isChain(entry) ? button("cancel", "■", "Cancel the search; what it found stays") : undefined,
      button("close", "×", "Close"),
    ),
  );
  row.addEventListener("click", (event) => {
    if ((event.target as Element).closest("button") === null) host.send({ type: "select", id: entry.id });
  });
  return row;
}

function chainState({ origin, problem }: ChainFacts): string {
  if (problem !== undefined) return "not found";
  if (origin === undefined) return "following it back…";
  return origin.steps.length === 1 ? "1 step back" : `${exact(origin.steps.length)} steps back`;
}

/** The search that is selected: its rows or its chain, or why there are none. */
function showResult(): void {
  const entry = current();
  if (entry === undefined) return;
  byId("title").textContent = entry.title;
  byId("title").title = entry.title;
  if (isChain(entry)) showChain(entry);
  else showSearch(entry);
}

function showChain({ origin, problem }: ChainFacts): void {
  byId("filter").hidden = true;
  byId("order").hidden = true;
  byId("bar").hidden = true;
  byId("rows").hidden = true;
  byId("chain").hidden = origin === undefined;
  byId("nothing").hidden = origin !== undefined;
  byId("nothing").textContent = problem ?? "Following the value back…";
  byId("proof").textContent = "";
  byId("stretch").textContent = origin === undefined ? "" : `at instant ${exact(origin.instant)}`;
  byId("count").textContent = origin === undefined ? "" : "A click travels; ▸ follows a value that the chain does not.";
  if (origin !== undefined) tree.show(origin);
}

function showSearch(search: SearchFacts): void {
  rows.show(search);
  const { filtered } = rows;
  const shown = filtered?.found.length ?? search.rows;
  byId("chain").hidden = true;
  byId("rows").hidden = shown === 0;
  byId("nothing").hidden = shown > 0;
  byId("nothing").textContent = filtered === undefined ? nothing(search) : filterNothing(filtered, search);
  byId("filter").hidden = search.rows === 0 && filtered === undefined;
  byId("stretch").textContent = `instants ${stretch(search)}`;
  byId("bar").hidden = search.done;
  byId("done").style.width = `${100 * search.fraction}%`;
  const order = byId<HTMLButtonElement>("order");
  order.hidden = shown < 2;
  order.disabled = !search.done;
  order.textContent = rows.oldestFirst ? "↑ Oldest first" : "↓ Newest first";
  order.title = search.done
    ? "Show the other end first"
    : "The newest come first as long as the search goes on: which rows are the oldest is not known yet.";
  byId("count").replaceChildren(countSentence(search));
  byId("proof").textContent = proof(search);
}

function filterNothing(state: NonNullable<typeof rows.filtered>, search: SearchFacts): string {
  if (!state.done)
    return `Looking for rows that pass the filter: ${exact(state.looked)} of ${exact(search.rows)} looked at.`;
  return `None of the ${counted(search.rows, search.kind)} passes the filter.`;
}

function countSentence(search: SearchFacts): DocumentFragment {
  const { filtered } = rows;
  const fragment = new DocumentFragment();
  const all = counted(search.rows, search.kind);
  const sentence =
    filtered === undefined
      ? `${progress(search)}.`
      : filtered.full
        ? `The first ${exact(filtered.found.length)} that pass the filter, of ${all}.`
        : `${exact(filtered.found.length)} of ${all} pass the filter${filtered.done ? "" : `; ${exact(filtered.looked)} looked at so far`}.`;
  fragment.append(sentence[0].toUpperCase() + sentence.slice(1));
  if (search.rows > 0 && search.problem !== undefined)
    fragment.append(" ", element("span.problem", {}, search.problem));
  if (search.behind && search.done) {
    const more = element("button.link", { type: "button" }, "The run has grown: search on");
    more.addEventListener("click", () => host.send({ type: "extend", id: search.id }));
    fragment.append(" ", more);
  }
  return fragment;
}

/** Keys on the list of searches: Up and Down choose, Enter goes to the rows, Delete closes. */
byId("searches").addEventListener("keydown", (event) => {
  const index = entries.findIndex(({ id }) => id === selected);
  const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: entries.length - 1 }[event.key];
  if (to !== undefined && entries[to] !== undefined) host.send({ type: "select", id: entries[to].id });
  else if (event.key === "Delete" && selected !== undefined) host.send({ type: "close", id: selected });
  else if (event.key === "Enter" || event.key === "ArrowRight") (byId("rows").hidden ? tree : rows).focus();
  else return;
  event.preventDefault();
});
byId<HTMLInputElement>("filter").addEventListener("input", (event) => {
  rows.filter((event.target as HTMLInputElement).value);
  showResult();
});
byId("order").addEventListener("click", () => {
  rows.order(!rows.oldestFirst);
  showResult();
});
for (const button of document.querySelectorAll<HTMLElement>("#session button[data-command]")) {
  button.addEventListener("click", () =>
    host.send({ type: "command", command: button.dataset.command as SearchCommand }),
  );
}
listenToButtons((command) => host.send({ type: "command", command }));
host.send({ type: "ready" });
