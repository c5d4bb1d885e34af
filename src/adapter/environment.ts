import type { DebuggeeApi, DebuggeeEvent } from "../debuggee/protocol.ts";

/** A debuggee behind its worker. `dispose` ends the worker at once; call `close` first to end the recording well. */
export type Debuggee = DebuggeeApi & { dispose(): Promise<void> };

/**
 * What the adapter needs from the outside; the host supplies it, the tests fake it. With it the session itself touches
 * no file, no process and no socket, and can run in a browser worker as well.
 */
export interface AdapterEnvironment {
  createDebuggee(onEvent: (event: DebuggeeEvent) => void): Promise<Debuggee>;
  /** The bytes of a file; undefined when there is none or it cannot be read. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Joins `path` to `base` unless it is absolute, and normalises. */
  resolvePath(base: string, path: string): string;
  /** Directory that relative paths start from when the client names none. */
  readonly workingDirectory: string;
}
