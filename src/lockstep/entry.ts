import type { Counts, OutputRun, ReplicaInput } from "./replica.ts";

/**
 * Whether the primary goes on by itself. "held": not before the secondary has caught up; "idle": with idle time (paced clock);
 * "waiting": with input alone.
 */
export type Rest = "running" | "held" | "idle" | "waiting" | "ended";

/** An entry of the event log, in the order in which things happened in the primary. */
export type LogEntry =
  /** `place`: how much the primary had said when the input took effect. */
  | {
      readonly kind: "input";
      readonly sequence: number;
      readonly instant: number;
      readonly place: Counts;
      readonly input: ReplicaInput;
    }
  | { readonly kind: "output"; readonly sequence: number; readonly run: OutputRun }
  /** The state of the primary, for comparison. */
  | {
      readonly kind: "digest";
      readonly sequence: number;
      readonly instant: number;
      readonly place: Counts;
      readonly digest: string;
    }
  /** The primary has come so far: everything before is in the log. */
  | { readonly kind: "progress"; readonly sequence: number; readonly instant: number; readonly rest: Rest };

/** What an entry counts in the window, beside its payload: about what it takes up in memory. */
const ENTRY_BYTES = 64;

export function bytesOf(entry: LogEntry): number {
  if (entry.kind === "output") return ENTRY_BYTES + entry.run.bytes.length;
  if (entry.kind !== "input") return ENTRY_BYTES;
  const { event } = entry.input;
  if (event.kind === "console-input") return ENTRY_BYTES + event.bytes.length;
  return event.kind === "network-input" ? ENTRY_BYTES + event.frame.length : ENTRY_BYTES;
}
