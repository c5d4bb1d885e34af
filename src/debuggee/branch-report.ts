import { floatAbiName, REGISTERS } from "../isa/registers.ts";
import type { Edit, MachineEvent } from "../machine/inlet.ts";
import type { Comparison, PathsPart } from "../replay/comparison.ts";
import type { BranchState } from "../replay/timeline-interface.ts";
import type { BranchComparison, BranchPlace, BranchStateDifference } from "./branch-protocol.ts";
import type { ProgramMap } from "./program-map.ts";
import { hex } from "./value-format.ts";

/** Differing places that are put into words. */
const MOST_TOLD = 12;

/** A comparison as clients get it: with symbols and lines, and in words. */
export function branchReport(
  comparison: Comparison,
  { branch, against, map }: { branch: BranchState; against: number; map: ProgramMap },
): BranchComparison {
  const { parted, pathsPart, firstEffect, outputs, at } = comparison;
  const differs = outputs.difference !== undefined || !comparison.at.equal;
  const report: Omit<BranchComparison, "lines"> = {
    branch,
    against,
    comparedTo: comparison.comparedTo,
    differs,
    ...(parted !== undefined && {
      parted: {
        instant: parted.instant,
        ...(parted.recording !== undefined && { recording: describeEvent(parted.recording) }),
        ...(parted.branch !== undefined && { branch: describeEvent(parted.branch) }),
      },
    }),
    outputs,
    ...(pathsPart !== undefined && { pathsPart: placesOf(pathsPart, map) }),
    ...(firstEffect !== undefined && {
      firstEffect: { ...firstEffect, register: REGISTERS[firstEffect.register].abiName },
    }),
    steppedTo: comparison.steppedTo,
    ...(comparison.rejoined !== undefined && { rejoined: comparison.rejoined }),
    at: {
      ...at,
      words: at.words.map(({ address, recording, branch: value }) => {
        const symbol = map.symbols.nearest(BigInt(address));
        const name = symbol === undefined ? undefined : map.describe(BigInt(address));
        return { address: BigInt(address), ...(name !== undefined && { symbol: name }), recording, branch: value };
      }),
      devices: at.devices.map((each) => ({
        ...each,
        recording: String(each.recording ?? ""),
        branch: String(each.branch ?? ""),
      })),
    },
  };
  return { ...report, lines: [...linesOf(report)] };
}

function placesOf({ instant, recording, branch, exact }: PathsPart, map: ProgramMap) {
  const place = ({ hart, pc }: { hart: number; pc: bigint }): BranchPlace => ({ hart, ...map.place(pc) });
  return { instant, recording: place(recording), branch: place(branch), exact };
}

function describeEvent(event: MachineEvent): string {
  switch (event.kind) {
    case "edit":
      return `edit of ${describeEdit(event.edit)}`;
    case "console-input":
      return `input ${JSON.stringify(new TextDecoder().decode(event.bytes))}`;
    case "network-input":
      return `a packet of ${event.frame.length} bytes`;
    case "idle-jump":
      return `idle for ${event.ticks} ticks`;
    case "page-not-ready":
      return `page of ${hex(event.address)} not ready: token ${event.token}`;
    case "page-ready":
      return `page ready: token ${event.token}`;
  }
}

function describeEdit(edit: Edit): string {
  switch (edit.target) {
    case "register":
      return `${REGISTERS[edit.register].abiName} to ${hex(edit.value)}`;
    case "float-register":
      return `${floatAbiName(edit.register)} to ${hex(edit.value)}`;
    case "pc":
      return `pc to ${hex(edit.value)}`;
    case "csr":
      return `a CSR to ${hex(edit.value)}`;
    case "memory":
      return `${edit.bytes.length} bytes at ${hex(BigInt(edit.address))}`;
  }
}

type Told = Omit<BranchComparison, "lines">;

