import type { Fault } from "../lockstep/fault.ts";
import { MachineReplica } from "../lockstep/machine-replica.ts";
import { Machine } from "../machine/machine.ts";
import { makeCompileThread } from "./compile-thread.ts";
import { openDisks } from "./disk-files.ts";
import { flipsOf } from "./fault-flips.ts";
import type { MachineSpecification } from "./lockstep-protocol.ts";

/** A member's machine, as it is at reset. */
export function makeMemberMachine(
  { configuration, image, disks, engine, cacheGroup, skew }: MachineSpecification,
  faults: readonly Fault[],
  faultSeed: number,
): MachineReplica {
  const { images } = openDisks(disks, false);
  const machine = new Machine(configuration, engine, images, cacheGroup, makeCompileThread);
  machine.load(image);
  return new MachineReplica(machine, skew, flipsOf(faults, faultSeed));
}
