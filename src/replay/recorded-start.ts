import { UserError } from "../base/errors.ts";
import type { Checkpoint, MachineLike } from "../machine/machine-interface.ts";
import { DamagedFile } from "./mcap-input.ts";
import type { RecordingReader } from "./recording-reader.ts";

/**
 * Puts a machine at reset into the state that a recording begins with when that is another one: the file's first checkpoint.
 * Returns the state at reset.
 */
export function restoreStart(machine: MachineLike, { checkpoints, first }: RecordingReader): Checkpoint {
  const reset = machine.checkpoint();
  const stored = checkpoints.checkpoints[0];
  if (stored?.instant !== first || stored.events !== 0) throw unreadable("it ends before that");
  try {
    const all = { digest: undefined, eagerPages: Number.POSITIVE_INFINITY };
    const loading = checkpoints.load(stored, { checkpoint: reset, stored: undefined }, reset, machine, all);
    let step = loading.next();
    while (!step.done) step = loading.next();
    machine.restore(step.value);
    return reset;
  } catch (error) {
    if (error instanceof DamagedFile) throw unreadable(`it is damaged at byte ${error.offset} (${error.message})`);
    throw error;
  }
}

function unreadable(why: string): UserError {
  return new UserError("recording-start", `The state that the recording begins with cannot be read: ${why}.`);
}
