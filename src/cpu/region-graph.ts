import { assert } from "../base/assert.ts";
import { type Block, type Edge, type Ending, edgesOf, type Region } from "./region.ts";

/**
 * A block of a region as the structure of its function sees it: every loop has one entry, so that WebAssembly's
 * structured control flow can say it (Ramsey, "Beyond Relooper", 2022).
 */
export interface Node {
  readonly block: Block;
  /** Position in reverse postorder. An edge to a node that is not later is a loop's. */
  order: number;
  predecessors: Node[];
  dominator: Node | undefined;
  /** What it dominates directly. */
  children: Node[];
  /** Something jumps back to it. */
  isLoop: boolean;
  /** Several nodes jump forward to it. */
  isMerge: boolean;
  /** The step budget is looked at here. */
  isChecked: boolean;
  /** Steps, counted from the entry along some path, that the budget is lower here than the budget's local says. */
  potential: number;
  /** Most steps from here to wherever the budget is looked at again, or to the region's end. */
  longest: number;
}

export interface RegionGraph {
  /** In reverse postorder; the first is the entry. */
  readonly nodes: readonly Node[];
  readonly nodeOf: ReadonlyMap<Block, Node>;
  /** Dispatch headers, each with a state of its own. */
  readonly stateCount: number;
}

/** Brings a region into the shape that structured control flow needs, and lays out its step budget. */
export function analyseRegion(region: Region): RegionGraph {
  const headers = new DispatchHeaders(region);
  const entry = headers.insert();
  const nodes = reversePostorder(entry);
  const nodeOf = new Map(nodes.map((node) => [node.block, node]));
  for (const node of nodes) {
    for (const edge of edgesOf(node.block)) if (edge.to !== undefined) nodeOf.get(edge.to)!.predecessors.push(node);
  }
  findDominators(nodes);
  for (const node of nodes) {
    let forward = 0;
    for (const predecessor of node.predecessors) {
      if (predecessor.order < node.order) forward++;
      else {
        assert(dominates(node, predecessor), "every loop has one entry");
        node.isLoop = true;
      }
    }
    node.isMerge = forward >= 2;
    if (node.dominator !== undefined) node.dominator.children.push(node);
  }
  layOutBudget(nodes, headers);
  return { nodes, nodeOf, stateCount: headers.count };
}

/** Gives every strongly connected part with several entries one header through which all jumps to these entries go. */
class DispatchHeaders {
  readonly #region: Region;
  readonly #predecessors = new Map<Block, Set<Block>>();
  readonly #headers = new Set<Block>();
  /** Entries of such parts: the budget is looked at there, not in the header. */
  readonly #behindHeaders = new Set<Block>();

  constructor(region: Region) {
    this.#region = region;
  }

  get count(): number {
    return this.#headers.size;
  }

  isHeader(block: Block): boolean {
    return this.#headers.has(block);
  }

  isBehindHeader(block: Block): boolean {
    return this.#behindHeaders.has(block);
  }

  /** The block with which the region's function begins: one of its own, so that nothing jumps back to it. */
  insert(): Block {
    const { entry } = this.#region;
    const start: Block = {
      context: entry.context,
      pc: entry.pc,
      instructions: [],
      ending: { kind: "jump", edge: { to: entry, exit: entry.pc } },
    };
    const reachable: Block[] = [];
    const seen = new Set([start]);
    for (const open = [start]; open.length > 0; ) {
      const block = open.pop()!;
      reachable.push(block);
      for (const { to } of edgesOf(block)) {
        if (to === undefined) continue;
        this.#precedes(block, to);
        if (!seen.has(to)) {
          seen.add(to);
          open.push(to);
        }
      }
    }
    this.#reduce(reachable);
    return start;
  }

  #precedes(block: Block, next: Block): void {
    let blocks = this.#predecessors.get(next);
    if (blocks === undefined) {
      blocks = new Set();
      this.#predecessors.set(next, blocks);
    }
    blocks.add(block);
  }

  #reduce(blocks: readonly Block[]): void {
    for (const part of connectedParts(blocks)) {
      const within = new Set(part);
      const entries = part.filter((block) =>
        [...(this.#predecessors.get(block) ?? [])].some((predecessor) => !within.has(predecessor)),
      );
      if (entries.length > 1) {
        this.#insertHeader(entries);
        // The header is outside: what is left inside are the loops of the part without the jumps to its entries.
        this.#reduce(part);
      } else this.#reduce(part.filter((block) => block !== entries[0]));
    }
  }

  #insertHeader(entries: readonly Block[]): void {
    const edges = entries.map((to): Edge => ({ to, exit: to.pc }));
    const ending: Ending = { kind: "dispatch", edges, state: this.#headers.size };
    const header: Block = { context: entries[0].context, pc: entries[0].pc, instructions: [], ending };
    this.#headers.add(header);
    entries.forEach((entry, choice) => {
      this.#behindHeaders.add(entry);
      for (const predecessor of this.#predecessors.get(entry) ?? []) {
        for (const edge of edgesOf(predecessor)) {
          if (edge.to !== entry) continue;
          edge.to = header;
          // A jump that already goes through a header of an outer part says here which entry it means.
          edge.choice = choice;
        }
        this.#precedes(predecessor, header);
      }
      this.#predecessors.set(entry, new Set([header]));
    });
  }
}

