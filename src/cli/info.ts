import { BookmarkFile } from "../host/bookmark-file.ts";
import { openPairRecording } from "../host/pair-recording.ts";
import { holderOf, recordingWarnings } from "../host/recording-lock.ts";
import { FileByteSource } from "../host/recording-source.ts";
import { ZSTD } from "../host/zstd.ts";
import type { MachineEvent } from "../machine/inlet.ts";
import { RecordingReader } from "../replay/recording-reader.ts";
import type { Bookmark } from "../replay/timeline-interface.ts";
import { type Answer, type Context, OK } from "./context.ts";
import { describePair, pairRows } from "./info-pair.ts";
import { formatBytes, formatCount, formatMemory } from "./quantities.ts";
import { describeStop, stopToJson } from "./stops.ts";

/** Says what a recording holds, without running it. */
export async function info(context: Context, [path]: readonly string[]): Promise<Answer> {
  const writer = holderOf(path);
  const source = new FileByteSource(path);
  try {
    const reader = new RecordingReader(source, ZSTD);
    const kept = new BookmarkFile(path, reader);
    const pair = reader.header.lockstep && (await openPairRecording(path));
    const warnings = [
      ...recordingWarnings(reader, writer),
      ...(kept.warning === undefined ? [] : [kept.warning]),
      ...(pair?.missing ?? []),
    ];
    for (const warning of warnings) context.voice.warn(warning);
    const described = describe(reader, kept.merge(reader.bookmarks), warnings);
    const json = { ...described, ...(pair && { lockstep: describePair(pair) }) };
    if (!context.json)
      for (const line of lines(reader, described, pair ? pairRows(pair) : [])) await context.stdout.line(line);
    return { exitCode: OK, json };
  } finally {
    source.close();
  }
}

function describe(reader: RecordingReader, bookmarks: readonly Bookmark[], warnings: readonly string[]) {
  const { header } = reader;
  const countOf = (kind: MachineEvent["kind"]) => reader.events.others.filter((event) => event.kind === kind).length;
  const pages = { notReady: countOf("page-not-ready"), ready: countOf("page-ready") };
  return {
    ...(reader.first === 0 ? {} : { first: reader.first }),
    instants: reader.end,
    events: reader.events.length,
    outputs: reader.outputs.length,
    frames: { received: countOf("network-input"), sent: reader.frames.length },
    ...(pages.notReady === 0 ? {} : { pages }),
    checkpoints: reader.checkpoints.checkpoints.length,
    digests: reader.digests.entries.length,
    bookmarks,
    complete: reader.complete,
    reason: reader.reason === undefined ? null : stopToJson(reader.reason),
    warnings,
    bytes: reader.sizeBytes,
    tool: header.tool,
    configuration: header.configuration,
    images: header.images.map(({ role, name, sizeBytes, sha256, bytes }) => {
      return { role, name, bytes: sizeBytes, sha256, embedded: bytes !== undefined };
    }),
  };
}

/** A machine without a network has none to speak of. */
function packets({ configuration, frames }: ReturnType<typeof describe>): [string, string][] {
  if (!configuration.network) return [];
  return [["packets", `${formatCount(frames.received)} received, ${formatCount(frames.sent)} sent`]];
}

/** Which the guest was told of (docs/async-pages.md). */
function pagesTold({ pages }: ReturnType<typeof describe>): [string, string][] {
  if (pages === undefined) return [];
  return [["pages", `${formatCount(pages.notReady)} not ready, ${formatCount(pages.ready)} ready again`]];
}

function lines(
  reader: RecordingReader,
  json: ReturnType<typeof describe>,
  ofPair: readonly [string, string][],
): string[] {
  const { configuration } = json;
  const state = json.complete ? "complete" : "not complete";
  const ended = reader.reason === undefined ? "the guest could have gone on" : describeStop(reader.reason);
  const machine = `${configuration.harts} hart${configuration.harts === 1 ? "" : "s"}, ${configuration.isa}, ${formatMemory(configuration.memoryBytes)} of memory`;
  const rows: [string, string][] = [
    ["recorded with", `${json.tool}, ${state}, ${formatBytes(json.bytes)}`],
    ["machine", `${machine}, ${configuration.clock} clock, seed ${configuration.seed}`],
    ["instants", `${formatCount(reader.first)} to ${formatCount(json.instants)}; ${ended}`],
    ["events", formatCount(json.events)],
    [
      "outputs",
      `${formatCount(json.outputs)} bytes on the console, ${formatCount(reader.outputs.lines)} ${reader.outputs.lines === 1 ? "line" : "lines"}`,
    ],
    ...packets(json),
    ...pagesTold(json),
    [
      "checkpoints",
      `${formatCount(json.checkpoints)}, and ${formatCount(json.digests)} ${json.digests === 1 ? "digest" : "digests"}`,
    ],
    ...json.bookmarks.map(({ name, instant }): [string, string] => ["bookmark", `${name}, at ${formatCount(instant)}`]),
    ...json.images.map(({ role, name, bytes, embedded }): [string, string] => {
      return [role, `${name}, ${formatBytes(bytes)}${embedded ? "" : ", not embedded"}`];
    }),
    ...ofPair,
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
