import { resolve } from "node:path";
import { compileGuest, type Executable } from "../differential/cross-compiler.ts";

/** What a goal is set for: guests of one group are judged together. */
export type GuestGroup = "integer" | "memory" | "calls" | "floating point" | "system" | "address spaces";

/** A guest of guest/bench. */
export interface BenchGuest {
  readonly name: string;
  readonly group: GuestGroup;
  /** How many take a second or more at 1500 million steps a second, and QEMU not much more than three. */
  readonly rounds: number;
  readonly harts?: number;
  /** Compiled for harts with F and D. */
  readonly floatingPoint?: boolean;
  /** Linked with guest/bench/kernel. */
  readonly kernel?: boolean;
  /** It is the teaching kernel, in which this is typed. */
  readonly typed?: (rounds: number) => string;
}

export const BENCH_GUESTS: readonly BenchGuest[] = [
  { name: "integer", group: "integer", rounds: 20000 },
  { name: "sorting", group: "integer", rounds: 850 },
  { name: "hashing", group: "integer", rounds: 700 },
  { name: "compression", group: "integer", rounds: 150 },
  { name: "interpreter", group: "integer", rounds: 800 },
  { name: "matrix", group: "integer", rounds: 2500 },
  { name: "memory", group: "memory", rounds: 250 },
  { name: "pointers", group: "memory", rounds: 250 },
  { name: "strings", group: "memory", rounds: 1000 },
  { name: "calls", group: "calls", rounds: 5000 },
  { name: "indirect", group: "calls", rounds: 3500 },
  { name: "nbody", group: "floating point", rounds: 3000, floatingPoint: true },
  { name: "mandelbrot", group: "floating point", rounds: 2500, floatingPoint: true },
  { name: "linear", group: "floating point", rounds: 2500, floatingPoint: true },
  { name: "fused", group: "floating point", rounds: 2500, floatingPoint: true },
  { name: "paging", group: "system", rounds: 1000, kernel: true },
  { name: "spaces", group: "address spaces", rounds: 100, kernel: true },
  { name: "harts", group: "system", rounds: 400, harts: 4 },
  { name: "codegen", group: "system", rounds: 1500 },
];

/** QEMU loses what is typed before the kernel has its console: empty lines go first. */
const LOST_KEYS = 16;

/** Programs of the teaching kernel. Sixteen processes that give way to each other: a switch of the address space every few hundred steps. */
export const KERNEL_GUESTS: readonly BenchGuest[] = [
  {
    ...{ name: "turns", group: "address spaces", rounds: 5000, kernel: true },
    typed: (rounds) => `${"\n".repeat(LOST_KEYS)}turns 16 ${rounds}\nexit\n`,
  },
];

export const TEACHING_KERNEL = resolve(import.meta.dirname, "../../guest/kernel/prebuilt/kernel.elf");

export function buildBenchGuest({ name, floatingPoint, kernel }: BenchGuest, rounds: number): Executable {
  return compileGuest(name, "O2", {
    folder: "bench",
    defines: { ROUNDS: rounds },
    ...(floatingPoint ? { floatingPoint, flags: ["-fno-math-errno"] } : {}),
    ...(kernel ? { sources: ["kernel/kernel.S", "kernel/kernel.c"] } : {}),
  });
}
