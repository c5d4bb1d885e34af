import { MAX_RAM_BYTES, PAGE_BYTES } from "../memory/layout.ts";
import { MAX_HARTS, type MachineConfiguration } from "./configuration.ts";
import { errors } from "./errors.ts";

/** Throws a sentence for the user about what no machine can be made of. */
export function checkConfiguration({ memoryBytes, harts }: MachineConfiguration): void {
  if (!(Number.isInteger(memoryBytes / PAGE_BYTES) && memoryBytes > 0 && memoryBytes <= MAX_RAM_BYTES)) {
    throw errors.memorySize(memoryBytes);
  }
  if (!(Number.isInteger(harts) && harts >= 1 && harts <= MAX_HARTS)) throw errors.harts(harts, MAX_HARTS);
}
