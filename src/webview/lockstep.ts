import { Asking } from "./asking.ts";
import { element } from "./elements.ts";
import { EMPTY_SECTION, listenToButtons, showEmpty, showSession } from "./empty.ts";
import { byId, connect } from "./host.ts";
import { comparisonElement, findingElement } from "./lockstep-comparison.ts";
import { LockstepLanes } from "./lockstep-lanes.ts";
import { KIND_GROUPS, LockstepLog } from "./lockstep-log.ts";
import type {
  DivergenceFinding,
  FromLockstep,
  LockstepCommand,
  MachineComparison,
  PairLogFilter,
  PairLogRow,
  PairPlace,
  PairState,
  ToLockstep,
} from "./lockstep-messages.ts";
import { exact } from "./scale.ts";
import { showTip } from "./tip.ts";

const options = (entries: readonly (readonly [string, string])[]) =>
  entries.map(([value, label]) => `<option value="${value}">${label}</option>`).join("");

const PAGE = `
<main id="session" hidden>
  <header>
    <div id="facts"></div>
    <div id="buttons">
      <button id="find" class="action">Find the Divergence</button>
      <button class="action secondary" data-command="hindcast.goToCorresponding"
        title="This session's machine goes to where it corresponds to the other one">Align</button>
    </div>
  </header>
  <p id="inner"></p>
  <div id="plot">
    <canvas id="axis" tabindex="0" role="img" aria-label="Both machines over time. Left and Right go to divergences, plus and minus zoom."></canvas>
    <div id="tip" role="presentation" hidden></div>
  </div>
  <div id="body">
    <section id="log-side" aria-label="The log">
      <div id="filters">
        <select id="kind" aria-label="Which entries">${options(Object.entries(KIND_GROUPS).map(([value, { label }]) => [value, label]))}</select>
        <select id="state" aria-label="Outputs in which state">${options([
          ["", "Any state"],
          ...["pending", "matched", "released", "mismatched", "resynchronised", "lost"].map(
            (state) => [state, state] as const,
          ),
        ])}</select>
        <input id="text" type="search" placeholder="Filter the log" aria-label="Filter the log by what was said" spellcheck="false">
        <span id="count" class="muted"></span>
      </div>
      <div id="columns" aria-hidden="true"><span class="sequence">entry</span><span class="instant">primary</span><span
        class="instant">secondary</span><span class="what">what</span></div>
      <div id="log" aria-label="Entries of the log. Enter takes both machines there."></div>
    </section>
    <section id="comparison-side" aria-label="Both machines side by side">
      <div id="comparison-bar">
        <h2>Side by side</h2>
        <label><input id="all" type="checkbox"> also what is equal</label>
      </div>
      <p id="problem" class="problem" hidden></p>
      <div id="finding"></div>
      <div id="comparison"></div>
    </section>
  </div>
  <div id="spoken" aria-live="polite"></div>
</main>${EMPTY_SECTION}`;

const EMPTY =
  "No pair is debugged. Set “lockstep” in launch.json to run a program on two machines, or open the recording of a pair.";

const COMPARING = "Comparing what the two machines hold…";

/** Questions are not asked for every key. */
const TYPING_MS = 150;

document.body.innerHTML = PAGE;
const host = connect<ToLockstep, FromLockstep>();
const asking = new Asking<ToLockstep>();

let state: PairState | undefined;
let finding: DivergenceFinding | undefined;
let comparison: MachineComparison | undefined;
/** Where the machines stood when they were compared last. */
let compared: string | undefined;
let isFinding = false;
let isComparing = false;

const go = (place: Partial<PairPlace>) => host.send({ type: "go", place });
const comparisonListener = {
  go,
  openSource: (source: Extract<FromLockstep, { type: "openSource" }>["source"]) =>
    host.send({ type: "openSource", source }),
};
const lanes = new LockstepLanes(byId<HTMLCanvasElement>("axis"), {
  travel: (instant) => host.send({ type: "travel", instant }),
  go,
  pointed: (at) => showTip(at && { ...at, lines: [at.text] }),
});
const log = new LockstepLog(byId("log"), {
  ask: async (from, count, filter) => {
    const answer = await asking.ask((request) => host.send({ type: "askLog", request, from, count, filter }));
    return answer as Extract<ToLockstep, { type: "log" }>;
  },
  go: (row: PairLogRow) => {
    if (row.place !== undefined) go(row.place);
  },
  counted: (total) => {
    byId("count").textContent = total === 1 ? "1 entry" : `${exact(total)} entries`;
    byId("log").classList.toggle("none", total === 0);
  },
});

host.listen((message) => {
  switch (message.type) {
    case "idle":
      begin(undefined);
      showEmpty(EMPTY, true);
      break;
    case "starting":
      begin(undefined);
      showEmpty(`Starting ${message.title}…`, false);
      break;
    case "alone":
      begin(undefined);
      showEmpty(`${message.title} runs on one machine. ${EMPTY}`, false);
      break;
    case "pair":
      showPair(message.state);
      break;
    case "refused":
      asking.refused(message.request, message.message);
      break;
    default:
      asking.answered(message.request, message);
  }
});

/** Another pair, or none: nothing of the one before is shown. */
function begin(pair: PairState | undefined): void {
  state = pair;
  finding = comparison = compared = undefined;
  problem(undefined);
  showComparison();
}

