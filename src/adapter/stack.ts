import type { DebugProtocol } from "@vscode/debugprotocol";
import type { Frame } from "../debuggee/protocol.ts";
import type { Debuggee } from "./environment.ts";
import { errors } from "./errors.ts";
import { Handles, toReference } from "./references.ts";
import type { Sources } from "./sources.ts";

/** DAP's thread ids start at 1, harts at 0. */
export function threadOfHart(hart: number): number {
  return hart + 1;
}

/** A frame that the client may ask about until the machine moves. */
export interface FrameKey {
  readonly hart: number;
  readonly level: number;
}

/** A line of the call stack: a frame, or what stands between it and the frame that it was interrupted by. */
interface Shown {
  readonly frame: Frame;
  readonly label: boolean;
  readonly id: number;
}

/** `<trap: Supervisor timer interrupt>` */
function trapLabel({ frame, id }: Shown): DebugProtocol.StackFrame {
  return { id, name: `<trap: ${frame.trap}>`, line: 0, column: 0, presentationHint: "label", canRestart: false };
}

/** Harts as threads, and their stacks. */
export class Stacks {
  readonly #sources: Sources;
  readonly #frames = new Handles<FrameKey>();
  /** Stacks of this stop; clients ask for the first frame and then for the others. */
  readonly #walked = new Map<number, Promise<Shown[]>>();
  #harts = 1;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** The hart that the last stop was about: what is asked without a frame is asked about it. */
  current = 0;

  set harts(count: number) {
    this.#harts = count;
  }

  /** There are several harts. */
  get several(): boolean {
    return this.#harts > 1;
  }

  threads(): DebugProtocol.Thread[] {
    return Array.from({ length: this.#harts }, (_, hart) => ({ id: threadOfHart(hart), name: `hart ${hart}` }));
  }

  hartOf(threadId: number): number {
    if (threadId < 1 || threadId > this.#harts) throw errors.unknownThread(threadId, this.#harts);
    return threadId - 1;
  }

  /** A hart by its number, which must be one; the current one when none is given. */
  hartOrCurrent(hart: number | undefined): number {
    return hart === undefined ? this.current : this.hartOf(threadOfHart(hart));
  }

  /** The frame of an id; the current frame of the hart that stopped when the client names none. */
  frame(frameId: number | undefined): FrameKey {
    if (frameId === undefined) return { hart: this.current, level: 0 };
    const frame = this.#frames.get(frameId);
    if (frame === undefined) throw errors.staleFrame();
    return frame;
  }

  /** As `frame`, for what has its meaning without one: a client may still name a frame of before. */
  frameIfAny(frameId: number | undefined): FrameKey {
    return (frameId === undefined ? undefined : this.#frames.get(frameId)) ?? { hart: this.current, level: 0 };
  }

  /** The machine has moved: frames of before mean nothing now. */
  forget(): void {
    this.#frames.clear();
    this.#walked.clear();
  }

  /** Something was edited: frames keep their ids, but have to be looked at again. */
  refresh(): void {
    this.#walked.clear();
  }

  async stackTrace(
    debuggee: Debuggee,
    { threadId, startFrame, levels }: DebugProtocol.StackTraceArguments,
  ): Promise<DebugProtocol.StackTraceResponse["body"]> {
    const shown = await this.#walk(debuggee, this.hartOf(threadId));
    const start = Math.max(startFrame ?? 0, 0);
    // DAP: 0 or absent means all.
    const end = levels ? start + levels : shown.length;
    return {
      stackFrames: shown.slice(start, end).map((each) => (each.label ? trapLabel(each) : this.#toClient(each))),
      totalFrames: shown.length,
    };
  }

  #walk(debuggee: Debuggee, hart: number): Promise<Shown[]> {
    const known = this.#walked.get(hart);
    if (known !== undefined) return known;
    const walk = debuggee.frames(hart).then((frames) =>
      frames.flatMap((frame) => {
        const shown = (label: boolean) => ({ frame, label, id: this.#frames.create({ hart, level: frame.level }) });
        return frame.trap === undefined ? [shown(false)] : [shown(true), shown(false)];
      }),
    );
    this.#walked.set(hart, walk);
    walk.catch(() => this.#walked.delete(hart));
    return walk;
  }

  #toClient({ frame, id }: Shown): DebugProtocol.StackFrame {
    const guess = frame.confidence === "guess";
    const place = frame.source === undefined ? { line: 0, column: 0 } : this.#sources.placeOf(frame.source);
    return {
      id,
      name: guess ? `${frame.name} (guess)` : frame.name,
      ...place,
      instructionPointerReference: toReference(frame.pc),
      // Not "subtle", also for a guess: VS Code folds such frames away, and with them the path to the culprit.
      presentationHint: "normal",
      canRestart: false,
    };
  }
}
