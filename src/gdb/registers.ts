import { csrByNumber, csrName } from "../isa/csrs.ts";
import { abiName, floatAbiName } from "../isa/registers.ts";

/**
 * Register numbers of the protocol, those that GDB itself gives to RISC-V (gdb/riscv-tdep.h): x0-x31, pc, f0-f31, then the
 * CSRs by their numbers, and behind them what is no register of the architecture.
 */
export const PC = 32;
export const FIRST_FLOAT = 33;
export const FIRST_CSR = 65;
const LAST_CSR = FIRST_CSR + 0xfff;
/** GDB's "virtual" register: the privilege mode. */
export const PRIVILEGE = LAST_CSR + 1;
/** Ours: where on the timeline the machine stands. Writing it travels there. */
export const INSTANT = LAST_CSR + 2;

/** What `g` has, in its order; the client asks for everything else one by one. */
export const INTEGERS = 32;
export const FLOATS = 32;

export type RegisterPlace =
  | { readonly kind: "integer" | "float"; readonly index: number }
  | { readonly kind: "csr"; readonly number: number }
  | { readonly kind: "pc" | "privilege" | "instant" };

/** Undefined for a number that stands for nothing. */
export function registerPlace(number: number): RegisterPlace | undefined {
  if (number < PC) return { kind: "integer", index: number };
  if (number === PC) return { kind: "pc" };
  if (number < FIRST_CSR) return { kind: "float", index: number - FIRST_FLOAT };
  if (number === PRIVILEGE) return { kind: "privilege" };
  if (number === INSTANT) return { kind: "instant" };
  const csr = number - FIRST_CSR;
  return csrByNumber(csr) === undefined ? undefined : { kind: "csr", number: csr };
}

/** How the debuggee's expressions name a register that can be changed; undefined for what can be looked at only. */
export function registerExpression(place: RegisterPlace): string | undefined {
  switch (place.kind) {
    case "integer":
      return `$${abiName(place.index)}`;
    case "float":
      return `$${floatAbiName(place.index)}.x`;
    case "csr":
      return `$${csrName(place.number)}`;
    case "pc":
      return "$pc";
    default:
      return undefined;
  }
}
