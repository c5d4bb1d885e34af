import type { StoredCheckpoint } from "../replay/payload.ts";
import type { RecordingHeader, RecordingMessage } from "../replay/recording-message.ts";

/** What the machine's thread says to the writer's. The file is there already, empty. */
export type ToWriter =
  | { readonly kind: "open"; readonly path: string; readonly header: RecordingHeader }
  | { readonly kind: "message"; readonly message: RecordingMessage; readonly weight: number }
  /** Everything that came before is to be in the file. */
  | { readonly kind: "flush" }
  | { readonly kind: "close" };

export type FromWriter =
  /** Messages of this weight have been taken; the file has `fileBytes`. */
  | { readonly kind: "taken"; readonly weight: number; readonly fileBytes: number }
  /** A checkpoint whose pages are in the file: one may travel by it. */
  | { readonly kind: "stored"; readonly checkpoint: StoredCheckpoint }
  /** Nothing more will be written; `reason` ends a sentence. Messages that follow are taken and dropped. */
  | { readonly kind: "failed"; readonly reason: string; readonly fileBytes: number }
  /** A fault of ours in the writer. */
  | { readonly kind: "fault"; readonly message: string }
  | { readonly kind: "flushed" }
  | { readonly kind: "closed"; readonly fileBytes: number };
