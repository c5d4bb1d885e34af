/** Names of the floating-point registers in the calling convention (psABI, "Floating-point Register Convention"). */
export const FLOAT_ABI_NAMES: readonly string[] = [
  ...Array.from({ length: 8 }, (_, i) => `ft${i}`),
  "fs0",
  "fs1",
  ...Array.from({ length: 8 }, (_, i) => `fa${i}`),
  ...Array.from({ length: 10 }, (_, i) => `fs${i + 2}`),
  ...Array.from({ length: 4 }, (_, i) => `ft${i + 8}`),
];

const NUMBERS = new Map(FLOAT_ABI_NAMES.flatMap((name, number) => [[name, number] as const, [`f${number}`, number]]));

/** What of a register an expression means: what it seems to hold, or one reading of its 64 bits. */
export type FloatView = "natural" | "single" | "double" | "bits";

const VIEWS: Readonly<Record<string, FloatView>> = { s: "single", d: "double", x: "bits" };

/** `fa0`, `f10`, and `fa0.s`, `fa0.d`, `fa0.x`. */
export function findFloatRegister(name: string): { readonly register: number; readonly view: FloatView } | undefined {
  const [base, part, ...more] = name.split(".");
  const register = NUMBERS.get(base);
  if (register === undefined || more.length > 0) return undefined;
  if (part === undefined) return { register, view: "natural" };
  return Object.hasOwn(VIEWS, part) ? { register, view: VIEWS[part] } : undefined;
}