/** Strongly connected parts of more than one block, or of one that jumps to itself (Tarjan 1972, without recursion). */
function connectedParts(blocks: readonly Block[]): Block[][] {
  const within = new Set(blocks);
  const index = new Map<Block, number>();
  const low = new Map<Block, number>();
  const stack: Block[] = [];
  const onStack = new Set<Block>();
  const parts: Block[][] = [];
  const successors = (block: Block): Block[] =>
    edgesOf(block).flatMap(({ to }) => (to !== undefined && within.has(to) ? [to] : []));
  const enter = (block: Block): { block: Block; next: Block[]; at: number } => {
    index.set(block, index.size);
    low.set(block, index.get(block)!);
    stack.push(block);
    onStack.add(block);
    return { block, next: successors(block), at: 0 };
  };
  for (const root of blocks) {
    if (index.has(root)) continue;
    const work = [enter(root)];
    while (work.length > 0) {
      const frame = work[work.length - 1];
      const { block } = frame;
      if (frame.at < frame.next.length) {
        const next = frame.next[frame.at++];
        if (!index.has(next)) work.push(enter(next));
        else if (onStack.has(next)) low.set(block, Math.min(low.get(block)!, index.get(next)!));
        continue;
      }
      work.pop();
      const parent = work[work.length - 1]?.block;
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent)!, low.get(block)!));
      if (low.get(block) !== index.get(block)) continue;
      const part: Block[] = [];
      let member: Block;
      do {
        member = stack.pop()!;
        onStack.delete(member);
        part.push(member);
      } while (member !== block);
      if (part.length > 1) parts.push(part);
    }
  }
  return parts;
}

function reversePostorder(entry: Block): Node[] {
  const blocks: Block[] = [];
  const seen = new Set([entry]);
  const work = [{ block: entry, at: 0 }];
  while (work.length > 0) {
    const frame = work[work.length - 1];
    const edges = edgesOf(frame.block);
    if (frame.at < edges.length) {
      const { to } = edges[frame.at++];
      if (to !== undefined && !seen.has(to)) {
        seen.add(to);
        work.push({ block: to, at: 0 });
      }
      continue;
    }
    blocks.push(frame.block);
    work.pop();
  }
  return blocks.reverse().map((block, order) => ({
    ...{ block, order, predecessors: [], dominator: undefined, children: [] },
    ...{ isLoop: false, isMerge: false, isChecked: false, potential: 0, longest: 0 },
  }));
}

/** Cooper, Harvey, Kennedy, "A simple, fast dominance algorithm" (2001). */
function findDominators(nodes: readonly Node[]): void {
  const [entry] = nodes;
  const dominatorOf = new Map([[entry, entry]]);
  const common = (a: Node, b: Node): Node => {
    let [left, right] = [a, b];
    while (left !== right) {
      while (left.order > right.order) left = dominatorOf.get(left)!;
      while (right.order > left.order) right = dominatorOf.get(right)!;
    }
    return left;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of nodes) {
      if (node === entry) continue;
      const known = node.predecessors.filter((predecessor) => dominatorOf.has(predecessor));
      const dominator = known.reduce(common);
      if (dominatorOf.get(node) === dominator) continue;
      dominatorOf.set(node, dominator);
      changed = true;
    }
  }
  for (const node of nodes) if (node !== entry) node.dominator = dominatorOf.get(node);
}

function dominates(a: Node, b: Node): boolean {
  let node: Node | undefined = b;
  while (node !== undefined && node.order > a.order) node = node.dominator;
  return node === a;
}

/**
 * The budget's local is lowered only on edges where the potentials of the two ends do not fit, and is compared only where
 * loops begin and at the entry, with the most steps until it is compared again.
 */
function layOutBudget(nodes: readonly Node[], headers: DispatchHeaders): void {
  const nodeOf = new Map(nodes.map((node) => [node.block, node]));
  for (const node of nodes) {
    const { block } = node;
    // The start block has no instruction: what it leads to is where the budget is looked at first.
    node.isChecked =
      (node.isLoop && !headers.isHeader(block)) || headers.isBehindHeader(block) || node.dominator?.order === 0;
    const before = node.predecessors.find((predecessor) => predecessor.order < node.order);
    node.potential = before === undefined ? 0 : before.potential + before.block.instructions.length;
  }
  for (const node of [...nodes].reverse()) {
    const after = edgesOf(node.block).map(({ to }) => {
      const next = to === undefined ? undefined : nodeOf.get(to)!;
      return next === undefined || next.order <= node.order || next.isChecked ? 0 : next.longest;
    });
    node.longest = node.block.instructions.length + Math.max(0, ...after);
  }
}
