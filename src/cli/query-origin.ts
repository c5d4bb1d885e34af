import { Debuggee } from "../debuggee/debuggee.ts";
import type { Origin, OriginPlace, OriginStep } from "../debuggee/protocol.ts";
import type { RecordedSession } from "../host/recorded-session.ts";
import { sourceTexts } from "../host/source-files.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import type { Context } from "./context.ts";
import { shownPath } from "./places.ts";
import { formatAddress, formatCount } from "./quantities.ts";
import { SourceText } from "./source-text.ts";

export interface OriginQuery {
  readonly at: number;
  /** Default: the hart whose turn it is at that instant. */
  readonly hart: number | undefined;
  readonly length: number | undefined;
  readonly depth: number | undefined;
  readonly most: number | undefined;
}

/** Follows back what a place of a recording holds. */
export function* originIn(
  { timeline, programs, sources }: RecordedSession,
  place: string,
  { at, hart, length, depth, most }: OriginQuery,
): Motion<Origin> {
  const parts = { timeline, history: timeline.history, programs, sourceTexts: sourceTexts(sources), emit: () => {} };
  const debuggee = new Debuggee(parts);
  const stopped = yield* debuggee.seek(at);
  return yield* debuggee.origin(place, hart ?? stopped.hart, {
    ...{ at, ...(length !== undefined && { length }) },
    ...{ ...(depth !== undefined && { depth }), ...(most !== undefined && { most }) },
  });
}

const INDENT = "    ";
const TEXT_WIDTH = 24;

/** The way of a value, newest step first; what a step's other operands are is indented below it. */
export async function showOrigin(context: Context, origin: Origin, session: RecordedSession): Promise<void> {
  const { place, value, instant, hart } = origin;
  await context.stdout.line(`${held(place, value)} at instant ${formatCount(instant)}, hart ${hart}`);
  await showChain(context, origin, new SourceText(session.sources), "");
}

async function showChain(context: Context, { steps, end }: Origin, sources: SourceText, indent: string): Promise<void> {
  for (const step of steps) await showStep(context, step, sources, indent);
  const when = end.instant === undefined ? "" : `  (instant ${formatCount(end.instant)})`;
  const sentence = withCounts(end.sentence);
  await context.stdout.line(`${indent}${sentence}${/\binstant \d/.test(sentence) ? "" : when}`);
}

async function showStep(context: Context, step: OriginStep, sources: SourceText, indent: string): Promise<void> {
  const { instant, hart, symbol, source, text, value, sentence, note, operands, omitted } = step;
  const where = source === undefined ? symbol : `${symbol}  ${shownPath(source.path)}:${source.line}`;
  await context.stdout.line(`${indent}instant ${formatCount(instant)}  hart ${hart}  ${where}`);
  const line = source === undefined ? undefined : sources.line(source.path, source.line)?.trim();
  const shown = `${indent}${INDENT}${text.padEnd(TEXT_WIDTH)}`;
  await context.stdout.line(`${shown} ${sentence}: ${formatAddress(value)}`);
  if (line !== undefined) await context.stdout.line(`${indent}${INDENT}${line}`);
  if (note !== undefined) await context.stdout.line(`${indent}${INDENT}${note}`);
  for (const { place, value: before, origin } of operands) {
    if (origin === undefined) continue;
    await context.stdout.line(`${indent}${INDENT}where ${held(place, before)} came from:`);
    await showChain(context, origin, sources, `${indent}${INDENT}${INDENT}`);
  }
  if (omitted !== undefined) await context.stdout.line(`${indent}${withCounts(omitted.sentence)}`);
}

/** Instants as they are written everywhere. */
function withCounts(sentence: string): string {
  return sentence.replace(/\binstant (\d+)/g, (_, instant: string) => `instant ${formatCount(Number(instant))}`);
}

function held({ name, length }: OriginPlace, value: bigint | undefined): string {
  const bytes = length === undefined ? "" : ` (${length} ${length === 1 ? "byte" : "bytes"})`;
  return value === undefined ? `${name}${bytes}` : `${name}${bytes} = ${formatAddress(value)}`;
}
