/** A broken invariant of Hindcast itself: never the user's fault, always worth a report. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** Assertions stay on in production: a debugger that goes on with a broken invariant shows wrong pasts. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** Marks the arm of a switch that the types say cannot be reached. */
export function unreachable(value: never, what = "value"): never {
  throw new AssertionFailure(`unexpected ${what}: ${JSON.stringify(value)}`);
}
