/**
 * Where a worker's entry lies: beside its source while sources run directly, beside the bundle that starts it once
 * scripts/build.ts has bundled both.
 */
export function workerUrl(
  name:
    | "compile-worker"
    | "live-pair-worker"
    | "lockstep-worker"
    | "machine-worker"
    | "probe-worker"
    | "search-worker"
    | "swap-worker"
    | "writer-worker",
): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./${name}.${extension}`, import.meta.url);
}
