import { parentPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { nodePort } from "./port.ts";
import { Searcher } from "./searcher.ts";

/** A thread that searches segments of a recording with a machine of its own. */
assert(parentPort !== null, "a searcher runs in a worker");
new Searcher(
  nodePort(parentPort),
  () => performance.now(),
  (debuggee, task) => debuggee.searchEngine.segment(task),
);
