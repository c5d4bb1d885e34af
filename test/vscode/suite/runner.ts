/** A small runner for cases inside the extension host, where Node's own is not at hand. */

export interface Case {
  readonly name: string;
  run(): Promise<void>;
}

/** One case's result, as it crosses from the extension host to the test process: a line of its log. */
export interface Result {
  readonly name: string;
  readonly ms: number;
  /** Absent when it passed. */
  readonly error?: string;
}

/** What marks such a line in the log. */
export const MARK = "hindcast-test-result:";
const CASE_TIMEOUT_MS = 60_000;

export async function runCases(cases: readonly Case[], afterEach: () => Promise<void>): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const { name, run } of cases) {
    const started = Date.now();
    let error: string | undefined;
    try {
      await limited(run(), CASE_TIMEOUT_MS, name);
    } catch (thrown) {
      error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    }
    try {
      await limited(afterEach(), CASE_TIMEOUT_MS, `cleaning up after ${name}`);
    } catch (thrown) {
      error ??= String(thrown);
    }
    const result = { name, ms: Date.now() - started, ...(error !== undefined && { error }) };
    results.push(result);
    console.log(`${MARK}${JSON.stringify(result)}`);
  }
  return results;
}

export async function limited<T>(work: PromiseLike<T>, ms: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms / 1000} s.`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
