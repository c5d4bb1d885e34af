import type { BranchComparison, BranchList, BranchPlace, BranchSummary } from "../debuggee/protocol.ts";
import type { BranchBody, BranchesBody, BranchPlaceBody, CompareBranchBody } from "./custom-protocol.ts";
import { formatInstant, toReference } from "./references.ts";

/** Branches as the custom requests have them. */
export function branchesBody({ current, branches }: BranchList): BranchesBody {
  return { current, branches: branches.map(branchBody) };
}

export function branchBody(branch: BranchSummary): BranchBody {
  return { ...branch, label: branchLabel(branch) };
}

/** `Branch 1 of instant 8,364,830`, or with its name. */
function branchLabel({ id, name, origin }: BranchSummary): string {
  return name === undefined
    ? `Branch ${id} of instant ${formatInstant(origin)}`
    : `Branch “${name}” of instant ${formatInstant(origin)}`;
}

export function comparisonBody({
  branch,
  pathsPart,
  firstEffect,
  at,
  lines,
  ...rest
}: BranchComparison): CompareBranchBody {
  return {
    ...rest,
    branch: branchBody(branch),
    ...(pathsPart !== undefined && {
      pathsPart: { ...pathsPart, recording: placeBody(pathsPart.recording), branch: placeBody(pathsPart.branch) },
    }),
    ...(firstEffect !== undefined && {
      firstEffect: {
        ...firstEffect,
        recording: toReference(firstEffect.recording),
        branch: toReference(firstEffect.branch),
      },
    }),
    at: {
      ...at,
      registers: at.registers.map((each) => ({
        ...each,
        recording: toReference(each.recording),
        branch: toReference(each.branch),
      })),
      words: at.words.map((each) => ({
        ...each,
        address: toReference(each.address),
        recording: toReference(each.recording),
        branch: toReference(each.branch),
      })),
      blocks: [...at.blocks],
      devices: [...at.devices],
    },
    lines: [...lines],
  };
}

function placeBody({ pc, ...place }: BranchPlace): BranchPlaceBody {
  return { ...place, pc: toReference(pc) };
}

/** Bytes of a line that is not ended: longer ones are shown in pieces. */
const LONGEST_LINE = 4096;

/** What the guests of branches print, in lines that say whose they are: it went to nobody, and is in no console. */
export class BranchLines {
  readonly #open = new Map<number, string>();
  readonly #decoders = new Map<number, TextDecoder>();

  /** The lines that the bytes complete. */
  push(branch: number, bytes: Uint8Array): string[] {
    const decoder = this.#decoders.get(branch) ?? new TextDecoder();
    this.#decoders.set(branch, decoder);
    const text = (this.#open.get(branch) ?? "") + decoder.decode(bytes, { stream: true });
    const lines = text.split("\n");
    const open = lines.pop() ?? "";
    this.#open.set(branch, open.length > LONGEST_LINE ? "" : open);
    return [...lines, ...(open.length > LONGEST_LINE ? [open] : [])].map((line) => lineOf(branch, line));
  }

  /** Those that are not ended: the user is about to look. */
  rest(): string[] {
    const lines = [...this.#open].flatMap(([branch, open]) => (open === "" ? [] : [lineOf(branch, open)]));
    this.#open.clear();
    return lines;
  }
}

function lineOf(branch: number, text: string): string {
  return `[branch ${branch}] ${text.replace(/\r$/, "")}\n`;
}
