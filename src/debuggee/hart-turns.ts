import type { MachineLike } from "../machine/machine-interface.ts";

/** The hart whose step is next. */
export function currentHart(machine: MachineLike): number {
  return (machine as MachineLike & { readonly currentHart?: number }).currentHart ?? 0;
}
