import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { errors } from "./errors.ts";
import type { Edit } from "./inlet.ts";
import type { Image } from "./machine-interface.ts";
import { RAM_BASE } from "./memory-map.ts";
import type { RamBytes } from "./ram-bytes.ts";
import type { RamVersions } from "./ram-versions.ts";

/** Places what a machine finds in memory at reset. */
export function placeSegments(
  { segments }: Pick<Image, "segments">,
  ramBytes: number,
  ram: RamBytes,
  versions: RamVersions,
): void {
  for (const { physicalAddress, bytes, memoryBytes } of segments) {
    const offset = physicalAddress - RAM_BASE;
    if (offset < 0 || offset + memoryBytes > ramBytes) {
      const ramLast = RAM_BASE + ramBytes - 1;
      throw errors.imageOutsideMemory(physicalAddress, physicalAddress + memoryBytes - 1, RAM_BASE, ramLast);
    }
    if (memoryBytes === 0) continue;
    ram.place(offset, bytes);
    ram.clear(offset + bytes.length, memoryBytes - bytes.length);
    versions.placed(offset, bytes);
  }
}

/**
 * Does the user's edit. The page that is absent and that it needs; -1 where there is no memory to edit; undefined: it is done.
 */
export function editMemory(
  { address, bytes }: Extract<Edit, { target: "memory" }>,
  memory: PhysicalMemory,
  ram: RamBytes,
): number | undefined {
  const offset = memory.ramOffset(BigInt(address), bytes.length);
  if (offset < 0 || bytes.length === 0) return -1;
  const lacking = ram.lacking(offset, bytes.length);
  if (lacking >= 0) return lacking;
  ram.write(offset, bytes);
  ram.finish();
  return undefined;
}
