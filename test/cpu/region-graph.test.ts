import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { type Block, type Edge, type Ending, edgesOf, type Placed, type Region } from "../../src/cpu/region.ts";
import { analyseRegion, type Node, type RegionGraph } from "../../src/cpu/region-graph.ts";

const GRAPHS = 1200;
const WALKS = 12;

/** A region of blocks that jump anywhere, and where each of its edges leads to before anything is done to it. */
function randomRegion(prng: Prng): { region: Region; targets: Map<Edge, Block | undefined> } {
  const blocks = Array.from(
    { length: 1 + prng.below(prng.pick([4, 10, 30])) },
    (_, index): Block => ({
      context: { id: 0, parent: undefined, returnsTo: 0, entry: 0, depth: 0 },
      pc: index * 100,
      instructions: Array.from({ length: 1 + prng.below(9) }, () => ({}) as Placed),
      ending: { kind: "leave", pc: 0 },
    }),
  );
  const edge = (): Edge => ({ to: prng.below(16) === 0 ? undefined : prng.pick(blocks), exit: 0 });
  const endings: (() => Ending)[] = [
    () => ({ kind: "jump", edge: edge() }),
    () => ({ kind: "branch", taken: edge(), otherwise: edge() }),
    () => ({ kind: "branch", taken: edge(), otherwise: edge() }),
    () => ({ kind: "branch", taken: edge(), otherwise: edge() }),
    () => ({ kind: "branch", taken: edge(), otherwise: edge() }),
    () => ({ kind: "branch", taken: edge(), otherwise: edge() }),
    () => ({ kind: "indirect", known: Array.from({ length: prng.below(3) }, () => ({ target: 0, edge: edge() })) }),
    () => ({ kind: "leave", pc: 0 }),
  ];
  for (const block of blocks) block.ending = prng.pick(endings)();
  const targets = new Map(blocks.flatMap((block) => edgesOf(block).map((made) => [made, made.to] as const)));
  return { region: { entry: blocks[0], blocks }, targets };
}

/** Nodes from which a node cannot be reached but through another, by taking that one away. */
function dominates(graph: RegionGraph, above: Node, below: Node): boolean {
  const [entry] = graph.nodes;
  const open = above === entry ? [] : [entry];
  const seen = new Set(open);
  for (const node of open) {
    for (const { to } of edgesOf(node.block)) {
      const next = to && graph.nodeOf.get(to)!;
      if (next === undefined || next === above || seen.has(next)) continue;
      seen.add(next);
      open.push(next);
    }
  }
  return !seen.has(below);
}

function eachGraph(check: (graph: RegionGraph, targets: Map<Edge, Block | undefined>, prng: Prng) => void): void {
  for (let seed = 1; seed <= GRAPHS; seed++) {
    const prng = new Prng(seed);
    const { region, targets } = randomRegion(prng);
    try {
      check(analyseRegion(region), targets, prng);
    } catch (error) {
      throw new Error(`graph ${seed}`, { cause: error });
    }
  }
}

test("dominators are what taking nodes away shows, and every loop has one entry", () => {
  let [headers, loops] = [0, 0];
  eachGraph((graph) => {
    headers += graph.stateCount;
    assert.deepEqual(
      graph.nodes.map(({ order }) => order),
      [...graph.nodes.keys()],
    );
    for (const node of graph.nodes.slice(1)) {
      const above = graph.nodes.filter((other) => other !== node && dominates(graph, other, node));
      const closest = above.find((one) => above.every((other) => dominates(graph, other, one)));
      assert.equal(node.dominator, closest);
      assert.ok(closest!.children.includes(node));
    }
    for (const node of graph.nodes) {
      const back = node.predecessors.filter(({ order }) => order >= node.order);
      for (const one of back) assert.ok(dominates(graph, node, one), "a jump back goes to what dominates it");
      assert.equal(node.isLoop, back.length > 0);
      assert.equal(node.isMerge, node.predecessors.length - back.length >= 2);
      if (node.isLoop) loops++;
    }
  });
  assert.ok(headers > 100 && loops > 500, `${headers} dispatch headers and ${loops} loops were met`);
});

/** One way through a graph, as its function would go it. */
class Walk {
  readonly #graph: RegionGraph;
  readonly #states = new Map<number, number>();
  readonly #budget: number;
  executed = 0;
  node: Node;
  /** The budget's local. */
  local: number;

  constructor(graph: RegionGraph, budget: number) {
    this.#graph = graph;
    this.#budget = budget;
    this.local = budget;
    this.node = graph.nodes[0];
  }

  get left(): number {
    return this.#budget - this.executed;
  }

  /** False when the budget does not reach to where it is looked at again. */
  enter(): boolean {
    const { potential, longest, isChecked } = this.node;
    assert.equal(this.local - potential, this.left, "the local and the potential tell the steps left");
    return !isChecked || this.local >= potential + longest;
  }

  execute(): void {
    this.executed += this.node.block.instructions.length;
    assert.ok(this.left >= 0, "no step is taken that the budget has not");
  }

  /** Along an edge, through dispatch headers; undefined: out of the region. */
  follow(edge: Edge): Block | undefined {
    if (edge.to === undefined) return undefined;
    const next = this.#graph.nodeOf.get(edge.to)!;
    this.local -= this.node.potential + this.node.block.instructions.length - next.potential;
    const { ending } = edge.to;
    if (ending.kind === "dispatch") this.#states.set(ending.state, edge.choice!);
    this.node = next;
    if (ending.kind !== "dispatch") return edge.to;
    assert.ok(this.enter(), "a dispatch header executes nothing");
    return this.follow(ending.edges[this.#states.get(ending.state)!]);
  }
}

test("along every path the budget is what was executed, it always reaches, and jumps arrive where they meant to", () => {
  let [ends, shortages, arrivals] = [0, 0, 0];
  eachGraph((graph, targets, prng) => {
    for (let count = 0; count < WALKS; count++) {
      const walk = new Walk(graph, prng.below(300));
      for (;;) {
        if (!walk.enter()) {
          shortages++;
          assert.ok(walk.left < walk.node.longest, "it is left no earlier than it must be");
          break;
        }
        walk.execute();
        const edges = edgesOf(walk.node.block);
        if (edges.length === 0) break;
        const edge = prng.pick(edges);
        const meant = targets.get(edge);
        const [start] = graph.nodes;
        const isStart = walk.node === start;
        const arrived = walk.follow(edge);
        if (!isStart) assert.equal(arrived, meant);
        if (arrived === undefined) {
          ends++;
          break;
        }
        arrivals++;
      }
    }
  });
  assert.ok(
    ends > 500 && shortages > 500 && arrivals > 5000,
    `${ends} ends, ${shortages} shortages, ${arrivals} jumps`,
  );
});

test("a region's budget is looked at only at the entry, where loops begin and behind dispatch headers", () => {
  eachGraph((graph) => {
    for (const node of graph.nodes) {
      if (!node.isChecked) continue;
      const behind = node.predecessors.some(({ block }) => block.ending.kind === "dispatch");
      assert.ok(node.isLoop || behind || node.dominator === graph.nodes[0]);
    }
  });
});
