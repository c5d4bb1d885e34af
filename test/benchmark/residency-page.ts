import type { WorkReport } from "../../src/machine/residency.ts";
import type { Figures, Ratios, Way } from "./residency-figures.ts";
import type { Load, Outcome } from "./residency-run.ts";
import { STYLE } from "./residency-style.ts";
import type { Spread } from "./statistics.ts";

export interface PageContents {
  readonly machine: string;
  readonly load: Load;
  readonly keeping: { readonly memory: string; readonly resident: string; readonly latencyMs: number };
  readonly figures: Readonly<Record<Way, Figures>>;
  readonly ratios: Ratios;
}

/** A page of its own, without scripts: what a slow store cost, with the interface and, one click away, without. */
export function residencyPage(contents: PageContents): string {
  const { machine, load, keeping, ratios } = contents;
  const { latencyMs, resident, memory } = keeping;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>What did this latency cost me?</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
  <p class="kicker">Hindcast · residency</p>
  <h1>What did this latency cost me?</h1>
  <p class="lead">${load.computing} processes compute and ${load.walking} walk through cold memory, on one hart. ${resident} of ${memory} is
  resident; a page takes ${number(latencyMs)} ms.</p>
</header>
<input type="radio" name="side" id="told" checked><input type="radio" name="side" id="waits">
<nav aria-label="With or without the interface">
  <label for="told">With the interface</label><label for="waits">Without it</label>
</nav>
${side("told", contents, [
  tile(percent(ratios.fullSpeed.median), "of full speed", "computing processes, against computing alone"),
  tile(`${number(ratios.throughputToWaits.median)}×`, "the throughput", "of the same load without the interface"),
  tile(percent(ratios.throughputToResident.median), "of all resident", "computing and walking together"),
])}
${side("waits", contents, [
  tile(
    percent(1 / ratios.computingToWaits.median, ratios.fullSpeed.median),
    "of full speed",
    "computing processes, against computing alone",
  ),
  tile(`1/${number(ratios.throughputToWaits.median)}`, "of the throughput", "of the same load with the interface"),
  tile(
    percent(ratios.throughputToResident.median / ratios.throughputToWaits.median),
    "of all resident",
    "computing and walking together",
  ),
])}
<section>
  <h2>Side by side</h2>
  <p class="note">Per second of the host; the line is the least and the most (runs of each: ${contents.figures.told.computing.count}).</p>
  <div class="charts">
    ${chart("Computing", "rounds a second", contents, "computing", ["alone", "resident", "told", "waits"])}
    ${chart("Walking", "touches a second", contents, "walking", ["resident", "told", "waits"])}
    ${chart("Both", "rounds a second", contents, "throughput", ["resident", "told", "waits"])}
  </div>
</section>
<footer>
  <p>${escapeHtml(machine)}</p>
  <p><code>npm run bench:residency -- --computing ${load.computing} --walking ${load.walking} --work ${load.work} --ms ${load.milliseconds} --latency ${latencyMs}</code></p>
  <p>A touch counts ${number(load.work / 20_000)} of a round. A hart that waits makes guest time stand still, and with it the time slice of the process that it runs.</p>
</footer>
</main>
</body>
</html>
`;
}

const NAMES: Readonly<Record<Way, string>> = {
  alone: "computing alone, all resident",
  resident: "all resident",
  told: "with the interface",
  waits: "without",
};

function side(way: "told" | "waits", { figures }: PageContents, tiles: readonly string[]): string {
  const { outcomes, seconds } = figures[way];
  // The one in the middle stands for all.
  const shown = [...outcomes].sort((a, b) => a.seconds - b.seconds)[outcomes.length >> 1];
  return `<section class="side ${way}">
  <div class="tiles">${tiles.join("")}</div>
  <h2>Where ${number(seconds.median)} seconds went</h2>
  ${timeBar(shown)}
  ${works(shown.residency?.works ?? [])}
</section>`;
}

function tile(figure: string, what: string, of: string): string {
  return `<div class="tile"><strong>${figure}</strong><span>${what}</span><small>${of}</small></div>`;
}

/** What the host's time was spent on. */
function timeBar({ seconds, residency }: Outcome): string {
  const waited = (residency?.works ?? []).reduce((sum, { waitedMs }) => sum + waitedMs, 0) / 1000;
  const idle = (residency?.idleMs ?? 0) / 1000;
  const running = Math.max(0, seconds - waited - idle);
  const parts = [
    ["running", "the guest ran", running],
    ["waited", "the hart stood still for a page", waited],
    ["idle", "every process waited for a page", idle],
  ] as const;
  const bar = parts.map(
    ([kind, , part]) => `<i class="${kind}" style="width:${((100 * part) / seconds).toFixed(2)}%"></i>`,
  );
  const legend = parts.map(
    ([kind, text, part]) =>
      `<li><i class="${kind}"></i>${text}<b>${number(part)} s · ${percent(part / seconds)}</b></li>`,
  );
  return `<div class="bar" role="img" aria-label="How the time was spent">${bar.join("")}</div><ul class="legend">${legend.join("")}</ul>`;
}

function works(all: readonly WorkReport[]): string {
  if (all.length === 0) return "";
  const rows = all.map(
    ({ work, told, beside, waited, hiddenMs, waitedMs, mostMs }) =>
      `<tr><th scope="row">${work}</th><td>${count(told)}</td><td>${count(beside)}</td>` +
      `<td>${duration(hiddenMs)}</td><td>${count(waited)}</td><td>${duration(waitedMs)}</td><td>${duration(mostMs)}</td></tr>`,
  );
  return `<table><thead><tr><th scope="col">work</th><th scope="col">told</th><th scope="col">beside</th><th scope="col">hidden</th><th scope="col">waited for</th>
<th scope="col">waited</th><th scope="col">longest</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function chart(
  title: string,
  unit: string,
  { figures }: PageContents,
  what: "computing" | "walking" | "throughput",
  ways: readonly Way[],
): string {
  const most = Math.max(...ways.map((way) => figures[way][what].most));
  const rows = ways.map((way) => {
    const spread = figures[way][what];
    return `<div class="row ${way}"><span>${NAMES[way]}</span><div class="track"><i style="width:${share(spread.median, most)}"></i>${whisker(spread, most)}</div><b>${count(spread.median)}</b></div>`;
  });
  return `<figure><figcaption>${title}<small>${unit}</small></figcaption>${rows.join("")}</figure>`;
}

function whisker({ least, most: highest }: Spread, most: number): string {
  return `<u style="left:${share(least, most)};width:${share(highest - least, most)}"></u>`;
}

function share(value: number, most: number): string {
  return `${((100 * value) / most).toFixed(2)}%`;
}

function percent(value: number, times = 1): string {
  const hundredths = 100 * value * times;
  return `${hundredths.toFixed(hundredths < 10 ? 1 : 0)} %`;
}

function number(value: number): string {
  return value.toFixed(value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2);
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function duration(ms: number): string {
  return ms >= 1000 ? `${number(ms / 1000)} s` : `${number(ms)} ms`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[character]!);
}
