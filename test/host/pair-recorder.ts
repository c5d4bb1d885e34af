import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import type { Bell } from "../../src/host/motion-driver.ts";
import { MemberRecording } from "../../src/host/timeline-replica.ts";
import type { EngineChoice } from "../../src/machine/configuration.ts";
import type { Machine } from "../../src/machine/machine.ts";
import type { RecordedImage } from "../../src/replay/recording-message.ts";

const PAIR_ID_BYTES = 8;

/** Records what the member of this name does; `partner`: whose state it is given when it is given one. */
export type RecordMember = (member: string, partner: string | undefined) => MemberRecording;

/** Records the members of a pair, each into files of its own. */
export class PairRecorder {
  readonly #path: string;
  readonly #bell: Bell;
  readonly #engine: EngineChoice | undefined;
  readonly #pair = randomBytes(PAIR_ID_BYTES).toString("hex");
  readonly #startedMs = performance.now();
  readonly #recordings: MemberRecording[] = [];

  /** `path` of the first member's recording: the others stand beside it. */
  constructor(path: string, bell: Bell, engine?: EngineChoice) {
    this.#path = path;
    this.#bell = bell;
    this.#engine = engine;
  }

  get fileBytes(): number {
    return this.#recordings.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
  }

  /** For a machine at reset with `program` in it; images as of a recording's header. */
  of(machine: Machine, images: readonly RecordedImage[], program: string): RecordMember {
    if (resolve(this.#path) === resolve(program)) {
      throw new UserError("recording-is-program", `The recording cannot replace the program ${program}.`, 2);
    }
    return (member, partner) => {
      const recording = new MemberRecording(machine, {
        ...{ path: this.#path, pair: this.#pair, member, configuration: machine.configuration, images },
        role: partner === undefined ? "primary" : "secondary",
        joins: this.#recordings.length >= FIRST_MEMBERS,
        partner,
        engine: this.#engine,
        nowMs: () => performance.now() - this.#startedMs,
        onRoom: () => this.#bell.ring(),
      });
      this.#recordings.push(recording);
      return recording;
    };
  }
}

/** They begin at reset; later ones join. */
const FIRST_MEMBERS = 2;
