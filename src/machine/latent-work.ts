/** Work of the machine that its guest knows nothing of, and that somebody may have to wait for: docs/async-pages.md. */
export const LATENT_WORK = [
  /** From the store's file. */
  "page-in",
  /** From the compressed store in memory. */
  "decompression",
  /** From the other member of a pair. */
  "remote-fetch",
  /** From a recording. */
  "recording-read",
  /** No page is lacking, so that there is nothing to tell the guest: all of the machine stands still for it, which is counted. */
  "checkpoint-copy",
  /** Another thread's work, which nobody waits for; counted by `host/metered-compiler.ts`. */
  "translation",
] as const;

/** Why a page is not ready, or why the machine stood still. */
export type LatentWork = (typeof LATENT_WORK)[number];
