import { Bell, drive } from "../host/motion-driver.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import type { Context } from "./context.ts";
import { OK } from "./context.ts";
import { Interruption } from "./interruption.ts";
import { formatCount } from "./quantities.ts";

/** What a search has come to; no value when it was interrupted. */
export interface Searched<Result> {
  readonly value: Result | undefined;
  readonly exitCode: number;
}

/** Drives a search with a progress line. `fraction`: how far it is, where the motion itself knows a part of that only. */
export async function search<Result>(
  context: Context,
  motion: Motion<Result>,
  doing: string,
  fraction?: () => number,
): Promise<Searched<Result>> {
  const bell = new Bell();
  const interruption = new Interruption(() => bell.ring());
  try {
    const outcome = await drive(motion, {
      bell,
      stop: () => interruption.asked,
      onProgress: (progress) => {
        context.voice.progress(`${doing}, instant ${formatCount(progress.instant)}`, fraction?.() ?? progress.fraction);
        return undefined;
      },
    });
    return outcome.finished
      ? { value: outcome.value, exitCode: OK }
      : { value: undefined, exitCode: interruption.exitCode ?? OK };
  } finally {
    context.voice.clearProgress();
    interruption.release();
  }
}
