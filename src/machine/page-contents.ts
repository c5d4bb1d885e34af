import { PAGE_BYTES } from "../memory/layout.ts";

/** Granularity at which restored code pages are compared, so that untouched instructions stay decoded. */
export const COMPARE_BYTES = 64;

export const ZERO_PAGE = new Uint8Array(PAGE_BYTES);

/** Undefined is all zero. */
export function setContents(frame: Uint8Array, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) frame.fill(0);
  else frame.set(bytes);
}

/** Offsets of the blocks of a page in which the two contents differ; undefined is all zero. */
export function differingBlocks(now: Uint8Array, then: Uint8Array | undefined): number[] {
  const blocks: number[] = [];
  for (let block = 0; block < PAGE_BYTES; block += COMPARE_BYTES) {
    for (let at = block; at < block + COMPARE_BYTES; at++) {
      if (now[at] === (then?.[at] ?? 0)) continue;
      blocks.push(block);
      break;
    }
  }
  return blocks;
}
