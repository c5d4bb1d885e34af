import { styleText } from "node:util";
import type { Program } from "../assembler/program.ts";
import type { Origin, StorySearch, TrapStory } from "../debuggee/debuggee.ts";
import type { Frame, SourcePosition } from "../debuggee/protocol.ts";
import { causeOf } from "../isa/causes.ts";
import { abiName } from "../isa/registers.ts";
import { STEPS_PER_TICK, TICKS_PER_SECOND } from "../machine/memory-map.ts";
import type { TravelStop } from "../replay/timeline-interface.ts";
import { Places, shownPath } from "./places.ts";
import { formatAddress, formatBytes, formatCount, formatSeconds, formatSpeed } from "./quantities.ts";
import { describeStop } from "./stops.ts";

/** Everything that was found out, to be told. */
export interface Told {
  readonly program: string;
  readonly programs: readonly Program[];
  readonly sources: ReadonlyMap<string, string>;
  readonly end: TravelStop;
  readonly instants: number;
  readonly recordSeconds: number;
  readonly recording: string;
  readonly recordingBytes: number;
  readonly digest: string;
  /** The guest's console. */
  readonly output: string;
  readonly story: TrapStory | undefined;
  /** Seconds of each search. */
  readonly times: Partial<Record<StorySearch, number>>;
  /** What the damaged word held before the culprit wrote it. */
  readonly before: bigint | undefined;
}

type Style = Parameters<typeof styleText>[0];

/** Lines of source shown before and after the one in question. */
const CONTEXT_BEFORE = 3;
const CONTEXT_AFTER = 2;
/** Console lines shown; a guest that prints more is cut in the middle. */
const MOST_CONSOLE_LINES = 8;
/** Steps of a value's way that are shown. */
const MOST_STEPS = 8;
const TEXT_WIDTH = 20;
const REGISTER_COLUMNS = 4;
const INDENT = "     ";
/** The mark, the number of the line, and the rule behind it. */
const GUTTER_WIDTH = 9;
const MIN_SOURCE_WIDTH = 40;

/** The story for people and for scripts. Colours follow what `stream` can show. */
export function tellStory(told: Told, stream: NodeJS.WriteStream): { lines: string[]; json: object } {
  const teller = new StoryTeller(told, stream.columns ?? Number.POSITIVE_INFINITY, (style, text) =>
    styleText(style, text, { stream }),
  );
  return { lines: teller.tell(), json: storyToJson(told) };
}

class StoryTeller {
  readonly #told: Told;
  readonly #style: (style: Style, text: string) => string;
  readonly #places: Places;
  readonly #lines: string[] = [];
  /** Source lines are cut where a terminal would wrap them. */
  readonly #sourceWidth: number;
  #chapter = 0;

  constructor(told: Told, columns: number, style: (style: Style, text: string) => string) {
    this.#told = told;
    this.#sourceWidth = Math.max(MIN_SOURCE_WIDTH, columns - INDENT.length - GUTTER_WIDTH);
    this.#style = style;
    this.#places = new Places(told.programs);
  }

  tell(): string[] {
    const { story } = this.#told;
    this.#line("");
    this.#line(`  ${this.#style("bold", "Hindcast")}  ${shownPath(this.#told.program)}`);
    this.#recorded();
    if (story === undefined) this.#line(`${INDENT}The guest met no fault: there is nothing to search for.`);
    else {
      this.#trap(story);
      if (story.pointer !== undefined) this.#pointer(story);
      if (story.culprit !== undefined) this.#culprit(story, story.culprit);
      this.#verdict(story);
    }
    return this.#lines;
  }

