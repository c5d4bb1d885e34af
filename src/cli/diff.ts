import { UserError } from "../base/errors.ts";
import type {
  DivergenceFinding,
  DivergenceLink,
  DivergentPlace,
  ValueInBoth,
} from "../debuggee/divergence-protocol.ts";
import { DivergenceSearch } from "../host/divergence-search.ts";
import type { PairPlace } from "../host/pair-log.ts";
import { openPairRecording } from "../host/pair-recording.ts";
import { type Answer, type Context, NEGATIVE, OK, WRONG_USAGE } from "./context.ts";
import { Interruption } from "./interruption.ts";
import { shownPath } from "./places.ts";
import { formatCount, formatSeconds } from "./quantities.ts";

interface DiffOptions {
  /** Only what the guests say counts. */
  readonly outputs?: boolean;
  /** False: the difference of output is not followed back. */
  readonly causes?: boolean;
}

/** Links of a chain that are shown at each of its ends. */
const SHOWN_LINKS = 8;
const SHOWN_VALUES = 12;
const DEVICES = ["console", "network card", "ending"];

/** Finds where two recordings part. */
export async function diff(context: Context, [a, b]: readonly string[], options: DiffOptions): Promise<Answer> {
  const started = performance.now();
  const { left, right } = await bothOf(a, b);
  const search = DivergenceSearch.open({ path: left, end: 0 }, { path: right, end: 0 });
  const interruption = new Interruption(() => void search.close());
  try {
    const warnings = await search.warnings();
    for (const warning of warnings.left) context.voice.warn(`${left}: ${warning}`);
    for (const warning of warnings.right) context.voice.warn(`${right}: ${warning}`);
    const finding = await search.find({
      causal: options.causes !== false,
      onProgress: (what, fraction) => context.voice.progress(what, fraction),
    });
    const seconds = (performance.now() - started) / 1000;
    context.voice.clearProgress();
    if (!context.json) await show(context, finding, left, right);
    context.voice.say(`${verdict(finding)} Compared in ${formatSeconds(seconds)}.`);
    const counts = finding.level === "output" || (finding.kind === "difference" && options.outputs !== true);
    return { exitCode: counts ? NEGATIVE : OK, json: { ...toJson(finding), seconds: Number(seconds.toFixed(6)) } };
  } catch (error) {
    if (interruption.exitCode !== undefined) {
      context.voice.say("Interrupted.");
      return { exitCode: interruption.exitCode, json: { interrupted: true } };
    }
    return asWrongUsage(error);
  } finally {
    context.voice.clearProgress();
    interruption.release();
    await search.close();
  }
}

/** Of a pair: the stretches in which what the machines said differed first, or the first ones. */
async function bothOf(left: string, right: string | undefined): Promise<{ left: string; right: string }> {
  if (right !== undefined) return { left, right };
  const pair = await openPairRecording(left).catch(asWrongUsage);
  if (pair === undefined) {
    throw new UserError(
      "diff-alone",
      `${left} is not the recording of a pair: name the one to compare it with.`,
      WRONG_USAGE,
    );
  }
  const pathOf = (place: PairPlace | undefined, index: number) =>
    place === undefined
      ? pair.members[index]?.stretches[0]?.path
      : pair.members
          .find(({ member }) => member === place.member)
          ?.stretches.find(({ number }) => number === place.stretch)?.path;
  const [divergence] = pair.log.summary.divergences;
  const [first, second] = [pathOf(divergence?.primary, 0), pathOf(divergence?.secondary, 1)];
  if (first !== undefined && second !== undefined) return { left: first, right: second };
  const missing = pair.missing.length === 0 ? "" : ` ${pair.missing.join(" ")}`;
  throw new UserError("diff-pair", `Of this pair only one machine's recording is here.${missing}`, WRONG_USAGE);
}

/** As of diff and cmp: 1 says that they differ, and nothing else. */
function asWrongUsage(error: unknown): never {
  if (error instanceof UserError) throw new UserError(error.code, error.message, WRONG_USAGE);
  throw error;
}

function verdict({ kind, level, equalOutputs }: DivergenceFinding): string {
  const said = `${formatCount(equalOutputs)} output${equalOutputs === 1 ? "" : "s"}`;
  if (kind === "none") return `The two are the same: ${said}, and the states that were compared.`;
  if (level === "inside") return `The two say the same (${said}) and differ inside.`;
  return `The two differ in what they say, after ${said} that are the same.`;
}

