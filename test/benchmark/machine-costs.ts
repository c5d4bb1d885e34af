import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { type BenchGuest, buildBenchGuest } from "./guests.ts";
import { type Spread, spreadOf } from "./statistics.ts";

export interface Footprint {
  readonly guest: string;
  readonly residentBytes: number;
  /** Pages of the guest's RAM that hold anything. */
  readonly guestBytes: number;
}

/** Milliseconds from nothing to the first instruction, thread and recording included. */
export function measureStart(guest: BenchGuest, repeats: number): Spread {
  const { path } = buildBenchGuest(guest, 1);
  return spreadOf(probe("start", path, repeats) as number[]);
}

/** What a process with a machine in it holds at the end of a recorded run. */
export function measureFootprint(guest: BenchGuest): Footprint {
  const { path } = buildBenchGuest(guest, guest.rounds);
  return { guest: guest.name, ...(probe("footprint", path, guest.harts ?? 1) as Omit<Footprint, "guest">) };
}

function probe(what: string, path: string, number: number): unknown {
  const script = resolve(import.meta.dirname, "machine-probe.ts");
  const output = execFileSync(process.execPath, [script, what, path, String(number)], { encoding: "utf8" });
  return JSON.parse(output.trim().split("\n").at(-1)!);
}
