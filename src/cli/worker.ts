import { availableParallelism } from "node:os";
import { connectNats } from "../host/nats-connection.ts";
import { NatsWorker } from "../host/nats-worker.ts";
import { type Answer, type Context, OK } from "./context.ts";
import { Interruption } from "./interruption.ts";
import { type NatsFlags, natsOptions } from "./nats-flags.ts";

export interface WorkerFlags extends NatsFlags {
  readonly threads?: number;
  readonly once?: true;
}

/** Searches segments for queries of other computers, until it is interrupted. */
export async function worker(context: Context, _args: readonly string[], options: WorkerFlags): Promise<Answer> {
  const { voice } = context;
  const threads = options.threads ?? availableParallelism();
  const asked = Promise.withResolvers<void>();
  const interruption = new Interruption(asked.resolve);
  const nats = await connectNats(natsOptions(options.nats ?? "", options), "hindcast worker");
  const one = await NatsWorker.start(nats, {
    threads,
    once: options.once === true,
    say: (sentence, isTrouble) => (isTrouble ? voice.warn(sentence) : voice.say(sentence)),
  });
  voice.line(`Working for ${nats.server} with ${threads} thread${threads === 1 ? "" : "s"}; Ctrl-C ends it.`);
  try {
    await Promise.race([one.ended, asked.promise]);
  } finally {
    await one.stop();
    interruption.release();
  }
  voice.say(`${one.done} segment${one.done === 1 ? "" : "s"} searched.`);
  return { exitCode: OK, json: { server: nats.server, threads, segments: one.done } };
}
