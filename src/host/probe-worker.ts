import { parentPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import { RunProbe } from "../debuggee/run-probe.ts";
import { DivergenceError } from "../replay/divergence.ts";
import { finish } from "./motion-driver.ts";
import { nodePort } from "./port.ts";
import { openForSearch } from "./recorded-session.ts";
import { RpcServer } from "./rpc.ts";
import { answer } from "./run-probes.ts";
import type { SearchSubject } from "./search-protocol.ts";

/** A thread that has one of two runs open, with a machine of its own, and answers what the search for their difference asks. */
assert(parentPort !== null, "a probe runs in a worker");
let probe: RunProbe | undefined;

new RpcServer(nodePort(parentPort), (question, args) => {
  if (question === "open") return open(args[0] as SearchSubject);
  assert(probe !== undefined, "a question before a run was opened");
  try {
    return answer(probe, question, args, finish);
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    throw new UserError("recording-diverged", `The recording does not replay as it was recorded: ${error.message}`);
  }
});

/** What there is to say about the recording. */
function open(subject: SearchSubject): readonly string[] {
  const { timeline, programs, reader, warnings } = openForSearch(subject);
  const loaded = reader.header.images.filter(({ role }) => role === "program" || role === "symbols");
  const identity = loaded.map(({ sha256 }) => sha256).join();
  probe = new RunProbe(timeline, programs, identity, reader.header.lockstep?.said);
  return warnings;
}
