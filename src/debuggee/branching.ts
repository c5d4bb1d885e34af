import { branchName } from "../base/branch-name.ts";
import type { Instant } from "../base/brand.ts";
import type { Branches } from "../replay/branches.ts";
import { RECORDING } from "../replay/branches.ts";
import type { RecordingSink } from "../replay/recording-message.ts";
import type { BranchState, Motion } from "../replay/timeline-interface.ts";
import type { BranchComparison, BranchList, BranchSummary } from "./branch-protocol.ts";
import { branchReport } from "./branch-report.ts";
import { errors } from "./errors.ts";
import type { ProgramMap } from "./program-map.ts";
import type { DebuggeeEvent, Stopped } from "./protocol.ts";

export interface BranchingParts {
  readonly branches: Branches;
  readonly map: ProgramMap;
  /** Another run than `left` is looked at, which was the same up to `common`: what was known of later instants is void. */
  readonly switched: (common: Instant, left: number) => void;
  /** Where the debuggee stands, for the user. */
  readonly stopped: (place: string) => Stopped;
  readonly emit: (event: DebuggeeEvent) => void;
}

/** The what-if branches of a debuggee, as `BranchApi` promises them. */
export class Branching {
  readonly #branches: Branches;
  readonly #parts: BranchingParts;

  constructor(parts: BranchingParts) {
    this.#branches = parts.branches;
    this.#parts = parts;
  }

  /** `isChanged`: somebody makes a change right away, and says himself that nothing is as it was. */
  startBranch(inputs = true, isChanged = false): BranchSummary {
    const left = this.#here;
    const branch = this.#branches.start(inputs);
    this.#parts.switched(branch.origin, left);
    this.#tell(!isChanged);
    return branch;
  }

  branches(): BranchList {
    return { current: this.#here, branches: this.#branches.branches };
  }

  switchBranch(id: number): Stopped {
    return this.#went(() => this.#branches.switchTo(id));
  }

  discardBranch(id?: number): Stopped {
    return this.#went(() => this.#branches.discard(this.#id(id)));
  }

  keepBranch(name: string, id?: number): BranchSummary {
    const branch = this.#branches.keep(this.#id(id), name);
    this.#tell(false);
    return branch;
  }

  *compareBranch({
    id,
    at,
    against = RECORDING,
  }: {
    id?: number;
    at?: number;
    against?: number;
  } = {}): Motion<BranchComparison> {
    const branch = this.#id(id);
    const comparison = yield* this.#branches.compare(branch, {
      against,
      ...(at !== undefined && { at: at as Instant }),
    });
    return branchReport(comparison, { branch: this.#state(branch), against, map: this.#parts.map });
  }

  *saveBranch(id: number | undefined, sink: RecordingSink): Motion<void> {
    yield* this.#branches.copyTo(this.#id(id), sink);
  }

  get #here(): number {
    return this.#branches.branch?.id ?? RECORDING;
  }

  #id(id: number | undefined): number {
    const branch = id ?? this.#branches.branch?.id;
    if (branch === undefined || branch === RECORDING) throw errors.noBranchHere();
    return branch;
  }

  #state(id: number): BranchState {
    return this.#branches.branches.find((branch) => branch.id === id)!;
  }

  #went(how: () => Instant): Stopped {
    const left = this.#here;
    const common = how();
    if (this.#here !== left) this.#parts.switched(common, left);
    this.#tell();
    const { branch } = this.#branches;
    return this.#parts.stopped(branch === undefined ? "In the recording" : `In ${branchName(branch)}`);
  }

  #tell(isAnother = true): void {
    const { branch, branches } = this.#branches;
    this.#parts.emit({ type: "branch", current: branch?.id ?? RECORDING, branches });
    if (isAnother) this.#parts.emit({ type: "invalidated" });
    this.#parts.emit({ type: "timelineChanged" });
  }
}
