import { MachineReplica } from "../lockstep/machine-replica.ts";
import { Machine } from "../machine/machine.ts";
import { makeCompileThread } from "./compile-thread.ts";
import { openDisks, recordedDisks } from "./disk-files.ts";
import { flipsOf } from "./fault-flips.ts";
import type { MemberSpecification } from "./lockstep-protocol.ts";
import { MemberRecording } from "./timeline-replica.ts";

/** A member's machine, as it is at reset, and what records it. */
export interface MemberMachine {
  readonly replica: MachineReplica;
  readonly recording: MemberRecording | undefined;
}

/** `onRoom`: the recording's writer has room again. */
export function makeMemberMachine(specification: MemberSpecification, onRoom: () => void): MemberMachine {
  const { member, start, machine, recording: wanted, faults, faultSeed } = specification;
  const { configuration, image, engine, cacheGroup, skew } = machine;
  // A recorded machine runs on the copy of a disk that its recording has.
  const disks = wanted === undefined ? openDisks(machine.disks, false).images : recordedDisks(wanted.images);
  const made = new Machine(configuration, engine, disks, cacheGroup, makeCompileThread);
  made.load(image);
  const recording = wanted && recordingOf(made, { member, start, engine, wanted, onRoom });
  return { replica: new MachineReplica(made, skew, flipsOf(faults, faultSeed, recording?.tap), recording), recording };
}

function recordingOf(
  machine: Machine,
  {
    member,
    start,
    engine,
    wanted: { path, pair, partner, startedMs, images },
    onRoom,
  }: Pick<MemberSpecification, "member" | "start"> & {
    readonly engine: MemberSpecification["machine"]["engine"];
    readonly wanted: NonNullable<MemberSpecification["recording"]>;
    readonly onRoom: () => void;
  },
): MemberRecording {
  return new MemberRecording(machine, {
    ...{ path, pair, member, partner, images, engine, onRoom },
    configuration: machine.configuration,
    role: start.role === "primary" ? "primary" : "secondary",
    joins: start.role === "joiner",
    nowMs: () => performance.timeOrigin + performance.now() - startedMs,
  });
}
