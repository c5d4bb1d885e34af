import { code, element } from "./elements.ts";
import type { DivergenceFinding, MachineComparison, PairPlace } from "./lockstep-messages.ts";
import { exact } from "./scale.ts";
import type { SourceFacts } from "./search-messages.ts";
import { lineButton } from "./source-button.ts";

export interface ComparisonListener {
  go(place: PairPlace): void;
  openSource(source: SourceFacts): void;
}

type Machine = MachineComparison["left"];
type Value = { name: string; title?: string; left: string; right: string; differs: boolean };

/** What was found, the sentence that matters first, and the way back to it. */
export function findingElement(finding: DivergenceFinding, listener: ComparisonListener): HTMLElement {
  if (finding.kind === "none") {
    return element("div.finding", {}, element("p.why", {}, finding.lines[0]?.text ?? "Nothing differs."));
  }
  const lines = finding.lines.map(({ text, place }, index) => {
    const line = element(index === 0 ? "p.why" : "p", {}, text);
    if (place === undefined) return line;
    const go = element("button.link", { type: "button", title: "Take both machines there" }, "Go there");
    go.addEventListener("click", () => listener.go(place));
    line.append(" ", go);
    return line;
  });
  return element(
    "div.finding",
    {},
    ...lines,
    chainElement(finding, listener),
    ...finding.notes.map((note) => element("p.muted", {}, note)),
  );
}

function chainElement({ chain }: DivergenceFinding, listener: ComparisonListener): HTMLElement | undefined {
  if (chain.length === 0) return undefined;
  const links = chain.map(({ sentence, place, kind }) => {
    const link = element(`li.${kind}`, {}, sentence);
    if (place === undefined) return link;
    const go = element("button.link", { type: "button", title: "Take both machines there" }, exact(place.left.instant));
    go.addEventListener("click", () => listener.go(place));
    link.prepend(go, " ");
    return link;
  });
  const summary = `The way back from what they said, ${links.length === 1 ? "1 step" : `${links.length} steps`}`;
  return element("details.chain", {}, element("summary", {}, summary), element("ol", {}, ...links));
}

/** The machines beside each other as they stand. `all`: also what is equal. */
export function comparisonElement(
  { left, right, registers, csrs, memory, differingPages, devices }: MachineComparison,
  all: boolean,
  listener: ComparisonListener,
): HTMLElement {
  const words = memory.map(({ address, symbol, ...word }) => ({ name: symbol ?? address, title: address, ...word }));
  const pages = differingPages > 0 ? `, in ${exact(differingPages)} ${differingPages === 1 ? "page" : "pages"}` : "";
  const tables = [
    table("Registers", registers, all),
    table("CSRs", csrs, all),
    table("Devices", devices, all),
    table(`Memory${pages}`, words, true),
  ].filter((made) => made !== undefined);
  return element(
    "div.comparison",
    {},
    element("div.sides", {}, side(left, listener), side(right, listener)),
    ...(tables.length > 0
      ? tables
      : [element("p.muted", {}, "Registers, memory and devices are the same where the two machines stand.")]),
  );
}

function side(machine: Machine, { openSource }: ComparisonListener): HTMLElement {
  const { title, instant, hart, symbol, pc, source, code: instructions } = machine;
  return element(
    "section.side",
    { "aria-label": title },
    element("h3", {}, title),
    element("p.muted", {}, `instant ${exact(instant)}, hart ${hart}`),
    element("p", {}, code(symbol === "" ? pc : symbol, pc), " ", source && lineButton(source, openSource)),
    element(
      "ol.code",
      {},
      ...instructions.map(({ address, text, symbol, current }) =>
        element(
          current ? "li.current" : "li",
          { title: symbol ?? address, ...(current ? { "aria-current": "true" } : {}) },
          code(text),
        ),
      ),
    ),
  );
}

function table(name: string, values: readonly Value[], all: boolean): HTMLElement | undefined {
  const shown = all ? values : values.filter(({ differs }) => differs);
  if (shown.length === 0) return undefined;
  const rows = shown.map(({ name, title, left, right, differs }) =>
    element(
      differs ? "tr.differs" : "tr",
      {},
      element("th", { scope: "row", title }, name),
      element("td", {}, code(left)),
      // Not by colour alone.
      element("td.sign", { "aria-label": differs ? "differs from" : "equals" }, differs ? "≠" : "="),
      element("td", {}, code(right)),
    ),
  );
  return element("table", {}, element("caption", {}, name), element("tbody", {}, ...rows));
}
