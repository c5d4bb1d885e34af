import { asPageEntry, code, element, flagChips, hexOf, sizeText } from "./elements.ts";
import type { PageTable, TableQuestion } from "./messages.ts";

type Entry = PageTable["entries"][number];

/** A row of the tree: an entry, and what is below it once it has been opened. */
interface TreeNode {
  readonly key: string;
  readonly depth: number;
  readonly entry: Entry;
  children: readonly TreeNode[] | undefined;
  /** Why it has no children to show. */
  problem: string | undefined;
}

interface TableTreeParts {
  ask(question: TableQuestion): Promise<PageTable>;
  /** The user wants to see the walk to an address. */
  walk(address: string): void;
}

/** The page tables of one address space as a tree; a table is asked for when it is opened. */
export class TableTree {
  readonly #root: HTMLElement;
  readonly #parts: TableTreeParts;
  #satp: string | undefined;
  #nodes: readonly TreeNode[] = [];
  #message: string | undefined;
  readonly #open = new Set<string>();
  #active: string | undefined;
  /** Answers to what was asked before this are too late. */
  #generation = 0;

  constructor(root: HTMLElement, parts: TableTreeParts) {
    this.#root = root;
    this.#parts = parts;
    root.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Shows an address space anew; what was open stays open. */
  async show(satp: string): Promise<void> {
    if (satp !== this.#satp) {
      this.#open.clear();
      this.#active = undefined;
      this.#nodes = [];
    }
    this.#satp = satp;
    const generation = ++this.#generation;
    try {
      const table = await this.#parts.ask({ satp });
      const nodes = this.#nodesOf(table, "", 0);
      await this.#openAgain(nodes);
      if (generation !== this.#generation) return;
      this.#nodes = nodes;
      this.#message = nodes.length === 0 ? "The root table is empty: nothing is mapped." : undefined;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#nodes = [];
      this.#message = (error as Error).message;
    }
    this.#draw();
  }

  #nodesOf(table: PageTable, parent: string, depth: number): TreeNode[] {
    return table.entries.map((entry) => {
      const key = `${parent}/${entry.index}`;
      return { key, depth, entry, children: undefined, problem: undefined };
    });
  }

  async #openAgain(nodes: readonly TreeNode[]): Promise<void> {
    for (const node of nodes) if (this.#open.has(node.key)) await this.#load(node);
  }

  async #load(node: TreeNode): Promise<void> {
    const { entry, key, depth } = node;
    const satp = this.#satp;
    if (satp === undefined || entry.kind !== "table" || entry.target === undefined) return;
    if (entry.level === 0) {
      node.problem = "A table below level 0 is reserved.";
      return;
    }
    try {
      const question = { satp, table: entry.target, level: entry.level - 1, base: entry.virtual };
      const children = this.#nodesOf(await this.#parts.ask(question), key, depth + 1);
      await this.#openAgain(children);
      node.children = children;
      node.problem = children.length === 0 ? "This table is empty." : undefined;
    } catch (error) {
      node.problem = (error as Error).message;
    }
  }

