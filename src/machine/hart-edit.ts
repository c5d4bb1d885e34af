import { unreachable } from "../base/assert.ts";
import type { Turn } from "../cpu/hart.ts";
import type { Edit } from "./inlet.ts";

/**
 * What the user does to a hart. One whose pc or CSRs were changed no longer waits, as the manual lets it (wfi may always go on):
 * where it goes on, and what wakes it, is another now. Were it to wait, an event of the same instant would be taken after the edit
 * by the run and before it by a replay.
 */
export function editHart({ hart, csrs }: Turn, edit: Exclude<Edit, { target: "memory" }>): void {
  switch (edit.target) {
    case "register":
      hart.setRegister(edit.register, BigInt.asUintN(64, edit.value));
      break;
    case "float-register":
      hart.setFloatRegister(edit.register, BigInt.asUintN(64, edit.value));
      break;
    case "pc":
      hart.pc = BigInt.asUintN(64, edit.value) & ~1n;
      hart.waiting = false;
      break;
    case "csr":
      if (csrs.read(edit.csr) === undefined) break;
      csrs.write(edit.csr, BigInt.asUintN(64, edit.value), 0n);
      hart.waiting = false;
      break;
    default:
      unreachable(edit, "edit");
  }
}
