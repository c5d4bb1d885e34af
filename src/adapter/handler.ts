import type { Call } from "./call.ts";
import type { Parts } from "./parts.ts";
import type { Shape } from "./shape.ts";

/** How a request is answered: what its arguments must look like, and what gives the response's body. */
export interface Handler {
  readonly shape: Shape;
  run(args: unknown, call: Call): unknown;
}

export function on<Arguments>(shape: Shape, run: (args: Arguments, call: Call) => unknown): Handler {
  return { shape, run: (args, call) => run(args as Arguments, call) };
}

/** Makes handlers that answer when the machine stands still. */
export function answeringAtRest(parts: Parts) {
  return <A>(shape: Shape, run: (args: A, call: Call) => unknown): Handler =>
    on<A>(shape, async (args, call) => {
      await parts.motions.rest();
      return run(args, call);
    });
}
