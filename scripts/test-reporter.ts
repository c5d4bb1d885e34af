import type { TestEvent } from "node:test/reporters";

/**
 * A reporter of Node's test runner that keeps count: one JSON object a line, `{"outcome", "name"}` for every test (not
 * for suites, whose tests are counted themselves). The human-readable report goes through "spec" beside it.
 */
export default async function* countReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    if (event.data.details.type === "suite") continue;
    // A test marked "todo" that fails does not fail the run, so it is no evidence either: it counts as skipped.
    const skipped = event.data.skip !== undefined || event.data.todo !== undefined;
    const outcome = skipped ? "skipped" : event.type === "test:pass" ? "passed" : "failed";
    yield `${JSON.stringify({ outcome, name: event.data.name })}\n`;
  }
}
