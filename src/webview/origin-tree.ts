import { code, element } from "./elements.ts";
import { exact } from "./scale.ts";
import type {
  OriginEndFacts,
  OriginFacts,
  OriginOperandFacts,
  OriginQuestion,
  OriginStepFacts,
  SourceFacts,
} from "./search-messages.ts";
import { lineButton, lineText } from "./source-button.ts";
import { VirtualList } from "./virtual-list.ts";

/** Pixels a level. */
const INDENT = 16;

/** What an operand has to do with the value. */
const ROLES = {
  value: "is in the value, too",
  address: "decided where, not what",
  rest: "has the other bytes, as they were",
} as const;

/** An operand that the chain does not follow: somebody may want to. */
interface Branch {
  readonly operand: OriginOperandFacts;
  state: "closed" | "asking" | "open" | "refused";
  origin?: OriginFacts;
  problem?: string;
}

type Node = { readonly depth: number } & (
  | { readonly kind: "step"; readonly step: OriginStepFacts }
  | { readonly kind: "branch"; readonly branch: Branch; readonly step: OriginStepFacts }
  | { readonly kind: "end"; readonly end: OriginEndFacts; readonly branch: Branch | undefined }
);

export interface TreeOptions {
  ask(question: OriginQuestion): Promise<OriginFacts>;
  travel(instant: number): void;
  openSource(source: SourceFacts): void;
}

/**
 * A value's way back as a tree: the steps that it came through, the newest first; below each the operands that the chain does
 * not follow, which can be followed in turn.
 */
export class OriginTree {
  readonly #options: TreeOptions;
  readonly #list: VirtualList<Node>;
  readonly #branches = new Map<object, Branch>();
  #origin: OriginFacts | undefined;
  #nodes: readonly Node[] = [];
  #now = -1;

  constructor(box: HTMLElement, options: TreeOptions) {
    this.#options = options;
    box.role = "tree";
    this.#list = new VirtualList(box, {
      idPrefix: "origin",
      rowRole: "treeitem",
      row: (index) => this.#nodes[index],
      render: (node) => this.#render(node),
      activated: (node) => this.#activate(node),
      key: (event, active) => this.#key(event, active),
    });
  }

  focus(): void {
    this.#list.focus();
  }

  show(origin: OriginFacts): void {
    if (origin === this.#origin) return;
    this.#origin = origin;
    this.#branches.clear();
    this.#nodes = this.#chain(origin, 0);
    this.#list.begin(this.#nodes.length);
  }

  position(now: number): void {
    if (now === this.#now) return;
    this.#now = now;
    this.#list.refresh();
  }

  #changed(): void {
    if (this.#origin === undefined) return;
    this.#nodes = this.#chain(this.#origin, 0);
    this.#list.show(this.#nodes.length);
  }

  #chain({ steps, end }: OriginFacts, depth: number): Node[] {
    const ofSteps = steps.flatMap((step): Node[] => {
      const others = step.operands.filter((_, index) => index !== step.follows);
      const branches = others.flatMap((operand): Node[] => {
        const branch = this.#branch(operand, operand);
        const below =
          branch.origin !== undefined && branch.state === "open" ? this.#chain(branch.origin, depth + 2) : [];
        return [{ kind: "branch", branch, step, depth: depth + 1 }, ...below];
      });
      return [{ kind: "step", step, depth }, ...branches];
    });
    const on = end.place === undefined ? undefined : this.#branch(end, { place: end.place });
    const below = on?.origin !== undefined && on.state === "open" ? this.#chain(on.origin, depth) : [];
    return [...ofSteps, ...(below.length > 0 ? below : [{ kind: "end", end, branch: on, depth } as const])];
  }

  #branch(key: object, operand: OriginOperandFacts): Branch {
    const known = this.#branches.get(key);
    if (known !== undefined) return known;
    const branch: Branch = { operand, state: "closed" };
    this.#branches.set(key, branch);
    return branch;
  }

  #render(node: Node): HTMLElement {
    const row = this.#row(node);
    row.ariaLevel = String(node.depth + 1);
    row.style.paddingLeft = `${8 + node.depth * INDENT}px`;
    if ("branch" in node && node.branch !== undefined) row.ariaExpanded = String(node.branch.state === "open");
    return row;
  }

  #row(node: Node): HTMLElement {
    switch (node.kind) {
      case "step": {
        const { instant, symbol, source, text, place, value, sentence, note } = node.step;
        const line = source === undefined ? "" : ` (${lineText(source)})`;
        const made = element(
          "div.step",
          {
            title: [sentence, note, `${symbol}${line}`, `Instant ${exact(instant)}`]
              .filter((part) => part !== undefined)
              .join("\n"),
            "aria-label": `${sentence}, instant ${exact(instant)}`,
          },
          element("span.twisty", {}),
          element("span.value", {}, code(`${place.name} = ${value}`)),
          element("span.text", {}, note === undefined ? sentence : `${sentence} ${note}`),
          code(text),
          element("span.place", {}, symbol),
          source === undefined ? undefined : lineButton(source, this.#options.openSource),
          element("span.instant", {}, exact(instant)),
        );
        made.classList.toggle("here", instant === this.#now);
        return made;
      }
      case "branch": {
        const { operand, state, problem } = node.branch;
        const what = ROLES[operand.role ?? "value"];
        const known = operand.value === undefined ? operand.place.name : `${operand.place.name} = ${operand.value}`;
        const said = { closed: what, asking: "following it back…", open: what, refused: problem ?? what }[state];
        return element(
          "div.branch",
          { title: "Click to follow this value back as well", "aria-label": `${known}, ${said}` },
          element("span.twisty", {}, state === "open" ? "▾" : "▸"),
          element("span.value", {}, code(known)),
          element(state === "refused" ? "span.text.problem" : "span.text.muted", {}, said),
        );
      }
      case "end": {
        const { end, branch } = node;
        const asking = branch?.state === "asking" ? " Following it back…" : "";
        return element(
          "div.end",
          { title: branch === undefined ? undefined : "Click to follow it further back" },
          element("span.twisty", {}, branch === undefined ? "■" : "▸"),
          element("span.text", {}, `${end.sentence}${asking}`),
          branch?.problem === undefined ? undefined : element("span.problem", {}, branch.problem),
          end.instant === undefined ? undefined : element("span.instant", {}, exact(end.instant)),
        );
      }
    }
  }

  #activate(node: Node): void {
    if (node.kind === "step") this.#options.travel(node.step.instant);
    else if (node.branch !== undefined) this.#toggle(node.branch);
    else if (node.kind === "end" && node.end.instant !== undefined) this.#options.travel(node.end.instant);
  }

  #toggle(branch: Branch): void {
    if (branch.state === "asking") return;
    if (branch.origin !== undefined) {
      branch.state = branch.state === "open" ? "closed" : "open";
      this.#changed();
      return;
    }
    branch.state = "asking";
    this.#changed();
    this.#options.ask(branch.operand.place.ask).then(
      (origin) => {
        Object.assign(branch, { state: "open", origin });
        this.#changed();
      },
      (error: Error) => {
        Object.assign(branch, { state: "refused", problem: error.message });
        this.#changed();
      },
    );
  }

  #key({ key }: KeyboardEvent, active: number): boolean {
    const node = this.#nodes[active];
    if (node === undefined || !("branch" in node) || node.branch === undefined) return false;
    const opens = key === "ArrowRight" && node.branch.state !== "open";
    const closes = key === "ArrowLeft" && node.branch.state === "open";
    if (opens || closes) this.#toggle(node.branch);
    return opens || closes;
  }
}
