import assert from "node:assert/strict";
import test from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import type { BreakpointSpec, Stopped } from "../../src/debuggee/protocol.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { CALLS, ROUNDS, TRAPS } from "./guests.ts";
import { type Bench, bench, FILE, finish } from "./harness.ts";

// What no sequence of requests may break: every instant has one state, and a stop is where going through the whole run
// by hand says that it must be.

interface Trace {
  readonly digests: readonly string[];
  readonly pcs: readonly bigint[];
  readonly a0: readonly bigint[];
  /** Instants whose step writes the watched word. */
  readonly writes: readonly number[];
}

/** Every state of the run, taken one step at a time. */
function trace(source: string, watched: string): Trace {
  const { machine, timeline, program } = bench(source);
  const digests: string[] = [];
  const pcs: bigint[] = [];
  const a0: bigint[] = [];
  const writes: number[] = [];
  const symbol = program.symbols.find(({ name }) => name === watched);
  const watches =
    symbol === undefined ? [] : [{ address: Number(symbol.address) as never, length: 8, access: "write" as const }];
  while (digests.length <= timeline.now) {
    digests.push(machine.digest());
    pcs.push(machine.harts[0].pc);
    a0.push(machine.harts[0].register(10));
    const stop = finish(timeline.forward({ stops: { ...NO_STOPS, watches }, limit: (timeline.now + 1) as never }));
    if (stop.kind === "watch") writes.push(timeline.now - 1);
  }
  return { digests, pcs, a0, writes };
}

/** A breakpoint with the instants at which going through the trace finds it. */
interface Expected {
  readonly spec: BreakpointSpec;
  readonly hits: readonly number[];
  readonly isData: boolean;
}

function expectedCode(b: Bench, t: Trace, prng: Prng, id: number): Expected {
  // Statements that follow each other on one line are one place.
  const rows = b.program.lines;
  const lines = rows.filter(({ statement, line }, index) => statement && rows[index - 1]?.line !== line);
  const { line } = prng.pick(lines);
  const addresses = new Set<bigint>(lines.filter((row) => row.line === line).map(({ address }) => address));
  const parity = prng.below(3);
  const passing = t.pcs.flatMap((pc, instant) =>
    addresses.has(pc) && (parity === 2 || t.a0[instant] % 2n === BigInt(parity)) ? [instant] : [],
  );
  const every = prng.below(4);
  return {
    spec: {
      id,
      at: { kind: "source", path: FILE, line },
      ...(parity < 2 && { condition: `(u64)a0 % 2 == ${parity}` }),
      ...(every > 1 && { hitCondition: `% ${every}` }),
    },
    hits: every > 1 ? passing.filter((_, index) => (index + 1) % every === 0) : passing,
    isData: false,
  };
}

/** Where going on must end: the arrival, forwards behind a watched step. */
function nextStop(expected: readonly Expected[], now: number): number | undefined {
  const arrivals = expected.flatMap(({ hits, isData }) =>
    hits.flatMap((hit) => (isData ? (hit >= now ? [hit + 1] : []) : hit > now ? [hit] : [])),
  );
  return arrivals.length === 0 ? undefined : Math.min(...arrivals);
}

function previousStop(expected: readonly Expected[], now: number): number | undefined {
  const hits = expected.flatMap(({ hits: all }) => all.filter((hit) => hit < now));
  return hits.length === 0 ? undefined : Math.max(...hits);
}

