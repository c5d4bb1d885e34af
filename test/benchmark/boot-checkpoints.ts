import { readFileSync } from "node:fs";
import type { DebianFiles } from "../../scripts/debian.ts";
import type { Instant } from "../../src/base/brand.ts";
import { planBoot } from "../../src/boot/boot-plan.ts";
import { describeHart } from "../../src/boot/hart-description.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { Checkpoint } from "../../src/machine/machine-interface.ts";
import { type Spread, spreadOf } from "./statistics.ts";

const STEPS_BETWEEN = 20_000_000;

export interface CheckpointCost {
  readonly takeMs: Spread;
  /** Back to the checkpoint before, so to other pages and other code. */
  readonly restoreMs: Spread;
  /** Pages that differ from the checkpoint before. */
  readonly pages: Spread;
  /** Harts and devices. */
  readonly stateBytes: Spread;
}

/** What checkpoints cost in the midst of a boot of Debian: one every 20 million steps, taken, left for the one before, and returned to. */
export function measureCheckpoints(debian: DebianFiles, commandLine: string, harts: number): CheckpointCost {
  const configuration = { ...DEFAULT_CONFIGURATION, memoryBytes: 256 * 2 ** 20, harts };
  const plan = planBoot({
    configuration,
    hart: describeHart(configuration),
    kernel: { name: "kernel", bytes: readFileSync(debian.kernel) },
    firmware: "sbi",
    initrd: { name: "initrd", bytes: readFileSync(debian.initrd) },
    commandLine,
  });
  const machine = new Machine(configuration, "auto");
  machine.load(plan.image);
  const [take, restore, pages, state]: number[][] = [[], [], [], []];
  let before: Checkpoint = machine.checkpoint();
  while (machine.run((machine.instant + STEPS_BETWEEN) as Instant, { departing: true }).kind === "reached") {
    const [now, takeMs] = timed(() => machine.checkpoint());
    take.push(takeMs);
    pages.push([...now.pages.changedSince(before.pages)].length);
    state.push(now.state.length);
    restore.push(timed(() => machine.restore(before))[1]);
    machine.restore(now);
    before = now;
  }
  return { takeMs: spreadOf(take), restoreMs: spreadOf(restore), pages: spreadOf(pages), stateBytes: spreadOf(state) };
}

function timed<Result>(action: () => Result): [Result, number] {
  const started = performance.now();
  const result = action();
  return [result, performance.now() - started];
}