  #recorded(): void {
    const { instants, recordSeconds, recordingBytes, output, end } = this.#told;
    this.#title("Record the run", undefined, undefined);
    const lines = output.trimEnd().split("\n");
    const cut = lines.length > MOST_CONSOLE_LINES;
    const shown = cut ? [...lines.slice(0, 3), "…", ...lines.slice(3 - MOST_CONSOLE_LINES)] : lines;
    for (const line of shown) this.#line(`${INDENT}${this.#style("dim", "│")} ${this.#style("cyan", line)}`);
    const speed = formatSpeed(instants / recordSeconds);
    const size = formatBytes(recordingBytes);
    const why = end.kind === "finished" || end.kind === "unhandled-trap" ? ` ${capital(describeStop(end))}.` : "";
    this.#line(
      `${INDENT}${formatCount(instants)} steps in ${formatSeconds(recordSeconds)} (${speed}); recording ${size}.${why}`,
    );
  }

  #trap(story: TrapStory): void {
    const { trap, instruction, frames } = story;
    this.#title("The trap", trap.instant, this.#told.times.fault);
    const cause = causeOf(BigInt(trap.cause));
    const name = this.#style(["bold", "red"], cause?.name ?? `Exception ${trap.cause}`);
    this.#line(`${INDENT}${name} by ${this.#code(instruction)}, mtval ${formatAddress(trap.tval)}`);
    this.#source(frames[0]?.source, "red");
    this.#callPath(frames);
  }

  #pointer({ pointer, origin }: TrapStory): void {
    const load = origin?.steps[origin.steps.length - 1];
    this.#title(`Where ${pointer!.register} came from`, load?.instant, this.#told.times.origin);
    const value = this.#style("yellow", formatAddress(pointer!.value));
    if (origin === undefined || load === undefined) {
      this.#line(`${INDENT}${pointer!.register} = ${value}, from the very beginning.`);
      return;
    }
    for (const step of origin.steps.slice(0, -1)) {
      this.#line(`${INDENT}${this.#code(step.text)} at instant ${formatCount(step.instant)} passed it on`);
    }
    const address = addressIn(origin);
    const from = address === undefined ? "" : ` from ${this.#named(address)}`;
    this.#line(`${INDENT}${this.#code(load.text)} put ${value} into ${pointer!.register}${from}`);
    this.#source(load.source, "yellow");
  }

  #culprit(story: TrapStory, culprit: NonNullable<TrapStory["culprit"]>): void {
    this.#title("Who wrote that word last", culprit.instant, this.#told.times.write);
    const { before } = this.#told;
    const over = before === undefined ? "" : ` over ${this.#style("yellow", formatAddress(before))}`;
    const wrote = `wrote ${this.#style(["bold", "red"], formatAddress(culprit.value))}${over}`;
    this.#line(
      `${INDENT}${this.#style("bold", culprit.symbol)} ${wrote}, ${culprit.size} bytes at ${this.#named(culprit.address)}`,
    );
    this.#source(culprit.source, "green");
    this.#callPath(culprit.frames);
    this.#line("");
    this.#registers(culprit.registers, story);
    const { written, target } = culprit;
    this.#way("What it wrote, back to where it began:", written.steps.slice(1), written.end);
    if (target !== undefined) this.#way(`Where it wrote to, ${target.place.name}:`, target.steps, target.end);
  }

  /** The instructions that a value came through. */
  #way(title: string, steps: Origin["steps"], { sentence }: Origin["end"]): void {
    this.#line("");
    this.#line(`${INDENT}${title}`);
    for (const step of steps.slice(0, MOST_STEPS)) {
      const where = step.source === undefined ? step.symbol : placeOf(step.source);
      const at = this.#style("dim", `instant ${formatCount(step.instant)}, ${where}`);
      this.#line(`${INDENT}  ${this.#code(step.text.padEnd(TEXT_WIDTH))} ${step.sentence}  ${at}`);
      if (step.omitted !== undefined) this.#line(`${INDENT}  ${this.#style("dim", step.omitted.sentence)}`);
    }
    if (steps.length > MOST_STEPS) this.#line(`${INDENT}  … and ${steps.length - MOST_STEPS} steps before it.`);
    this.#line(`${INDENT}  ${this.#style("dim", sentence)}`);
  }

  #verdict({ trap, culprit }: TrapStory): void {
    const { recording, story } = this.#told;
    this.#line("");
    if (culprit === undefined) {
      this.#line(
        `  The trail ends here: ${story?.origin === undefined ? "no register led astray" : `the value was ${endOf(story.origin.end.kind)}`}.`,
      );
    } else {
      const steps = trap.instant - culprit.instant;
      const guest = formatSeconds(steps / STEPS_PER_TICK / TICKS_PER_SECOND);
      const where = culprit.source === undefined ? culprit.symbol : placeOf(culprit.source);
      this.#line(
        `  ${this.#style(["bold", "green"], `The bug is at ${where}`)}, ${formatCount(steps)} steps (${guest} of guest time) before the trap.`,
      );
    }
    this.#line("");
    this.#line(`  ${this.#style("dim", "Every instant of it is kept. Ask on:")}`);
    const place = story?.origin === undefined ? undefined : addressIn(story.origin);
    const shown = shownPath(recording);
    const self = ownCommand();
    if (place !== undefined) this.#line(`    ${self} query ${shown} writes ${formatAddress(place)}`);
    this.#line(`    ${self} replay ${shown}`);
    this.#line(`  ${this.#style("dim", "or open that file in VS Code.")}`);
  }

  #title(text: string, instant: number | undefined, seconds: number | undefined): void {
    const number = this.#style(["bold", "blue"], String(++this.#chapter));
    const at = instant === undefined ? "" : `  ${this.#style("dim", `instant ${formatCount(instant)}`)}`;
    const took = seconds === undefined ? "" : `  ${this.#style("dim", `found in ${formatSeconds(seconds)}`)}`;
    this.#line("");
    this.#line(`  ${number}  ${this.#style("bold", text)}${at}${took}`);
  }

  #source(source: SourcePosition | undefined, style: Style): void {
    if (source === undefined) return;
    const lines = this.#told.sources.get(source.path)?.split(/\r?\n/);
    this.#line(`${INDENT}${this.#style("dim", placeOf(source))}`);
    if (lines === undefined) return;
    const first = Math.max(1, source.line - CONTEXT_BEFORE);
    const last = Math.min(lines.length, source.line + CONTEXT_AFTER);
    for (let line = first; line <= last; line++) {
      const number = String(line).padStart(5);
      const text = lines[line - 1].replaceAll("\t", "        ").slice(0, this.#sourceWidth);
      if (line === source.line) this.#line(`${INDENT}${this.#style(["bold", style as "red"], `▶${number} │ ${text}`)}`);
      else this.#line(`${INDENT} ${this.#style("dim", `${number} │`)} ${text}`);
    }
  }

  #callPath(frames: readonly Frame[]): void {
    const width = Math.max(...frames.map(({ name }) => name.length), 0);
    frames.forEach(({ name, source }, index) => {
      const verb = index === 0 ? "in         " : "called from";
      const place = source === undefined ? "" : placeOf(source);
      this.#line(`${INDENT}${this.#style("dim", verb)} ${name.padEnd(width)}  ${this.#style("dim", place)}`);
    });
    if (frames.some(({ confidence }) => confidence === "guess")) {
      this.#line(`${INDENT}${this.#style("dim", "(callers are read from frame pointers: likely, not certain)")}`);
    }
  }

  /** All registers, column by column; those that hold the address or the value of the write stand out. */
  #registers(registers: readonly bigint[], { culprit }: TrapStory): void {
    const rows = Math.ceil(registers.length / REGISTER_COLUMNS);
    for (let row = 0; row < rows; row++) {
      const cells = Array.from({ length: REGISTER_COLUMNS }, (_, column) => {
        const index = column * rows + row;
        const cell = `${abiName(index).padStart(4)} ${formatAddress(registers[index]).padEnd(18)}`;
        const speaks = index !== 0 && (registers[index] === culprit!.value || registers[index] === culprit!.address);
        return speaks ? this.#style(["bold", "yellow"], cell) : cell;
      });
      this.#line(`${INDENT}${cells.join(" ").trimEnd()}`);
    }
  }

  #named(address: bigint): string {
    const { symbol } = this.#places.at(address);
    return symbol === null ? formatAddress(address) : `${formatAddress(address)} (${symbol})`;
  }

  #code(text: string): string {
    return this.#style("bold", text);
  }

  #line(text: string): void {
    this.#lines.push(text.trimEnd());
  }
}