async function show(context: Context, finding: DivergenceFinding, left: string, right: string): Promise<void> {
  const line = (text: string) => context.stdout.line(text);
  const { output, divergent, inside, chain, lastAgreement, notes } = finding;
  await line(`A  ${shownPath(left)}`);
  await line(`B  ${shownPath(right)}`);
  if (output !== undefined) {
    await line("");
    const number =
      output.device === 2 ? "" : `, ${output.device === 0 ? "byte" : "frame"} ${formatCount(output.number)}`;
    await line(`First difference in what they say: ${DEVICES[output.device]}${number}`);
    await line(`  A  instant ${formatCount(output.left)}  ${saidText(output.leftText, output.leftBytes)}`);
    await line(`  B  instant ${formatCount(output.right)}  ${saidText(output.rightText, output.rightBytes)}`);
  }
  if (chain.length > 0) {
    await line("");
    await line("Back from there:");
    for (const text of linkTexts(chain)) await line(`  ${text}`);
  }
  if (divergent !== undefined) {
    await line("");
    await line(withCounts(divergent.why));
    await showPlaces(line, divergent.left, divergent.right);
    for (const value of divergent.differences.slice(0, SHOWN_VALUES)) await line(`     ${valueText(value)}`);
    const more = divergent.differences.length - SHOWN_VALUES + divergent.more;
    if (more > 0) await line(`     and ${formatCount(more)} more`);
  }
  if (inside !== undefined) {
    await line("");
    await line(`The states differ first elsewhere: ${withCounts(inside.why)}`);
    await showPlaces(line, inside.left, inside.right);
  }
  await line("");
  const agreed = [lastAgreement.left, lastAgreement.right].map(formatCount);
  if (finding.kind === "difference") {
    await line(`Last agreement: instant ${agreed[0]}${agreed[0] === agreed[1] ? "" : ` of A, ${agreed[1]} of B`}`);
  }
  for (const text of shiftTexts(finding)) await line(`Passed over: ${text}`);
  for (const note of notes) context.voice.warn(note);
}

async function showPlaces(
  line: (text: string) => Promise<void>,
  left: DivergentPlace,
  right: DivergentPlace,
): Promise<void> {
  await line(`  A  ${placeText(left)}`);
  await line(`  B  ${placeText(right)}`);
}

function placeText({ instant, hart, symbol, source, text }: DivergentPlace): string {
  const where = source === undefined ? "" : `  ${shownPath(source.path)}:${source.line}`;
  return `instant ${formatCount(instant)}  hart ${hart}  ${symbol}${where}  ${text}`;
}

function linkTexts(chain: readonly DivergenceLink[]): string[] {
  const texts = chain.map((link) => {
    const { left, right, value, sentence } = link;
    const at = left === undefined ? "" : `${formatCount(left.instant)} `;
    const other = right === undefined || left?.instant === right.instant ? "" : `(B ${formatCount(right.instant)}) `;
    const where =
      left === undefined ? "" : `${left.symbol}${left.source === undefined ? "" : `:${left.source.line}`}  `;
    const values = link.kind === "data" && value !== undefined ? `: ${shown(value.left)} | ${shown(value.right)}` : "";
    const { omitted } = link;
    const cycle = omitted?.steps === 1 ? "this step comes" : `these ${omitted?.steps} steps come`;
    const over = omitted === undefined ? "" : `; ${cycle} over and over, since instant ${omitted.left}`;
    return `${at}${other}${where}${withCounts(`${sentence}${values}${over}`)}`;
  });
  if (texts.length <= SHOWN_LINKS * 2) return texts;
  const left = texts.length - SHOWN_LINKS * 2;
  return [...texts.slice(0, SHOWN_LINKS), `… ${left} more …`, ...texts.slice(-SHOWN_LINKS)];
}

function valueText({ name, hart, left, right }: ValueInBoth): string {
  const of = hart === undefined ? "" : ` of hart ${hart}`;
  return `${name}${of}: ${shown(left)} | ${shown(right)}`;
}

function shown(value: ValueInBoth["left"]): string {
  return typeof value === "bigint" ? `0x${value.toString(16)}` : `${value ?? "nothing"}`;
}

function saidText(text: string | undefined, bytes: Uint8Array | undefined): string {
  if (text !== undefined)
    return bytes === undefined ? `${text === "" ? "says nothing more" : `“${text}”`}` : `“${text}”`;
  return bytes === undefined ? "sends none" : `${bytes.length} bytes`;
}

function shiftTexts({ shift }: DivergenceFinding): string[] {
  const { ticks, turnSteps, pages, movedOutputs, mostSteps } = shift;
  const texts: string[] = [];
  if (ticks !== undefined) texts.push(`mtime is ${ticks} ticks ahead in B`);
  if (turnSteps !== undefined) texts.push(`turns of ${turnSteps.left} steps in A, of ${turnSteps.right} in B`);
  if (pages !== undefined) texts.push(`${formatCount(pages)} pages of memory that differ from the beginning`);
  if (movedOutputs > 0) {
    texts.push(
      `${formatCount(movedOutputs)} equal outputs at other instants, ${formatCount(mostSteps)} steps apart at most`,
    );
  }
  return texts;
}

/** Instants as they are written everywhere. */
function withCounts(sentence: string): string {
  return sentence.replace(/\binstant (\d+)/g, (_, instant: string) => `instant ${formatCount(Number(instant))}`);
}

/** Bytes as hexadecimal digits. */
function toJson({ output, ...finding }: DivergenceFinding): object {
  if (output === undefined) return finding;
  const { leftBytes, rightBytes, ...rest } = output;
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  return {
    ...finding,
    output: {
      ...rest,
      ...(leftBytes !== undefined && { leftBytes: hex(leftBytes) }),
      ...(rightBytes !== undefined && { rightBytes: hex(rightBytes) }),
    },
  };
}
