import type { Subscription } from "@nats-io/transport-node";
import type { MachineConfiguration } from "../machine/configuration.ts";
import type { Nats } from "./nats-connection.ts";
import type { PairPlace } from "./pair-streams.ts";
import { fromPlainJson, toPlainJson } from "./plain-json.ts";
import type { RecordingKey } from "./segment-queue.ts";

/** What whoever speaks for a pair says of its run, to those who want to join. */
export interface RunDescription {
  readonly version: string;
  readonly run: string;
  readonly member: string;
  readonly configuration: MachineConfiguration;
  /** Digest of the machine at instant 0: of the configuration, the program and the disks. */
  readonly resetDigest: string;
  /** Contents of the disks; undefined: one that was blank. */
  readonly disks: readonly (RecordingKey | undefined)[];
  readonly limit: number;
  /** When the run began, by its host's clock: for display alone. */
  readonly startedMs: number;
}

export type Question =
  | { readonly kind: "look" }
  /** The contents of the disks are wanted in the object store. */
  | { readonly kind: "disks" }
  /** Listens on a channel for that session. */
  | { readonly kind: "join"; readonly session: string; readonly member: string };

export type Reply =
  | { readonly kind: "run"; readonly description: RunDescription }
  | { readonly kind: "done" }
  /** Not now: there are two machines already. */
  | { readonly kind: "full" }
  | { readonly kind: "refused"; readonly sentence: string };

const LOOK_MS = 1_000;
/** A join waits for a channel; disks for their files to be sent. */
const JOIN_MS = 5_000;
const DISKS_MS = 600_000;

/** Asks whoever speaks for the pair. Undefined: nobody answers. */
export async function ask({ connection }: Nats, place: PairPlace, question: Question): Promise<Reply | undefined> {
  const timeout = { look: LOOK_MS, join: JOIN_MS, disks: DISKS_MS }[question.kind];
  try {
    const { data } = await connection.request(place.ask, toPlainJson(question), { timeout });
    return readReply(new TextDecoder().decode(data));
  } catch {
    return undefined;
  }
}

function readReply(text: string): Reply {
  const reply = parse(text) as Partial<Reply> | undefined;
  if (reply?.kind === "done" || reply?.kind === "full") return { kind: reply.kind };
  if (reply?.kind === "refused" && typeof reply.sentence === "string") return reply as Reply;
  if (reply?.kind === "run" && isDescription(reply.description)) return reply as Reply;
  return { kind: "refused", sentence: "What answers for the pair speaks something else than Hindcast." };
}

function isDescription(value: unknown): value is RunDescription {
  const { version, run, member, configuration, resetDigest, disks, ...numbers } = (value ??
    {}) as Partial<RunDescription>;
  const texts = [version, run, member, resetDigest];
  return (
    texts.every((text) => typeof text === "string") &&
    [numbers.limit, numbers.startedMs].every((number) => typeof number === "number") &&
    Array.isArray(disks) &&
    typeof configuration === "object" &&
    Number.isSafeInteger(configuration?.memoryBytes) &&
    Number.isSafeInteger(configuration?.harts) &&
    Array.isArray(configuration?.disks)
  );
}

/** Answers those who ask for the pair, until it is closed. */
export class PairDoor {
  readonly #subscription: Subscription;

  constructor({ connection }: Nats, place: PairPlace, answer: (question: Question) => Promise<Reply | undefined>) {
    this.#subscription = connection.subscribe(place.ask, {
      callback: (error, message) => {
        const question = error === null ? readQuestion(new TextDecoder().decode(message.data)) : undefined;
        // Who asks for something else gets no answer.
        if (question === undefined) return;
        void answer(question).then((reply) => reply !== undefined && message.respond(toPlainJson(reply)));
      },
    });
  }

  close(): void {
    this.#subscription.unsubscribe();
  }
}

function readQuestion(text: string): Question | undefined {
  const question = parse(text) as Partial<Extract<Question, { kind: "join" }>> | Question | undefined;
  if (question?.kind === "look" || question?.kind === "disks") return { kind: question.kind };
  if (question?.kind !== "join") return undefined;
  const { session, member } = question;
  const isName = (name: unknown) => typeof name === "string" && /^[\w-]{1,64}$/.test(name);
  return isName(session) && isName(member) ? { kind: "join", session: session!, member: member! } : undefined;
}

function parse(text: string): object | undefined {
  try {
    const value = fromPlainJson(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
