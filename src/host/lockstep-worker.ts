import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { useCompiler } from "./compile-thread.ts";
import type { MemberThread } from "./member-host.ts";
import { MemberServer } from "./member-server.ts";
import { nodePort } from "./port.ts";

/** A member of a lockstep pair, in a thread or in a process of its own. */
if (parentPort !== null) {
  useCompiler((workerData as MemberThread).compiler);
  new MemberServer(nodePort(parentPort), { die: () => process.exit() });
} else {
  const send = process.send?.bind(process);
  assert(send !== undefined, "a member is started by its pair");
  // A terminal sends it to everybody in front of it: the pair decides what becomes of it.
  process.on("SIGINT", () => {});
  // Nobody is left who could take what it says.
  process.on("disconnect", () => process.exit());
  const port = {
    post: (message: unknown) => void send(message),
    listen: (receive: (message: unknown) => void) => void process.on("message", receive),
  };
  new MemberServer(port, { die: () => process.kill(process.pid, "SIGKILL") });
}