  async #toggle(node: TreeNode, open = !this.#open.has(node.key)): Promise<void> {
    if (node.entry.kind !== "table") return;
    if (open) {
      this.#open.add(node.key);
      if (node.children === undefined) await this.#load(node);
    } else this.#open.delete(node.key);
    this.#draw();
  }

  #visible(nodes: readonly TreeNode[] = this.#nodes): TreeNode[] {
    return nodes.flatMap((node) => (this.#open.has(node.key) ? [node, ...this.#visible(node.children ?? [])] : [node]));
  }

  #draw(): void {
    const focused = this.#root.contains(document.activeElement);
    const rows = this.#visible().flatMap((node) => {
      const row = this.#row(node);
      return node.problem === undefined || !this.#open.has(node.key)
        ? [row]
        : [row, atDepth(node.depth + 1, element("div.tree-note", {}, node.problem))];
    });
    // The column of addresses is as wide as the widest that is shown.
    const widest = Math.max(0, ...this.#visible().map(({ entry }) => rangeText(entry).length));
    this.#root.style.setProperty("--range", String(widest));
    this.#root.replaceChildren(...(this.#message === undefined ? rows : [element("p.hint", {}, this.#message)]));
    if (focused) this.#focus();
  }

  #row(node: TreeNode): HTMLElement {
    const { entry, depth, key } = node;
    const open = this.#open.has(key);
    const isTable = entry.kind === "table";
    const [first] = this.#nodes;
    const isTabStop = this.#active === undefined ? node === first : this.#active === key;
    const row = element(
      `div.tree-row.${entry.kind.replace(" ", "-")}`,
      {
        role: "treeitem",
        "aria-level": String(depth + 1),
        "aria-expanded": isTable ? String(open) : undefined,
        tabindex: isTabStop ? "0" : "-1",
        "data-key": key,
        title: isTable
          ? `Entry ${entry.value} at ${entry.address}: a table`
          : `Entry ${entry.value} at ${entry.address}; Enter shows the walk`,
      },
      element(
        "span.place",
        {},
        element("span.twisty", { "aria-hidden": "true" }, isTable ? (open ? "▾" : "▸") : ""),
        element("span.index", {}, indexText(entry)),
      ),
      element("span.range", {}, code(rangeText(entry))),
      flagChips(entry.flags),
      element("span.leads", {}, leadsText(entry)),
      element("span.target", {}, ...(entry.target === undefined ? [] : [code(entry.target)])),
      element("span.notes", {}, [entry.symbol, ...entry.notes].filter((note) => note !== undefined).join(", ")),
    );
    asPageEntry(row, `entry ${indexText(entry)} of level ${entry.level}`, entry.address);
    atDepth(depth, row).addEventListener("click", () => {
      this.#active = key;
      if (isTable) void this.#toggle(node);
      else this.#parts.walk(entry.virtual);
    });
    return row;
  }

  #focus(): void {
    this.#root.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }

  #onKey(event: KeyboardEvent): void {
    const rows = this.#visible();
    const at = Math.max(
      0,
      rows.findIndex(({ key }) => key === this.#active),
    );
    const node = rows[at];
    if (node === undefined) return;
    const isOpen = this.#open.has(node.key);
    const go = (to: number) => {
      this.#active = rows[Math.min(Math.max(0, to), rows.length - 1)].key;
      this.#draw();
      this.#focus();
    };
    const parent = () => rows.findLastIndex(({ key }, i) => i < at && node.key.startsWith(`${key}/`));
    const actions: Readonly<Record<string, () => void>> = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      ArrowRight: () => (isOpen ? go(at + 1) : void this.#toggle(node, true)),
      ArrowLeft: () => (isOpen ? void this.#toggle(node, false) : go(Math.max(0, parent()))),
      Enter: () => (node.entry.kind === "table" ? void this.#toggle(node) : this.#parts.walk(node.entry.virtual)),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    this.#active = node.key;
    action();
  }
}

/** Through the object model: the page's policy refuses style attributes. */
function atDepth(depth: number, row: HTMLElement): HTMLElement {
  row.style.setProperty("--depth", String(depth));
  return row;
}

function indexText({ index, count }: Entry): string {
  return count > 1 ? `${index}–${index + count - 1}` : String(index);
}

function rangeText({ virtual, bytes, count }: Entry): string {
  const start = BigInt(virtual);
  return `${hexOf(start)} – ${hexOf(start + BigInt(bytes) * BigInt(count) - 1n)}`;
}

function leadsText({ kind, bytes, count }: Entry): string {
  if (kind === "table") return "table";
  if (kind === "page")
    return count > 1 ? `${count} pages of ${sizeText(BigInt(bytes))}` : `page of ${sizeText(BigInt(bytes))}`;
  return kind === "invalid" ? "not valid" : kind;
}
