import { Code, type Local } from "./code.ts";
import { IMPORT_MODULE, ModuleBuilder } from "./module.ts";
import { F64, SIMD } from "./opcodes.ts";

const FUSED = {
  single: { splat: SIMD.f32x4_splat, madd: SIMD.f32x4_relaxed_madd, lane: SIMD.f32x4_extract_lane },
  double: { splat: SIMD.f64x2_splat, madd: SIMD.f64x2_relaxed_madd, lane: SIMD.f64x2_extract_lane },
} as const;

/**
 * Leaves a * b + c on the stack, rounded once, where `hostFuses` says that the host does so. Relaxed SIMD leaves that to
 * the host, which must always do it alike.
 */
export function emitFusedMultiplyAdd(
  code: Code,
  size: keyof typeof FUSED,
  factors: readonly ((code: Code) => void)[],
): void {
  const { splat, madd, lane } = FUSED[size];
  for (const factor of factors) {
    factor(code);
    code.simd(splat);
  }
  code.simd(madd).simd(lane, 0);
}

let known: boolean | undefined;

/** Whether the host's relaxed multiply-add rounds once: it has the instruction, and uses it. */
export function hostFuses(): boolean {
  known ??= tryOut();
  return known;
}

function tryOut(): boolean {
  const module = new ModuleBuilder({ name: "memory", minimumPages: 0 });
  const code = new Code([F64, F64, F64]);
  const get = (local: Local) => (into: Code) => void into.get(local);
  emitFusedMultiplyAdd(code, "double", [get(code.parameter(0)), get(code.parameter(1)), get(code.parameter(2))]);
  module.defineFunction({ parameters: [F64, F64, F64], results: [F64] }, code, "madd");
  const bytes = module.finish();
  if (!WebAssembly.validate(bytes)) return false;
  const memory = new WebAssembly.Memory({ initial: 0 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { [IMPORT_MODULE]: { memory } });
  const madd = instance.exports.madd as (a: number, b: number, c: number) => number;
  // (1 + 2^-52) * (1 - 2^-52) is 1 - 2^-104: rounded on its own it is 1, and nothing is left of it.
  return madd(1 + 2 ** -52, 1 - 2 ** -52, -1) === -(2 ** -104);
}
