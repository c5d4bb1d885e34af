import { causeName, EXCEPTION } from "../isa/causes.ts";
import type { TravelStop } from "../replay/timeline-interface.ts";
import { fetch, flowOf, readNumber } from "./code.ts";
import type { Inspector } from "./inspector.ts";
import type { HitReason } from "./judge.ts";
import type { ProgramMap } from "./program-map.ts";
import type { ExceptionDetails, Stopped } from "./protocol.ts";
import type { StepParts } from "./step-parts.ts";
import { arrivedFrom } from "./trap-context.ts";
import { hex } from "./value-format.ts";

/** Causes whose mtval is an address that was accessed. */
const ADDRESS_CAUSES: ReadonlySet<number> = new Set([0, 1, 4, 5, 6, 7, 12, 13, 15, EXCEPTION.pageNotReady]);
const ILLEGAL_INSTRUCTION = 2;
const MTVEC = 0x305;
/** What a check has proved by the time that anybody hears of it (src/replay/excursion.ts). */
const RESTORED = "State restored, digest equal.";

/** Puts into words where and why the debuggee stands still. */
export class StopTeller {
  readonly #parts: Pick<StepParts, "timeline" | "machine">;
  readonly #map: ProgramMap;
  readonly #inspector: Inspector;

  constructor(parts: Pick<StepParts, "timeline" | "machine">, map: ProgramMap, inspector: Inspector) {
    this.#parts = parts;
    this.#map = map;
    this.#inspector = inspector;
  }

  /** `main+0x12 (main.s:14)` */
  place(pc: bigint): string {
    const position = this.#map.position(pc);
    const name = this.#map.describe(pc);
    return position === undefined ? name : `${name} (${fileName(position.path)}:${position.line})`;
  }

  plain(reason: Stopped["reason"], description: string, hart = 0): Stopped {
    return { reason, instant: this.#parts.timeline.now, hart, description, breakpoints: [] };
  }

  here(reason: "entry" | "step" | "pause" | "goto", hart = 0): Stopped {
    const { machine, timeline } = this.#parts;
    const place = this.place(machine.harts[hart].pc);
    const verb = { entry: "Ready", step: "Stepped", pause: "Paused", goto: "Arrived" }[reason];
    return this.plain(reason, `${verb} at ${place}, instant ${timeline.now}.`, hart);
  }

  /** Another run is looked at: `run` says which. */
  inRun(run: string, hart: number): Stopped {
    const { machine, timeline } = this.#parts;
    return this.plain("goto", `${run}, at ${this.place(machine.harts[hart].pc)}, instant ${timeline.now}.`, hart);
  }

  hit(reason: HitReason): Stopped {
    const { hart, breakpoints, problems, access, exception, failures } = reason;
    if (exception !== undefined) return this.#exception("exception", exception);
    const ids = [...new Set(breakpoints.map(({ spec }) => spec.id))];
    if (failures.length > 0) {
      const place = this.place(this.#parts.machine.harts[hart].pc);
      const sentences = [`Replay-only check failed: ${failures.join("; ")}. At ${place}.`, RESTORED, ...problems];
      return { ...this.plain("exception", sentences.join(" "), hart), breakpoints: ids, failedChecks: failures };
    }
    const kinds = new Set(breakpoints.map(({ spec }) => spec.at.kind));
    const [kind] = kinds;
    const what =
      access !== undefined
        ? "data breakpoint"
        : kind === "function"
          ? "function breakpoint"
          : kind === "instruction"
            ? "instruction breakpoint"
            : "breakpoint";
    const sentence =
      access === undefined ? `At ${this.place(this.#parts.machine.harts[hart].pc)}.` : this.#accessSentence(access);
    return {
      ...this.plain(what, [sentence, ...problems].join(" "), hart),
      breakpoints: ids,
    };
  }

  #accessSentence(access: NonNullable<HitReason["access"]>): string {
    const { machine, timeline } = this.#parts;
    const target = this.#inspector.address(access.address);
    const verb = access.access === "write" ? "wrote" : "read";
    // Going back, the machine stands before the access.
    const done = timeline.now > access.instant;
    const value = done ? readNumber(machine, access.address, sizeOf(access.size), access.hart) : undefined;
    const shown = value === undefined ? "" : access.access === "write" ? `: now ${hex(value)}` : `: ${hex(value)}`;
    const place = this.place(access.pc);
    return done
      ? `${place} ${verb} ${access.size} bytes at ${target}${shown} (instant ${access.instant}).`
      : `${place} is about to ${access.access} ${access.size} bytes at ${target}.`;
  }

  end(stop: TravelStop, hart: number): Stopped {
    const { now, end } = this.#parts.timeline;
    switch (stop.kind) {
      case "unhandled-trap":
        return this.#exception("unhandled", stop);
      case "finished": {
        const what = stop.reset ? "asked for a reset" : `ended with exit code ${stop.exitCode}`;
        return { ...this.plain("finished", `The guest ${what} at instant ${now}.`, hart), exitCode: stop.exitCode };
      }
      case "end":
        return this.plain("end", `The recording ends here, at instant ${end}.`, hart);
      case "start":
        return this.plain("start", `The recording begins here, at instant ${now}.`, hart);
      case "waiting":
        return this.plain(
          "waiting",
          "Every hart waits for an interrupt that nothing inside the machine will raise.",
          hart,
        );
      default:
        return this.plain("step", `Arrived at instant ${now}.`, hart);
    }
  }

  #exception(
    kind: "exception" | "unhandled",
    { hart, cause, tval }: { readonly hart: number; readonly cause: number; readonly tval: bigint },
  ): Stopped {
    const exception = this.details(kind, { hart, cause, tval });
    return { ...this.plain("exception", exception.description, hart), exception };
  }

  details(
    kind: "exception" | "unhandled",
    { hart, cause, tval }: { readonly hart: number; readonly cause: number; readonly tval: bigint },
  ): ExceptionDetails {
    const { machine } = this.#parts;
    const view = machine.harts[hart];
    const name = causeName(BigInt(cause));
    const vector = (view.csr(MTVEC) ?? 0n) & ~3n;
    // The hart stands in the handler already, and the handler is there.
    const isTaken = cause === EXCEPTION.pageNotReady;
    const handled = kind !== "unhandled" && (isTaken || this.#inspector.isMemory(vector));
    const value = ADDRESS_CAUSES.has(cause)
      ? `, address ${this.#inspector.address(tval)}`
      : cause === ILLEGAL_INSTRUCTION && tval !== 0n
        ? `, bits ${hex(tval)}`
        : "";
    const pc = isTaken ? arrivedFrom(view) : view.pc;
    const code = fetch(machine, pc, hart);
    const text =
      code === undefined || flowOf(code).kind === "trap"
        ? ""
        : ` in "${this.#inspector.instructionText(code.word, code.address)}"`;
    const outcome = handled ? "" : " Nothing handles it: there is no code at the trap vector.";
    return {
      cause,
      name,
      tval,
      handled,
      description: `${name} at ${this.place(pc)}${text}${value}.${outcome}`,
    };
  }
}

function sizeOf(size: number): 1 | 2 | 4 | 8 {
  return size === 1 || size === 2 || size === 4 ? size : 8;
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
