/**
 * What a user can get wrong. The message is one sentence that says what is wrong and, where there is one, what to do
 * next; no stack trace is ever shown for it. `exitCode` is the command line's (design: 2 wrong usage, 3 input that
 * cannot be used).
 */
export class UserError extends Error {
  override readonly name = "UserError";
  /** Stable name of the kind of error, for tests and `--json`: `elf-truncated`, `recording-version`, … */
  readonly code: string;
  readonly exitCode: 2 | 3;

  constructor(code: string, message: string, exitCode: 2 | 3 = 3) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }
}
