import { execFileSync, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { compileGuest, temporaryPath } from "../differential/cross-compiler.ts";
import { QEMU_ARGUMENTS } from "../differential/qemu.ts";
import { type Spread, spreadOf } from "./statistics.ts";

const CLI = resolve(import.meta.dirname, "../../src/cli/main.ts");

/** A guest of guest/bench, and how many of its rounds take our interpreter some seconds. */
export interface SpeedGuest {
  readonly name: string;
  readonly rounds: number;
  /** How many times as many QEMU is given: it should take seconds, too, so that its start is a small part of them. */
  readonly qemuFactor: number;
}

export const SPEED_GUESTS: readonly SpeedGuest[] = [
  { name: "integer", rounds: 6000, qemuFactor: 4 },
  { name: "memory", rounds: 1000, qemuFactor: 0.25 },
  { name: "calls", rounds: 8000, qemuFactor: 1 },
];

export interface SpeedFigures {
  readonly guest: string;
  readonly steps: number;
  /** Million steps a second. */
  readonly plain: Spread;
  readonly recorded: Spread;
  readonly qemu: Spread;
  readonly qemuIcount: Spread;
  /** Within one session, so that the drift of the machine's clock cancels out. */
  readonly recordedToPlainSeconds: Spread;
  readonly plainToQemuSpeed: Spread;
  readonly plainToIcountSpeed: Spread;
  readonly bytesPerMillionSteps: Spread;
}

interface Session {
  readonly plain: OurRun;
  readonly recorded: OurRun;
  readonly qemuSeconds: number;
  readonly icountSeconds: number;
}

interface OurRun {
  readonly instant: number;
  readonly seconds: number;
  readonly bytes: number;
}

/** Measures one guest in `sessions` sessions; within a session the contenders take turns. */
export function measureSpeed({ name, rounds, qemuFactor }: SpeedGuest, sessions: number): SpeedFigures {
  const build = (count: number) => compileGuest(name, "O2", { folder: "bench", defines: { ROUNDS: count } }).path;
  const qemuRounds = rounds * qemuFactor;
  const [one, many, qemuMany] = [build(1), build(rounds), build(qemuRounds)];
  const first = runOurs("run", one).instant;
  const steps = runOurs("run", many).instant;
  // Every round takes the same steps, so those of QEMU's run need not be counted by running it here.
  const stepsOfRound = (steps - first) / (rounds - 1);
  const qemuSteps = (qemuRounds - 1) * stepsOfRound;

  const measured: Session[] = [];
  for (let session = 0; session < sessions; session++) {
    measured.push({
      plain: runOurs("run", many),
      recorded: runOurs("record", many),
      qemuSeconds: qemuSeconds(qemuMany, []) - qemuSeconds(one, []),
      icountSeconds: qemuSeconds(qemuMany, ["-icount", "shift=0"]) - qemuSeconds(one, ["-icount", "shift=0"]),
    });
  }
  const over = (figure: (session: Session) => number) => spreadOf(measured.map(figure));
  return {
    guest: name,
    steps,
    plain: over(({ plain }) => plain.instant / plain.seconds / 1e6),
    recorded: over(({ recorded }) => recorded.instant / recorded.seconds / 1e6),
    qemu: over((session) => qemuSteps / session.qemuSeconds / 1e6),
    qemuIcount: over((session) => qemuSteps / session.icountSeconds / 1e6),
    recordedToPlainSeconds: over(({ plain, recorded }) => recorded.seconds / plain.seconds),
    plainToQemuSpeed: over((session) => (steps / session.plain.seconds / qemuSteps) * session.qemuSeconds),
    plainToIcountSpeed: over((session) => (steps / session.plain.seconds / qemuSteps) * session.icountSeconds),
    bytesPerMillionSteps: over(({ recorded }) => (recorded.bytes / recorded.instant) * 1e6),
  };
}

/** The command line, as users run it; its own clock leaves out the start of Node. */
function runOurs(command: "run" | "record", path: string): OurRun {
  const recording = temporaryPath("speed.hindcast");
  const options = command === "record" ? ["-o", recording] : [];
  rmSync(recording, { force: true });
  const output = execFileSync(process.execPath, [CLI, command, path, "--json", "--quiet", ...options], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const answer = JSON.parse(output.trim().split("\n").at(-1)!) as Record<string, number | string>;
  if (answer.reason !== "exit") throw new Error(`${command} ended with ${answer.reason}`);
  return { instant: Number(answer.instant), seconds: Number(answer.seconds), bytes: Number(answer.bytes ?? 0) };
}

function qemuSeconds(path: string, more: readonly string[]): number {
  const started = performance.now();
  const { status } = spawnSync("qemu-system-riscv64", [...QEMU_ARGUMENTS, ...more, "-kernel", path], {
    stdio: "ignore",
  });
  if (status !== 0) throw new Error(`QEMU ended with ${status}`);
  return (performance.now() - started) / 1000;
}
