import { Worker } from "node:worker_threads";
import type { DebuggeeApi, DebuggeeEvent } from "../debuggee/protocol.ts";
import { connectDebuggee } from "./debuggee-client.ts";
import { nodePort } from "./port.ts";
import { releaseLockOfThread } from "./recording-lock.ts";
import { RemoteFault } from "./rpc.ts";
import { workerUrl } from "./worker-url.ts";

/** What the machine's thread throws away it throws away at once: by default the collector would let 48 MB of it gather. */
const YOUNG_GENERATION_MB = 12;

/** A debuggee in a thread of its own. `dispose` ends the thread at once; `close` first ends the recording well. */
export type NodeDebuggee = DebuggeeApi & { dispose(): Promise<void> };

/**
 * Starts a machine's thread. When it dies, whatever waits for an answer is rejected with one sentence, and a fatal
 * "failure" event says the same; what was recorded is on disk, up to the last quarter of a second.
 */
export async function startDebuggee(onEvent: (event: DebuggeeEvent) => void): Promise<NodeDebuggee> {
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB };
  const worker = new Worker(workerUrl("machine-worker"), { name: "hindcast machine", resourceLimits });
  const remote = connectDebuggee(nodePort(worker), onEvent);
  const thread = worker.threadId;
  let isDisposed = false;
  let recording: string | undefined;
  const releaseLock = () => {
    if (recording !== undefined) releaseLockOfThread(recording, thread);
  };
  const lost = (why: string, stack?: string) => {
    if (isDisposed) return;
    isDisposed = true;
    releaseLock();
    const message = `The machine's thread ended by itself (${why}); what was recorded until then is kept.`;
    remote.break(new RemoteFault(message, stack));
    onEvent({ type: "failure", message, fatal: true });
  };
  worker.on("error", (error: Error) => lost(error.message, error.stack));
  worker.on("exit", (code) => lost(`exit code ${code}`));
  return {
    ...remote,
    launch: async (options) => {
      const result = await remote.launch(options);
      if (result.live) recording = result.recording;
      return result;
    },
    dispose: async () => {
      isDisposed = true;
      remote.break(new RemoteFault("The debuggee was disposed of.", undefined));
      await worker.terminate();
      releaseLock();
    },
  };
}
