import { element } from "./elements.ts";
import { EMPTY_SECTION, listenToButtons, showEmpty, showSession } from "./empty.ts";
import { byId, connect } from "./host.ts";
import { csrView, deviceView, hartCard, memoryView, spaceText } from "./machine-facts.ts";
import { groupView } from "./machine-group.ts";
import { residencyView } from "./machine-residency.ts";
import { TableTree } from "./machine-tables.ts";
import { walkView } from "./machine-walk.ts";
import type {
  CsrTable,
  FromMachine,
  MachineOverview,
  PageTable,
  TableQuestion,
  ToMachine,
  Translation,
} from "./messages.ts";
import { exact } from "./scale.ts";

const TABS = [
  ["translate", "Translate"],
  ["tables", "Page Tables"],
  ["csrs", "CSRs"],
  ["memory", "Memory Map"],
  ["devices", "Devices"],
] as const;
type Tab = (typeof TABS)[number][0];

const PAGE = `
<main id="session" hidden>
  <aside>
    <div id="where">Instant <b id="now"></b> <span id="running" hidden>running…</span></div>
    <div id="harts" role="listbox" aria-label="Harts"></div>
  </aside>
  <div id="detail">
    <div id="tabs" role="tablist" aria-label="What to show of the machine">
      ${TABS.map(([tab, title]) => `<button role="tab" type="button" id="tab-${tab}" aria-controls="panel-${tab}">${title}</button>`).join("")}
    </div>
    <section id="panel-translate" role="tabpanel" aria-labelledby="tab-translate">
      <form id="question">
        <input id="address" spellcheck="false" autocomplete="off" aria-label="Address or expression to translate"
          placeholder="Address or expression: pc, sp, main, 0x80001000, *(u64*)a0">
        <button type="submit" class="action">Translate</button>
      </form>
      <div id="walk" aria-live="polite"></div>
      <div id="group"></div>
    </section>
    <section id="panel-tables" role="tabpanel" aria-labelledby="tab-tables">
      <div class="bar"><label for="space">Address space</label> <select id="space"></select></div>
      <div id="tree" role="tree" aria-label="Page tables"></div>
      <p id="no-spaces" class="hint" hidden></p>
    </section>
    <section id="panel-csrs" role="tabpanel" aria-labelledby="tab-csrs">
      <div class="bar"><input id="filter" type="search" spellcheck="false" placeholder="Filter CSRs and fields" aria-label="Filter CSRs and fields"></div>
      <div id="csrs"></div>
    </section>
    <section id="panel-memory" role="tabpanel" aria-labelledby="tab-memory"></section>
    <section id="panel-devices" role="tabpanel" aria-labelledby="tab-devices"></section>
  </div>
</main>${EMPTY_SECTION}`;

const EMPTY =
  "No machine to show. Press F5 on a RISC-V program or a recording: its harts, control registers, page tables and devices appear here.";

document.body.innerHTML = PAGE;
const host = connect<ToMachine, FromMachine>();

let overview: MachineOverview | undefined;
let hart = 0;
let tab: Tab = "translate";
/** What the translation is of; the box may hold something that is still being typed. */
let asked = "pc";
let csrs: { readonly hart: number; readonly table: CsrTable } | undefined;
/** Values of the stop before, by hart and name: what differs from them has changed. */
let previous = new Map<string, string>();
let changed: ReadonlySet<string> = new Set();
let csrsAt: number | undefined;
const openCsrs = new Set<string>();
let request = 0;
const waiting = new Map<number, { resolve(message: ToMachine): void; reject(error: Error): void }>();

/** Asks the extension; rejects with a sentence. A later stop makes earlier questions void: they are never answered. */
function ask<Type extends ToMachine["type"]>(
  question: FromMachine & { readonly request: number },
): Promise<Extract<ToMachine, { type: Type }>> {
  return new Promise((resolve, reject) => {
    waiting.set(question.request, { resolve: (message) => resolve(message as never), reject });
    host.send(question);
  });
}

const tree = new TableTree(byId("tree"), {
  ask: async (question: TableQuestion): Promise<PageTable> => {
    const message = await ask<"table">({ type: "askTable", request: ++request, ...question });
    return message.table;
  },
  walk: (address) => {
    byId<HTMLInputElement>("address").value = address;
    asked = address;
    show("translate");
  },
});

host.listen((message) => {
  switch (message.type) {
    case "idle":
      forget(EMPTY, true);
      break;
    case "starting":
      forget(`Starting ${message.title}…`, false);
      break;
    case "running":
      byId("running").hidden = false;
      byId("session").classList.add("stale");
      break;
    case "overview":
      arrive(message.overview);
      break;
    case "refused":
      waiting.get(message.request)?.reject(new Error(message.message));
      waiting.delete(message.request);
      break;
    default:
      waiting.get(message.request)?.resolve(message);
      waiting.delete(message.request);
  }
});

function forget(text: string, buttons: boolean): void {
  overview = undefined;
  csrs = undefined;
  previous = new Map();
  csrsAt = undefined;
  waiting.clear();
  showEmpty(text, buttons);
}

function arrive(next: MachineOverview): void {
  const isFirst = overview === undefined;
  overview = next;
  waiting.clear();
  showSession();
  byId("session").classList.remove("stale");
  byId("running").hidden = true;
  byId("now").textContent = exact(next.instant);
  // The stop is about a hart: that is the one to look at.
  const stopped = next.harts.find((candidate) => candidate.stopped);
  if (isFirst || next.harts[hart] === undefined || next.harts.length > 1) hart = stopped?.id ?? 0;
  drawHarts();
  drawSpaces();
  byId("panel-memory").replaceChildren(...residencyView(next.residency), memoryView(next.memory));
  byId("group").replaceChildren(...groupView(next.translation));
  byId("panel-devices").replaceChildren(deviceView(next.devices));
  refresh();
}

