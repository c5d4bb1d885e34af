import type { SegmentRunner } from "../debuggee/search-protocol.ts";
import type { RecordedSession } from "../host/recorded-session.ts";
import { segmentCuts, ThreadRunner } from "../host/thread-runner.ts";
import { type NatsFlags, natsOptions } from "./nats-flags.ts";
import type { Voice } from "./voice.ts";

export interface RunnerFlags extends NatsFlags {
  readonly threads?: number;
}

/** Workers that are not known yet may come. */
const LEAST_WORKERS = 4;

export type ClosingRunner = SegmentRunner & { close(): Promise<void> };

/** Who searches segments for the command line: threads of this process, or workers that are found at a NATS server. */
export async function openRunner(
  { reader, timeline }: RecordedSession,
  path: string,
  flags: RunnerFlags,
  voice: Voice,
): Promise<ClosingRunner> {
  const { threads, nats } = flags;
  const { checkpoints } = reader;
  const subject = { path, end: timeline.end };
  if (nats === undefined) {
    return new ThreadRunner({ checkpoints, subject: () => subject, ...(threads === undefined ? {} : { threads }) });
  }
  // Loaded when they are asked for: nobody else waits for the client of NATS.
  const [{ connectNats }, { NatsRunner }] = await Promise.all([
    import("../host/nats-connection.ts"),
    import("../host/nats-runner.ts"),
  ]);
  const runner = await NatsRunner.open(await connectNats(natsOptions(nats, flags), "hindcast query"), {
    subject,
    say: (sentence, isTrouble) => (isTrouble ? voice.warn(sentence) : voice.say(sentence)),
  });
  return {
    cuts: (from, to) => segmentCuts(checkpoints, from, to, Math.max(LEAST_WORKERS, runner.threads)),
    run: (tasks, hear) => runner.run(tasks, hear),
    close: () => runner.close(),
  };
}
