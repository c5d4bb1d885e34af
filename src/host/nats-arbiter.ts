import { JetStreamApiCodes } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { Arbiter, Tenure } from "../lockstep/arbiter.ts";
import { ANSWER_MS, isApiError } from "./pair-streams.ts";

const TENURE = "tenure";
const MEMBERS = "members";
const LETTERS = 26;

/** The record of a pair at a NATS server. */
export interface TenureRecord extends Tenure {
  /** Of what run of the pair it is: streams of the same name may have served another. */
  readonly run: string;
}

/** The arbiter as a record in a key-value bucket, which changes only if it is at the revision that was read. */
export class NatsArbiter implements Arbiter {
  readonly #kv: KV;
  readonly #run: string;
  readonly #onAnswer: () => void;
  #isAsking = false;

  /** `onAnswer`: whoever has asked has an answer. */
  constructor(kv: KV, run: string, onAnswer: () => void = () => {}) {
    this.#kv = kv;
    this.#run = run;
    this.#onAnswer = onAnswer;
  }

  read(answer: (tenure: Tenure) => void): void {
    void this.#ask(async () => (await this.#present()).tenure, answer);
  }

  testAndSet(expected: number, next: Tenure, answer: (tenure: Tenure) => void): void {
    void this.#ask(async () => {
      const { tenure, revision } = await this.#present();
      if (tenure.term !== expected) return tenure;
      try {
        await this.#kv.update(TENURE, encode({ ...next, run: this.#run }), revision, ANSWER_MS);
        return next;
      } catch (error) {
        if (!isApiError(error, JetStreamApiCodes.StreamWrongLastSequence)) throw error;
        return (await this.#present()).tenure;
      }
    }, answer);
  }

  /** One question at a time: who gets no answer asks again, and then the server may be there. */
  async #ask(act: () => Promise<Tenure>, answer: (tenure: Tenure) => void): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    let tenure: Tenure | undefined;
    try {
      tenure = await act();
    } catch {
      // No answer.
    } finally {
      this.#isAsking = false;
    }
    if (tenure === undefined) return;
    answer(tenure);
    this.#onAnswer();
  }

  async #present(): Promise<{ tenure: Tenure; revision: number }> {
    const record = await readTenure(this.#kv);
    // A record that is gone, or another run's: nobody of this one has the right to speak.
    if (record?.tenure.run !== this.#run) {
      return { tenure: { term: Number.MAX_SAFE_INTEGER, primary: "", secondary: undefined }, revision: 0 };
    }
    return record;
  }
}

/** The record as it stands; undefined: there is none, or one that nobody of us has written. */
export async function readTenure(kv: KV): Promise<{ tenure: TenureRecord; revision: number } | undefined> {
  const entry = await kv.get(TENURE);
  if (entry === null || entry.operation !== "PUT") return undefined;
  const { run, term, primary, secondary } = parse(entry.string());
  if (typeof run !== "string" || typeof term !== "number" || typeof primary !== "string") return undefined;
  const partner = typeof secondary === "string" ? secondary : undefined;
  return { tenure: { run, term, primary, secondary: partner }, revision: entry.revision };
}

/** Begins a run in place of the record of that revision (0: of none). False: somebody else was first. */
export async function writeTenure(kv: KV, record: TenureRecord, revision: number): Promise<boolean> {
  try {
    if (revision === 0) await kv.create(TENURE, encode(record));
    else await kv.update(TENURE, encode(record), revision);
    // Names are given from the start.
    await kv.put(MEMBERS, "1");
    return true;
  } catch (error) {
    if (isApiError(error, JetStreamApiCodes.StreamWrongLastSequence)) return false;
    throw error;
  }
}

/** A name that no member of the run has had: A is who began it. */
export async function nextMember(kv: KV): Promise<string> {
  for (;;) {
    const entry = await kv.get(MEMBERS);
    const count = Number(entry?.string() ?? 1);
    try {
      await kv.update(MEMBERS, String(count + 1), entry?.revision ?? 0);
      return memberName(count);
    } catch (error) {
      if (!isApiError(error, JetStreamApiCodes.StreamWrongLastSequence)) throw error;
    }
  }
}

/** A to Z, then AA, AB and so on. */
export function memberName(index: number): string {
  const letter = String.fromCharCode(0x41 + (index % LETTERS));
  return index < LETTERS ? letter : memberName(Math.floor(index / LETTERS) - 1) + letter;
}

function encode({ run, term, primary, secondary }: TenureRecord): string {
  return JSON.stringify({ run, term, primary, secondary: secondary ?? null });
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
