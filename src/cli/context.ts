import type { GuestOutput } from "./guest-console.ts";
import type { Voice } from "./voice.ts";

/** What every command is given. */
export interface Context {
  readonly voice: Voice;
  /** stdout: the guest's console, then the one JSON line. */
  readonly stdout: GuestOutput;
  /** The JSON line is wanted: answers for people are left out. */
  readonly json: boolean;
}

/** What every command gives. */
export interface Answer {
  readonly exitCode: number;
  /** The JSON line; its fields are those of docs/cli.md. */
  readonly json: object;
}

export const OK = 0;
/** The question was answered with no: a digest mismatched, nothing was found, the guest did not end by itself. */
export const NEGATIVE = 1;
export const WRONG_USAGE = 2;
export const UNUSABLE_INPUT = 3;
export const FAULT = 4;
