import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { knowInterpreters } from "../cpu/interpreter-code.ts";
import { useCompiler } from "./compile-thread.ts";
import { nodePort } from "./port.ts";
import type { SearcherSetup } from "./search-protocol.ts";
import { Searcher } from "./searcher.ts";

/** A thread that searches segments of a recording with a machine of its own. */
assert(parentPort !== null, "a searcher runs in a worker");
const setup = workerData as SearcherSetup | undefined;
if (setup) {
  useCompiler(setup.compiler);
  knowInterpreters(setup.interpreters);
}
new Searcher(
  nodePort(parentPort),
  () => performance.now(),
  (debuggee, task) => debuggee.searchEngine.segment(task),
);