function walk(source: string, watched: string, seed: number, operations: number): void {
  const prng = new Prng(seed);
  const t = trace(source, watched);
  const b = bench(source, { nearSteps: 64, spacingSteps: 500 });
  const { debuggee, machine } = b;
  let expected: Expected[] = [];
  const history: string[] = [];

  const setBreakpoints = () => {
    const code = Array.from({ length: prng.below(3) }, (_, id) => expectedCode(b, t, prng, id));
    const symbol = b.program.symbols.find(({ name }) => name === watched);
    const data: Expected[] =
      symbol === undefined || prng.below(3) > 0
        ? []
        : [
            {
              spec: { id: 9, at: { kind: "data", address: symbol.address, length: 8, access: "write" } },
              hits: t.writes,
              isData: true,
            },
          ];
    debuggee.setBreakpoints(
      { kind: "source", path: FILE },
      code.map(({ spec }) => spec),
    );
    debuggee.setBreakpoints(
      { kind: "data" },
      data.map(({ spec }) => spec),
    );
    expected = [...code, ...data];
    history.push(
      `breakpoints ${JSON.stringify(
        expected.map(({ spec }) => [spec.at, spec.condition, spec.hitCondition]),
        (_, v) => (typeof v === "bigint" ? `${v}` : v),
      )}`,
    );
  };

  const perform = (): Stopped | undefined => {
    const now = machine.instant;
    switch (prng.below(8)) {
      case 0:
        setBreakpoints();
        return undefined;
      case 1: {
        history.push(`seek from ${now}`);
        return finish(debuggee.seek(prng.below(b.timeline.end + 1)));
      }
      case 2: {
        history.push(`continue from ${now}`);
        const want = nextStop(expected, now);
        const stopped = finish(debuggee.resume());
        if (want === undefined) assert.equal(stopped.reason, "finished");
        else assert.equal(stopped.instant, want);
        return stopped;
      }
      case 3: {
        history.push(`reverse from ${now}`);
        const want = previousStop(expected, now);
        const stopped = finish(debuggee.reverseContinue());
        if (want === undefined) assert.equal(stopped.reason, "start");
        else assert.equal(stopped.instant, want);
        return stopped;
      }
      case 4: {
        // Half a motion, then a pause.
        const motion = prng.below(2) === 0 ? debuggee.reverseContinue() : debuggee.resume();
        history.push(`paused motion from ${now}`);
        if (!motion.next().done) motion.return(undefined as never);
        return finish(debuggee.interrupted());
      }
      default: {
        const kind = prng.pick(["over", "into", "out"] as const);
        const direction = prng.pick(["forward", "backward"] as const);
        const granularity = prng.pick(["line", "instruction"] as const);
        history.push(`${kind} ${direction} ${granularity} from ${now}`);
        try {
          const stopped = finish(debuggee.step(kind, direction, granularity, 0));
          const moved = direction === "forward" ? stopped.instant >= now : stopped.instant <= now;
          assert.ok(moved, `went from ${now} to ${stopped.instant}`);
          // A step never passes a breakpoint.
          const first = nextStop(expected, now);
          if (direction === "forward" && first !== undefined)
            assert.ok(stopped.instant <= first, "passed a breakpoint");
          return stopped;
        } catch (error) {
          assert.ok(error instanceof UserError && error.code === "no-caller", String(error));
          return undefined;
        }
      }
    }
  };

  // History is made first, so that every instant can be gone to.
  finish(debuggee.resume());
  assert.equal(b.timeline.end, t.digests.length - 1);
  for (let i = 0; i < operations; i++) {
    try {
      const stopped = perform();
      if (stopped !== undefined) assert.equal(stopped.instant, machine.instant);
      assert.equal(machine.digest(), t.digests[machine.instant], `another state at instant ${machine.instant}`);
      debuggee.frames(0);
      const [scope] = debuggee.scopes(0, 0);
      debuggee.variables(scope.reference);
    } catch (error) {
      const message = error instanceof Error ? error.stack : String(error);
      assert.fail(`seed ${seed}, operation ${i}:\n${history.slice(-6).join("\n")}\n${message}`);
    }
  }
}

for (const [name, source, watched, operations] of [
  ["rounds", ROUNDS, "result", 150],
  ["calls", CALLS, "", 150],
  ["traps", TRAPS, "", 100],
] as const) {
  for (const seed of [1, 2, 3]) {
    test(`any sequence of requests: ${name}, seed ${seed}`, () => walk(source, watched, seed, operations));
  }
}
