import type { ResidencyReport, WorkReport } from "../machine/residency.ts";
import { formatBytes, formatCount } from "./quantities.ts";

/** What a run has to say of its pages, a line or some. */
export function residencyText(report: ResidencyReport): string {
  const { frames, pages, putAway, broughtIn, stored, idleMs, works, warning } = report;
  const where = `${formatBytes(stored.compressed + stored.raw)} in memory, ${formatBytes(stored.file)} in the file`;
  const lines = [
    `Kept ${formatCount(frames)} of ${formatCount(pages)} pages: ${formatCount(putAway)} times one was put away, ` +
      `${formatCount(broughtIn)} times one came back (${where}).`,
    ...worksText(works, idleMs),
  ];
  if (warning !== undefined) lines.push(warning);
  return lines.join("\n");
}

/** A line for each kind of work, and one for what nothing could hide. */
export function worksText(works: readonly WorkReport[], idleMs: number): readonly string[] {
  const lines = works.map(workText);
  if (idleMs > 0) lines.push(`  The whole guest waited for pages that it was told of: ${milliseconds(idleMs)}.`);
  return lines;
}

function workText({ work, told, beside, waited, hiddenMs, waitedMs, mostMs }: WorkReport): string {
  const parts: string[] = [];
  const hidden = hiddenMs > 0 ? `, ${milliseconds(hiddenMs)} hidden` : "";
  if (told > 0) parts.push(`${formatCount(told)} told${hidden}`);
  if (beside > 0) parts.push(`${formatCount(beside)} beside the guest${told > 0 ? "" : hidden}`);
  if (waited > 0) parts.push(`${formatCount(waited)} waited for, ${milliseconds(waitedMs)}`);
  if (mostMs > 0) parts.push(`the longest ${milliseconds(mostMs)}`);
  return `  ${work}: ${parts.join("; ")}.`;
}

function milliseconds(ms: number): string {
  return ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}
