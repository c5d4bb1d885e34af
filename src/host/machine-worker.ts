import { parentPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { DebuggeeServer } from "./debuggee-server.ts";
import { nodePort } from "./port.ts";
import { openSession } from "./sessions.ts";

/** The machine's thread: a debuggee behind a message port. The recording's writer is a thread below this one. */
assert(parentPort !== null, "the machine runs in a worker");
new DebuggeeServer(nodePort(parentPort), openSession, () => performance.now());
