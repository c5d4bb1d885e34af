import { element } from "./elements.ts";
import type { CacheGroup } from "./messages.ts";
import { exact } from "./scale.ts";

/** The caches of translations: what they hold and what they have done. */
export function groupView(group: CacheGroup | undefined): HTMLElement[] {
  if (group === undefined) return [];
  const rows = ROWS.map(([name, counters, meaning]) =>
    element("div.row", { title: meaning }, element("span.name", {}, name), element("span.value", {}, counters(group))),
  );
  const off =
    group.cacheGroup === "on"
      ? []
      : [element("p.hint", {}, "The cache group is off: each write of satp and each fence drops all translations.")];
  return [
    element("section.device-card", { id: "translation" }, element("h3", {}, "Address translation"), ...off, ...rows),
  ];
}

const ROWS: readonly (readonly [string, (group: CacheGroup) => string, string])[] = [
  ["address spaces", ({ elements }) => exact(elements), "Address spaces that have cached translations now"],
  [
    "contexts",
    ({ contexts, mostContexts }) => `${exact(contexts)} of ${exact(mostContexts)}`,
    "Privileges and permissions with which these address spaces are accessed",
  ],
  ["switches", ({ switches }) => exact(switches), "Changes from one address space to another"],
  [
    "searches",
    ({ hits, misses }) => `${exact(hits)} found, ${exact(misses)} new`,
    "Changes of the context: its translations were there, or begin anew",
  ],
  ["evictions", ({ evictions }) => exact(evictions), "Contexts that made room for others"],
  ["fences", ({ fences }) => exact(fences), "sfence.vma and its like"],
  [
    "missing translations",
    ({ fills, walks }) => `${exact(fills)} quick, ${exact(walks)} in full`,
    "Translations found by generated code, and by a walk through all levels",
  ],
  [
    "stores to page tables",
    ({ droppedTranslations, voidedContexts }) =>
      `dropped ${exact(droppedTranslations)} translations, ${exact(voidedContexts)} contexts`,
    "What became void because an entry that it came from was stored to",
  ],
  ["flushes", ({ flushes }) => exact(flushes), "Times that all translations became void"],
  ["checkpoints", ({ checkpoints }) => exact(checkpoints), "Times that stores to each page were to be noticed again"],
];
