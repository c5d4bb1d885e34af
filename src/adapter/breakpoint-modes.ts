import type { DebugProtocol } from "@vscode/debugprotocol";
import type { BreakpointSpec } from "../debuggee/protocol.ts";

/** What a breakpoint does where it is hit; the first is what one without a mode does. */
export const BREAKPOINT_MODES: readonly DebugProtocol.BreakpointMode[] = [
  {
    mode: "stop",
    label: "Stop",
    description: "Stops, or logs when it has a message.",
    appliesTo: ["source", "instruction"],
  },
  {
    mode: "replay-only-check",
    label: "Replay-only check",
    description:
      "In the recorded past only: the condition may call functions of the program, and is true when the check has failed.",
    appliesTo: ["source", "instruction"],
  },
  {
    mode: "replay-only-log",
    label: "Replay-only log",
    description: "In the recorded past only: the message may call functions of the program.",
    appliesTo: ["source", "instruction"],
  },
];

/** Modes as the debuggee names them. */
const MODES: Readonly<Record<string, BreakpointSpec["mode"]>> = {
  "replay-only-check": "check",
  "replay-only-log": "log",
};

/** As clients name it; undefined: a breakpoint like any other. */
export function modeToClient(mode: BreakpointSpec["mode"]): string | undefined {
  return Object.keys(MODES).find((name) => mode !== undefined && MODES[name] === mode);
}

export function breakpointMode(mode: string | undefined): BreakpointSpec["mode"] {
  return mode === undefined ? undefined : MODES[mode];
}
