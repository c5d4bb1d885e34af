import type { Instant } from "../base/brand.ts";
import { EXCEPTION, INSTRUCTION_EXCEPTION_CODES } from "../isa/causes.ts";
import { effectsOf } from "../isa/effects.ts";
import { abiName } from "../isa/registers.ts";
import type { HartView } from "../machine/machine-interface.ts";
import { NO_STOPS } from "../machine/stop.ts";
import type { Hit, Motion } from "../replay/timeline-interface.ts";
import { type CodeWord, fetch, flowOf } from "./code.ts";
import { errors } from "./errors.ts";
import type { FrameFinder } from "./frames.ts";
import { memoryCell } from "./origin-cells.ts";
import { instructionAt } from "./origin-flow.ts";
import type { Origin } from "./origin-protocol.ts";
import type { OriginParts, Origins, WriteFound } from "./origins.ts";
import type { Frame } from "./protocol.ts";

/** An exception about to be taken. */
export interface Trap {
  readonly instant: number;
  readonly hart: number;
  readonly cause: number;
  readonly tval: bigint;
}

export interface TrapStory {
  readonly trap: Trap;
  readonly frames: readonly Frame[];
  /** The faulting instruction, `ld a5,0(a4)`; of a jump to where there is no code, the jump. */
  readonly instruction: string;
  /** The register that led astray, when the instruction uses one as an address. */
  readonly pointer: Pointer | undefined;
  readonly origin: Origin | undefined;
  /** Who wrote the word that the pointer was loaded from, and how it was called. */
  readonly culprit:
    | (WriteFound & {
        readonly frames: readonly Frame[];
        readonly registers: readonly bigint[];
        /** Where what it wrote came from, and the address that it wrote to. */
        readonly written: Origin;
        readonly target: Origin | undefined;
      })
    | undefined;
}

export interface Pointer {
  readonly register: string;
  readonly value: bigint;
  /** What the instruction accessed, or where it jumped. */
  readonly effectiveAddress: bigint;
}

/** Exceptions that are faults, rather than ways to ask for something (ecall, ebreak) or word of the machine's own. */
const FAULTS: readonly number[] = INSTRUCTION_EXCEPTION_CODES.filter(
  (code) =>
    code !== EXCEPTION.breakpoint &&
    code !== EXCEPTION.ecallFromUser &&
    code !== EXCEPTION.ecallFromSupervisor &&
    code !== EXCEPTION.ecallFromMachine,
);

/** Where fetching or decoding failed, the mistake was made by whatever jumped there. */
const FETCH_FAULTS: ReadonlySet<number> = new Set([
  EXCEPTION.instructionAddressMisaligned,
  EXCEPTION.instructionAccessFault,
  EXCEPTION.illegalInstruction,
  EXCEPTION.instructionPageFault,
]);

/** The searches that a story takes, in order. */
export type StorySearch = "fault" | "origin" | "write";

export interface StoryParts extends OriginParts {
  readonly frames: FrameFinder;
  readonly origins: Origins;
  /** Called when a search begins: there is no clock here, but whoever asks may want to say how long each took. */
  readonly onSearch?: (search: StorySearch) => void;
}

/**
 * Tells the story behind a fault: the pointer that was used, the load that it came from, and who wrote that word last.
 * `known` is the trap at the current instant, if it is known; else the last fault before now is taken. Leaves the
 * timeline at the trap.
 */
