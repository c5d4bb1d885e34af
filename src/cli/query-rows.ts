import type { CallFound, Row, SeriesBucket } from "../debuggee/search-protocol.ts";
import type { Context } from "./context.ts";
import { type Places, shownPath } from "./places.ts";
import { formatAddress, formatCount } from "./quantities.ts";
import type { SourceText } from "./source-text.ts";

/** A row as the JSON answer gives it. */
export function rowJson(
  { pc, symbol: _, source: __, access, bits, call, wait, text, ...row }: Row,
  places: Places,
): object {
  return {
    ...row,
    ...places.at(pc),
    ...(text !== "" && { text }),
    ...(access === undefined && bits !== undefined && { bits: formatAddress(bits) }),
    ...(access !== undefined && {
      access: access.kind,
      address: formatAddress(access.address),
      size: access.size,
      value: formatAddress(access.value),
    }),
    ...(call !== undefined && { call: callJson(call) }),
    ...(wait !== undefined && { wait: { ...wait, address: formatAddress(wait.address) } }),
  };
}

function callJson({ arguments: values, returnAddress, returned }: CallFound): object {
  return {
    arguments: values.map(({ name, value }) => ({ name, value: formatAddress(value) })),
    returnAddress: formatAddress(returnAddress),
    returned:
      returned === undefined
        ? null
        : {
            instant: returned.instant,
            value: formatAddress(returned.value),
            ...(returned.floatValue !== undefined && { floatValue: formatAddress(returned.floatValue) }),
          },
  };
}

export async function showRows(
  context: Context,
  rows: readonly Row[],
  places: Places,
  sources: SourceText,
): Promise<void> {
  for (const { instant, hart, pc: address, source, text, access, call, problem } of rows) {
    const { pc, symbol } = places.at(address);
    const where = source === undefined ? "" : `  ${shownPath(source.path)}:${source.line}`;
    await context.stdout.line(`instant ${formatCount(instant)}  hart ${hart}  ${pc}  ${symbol ?? "?"}${where}`);
    const line = source === undefined ? undefined : sources.line(source.path, source.line);
    if (line !== undefined) await context.stdout.line(`    ${line.trim()}`);
    if (access !== undefined) {
      const { kind, value, size } = access;
      const what = kind === "write" ? `wrote ${formatAddress(value)} to` : `read ${formatAddress(value)} from`;
      await context.stdout.line(
        `    ${what} ${formatAddress(access.address)} (${size} ${size === 1 ? "byte" : "bytes"})`,
      );
      if (kind === "write" && text.startsWith("by ")) await context.stdout.line(`    ${text}`);
    } else if (!isPlaceAlone(text, source))
      for (const each of text.split("\n")) await context.stdout.line(`    ${each}`);
    if (problem !== undefined && text !== `<${problem}>`) await context.stdout.line(`    not evaluated: ${problem}`);
    if (call?.returned !== undefined) {
      await context.stdout.line(`    returned at instant ${formatCount(call.returned.instant)}`);
    }
  }
}

/** What was hit is said already. */
function isPlaceAlone(text: string, source: Row["source"]): boolean {
  return text === "" || (source !== undefined && text === `${source.path.split("/").at(-1)}:${source.line}`);
}

const BARS = "▁▂▃▄▅▆▇█";

/** Values with their instants, below a small plot where they are numbers. */
export async function showSeries(
  context: Context,
  rows: readonly Row[],
  columns: readonly SeriesBucket[],
  isCsv: boolean,
): Promise<void> {
  if (isCsv) {
    await context.stdout.line("instant,hart,value");
    for (const { instant, hart, number, text } of rows) {
      await context.stdout.line(`${instant},${hart},${number ?? `"${text.replaceAll('"', '""')}"`}`);
    }
    return;
  }
  const plotted = sparkline(columns);
  if (plotted !== undefined) await context.stdout.line(plotted);
  for (const { instant, hart, symbol, text } of rows) {
    await context.stdout.line(`instant ${formatCount(instant)}  hart ${hart}  ${symbol}  ${text}`);
  }
}

/** `▁▂▅█ 0 … 42`: the largest value of each column. */
function sparkline(columns: readonly SeriesBucket[]): string | undefined {
  const least = Math.min(...columns.flatMap(({ min }) => min ?? []));
  const most = Math.max(...columns.flatMap(({ max }) => max ?? []));
  if (!Number.isFinite(least) || !Number.isFinite(most)) return undefined;
  const bar = ({ max }: SeriesBucket) => {
    if (max === undefined) return " ";
    const height = most === least ? 0 : (max - least) / (most - least);
    return BARS[Math.round(height * (BARS.length - 1))];
  };
  return `${columns.map(bar).join("")}  ${least} … ${most}`;
}
