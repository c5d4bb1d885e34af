import type { Debuggee } from "../debuggee/debuggee.ts";
import type { SegmentRunner } from "../debuggee/search-protocol.ts";
import type { SearchSubject } from "../host/search-protocol.ts";
import { segmentCuts, ThreadRunner } from "../host/thread-runner.ts";
import type { RecordingReader } from "../replay/recording-reader.ts";
import { type NatsFlags, natsOptions } from "./nats-flags.ts";
import type { Voice } from "./voice.ts";

export interface RunnerFlags extends NatsFlags {
  readonly threads?: number;
}

/** Workers that are not known yet may come. */
const LEAST_WORKERS = 4;

export interface ClosingRunner extends SegmentRunner {
  /** The debuggee that asks helps to search, where that is done by threads. */
  join?(debuggee: Debuggee, subject: SearchSubject): void;
  close(): Promise<void>;
}

export interface Stretch {
  readonly from: number;
  readonly to: number;
}

export interface RunnerOptions {
  readonly path: string;
  /** What will be searched, if it is known that something will: threads get ready for it at once. */
  readonly stretch: Stretch | undefined;
  readonly flags: RunnerFlags;
  readonly voice: Voice;
}

/** Who searches segments for the command line: threads of this process, or workers that are found at a NATS server. */
export async function openRunner(
  { checkpoints, end }: RecordingReader,
  { path, stretch, flags, voice }: RunnerOptions,
): Promise<ClosingRunner> {
  const { threads, nats } = flags;
  const subject = { path, end };
  if (nats === undefined) {
    const runner = new ThreadRunner({ checkpoints, subject: () => subject, ...(threads && { threads }) });
    if (stretch !== undefined) runner.prepare(stretch.from, stretch.to);
    return runner;
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