function* linesOf(report: Told): Generator<string> {
  const { parted, comparedTo, outputs, pathsPart, firstEffect, rejoined } = report;
  if (parted === undefined) {
    yield `The branch and the recording are the same up to instant ${count(comparedTo)}.`;
    return;
  }
  yield `They part at instant ${count(parted.instant)}: ${partingOf(parted)}.`;
  if (firstEffect !== undefined) {
    const { instant, hart, register, recording, branch } = firstEffect;
    yield `First effect: at instant ${count(instant)} hart ${hart} has ${register} ${hex(branch)} instead of ${hex(recording)}.`;
  }
  if (pathsPart !== undefined) {
    const { instant, recording, branch, exact } = pathsPart;
    const certainty = exact ? "" : " (an earlier parting between samples is possible)";
    yield `Paths part at instant ${count(instant)}: the recording goes on at ${placeText(recording)}, the branch at ${placeText(branch)}${certainty}.`;
  } else {
    yield `Paths do not part up to instant ${count(comparedTo)}.`;
  }
  if (rejoined !== undefined) yield `From instant ${count(rejoined)} on the states are the same again.`;
  yield* outputLines(outputs);
  yield* stateLines(report.at);
}

function partingOf({ recording, branch }: NonNullable<Told["parted"]>): string {
  if (recording === undefined) return `${branch} in the branch`;
  return branch === undefined
    ? `${recording} in the recording`
    : `${recording} in the recording, ${branch} in the branch`;
}

function* outputLines({ difference, moved, equalBytes }: Told["outputs"]): Generator<string> {
  if (difference !== undefined) {
    const { recording, branch } = difference;
    yield "The output differs:";
    yield `  recording: ${recording === undefined ? "nothing more" : lineText(recording)}`;
    yield `  branch:    ${branch === undefined ? "nothing more" : lineText(branch)}`;
  } else {
    const since =
      moved === undefined
        ? ""
        : `, but from instant ${count(moved.recording)} on at other instants (${count(moved.branch)} in the branch)`;
    yield `The output is the same (${count(equalBytes)} bytes since they parted${since}).`;
  }
}

function* stateLines(at: BranchStateDifference): Generator<string> {
  if (at.equal) {
    yield `At instant ${count(at.instant)} nothing differs.`;
    return;
  }
  yield `At instant ${count(at.instant)} (recording → branch):`;
  const several = at.registers.some(({ hart }) => hart !== 0);
  const registers = at.registers.map(
    ({ hart, name, recording, branch }) =>
      `${several ? `hart ${hart} ` : ""}${name}: ${hex(recording)} → ${hex(branch)}`,
  );
  const words = at.words.map(({ address, symbol, recording, branch }) => {
    const named = symbol === undefined ? "" : ` (${symbol})`;
    return `${hex(address)}${named}: ${hex(recording)} → ${hex(branch)}`;
  });
  yield* told(registers, registers.length, "registers");
  yield* told(words, at.differingWords, "words of memory");
  yield* told(
    at.blocks.map(({ disk, offset }) => `disk ${disk}, block at ${hex(BigInt(offset))}`),
    at.blocks.length,
    "disk blocks",
  );
  yield* told(
    at.devices.map(({ device, name, recording, branch }) => `${device} ${name}: ${recording} → ${branch}`),
    at.devices.length,
    "device registers",
  );
}

function* told(lines: readonly string[], total: number, what: string): Generator<string> {
  for (const line of lines.slice(0, MOST_TOLD)) yield `  ${line}`;
  const more = total - Math.min(lines.length, MOST_TOLD);
  if (more > 0) yield `  … and ${count(more)} more ${more === 1 ? what.replace(/s\b/, "") : what}`;
}

function placeText({ hart, symbol, source }: BranchPlace): string {
  const file = source?.path.slice(source.path.lastIndexOf("/") + 1);
  return `${symbol}${source === undefined ? "" : ` (${file}:${source.line})`}${hart === 0 ? "" : ` on hart ${hart}`}`;
}

function lineText({ instant, hart, line }: { instant: number; hart: number; line: string }): string {
  return `“${line}”, instant ${count(instant)}, hart ${hart}`;
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}
