import type { PhysicalAddress } from "../base/brand.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import { addressSpaceOf } from "./page-tables.ts";

const SATP = 0x180;
/** Where the area of a hart says who runs there, and how long that may be (docs/async-pages.md). */
const RUNNING_OFFSET = 80;
const RUNNING_BYTES = 32;

/** Who runs on a hart: as the guest OS names it in the hart's area, else by its address space. */
export function runningOn(machine: MachineLike, id: number): string {
  const area = machine.asyncPages?.area(id);
  if (area !== undefined) {
    const bytes = machine.peekPhysical((area + RUNNING_OFFSET) as PhysicalAddress, RUNNING_BYTES);
    const end = bytes.indexOf(0);
    const name = String.fromCharCode(...bytes.slice(0, end < 0 ? bytes.length : end).map((byte) => byte ?? 0x3f));
    const printable = name.replace(/[^\x21-\x7e]/g, "?");
    if (printable !== "") return printable;
  }
  const hart = machine.harts[id];
  if (hart.waiting) return "idle";
  const space = addressSpaceOf(hart.csr(SATP) ?? 0n);
  return space.scheme === "bare" ? "no process" : `address space 0x${space.root.toString(16)}`;
}
