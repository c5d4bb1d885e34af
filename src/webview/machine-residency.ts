import { element } from "./elements.ts";
import type { Residency, ResidencyWork } from "./messages.ts";
import { exact } from "./scale.ts";

/** How much of the guest's memory the machine keeps, where the rest is, and what waiting for it came to. */
export function residencyView(residency: Residency | undefined): HTMLElement[] {
  if (residency === undefined) return [];
  const rows = ROWS.map(([name, value, meaning]) =>
    element("div.row", { title: meaning }, element("span.name", {}, name), element("span.value", {}, value(residency))),
  );
  return [
    element(
      "section.device-card",
      { id: "residency" },
      element("h3", {}, "Resident memory"),
      share(residency),
      ...rows,
      ...(residency.warning === undefined ? [] : [element("p.hint.problem", {}, residency.warning)]),
      residency.works.length === 0 ? element("p.hint", {}, "No page was missing so far.") : works(residency),
    ),
  ];
}

function share({ resident, frames, pages }: Residency): HTMLElement {
  const bar = element("div.share", {
    title: `${exact(resident)} of ${exact(pages)} pages are in the machine, which has room for ${exact(frames)}`,
  });
  const part = element("div.part");
  part.style.width = `${(100 * resident) / pages}%`;
  bar.append(part);
  return bar;
}

const ROWS: readonly (readonly [string, (residency: Residency) => string, string])[] = [
  [
    "kept",
    ({ resident, frames, pages }) =>
      `${exact(resident)} pages in ${exact(frames)} frames; the guest has ${exact(pages)} (${size(pages * PAGE_BYTES)})`,
    "Pages that are in the machine's memory now",
  ],
  [
    "put away",
    ({ stored: { raw, compressed, file } }) => {
      const places = [
        [raw, "as they are"],
        [compressed, "packed in memory"],
        [file, "packed in a file"],
      ] as const;
      const used = places.filter(([bytes]) => bytes > 0).map(([bytes, how]) => `${size(bytes)} ${how}`);
      return used.length === 0 ? "nothing" : used.join(", ");
    },
    "Where the contents of the other pages are, in bytes that they take there",
  ],
  [
    "moved",
    ({ putAway, broughtIn }) => `${exact(putAway)} pages put away, ${exact(broughtIn)} brought in`,
    "Since the machine began, travels through time included",
  ],
  [
    "guest",
    ({ asyncPages, idleMs }) =>
      asyncPages
        ? `is told of missing pages; had nobody to run for ${time(idleMs)}`
        : "is not told of missing pages: harts wait",
    "Whether a guest OS that knows the interface runs others meanwhile",
  ],
];

function works({ works, pageInLatencyMs }: Residency): HTMLElement {
  const head = ["", "told", "beside", "waited", "hidden", "stood still", "longest"].map((name, index) =>
    element("th", { title: HEADS[index] ?? "" }, name),
  );
  const latency =
    pageInLatencyMs === 0
      ? []
      : [element("caption", {}, `Each page from the file takes ${time(pageInLatencyMs)} longer, as was asked for.`)];
  return element(
    "table.works",
    {},
    ...latency,
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...works.map(workRow)),
  );
}

const HEADS = [
  "",
  "Pages of which the guest was told, so that others could run",
  "Done by another thread while the guest went on, and needed not be told",
  "Times that the machine stood still for it",
  "Time until pages were there in which others ran",
  "Time in which the machine stood still",
  "The longest time until it was done",
];

function workRow({ work, told, beside, waited, hiddenMs, waitedMs, mostMs }: ResidencyWork): HTMLElement {
  const cells = [exact(told), exact(beside), exact(waited), time(hiddenMs), time(waitedMs), time(mostMs)];
  return element(
    "tr",
    {},
    element("th", { title: MEANINGS[work] }, work),
    ...cells.map((text) => element("td", {}, text)),
  );
}

const MEANINGS: Readonly<Record<ResidencyWork["work"], string>> = {
  "page-in": "A page came from the file",
  decompression: "A page was unpacked in memory",
  "remote-fetch": "A page came from the other machine of the pair",
  "recording-read": "A page was read from the recording",
  "checkpoint-copy": "Pages were copied for a checkpoint",
  translation: "Code was translated, while the guest went on interpreted",
};

const PAGE_BYTES = 4096;

/** `1.5 MiB` */
function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value >= 100 || unit === 0 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `1.5 ms`, `12 s` */
function time(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 1000)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 10 || Number.isInteger(ms) ? Math.round(ms) : ms.toFixed(1)} ms`;
}
