import assert from "node:assert/strict";
import type { Instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import type { EngineChoice } from "../../src/machine/configuration.ts";
import type { Inlet, MachineEvent } from "../../src/machine/inlet.ts";
import type { MachineStop } from "../../src/machine/stop.ts";
import { type Behaviour, Host, type Mistake } from "./host.ts";
import { kernelMachine } from "./kernel-machine.ts";

/** What is translated at once takes long before it is fast. */
const ENGINES = [
  ...(["auto", "interpreter", "auto", "interpreter", "auto", "interpreter", "auto", "translator"] as const),
] satisfies readonly EngineChoice[];
/** A guest that has not ended after so many steps never will. */
const MOST_STEPS = 400_000_000;
const MOST_TURNS = 200_000;

export interface Outcome {
  readonly notices: number;
  readonly kernelNotices: number;
  readonly waits: number;
  readonly lost: number;
  readonly killed: number;
  readonly steps: number;
  readonly events: readonly MachineEvent[];
  readonly harts: number;
  readonly clock: "virtual" | "paced";
}

/** What the shell is told, as it asks for it. */
class Script {
  #lines: string[];
  /** Processes that were killed, or are going to be. */
  readonly victims = new Set<number>();
  readonly arguments = new Map<number, string>();
  readonly lost = new Set<number>();
  mayLose = true;
  #prompts = 0;

  constructor(prng: Prng) {
    const processes = 2 + prng.below(5);
    this.#lines = [];
    for (let pid = 2; pid < 2 + processes; pid++) {
      const words = `${1 + prng.below(SEEDS)} ${prng.pick(PAGES)} ${prng.pick(ROUNDS)}`;
      this.arguments.set(pid, words);
      this.#lines.push(`sums ${words} &`);
    }
    const kills = prng.below(3);
    for (let index = 0; index < kills; index++) {
      const victim = 2 + prng.below(processes);
      this.victims.add(victim);
      this.#lines.push(`kill ${victim}`);
    }
  }

  /** The next line, when the shell has asked for one. */
  answer(console: string): string | undefined {
    const prompts = console.split("$ ").length - 1;
    if (prompts <= this.#prompts) return undefined;
    this.#prompts = prompts;
    const line = this.#lines.shift();
    if (line !== undefined) return `${line}\n`;
    // Who waits for a token that is never completed has to be killed, or nobody ends.
    for (const pid of this.lost) {
      this.lost.delete(pid);
      this.victims.add(pid);
      return `kill ${pid}\n`;
    }
    if (!this.mayLose) return "exit\n";
    this.mayLose = false;
    return "wait\n";
  }

  loses(running: string): boolean {
    return this.mayLose && running.startsWith("sums.") && !this.victims.has(pidOf(running));
  }
}

const SEEDS = 3;
const PAGES = [3, 20, 60];
const ROUNDS = [300, 800];

function pidOf(running: string): number {
  return Number(running.split(".")[1]);
}

function behaviour(prng: Prng, mistake: Mistake | undefined): Behaviour {
  return {
    share: prng.pick([5, 30, 70, 100]),
    interval: prng.pick([20_000, 100_000, 400_000]),
    haste: prng.pick([0, 0, 2, 8]),
    latency: prng.pick([10, 3_000, 50_000, 500_000]),
    told: prng.pick([100, 100, 100, 70, 20]),
    doubled: prng.pick([0, 30]),
    lost: mistake === undefined ? prng.pick([0, 0, 5]) : 0,
    mistake,
  };
}

/** One world out of a seed. Throws when something is not as it must be. */
export function simulate(seed: number, mistake?: Mistake): Outcome {
  const prng = new Prng(seed);
  const harts = 1 + prng.below(4);
  const clock = prng.pick(["virtual", "paced"] as const);
  const engine = prng.pick(ENGINES);
  const script = new Script(prng);
  let lost = 0;
  const host = new Host(kernelMachine(harts, clock, engine), prng, behaviour(prng, mistake), {
    mayLose: (running) => script.loses(running),
    lost: (running) => {
      lost++;
      script.lost.add(pidOf(running));
    },
  });
  const ending = run(host, script, prng);
  const said = `${host.console}\n(${JSON.stringify(ending)} at ${host.machine.instant})`;
  assert.deepEqual(ending, { kind: "finished", exitCode: 0, reset: false }, said);
  check(host.console, script, said);
  replay(host, harts, clock, prng.pick(ENGINES));
  const { instant } = host.machine;
  const { counts } = host;
  return { ...counts, lost, killed: script.victims.size, steps: instant, events: host.log, harts, clock };
}

function run(host: Host, script: Script, prng: Prng): MachineStop | "stuck" {
  let typeAt = Number.POSITIVE_INFINITY;
  let line = "";
  for (let turn = 0; turn < MOST_TURNS && host.machine.instant < MOST_STEPS; turn++) {
    if (host.now >= typeAt) {
      host.type(line);
      typeAt = Number.POSITIVE_INFINITY;
    }
    const ending = host.run(Math.max(1, Math.min(1_000_000, typeAt - host.now)));
    if (typeAt === Number.POSITIVE_INFINITY) {
      line = script.answer(host.console) ?? "";
      if (line !== "") typeAt = host.now + prng.below(300_000);
    }
    if (ending === "stuck" && typeAt < Number.POSITIVE_INFINITY) typeAt = host.now;
    else if (ending !== undefined) return ending;
  }
  return "stuck";
}

/** Everybody who was not killed has said, once, what it says when everything is there. */
function check(console: string, script: Script, said: string): void {
  const lines = console
    .replaceAll("\r", "")
    .split("\n")
    .map((line) => line.replace(/^\$ /, ""));
  const results = lines.filter((line) => /^sums \d+: /.test(line));
  assert.ok(!/panic|ended: |no such program/.test(console), said);
  // Two may say the same: who has to say it, first.
  const isVictim = ([pid]: readonly [number, string]) => Number(script.victims.has(pid));
  for (const [pid, words] of [...script.arguments].sort((a, b) => isVictim(a) - isVictim(b))) {
    const at = results.indexOf(expected(words));
    if (at >= 0) results.splice(at, 1);
    else assert.ok(script.victims.has(pid), `process ${pid}, sums ${words}: ${expected(words)}\n${said}`);
    if (!script.victims.has(pid)) assert.ok(!lines.some((line) => line.startsWith(`[${pid} ended`)), said);
  }
  assert.deepEqual(results, [], said);
}

/** The events alone give the same run, on a machine that has everything. */
function replay(host: Host, harts: number, clock: "virtual" | "paced", engine: EngineChoice): void {
  const machine = kernelMachine(harts, clock, engine);
  const inlet = new Replayed(host.log);
  machine.inlet = inlet;
  for (const { instant, events, digest } of host.digests) {
    machine.run(instant as Instant, { departing: false });
    // What came later at this instant has changed its state.
    if (inlet.taken !== events) continue;
    assert.equal(machine.instant, instant);
    assert.equal(machine.digest(), digest, `digest at ${instant}`);
  }
  const stop = machine.run(host.machine.instant as Instant, { departing: false });
  assert.equal(stop.kind, "finished");
  assert.equal(machine.digest(), host.machine.digest(), "digest at the end");
}

/** Also of what other recordings hold: an event that the replay does not meet is an error. */
export class Replayed implements Inlet {
  readonly #events: readonly MachineEvent[];
  taken = 0;

  constructor(events: readonly MachineEvent[]) {
    this.#events = events;
  }

  take(instant: Instant): MachineEvent | undefined {
    const event = this.#events[this.taken];
    assert.ok(event === undefined || event.instant >= instant, `the event at ${event?.instant} was not met`);
    if (event?.instant !== instant) return undefined;
    this.taken++;
    return event;
  }

  horizon(): number {
    return this.#events[this.taken]?.instant ?? Number.POSITIVE_INFINITY;
  }
}

const known = new Map<string, string>();

/** What `sums` says with these arguments on a machine that keeps everything. */
function expected(words: string): string {
  if (known.size === 0) for (const [key, line] of resident()) known.set(key, line);
  const line = known.get(words);
  assert.ok(line !== undefined, words);
  return line;
}

function* resident(): Generator<[string, string]> {
  const machine = kernelMachine(1, "virtual", "auto");
  let console = "";
  machine.outlet = {
    consoleOutput: (_, byte) => {
      console += String.fromCharCode(byte);
    },
  };
  const typed: string[] = [];
  machine.inlet = {
    take: (instant) => {
      const line = typed.shift();
      return line && { kind: "console-input", instant, bytes: new TextEncoder().encode(line) };
    },
    horizon: () => Number.POSITIVE_INFINITY,
  } as Inlet;
  const prompt = () => {
    while (!console.endsWith("$ ")) machine.run((machine.instant + 20_000) as Instant, { departing: false });
  };
  prompt();
  for (let seed = 1; seed <= SEEDS; seed++)
    for (const pages of PAGES)
      for (const rounds of ROUNDS) {
        const words = `${seed} ${pages} ${rounds}`;
        console = "";
        typed.push(`sums ${words}\n`);
        prompt();
        yield [words, /^sums \d+: \d+/m.exec(console.replaceAll("\r", ""))![0]];
      }
}
