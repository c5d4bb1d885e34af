/** How the two differ in what they say. */
export interface OutputDivergence {
  /** "state": a state did not arrive as it was sent. */
  readonly what: "data" | "missing" | "extra" | "no-progress" | "state";
  readonly device: number;
  /** The output's number on its device. */
  readonly number: number;
  /** Where each was: the instant of its output, or, where it said nothing, how far it had come. */
  readonly primaryInstant: number;
  readonly secondaryInstant: number;
  readonly expected: string;
  readonly got: string;
  /** Instant of the newest digest in which both agreed. */
  readonly lastAgreement: number;
}

/** That, and since when, the two differ inside. */
export interface InnerDivergence {
  /** The primary's instant at which it was noticed. */
  readonly noticedAt: number;
  readonly lastAgreement: number;
  readonly how: "digest" | "timing" | "place";
}

export function describeBytes(bytes: Uint8Array): string {
  const text = [...bytes.subarray(0, MOST_SHOWN_BYTES)].map((byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`,
  );
  return `"${text.join("")}"${bytes.length > MOST_SHOWN_BYTES ? ` and ${bytes.length - MOST_SHOWN_BYTES} more` : ""}`;
}

const MOST_SHOWN_BYTES = 24;
