import type { InnerDivergence, OutputDivergence } from "./divergence.ts";
import type { LogEntry } from "./entry.ts";
import type { Counts } from "./replica.ts";

/** What a member sees of the protocol, in the order in which it sees it. */
export type Sight =
  /** The primary's: an entry of the log, and what becomes of it. */
  | { readonly kind: "entry"; readonly entry: LogEntry }
  | { readonly kind: "acknowledge"; readonly through: number; readonly at: number; readonly matched: Counts }
  | {
      readonly kind: "release";
      readonly device: number;
      readonly number: number;
      readonly units: number;
      /** From being said to leaving. */
      readonly latencyMs: number;
    }
  | { readonly kind: "held"; readonly held: boolean }
  /** A state begins its way to the secondary. */
  | { readonly kind: "resynchronise"; readonly purpose: "copy" | "resynchronise" }
  /** The secondary has it as a whole. */
  | { readonly kind: "resynchronised" }
  | { readonly kind: "paired" }
  /** The secondary's: how far it is in the log (`through`) when it sees it. */
  | { readonly kind: "input"; readonly sequence: number }
  /** Its digest was held against that of the log. */
  | { readonly kind: "compared"; readonly sequence: number; readonly equal: boolean }
  | { readonly kind: "inner-divergence"; readonly through: number; readonly inner: InnerDivergence }
  | { readonly kind: "agree-again"; readonly through: number }
  | { readonly kind: "divergence"; readonly through: number; readonly divergence: OutputDivergence }
  /** Either's: it goes on alone, or stands still for good. */
  | { readonly kind: "take-over"; readonly through: number }
  | { readonly kind: "fenced"; readonly through: number }
  /** What a user had done to it. */
  | { readonly kind: "fault"; readonly text: string };

export type Tap = (sight: Sight) => void;
