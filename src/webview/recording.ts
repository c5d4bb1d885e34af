import { byId, connect } from "./host.ts";
import type { FromRecording, RecordingFacts, ToRecording } from "./messages.ts";

const PAGE = `
<main>
  <h1 id="name"></h1>
  <p id="summary"></p>
  <ul id="warnings" role="alert"></ul>
  <div id="actions">
    <button id="debug">Debug This Recording</button>
    <button id="reload" class="secondary">Read Again</button>
  </div>
  <dl id="facts"></dl>
</main>`;

document.body.innerHTML = PAGE;
const host = connect<ToRecording, FromRecording>();

host.listen((message) => {
  if (message.type === "facts") showFacts(message.facts);
  else showUnusable(message.name, message.message);
});

function showFacts(facts: RecordingFacts): void {
  byId("name").textContent = facts.name;
  byId("summary").textContent = facts.complete
    ? "A complete recording. Every instant of it can be reached, forwards and backwards."
    : "This recording was not ended in good order, or is still being written. What it holds can be travelled.";
  showWarnings(facts.warnings);
  const { program } = facts;
  const rows: [string, string][] = [
    ...(program === undefined ? [] : [["Program", `${program.name} (${bytes(program.bytes)})`] as [string, string]]),
    ["Machine", facts.machine],
    ["Length", counted(facts.instants, "instant")],
    ["Events", `${exact(facts.events)} from outside (keys, edits)`],
    ["Output", `${counted(facts.outputs, "byte")} printed`],
    ["Checkpoints", exact(facts.checkpoints)],
    ...facts.bookmarks.map(({ name, instant }): [string, string] => [
      "Bookmark",
      `${name}, at instant ${exact(instant)}`,
    ]),
    ["Size of the file", bytes(facts.bytes)],
  ];
  byId("facts").replaceChildren(
    ...rows.flatMap(([term, description]) => [element("dt", term), element("dd", description)]),
  );
  byId("actions").hidden = false;
  byId("debug").hidden = false;
  byId("debug").focus();
}

function showUnusable(name: string, message: string): void {
  byId("name").textContent = name;
  byId("summary").textContent = "This recording cannot be opened.";
  showWarnings([message]);
  byId("facts").replaceChildren();
  byId("debug").hidden = true;
}

function showWarnings(warnings: readonly string[]): void {
  byId("warnings").replaceChildren(...warnings.map((warning) => element("li", warning)));
  byId("warnings").hidden = warnings.length === 0;
}

function element(name: string, content: string): HTMLElement {
  const created = document.createElement(name);
  created.textContent = content;
  return created;
}

function exact(count: number): string {
  return count.toLocaleString("en-US");
}

function counted(count: number, singular: string): string {
  return `${exact(count)} ${singular}${count === 1 ? "" : "s"}`;
}

function bytes(count: number): string {
  if (count < 1024) return `${count} bytes`;
  const units = ["KiB", "MiB", "GiB"];
  const power = Math.min(Math.floor(Math.log2(count) / 10), units.length);
  return `${(count / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}

byId("debug").addEventListener("click", () => host.send({ type: "debug" }));
byId("reload").addEventListener("click", () => host.send({ type: "reload" }));
host.send({ type: "ready" });