/** How the user can start us again: through npm in a checkout, which has the right Node, or as installed. */
function ownCommand(): string {
  if (process.env.npm_lifecycle_event !== undefined) return "npm run -s hindcast --";
  const script = process.argv[1] ?? "";
  return /hindcast(\.cmd)?$/.test(script) ? "hindcast" : `node ${shownPath(script)}`;
}

/** The memory that an origin's last step loaded from. */
function addressIn({ steps }: Origin): bigint | undefined {
  return steps.at(-1)?.operands.find(({ role }) => role === "value")?.place.address;
}

function placeOf({ path, line }: SourcePosition): string {
  return `${shownPath(path)}:${line}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function endOf(kind: string): string {
  return { constant: "in the program text", computed: "computed", load: "in memory from the start" }[kind] ?? "too old";
}

function storyToJson({ story, times, before, sources: _, programs: __, output, ...told }: Told): object {
  return {
    ...told,
    end: told.end.kind,
    outputs: output.length,
    trap: story?.trap ?? null,
    frames: story?.frames ?? [],
    pointer: story?.pointer ?? null,
    origin: story?.origin === undefined ? null : { ...story.origin, address: addressIn(story.origin) },
    culprit: story?.culprit === undefined ? null : { ...story.culprit, before: before ?? null },
    seconds: times,
  };
}
