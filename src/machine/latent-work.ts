/** Why a page is not ready: what the machine must do before it is, which the guest knows nothing of. */
export type LatentWork =
  | "page-in"
  | "decompression"
  | "remote-fetch"
  | "recording-read"
  | "checkpoint-copy"
  | "translation";
