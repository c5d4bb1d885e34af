import assert from "node:assert/strict";
import { assemble } from "../../src/assembler/assemble.ts";
import type { Program } from "../../src/assembler/program.ts";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type {
  BreakpointRequest,
  BreakpointSpec,
  DebuggeeEvent,
  StepKind,
  Stopped,
} from "../../src/debuggee/protocol.ts";
import { DEFAULT_CONFIGURATION, type MachineConfiguration } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { Timeline, type TimelineOptions } from "../../src/replay/timeline.ts";
import type { Motion } from "../../src/replay/timeline-interface.ts";

/** Name of the source in every test's program. */
export const FILE = "guest.s";

export function finish<Result>(motion: Motion<Result>): Result {
  for (;;) {
    const turn = motion.next();
    if (turn.done) return turn.value;
    assert(!turn.value.waiting, "the guest waits for input that the test does not give");
  }
}

/** A debuggee with its machine at hand, and what it said. */
export interface Bench {
  readonly program: Program;
  readonly machine: Machine;
  readonly timeline: Timeline;
  readonly debuggee: Debuggee;
  readonly events: DebuggeeEvent[];
}

export function program(source: string, file = FILE): Program {
  const assembly = assemble(source, { file });
  assert(
    assembly.program !== undefined,
    assembly.errors.map((error) => `${error.line}:${error.column}: ${error.message}`).join("\n"),
  );
  return assembly.program;
}

/** Guests have a board with machine mode alone, as most were written for, unless `board` says otherwise. */
export function bench(
  guest: string | Program,
  options: TimelineOptions = {},
  board: Partial<MachineConfiguration> = {},
  symbolFiles: readonly Program[] = [],
): Bench {
  const loaded = typeof guest === "string" ? program(guest) : guest;
  const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, modes: "m", ...board });
  machine.load(loaded);
  const timeline = Timeline.record(machine, undefined, options);
  const events: DebuggeeEvent[] = [];
  const debuggee = new Debuggee({
    timeline,
    history: timeline.history,
    programs: [loaded, ...symbolFiles],
    sourceTexts: typeof guest === "string" ? new Map([[FILE, guest]]) : new Map(),
    emit: (event) => events.push(event),
  });
  return { program: loaded, machine, timeline, debuggee, events };
}

/** One-based line of the source that holds a marker comment, `# @here`. */
export function lineOf(source: string, marker: string): number {
  const lines = source.split("\n");
  const index = lines.findIndex((line) => new RegExp(`@${marker}\\b`).test(line));
  assert(index >= 0, `no marker @${marker}`);
  return index + 1;
}

export function breakAt(
  { debuggee }: Bench,
  requests: readonly (Partial<BreakpointSpec> & { readonly at: BreakpointRequest })[],
) {
  const byKind = Object.groupBy(requests, ({ at }) => at.kind);
  return (Object.keys(byKind) as BreakpointRequest["kind"][]).flatMap((kind) =>
    debuggee.setBreakpoints(
      { kind },
      (byKind[kind] ?? []).map((request, index) => ({ id: 100 + index, ...request })),
    ),
  );
}

export function onLine(line: number): BreakpointRequest {
  return { kind: "source", path: FILE, line };
}

/** Line of the current statement, 0 outside the source. */
export function currentLine({ debuggee }: Bench): number {
  return debuggee.frames(0)[0].source?.line ?? 0;
}

export function step(
  { debuggee }: Bench,
  kind: StepKind,
  direction: "forward" | "backward" = "forward",
  granularity: "line" | "instruction" = "line",
): Stopped {
  return finish(debuggee.step(kind, direction, granularity, 0));
}

export function texts(events: readonly DebuggeeEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === "output" && event.category === "log"
      ? [`${event.instant}: ${new TextDecoder().decode(event.bytes).trimEnd()}`]
      : [],
  );
}