function drawHarts(): void {
  const list = byId("harts");
  const focused = list.contains(document.activeElement);
  list.replaceChildren(
    ...(overview?.harts ?? []).map((each, _, { length }) => hartCard(each, each.id === hart, length === 1)),
  );
  if (focused) list.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
}

function selectHart(id: number): void {
  if (overview?.harts[id] === undefined || id === hart) return;
  hart = id;
  drawHarts();
  selectSpaceOfHart();
  refresh();
}

function drawSpaces(): void {
  const { spaces = [], harts = [] } = overview ?? {};
  const select = byId<HTMLSelectElement>("space");
  const before = select.value;
  select.replaceChildren(
    ...spaces.map((space) => {
      const users = space.harts.length === 0 ? "seen before" : `hart ${space.harts.join(", ")}`;
      return element("option", { value: space.satp }, `${spaceText(space)} (${users})`);
    }),
  );
  if (spaces.some(({ satp }) => satp === before)) select.value = before;
  else selectSpaceOfHart();
  const none = spaces.length === 0;
  byId("no-spaces").hidden = !none;
  byId("tree").hidden = none;
  select.parentElement!.hidden = none;
  byId("no-spaces").textContent = harts.every(({ space }) => space === undefined)
    ? "The harts of this machine have no supervisor mode: addresses are physical, and there are no page tables."
    : "No hart translates addresses yet: satp is bare. Address spaces appear here once a hart is stopped in one.";
}

function selectSpaceOfHart(): void {
  const satp = overview?.harts[hart]?.space?.satp;
  const select = byId<HTMLSelectElement>("space");
  if ([...select.options].some(({ value }) => value === satp)) select.value = satp ?? "";
}

/** Asks for what the visible tab shows, and for that only. */
function refresh(): void {
  if (overview === undefined) return;
  if (tab === "translate") void translate();
  if (tab === "tables") void showTables();
  if (tab === "csrs") void showCsrs();
}

async function translate(): Promise<void> {
  let shown: HTMLElement;
  try {
    const question = { type: "askTranslation", request: ++request, hart, address: asked } as const;
    const { translation }: { translation: Translation } = await ask<"translation">(question);
    shown = walkView(translation);
  } catch (error) {
    shown = element("p.hint.problem", {}, (error as Error).message);
  }
  byId("walk").replaceChildren(shown);
}

async function showTables(): Promise<void> {
  const { value } = byId<HTMLSelectElement>("space");
  if (value !== "") await tree.show(value);
}

async function showCsrs(): Promise<void> {
  try {
    const message = await ask<"csrs">({ type: "askCsrs", request: ++request, hart });
    noteChanges(message.hart, message.csrs);
    csrs = { hart: message.hart, table: message.csrs };
    drawCsrs();
  } catch (error) {
    byId("csrs").replaceChildren(element("p.hint.problem", {}, (error as Error).message));
  }
}

/** Counters change at every step; that tells nobody anything. */
const ALWAYS_CHANGING = /^(m?cycle|m?instret|time)$/;

function noteChanges(of: number, { groups }: CsrTable): void {
  const all = groups.flatMap((group) => group.csrs);
  const key = (name: string) => `${of}/${name}`;
  // Looking again at the same stop keeps what was marked.
  if (csrsAt !== overview?.instant || csrs?.hart !== of) {
    const differs = ({ name, value }: { readonly name: string; readonly value: string }) =>
      previous.has(key(name)) && previous.get(key(name)) !== value && !ALWAYS_CHANGING.test(name);
    changed = new Set(all.filter(differs).map(({ name }) => name));
  }
  csrsAt = overview?.instant;
  for (const { name, value } of all) previous.set(key(name), value);
}

function drawCsrs(): void {
  if (csrs === undefined) return;
  const panel = byId("csrs");
  const focused = (document.activeElement as HTMLElement | null)?.dataset.csr;
  panel.replaceChildren(
    ...csrView(csrs.table, {
      filter: byId<HTMLInputElement>("filter").value.trim().toLowerCase(),
      open: openCsrs,
      changed,
      toggle: (name) => {
        if (!openCsrs.delete(name)) openCsrs.add(name);
        drawCsrs();
      },
    }),
  );
  if (focused !== undefined) panel.querySelector<HTMLElement>(`[data-csr="${focused}"]`)?.focus();
}

function show(next: Tab): void {
  tab = next;
  for (const [name] of TABS) {
    const button = byId(`tab-${name}`);
    button.setAttribute("aria-selected", String(name === tab));
    button.tabIndex = name === tab ? 0 : -1;
    byId(`panel-${name}`).hidden = name !== tab;
  }
  refresh();
}

for (const [name] of TABS) byId(`tab-${name}`).addEventListener("click", () => show(name));
byId("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined) return;
  const at = TABS.findIndex(([name]) => name === tab);
  show(TABS[(at + step + TABS.length) % TABS.length][0]);
  byId(`tab-${tab}`).focus();
});
byId("harts").addEventListener("click", (event) => {
  const card = (event.target as HTMLElement).closest<HTMLElement>("[data-hart]");
  if (card !== null) selectHart(Number(card.dataset.hart));
});
byId("harts").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  selectHart(hart + step);
});
byId("question").addEventListener("submit", (event) => {
  event.preventDefault();
  asked = byId<HTMLInputElement>("address").value.trim() || "pc";
  void translate();
});
byId("space").addEventListener("change", () => void showTables());
byId("filter").addEventListener("input", drawCsrs);
listenToButtons((command) => host.send({ type: "command", command }));
show(tab);
host.send({ type: "ready" });