function showPair(now: PairState): void {
  const isOther = state?.id !== now.id;
  if (isOther) begin(now);
  const hasGrown = state?.counts.entries !== now.counts.entries || state?.live;
  state = now;
  showSession();
  lanes.show(now);
  byId("plot").style.setProperty("--lanes", String(now.members.length));
  showFacts(now);
  if (isOther) log.begin();
  else if (hasGrown) log.grown();
  // Both stand still: what they hold there.
  const stand = now.members.map(({ instant, stretch }) => `${stretch}:${instant}`).join();
  const areStill = now.members.filter(({ role }) => role !== "gone").every(({ instant }) => instant !== undefined);
  if (areStill && stand !== compared && !isFinding) {
    compared = stand;
    void compare();
  }
}

function showFacts({ members, counts, latencyMs, lagStepsMax, inner, divergences, missing }: PairState): void {
  const fact = (name: string, value: string, title?: string) =>
    element("span.fact", { title }, element("span.muted", {}, `${name} `), value);
  const { median, p99 } = latencyMs;
  const latency = median === undefined ? "—" : `${ms(median)}, p99 ${ms(p99 ?? median)}`;
  byId("facts").replaceChildren(
    ...members.map(({ title, role, instant }) =>
      element(
        `span.member.${role}`,
        {},
        element("b", {}, title),
        instant === undefined ? (role === "gone" ? "" : " runs") : ` at ${exact(instant)}`,
      ),
    ),
    ...(counts.takeOvers > 0 ? [fact("taken over", times(counts.takeOvers))] : []),
    ...(counts.joined > 0 ? [fact("joined", times(counts.joined))] : []),
    fact("resynchronised", times(counts.resynchronisations)),
    fact(
      "lag",
      `${exact(lagStepsMax)} steps`,
      "How far the secondary was behind, at the most; when it is more than a turn behind, the primary waits for it",
    ),
    fact("output waited", latency, "From being said by the primary to leaving: median and 99th percentile"),
    fact("released", exact(counts.outputsReleased)),
  );
  // In a low panel what has no room in the line is here.
  byId("facts").title = [...byId("facts").children].map(({ textContent }) => textContent).join("\n");
  const parts = [
    divergences.length === 0
      ? "They said the same."
      : `They differed ${divergences.length === 1 ? "once" : `${exact(divergences.length)} times`} in what they said. ${divergences[0].text}`,
    inner === undefined
      ? "No difference inside is known."
      : `They differ inside since instant ${exact(inner.noticedAt)} (${inner.how}); last agreement at ${exact(inner.lastAgreement)}.`,
    ...missing.map((name) => `${name} is missing beside the others.`),
  ];
  byId("inner").textContent = byId("inner").title = parts.join(" ");
  byId("inner").classList.toggle("differs", divergences.length > 0);
  const find = byId<HTMLButtonElement>("find");
  find.disabled = isFinding || members.length < 2;
  find.textContent = isFinding ? "Looking for it…" : "Find the Divergence";
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function times(count: number): string {
  return count === 0 ? "never" : count === 1 ? "once" : `${exact(count)} times`;
}

async function findIt(): Promise<void> {
  isFinding = true;
  problem(undefined);
  if (state !== undefined) showFacts(state);
  try {
    const answer = await asking.ask((request) => host.send({ type: "find", request }));
    finding = (answer as Extract<ToLockstep, { type: "finding" }>).finding;
    byId("spoken").textContent = finding.lines[0]?.text ?? "Nothing differs.";
    isFinding = false;
    await compare();
  } catch (error) {
    problem(error);
  } finally {
    isFinding = false;
    if (state !== undefined) showFacts(state);
  }
}

async function compare(): Promise<void> {
  isComparing = true;
  if (comparison === undefined) showComparison();
  try {
    const answer = await asking.ask((request) => host.send({ type: "compare", request }));
    comparison = (answer as Extract<ToLockstep, { type: "comparison" }>).comparison;
  } catch (error) {
    comparison = undefined;
    problem(error);
  }
  isComparing = false;
  showComparison();
}

function problem(error: unknown): void {
  byId("problem").hidden = error === undefined;
  byId("problem").textContent = error instanceof Error ? error.message : "";
}

function showComparison(): void {
  const all = byId<HTMLInputElement>("all").checked;
  byId("finding").replaceChildren(...(finding === undefined ? [] : [findingElement(finding, comparisonListener)]));
  byId("comparison").replaceChildren(
    comparison === undefined
      ? element("p.muted", {}, isComparing ? COMPARING : "What the machines hold is compared where both stand still.")
      : comparisonElement(comparison, all, comparisonListener),
  );
}

function filter(): PairLogFilter {
  const { kinds } = KIND_GROUPS[byId<HTMLSelectElement>("kind").value];
  const wanted = byId<HTMLSelectElement>("state").value as NonNullable<PairLogFilter["states"]>[number] | "";
  const text = byId<HTMLInputElement>("text").value;
  return {
    ...(kinds.length > 0 && { kinds }),
    ...(wanted !== "" && { states: [wanted] }),
    ...(text !== "" && { text }),
  };
}

for (const id of ["kind", "state"]) byId(id).addEventListener("change", () => log.filter(filter()));
let typing: ReturnType<typeof setTimeout> | undefined;
byId("text").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => log.filter(filter()), TYPING_MS);
});
byId("all").addEventListener("change", showComparison);
byId("find").addEventListener("click", () => void findIt());
for (const button of document.querySelectorAll<HTMLElement>("#session button[data-command]")) {
  button.addEventListener("click", () =>
    host.send({ type: "command", command: button.dataset.command as LockstepCommand }),
  );
}
listenToButtons((command) => host.send({ type: "command", command }));
host.send({ type: "ready" });
