import assert from "node:assert/strict";
import type { Program } from "../../src/assembler/program.ts";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type { DebuggeeEvent } from "../../src/debuggee/protocol.ts";
import type { Session } from "../../src/host/debuggee-server.ts";
import type { Machine } from "../../src/machine/machine.ts";
import { Branches } from "../../src/replay/branches.ts";
import { Timeline, type TimelineOptions } from "../../src/replay/timeline.ts";

/** What a launch opens: a live machine with a program, recorded nowhere. */
export function unrecordedSession(
  machine: Machine,
  program: Program,
  emit: (event: DebuggeeEvent) => void,
  options?: TimelineOptions,
): Session {
  machine.load(program);
  const branches = new Branches(Timeline.record(machine, undefined, options));
  const { history } = branches;
  const debuggee = new Debuggee({ timeline: branches, branches, history, programs: [program], emit });
  const entered = debuggee.entered();
  const harts = machine.harts.length;
  return {
    ...{ debuggee, branches },
    result: { harts, recording: "", live: true, end: 0, hasLines: true, warnings: [], entered },
    createRecording: () => assert.fail("nothing is recorded"),
    recordingBytes: () => 0,
    recordingFailure: () => undefined,
    pace: () => undefined,
    close: async () => branches.close(),
  };
}
