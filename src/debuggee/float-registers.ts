import { findFloatRegister as findByName } from "../isa/registers.ts";

/** What of a register an expression means: what it seems to hold, or one reading of its 64 bits. */
export type FloatView = "natural" | "single" | "double" | "bits";

const VIEWS: Readonly<Record<string, FloatView>> = { s: "single", d: "double", x: "bits" };

/** `fa0`, `f10`, and `fa0.s`, `fa0.d`, `fa0.x`. */
export function findFloatRegister(name: string): { readonly register: number; readonly view: FloatView } | undefined {
  const [base, part, ...more] = name.split(".");
  const register = findByName(base)?.number;
  if (register === undefined || more.length > 0) return undefined;
  if (part === undefined) return { register, view: "natural" };
  return Object.hasOwn(VIEWS, part) ? { register, view: VIEWS[part] } : undefined;
}