export function* tellTrapStory(parts: StoryParts, known: Trap | undefined): Motion<TrapStory> {
  const { timeline, machine, frames, origins, onSearch } = parts;
  onSearch?.("fault");
  const trap = known ?? (yield* lastFault(parts));
  if (trap === undefined) throw errors.notTrapped();
  const { hart } = trap;
  yield* timeline.seek(trap.instant as Instant);
  const callers = frames.describe(frames.unwind(hart));
  const view = machine.harts[hart];
  let code = fetch(machine, view.pc, hart);
  if (FETCH_FAULTS.has(trap.cause) && trap.instant > timeline.first) {
    yield* timeline.seek((trap.instant - 1) as Instant);
    const jump = fetch(machine, view.pc, hart);
    if (jump !== undefined && leadsThroughRegister(jump)) code = jump;
    else yield* timeline.seek(trap.instant as Instant);
  }
  const pointer = code && pointerOf(code, view);
  onSearch?.("origin");
  const origin = pointer && (yield* origins.origin({ kind: "integer", number: pointer.number }, hart, UNTIL_LOAD));
  onSearch?.("write");
  const culprit = origin && (yield* findCulprit(parts, origin));
  yield* timeline.seek(trap.instant as Instant);
  return {
    trap,
    frames: callers,
    instruction: code === undefined ? "" : parts.inspector.instructionText(code.word, code.address),
    pointer: pointer?.shown,
    origin,
    culprit,
  };
}

function* lastFault({ timeline }: StoryParts): Motion<Trap | undefined> {
  // The run may have ended at a trap that nobody could handle; it is not in the past but next.
  const { ended, now, end } = timeline;
  if (now === end && ended?.kind === "unhandled-trap") {
    return { instant: end, hart: ended.hart, cause: ended.cause, tval: ended.tval };
  }
  const hit: Hit | undefined = yield* timeline.findLast({ stops: { ...NO_STOPS, exceptions: FAULTS } }, now);
  if (hit === undefined || hit.stop.kind !== "exception") return undefined;
  const { hart, cause, tval } = hit.stop;
  return { instant: hit.instant, hart, cause, tval };
}

function leadsThroughRegister(code: CodeWord): boolean {
  const { kind } = flowOf(code);
  return kind === "return" || kind === "indirect jump" || kind === "indirect call";
}

/** The register that an instruction uses as an address. */
function pointerOf(code: CodeWord, view: HartView): { readonly number: number; readonly shown: Pointer } | undefined {
  const { decoded } = code;
  if (decoded === undefined) return undefined;
  const { memory } = effectsOf(decoded.instruction);
  if (memory === "none" && !leadsThroughRegister(code)) return undefined;
  const value = view.register(decoded.rs1);
  // Atomic operations have no offset.
  const offset = memory === "atomic" || decoded.instruction.mnemonic.startsWith("lr.") ? 0n : BigInt(decoded.imm);
  const effectiveAddress = BigInt.asUintN(64, value + offset);
  return { number: decoded.rs1, shown: { register: abiName(decoded.rs1), value, effectiveAddress } };
}

/** Steps of one chain of a story: what is longer nobody reads. */
const MOST_STEPS = 64;
const UNTIL_LOAD = { depth: 0, most: MOST_STEPS, until: "load" } as const;

/** The origin's steps end at the load; the write that it read is the last one before. */
function* findCulprit(parts: StoryParts, origin: Origin): Motion<TrapStory["culprit"]> {
  const { timeline, machine, frames, origins } = parts;
  const load = origin.steps.at(-1);
  const place = load?.operands.find(({ role }) => role === "value")?.place;
  if (origin.end.kind !== "load" || load === undefined || place?.physical === undefined) return undefined;
  const length = place.length ?? 8;
  const write = yield* origins.lastAccess("write", {
    ...{ address: place.physical, length, before: load.instant },
    use: "physical",
  });
  if (write === undefined) return undefined;
  yield* timeline.seek(load.instant as Instant);
  const cell = memoryCell(machine, place.physical, length, "physical");
  const written = yield* origins.origin(cell, write.hart, { depth: 0, most: MOST_STEPS });
  yield* timeline.seek(write.instant as Instant);
  const view = machine.harts[write.hart];
  const store = instructionAt(machine, view)?.decoded;
  const target = store && (yield* origins.origin({ kind: "integer", number: store.rs1 }, write.hart, UNTIL_LOAD));
  yield* timeline.seek(write.instant as Instant);
  return {
    ...write,
    frames: frames.describe(frames.unwind(write.hart)),
    registers: Array.from({ length: 32 }, (_, index) => view.register(index)),
    written,
    target,
  };
}
