import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { LivePairServer } from "./live-pair-server.ts";
import { nodePort } from "./port.ts";

/** Two machines in lockstep that are debugged, in a thread: a port for both, and one for the debuggee of each. */
assert(parentPort !== null, "this runs as a thread");
const { left, right } = workerData;
new LivePairServer(nodePort(parentPort), { left: nodePort(left), right: nodePort(right) });
