import type { Footprint } from "./machine-costs.ts";
import type { SpeedFigures } from "./speed.ts";
import { type Spread, spreadOf, spreadText, table } from "./statistics.ts";
import type { TravelFigures } from "./travel.ts";

/** Everything that was measured; what was not asked for is absent. */
export interface Figures {
  readonly speed: readonly SpeedFigures[];
  readonly start?: Spread;
  readonly footprint: readonly Footprint[];
  readonly travel?: TravelFigures;
}

const optional = (spread: Spread | undefined, digits = 2) => (spread === undefined ? "" : spreadText(spread, digits));

export function speedTables(figures: readonly SpeedFigures[], by: "wall" | "cpu"): string {
  const { wanted, cells } = columns(figures);
  const seconds = table(
    ["guest", "million steps", ...wanted],
    figures.map((figure) => [figure.guest, (figure.steps / 1e6).toFixed(0), ...cells(figure)]),
  );
  const shown = <T>(all: readonly T[], is: (figure: SpeedFigures) => boolean) => (figures.some(is) ? all : []);
  const ratios = table(
    [
      ...["guest", "plain / QEMU", "recorded / QEMU", "recorded / rr=record", "recorded / plain, time", "MB recorded"],
      ...shown(["plain / interpreter"], ({ plainToInterpreter }) => plainToInterpreter !== undefined),
      ...shown(["group on / off"], ({ plainToGroupOff }) => plainToGroupOff !== undefined),
    ],
    figures.map((figure) => [
      ...[figure.guest, spreadText(figure.plainToQemu, 2), spreadText(figure.recordedToQemu, 2)],
      ...[optional(figure.recordedToQemuRecord), spreadText(figure.recordedToPlainTime, 3)],
      (figure.recordingBytes / 1e6).toFixed(2),
      ...shown([optional(figure.plainToInterpreter)], ({ plainToInterpreter }) => plainToInterpreter !== undefined),
      ...shown([optional(figure.plainToGroupOff)], ({ plainToGroupOff }) => plainToGroupOff !== undefined),
    ]),
  );
  const unit = by === "wall" ? "Seconds" : "Seconds of processors";
  return (
    `${unit} for the same work, start-up left out; median (least-most)\n\n${seconds}\n\n` +
    `Ratios within a session: of speeds, where not said otherwise\n\n${ratios}\n`
  );
}

function columns(figures: readonly SpeedFigures[]) {
  const wanted = [
    ...new Set(figures.flatMap(({ seconds }) => Object.keys(seconds))),
  ] as (keyof SpeedFigures["seconds"])[];
  return { wanted, cells: ({ seconds }: SpeedFigures) => wanted.map((contender) => optional(seconds[contender])) };
}

export function footprintTable(figures: readonly Footprint[]): string {
  const mega = (bytes: number) => (bytes / 1e6).toFixed(0);
  return table(
    ["guest", "MB resident", "of it the guest's RAM", "beside it"],
    figures.map(({ guest, residentBytes, guestBytes }) => [
      ...[guest, mega(residentBytes), mega(guestBytes), mega(residentBytes - guestBytes)],
    ]),
  );
}

/** The goals of the translator's issue that these figures can speak about. */
export function goalTable({ speed, start, footprint }: Figures): string {
  const rows: string[][] = [];
  const goal = (
    what: string,
    wanted: string,
    value: number | undefined,
    isMet: (value: number) => boolean,
    digits = 2,
  ) => {
    if (value === undefined || Number.isNaN(value)) return;
    rows.push([what, wanted, value.toFixed(digits), isMet(value) ? "reached" : "NOT REACHED"]);
  };
  const median = (figures: readonly SpeedFigures[], ratio: (figure: SpeedFigures) => Spread | undefined) => {
    const medians = figures.flatMap((figure) => ratio(figure)?.median ?? []);
    return medians.length === 0 ? undefined : spreadOf(medians).median;
  };
  const of = (...groups: readonly string[]) => speed.filter(({ group }) => groups.includes(group));
  for (const group of ["integer", "memory", "calls"])
    goal(
      `${group}, recorded / QEMU`,
      ">= 1.5",
      median(of(group), (figure) => figure.recordedToQemu),
      (value) => value >= 1.5,
    );
  const plain = of("integer", "memory", "calls");
  const slowest =
    plain.length === 0 ? undefined : Math.min(...plain.map(({ recordedToQemu }) => recordedToQemu.median));
  goal("the slowest of these", ">= 1.0", slowest, (value) => value >= 1);
  goal(
    "these, recorded / rr=record",
    ">= 3",
    median(plain, (figure) => figure.recordedToQemuRecord),
    (value) => value >= 3,
  );
  const float = median(of("floating point"), (figure) => figure.recordedToQemu);
  goal("floating point, recorded / QEMU", ">= 2", float, (value) => value >= 2);
  const spaces = of("address spaces");
  goal(
    "address spaces, recorded / QEMU",
    ">= 5",
    median(spaces, (figure) => figure.recordedToQemu),
    (value) => value >= 5,
  );
  goal(
    "address spaces, group on / off",
    ">= 5",
    median(spaces, (figure) => figure.plainToGroupOff),
    (value) => value >= 5,
  );
  const cost = median(speed, ({ recordedToPlainTime }) => recordedToPlainTime);
  goal("recorded / plain, time", "< 1.05", cost, (value) => value < 1.05, 3);
  goal("first instruction, ms", "< 150", start?.median, (value) => value < 150, 0);
  const beside = Math.max(...footprint.map(({ residentBytes, guestBytes }) => (residentBytes - guestBytes) / 1e6));
  goal("memory beside guest RAM, MB", "< 200", footprint.length === 0 ? undefined : beside, (value) => value < 200, 0);
  return rows.length === 0 ? "" : `${table(["goal", "wanted", "measured", ""], rows)}\n`;
}

export function travelTable(figures: TravelFigures): string {
  const million = (count: number) => (count / 1e6).toFixed(1);
  const rows: readonly (readonly [string, keyof TravelFigures])[] = [
    ["step back, instruction", "stepBack"],
    ["step back, line", "stepBackLine"],
    ["reverse to a breakpoint 2.1 million steps back", "reverseContinue"],
    ["reverse to a write 2.1 million steps back", "reverseToWrite"],
    ["seek to a random instant", "seekRandom"],
    ["step back there, instruction", "stepBackRandom"],
    ["reverse to a breakpoint at the start", "reverseToStart"],
    ["reverse to the only write of a word, at the start", "reverseToFirstWrite"],
  ];
  const cells = rows.map(([title, key]) => {
    const { median, most, count } = figures[key] as TravelFigures["stepBack"];
    return [title, median.toFixed(1), most.toFixed(1), String(count)];
  });
  return (
    `A run of ${million(figures.steps)} million steps, recorded in ${figures.recordingSeconds.toFixed(1)} s into ` +
    `${million(figures.recordingBytes)} MB, opened in ${figures.openSeconds.toFixed(2)} s; then from its end, in ` +
    `milliseconds\n\n${table(["motion", "median", "worst", "of"], cells)}\n`
  );
}
