/** A byte stream in both directions: stdin and stdout, a socket, or a pair of pipes in a test. */
export interface Transport {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream & { readonly writableLength: number };
  /** Closes both; may be called more than once. */
  close(): void;
}

/** How long a client may take to read the last words. */
const FLUSH_TIMEOUT_MS = 1000;

/** Resolves when what was written has been taken, or has not been for long. */
export function flushed(output: Transport["output"]): Promise<void> {
  return new Promise((resolve) => {
    if (!output.writable) return resolve();
    const timer = setTimeout(resolve, FLUSH_TIMEOUT_MS);
    output.write("", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
