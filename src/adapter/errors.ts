import { UserError } from "../base/errors.ts";

/**
 * What a client or its user can get wrong at this boundary: each one sentence that says what to do. They become DAP
 * error responses.
 */
export const errors = {
  notInitialized: () => new UserError("not-initialized", "The first request must be “initialize”."),
  initializedTwice: () => new UserError("initialized-twice", "“initialize” may be sent only once in a session."),
  notLaunched: () => new UserError("not-launched", "Nothing is being debugged yet: send “launch” first."),
  launchedTwice: () =>
    new UserError("launched-twice", "This session debugs a program already; use “restart” to begin anew."),
  over: () => new UserError("over", "The session is over; start a new one."),
  noInput: (path: string) =>
    new UserError("no-input", `Launch configuration: the “input” file ${path} cannot be read.`, 2),
  noLockstep: () =>
    new UserError(
      "no-lockstep",
      "Launch configuration: “lockstep” cannot be had here: this adapter runs one machine.",
      2,
    ),
  attach: () =>
    new UserError("attach", "Hindcast starts programs and opens recordings itself: use a “launch” configuration."),
  unknownRequest: (command: string) =>
    new UserError("unknown-request", `Hindcast's debug adapter has no request “${command}”.`),
  badRequest: (command: string, what: string) =>
    new UserError("bad-request", `Malformed “${command}” request: ${what}.`),
  running: () => new UserError("running", "The machine is running; pause it first."),
  searching: () => new UserError("running", "A search is going on; wait for it or cancel it first."),
  tooManySteps: () => new UserError("too-many-steps", "Too many steps are waiting already; let the machine catch up."),
  unknownThread: (threadId: number, harts: number) =>
    new UserError("unknown-thread", `There is no thread ${threadId}: the harts are threads 1 to ${harts}.`),
  staleFrame: () => new UserError("stale-frame", "That stack frame is gone: the machine has moved since."),
  staleTarget: () => new UserError("stale-target", "That goto target is gone; ask for goto targets again."),
  staleLine: () => new UserError("stale-line", "That line is too old: its instant is no longer known."),
  badReference: (reference: string) =>
    new UserError("bad-reference", `“${reference}” is not a memory reference; write an address like 0x80001000.`),
  noAddress: (text: string) => new UserError("no-address", `“${text}” is neither an address nor a place in memory.`),
  badUri: (uri: string) => new UserError("bad-uri", `“${uri}” is not a file URI.`),
  badDataId: (dataId: string) =>
    new UserError("bad-data-id", `“${dataId}” names no data; take the dataId of a dataBreakpointInfo response.`),
  badBase64: () => new UserError("bad-base64", "The data to write is not valid base64."),
  notWritable: (address: string) =>
    new UserError("not-writable", `Nothing was written: there is no memory at ${address}.`),
  noSource: (name: string) =>
    new UserError("no-source", `The text of ${name} is neither in the recording nor on this computer.`),
  noLine: (line: number) => new UserError("no-line", `Line ${line} has no code; choose a line with an instruction.`),
  noException: () => new UserError("no-exception", "The machine did not stop at an exception."),
  noOutput: (offset: number) => new UserError("no-output", `The guest has not printed a byte number ${offset}.`),
  noInstant: (instant: string, first: string, end: string) =>
    new UserError("no-instant", `There is no instant ${instant}: the recording holds ${first} to ${end}.`),
  noQuestion: (kind: string, kinds: readonly string[]) =>
    new UserError("no-question", `There is no question “${kind}”; it is one of ${kinds.join(", ")}.`, 2),
  stretch: (from: number, to: number) =>
    new UserError("stretch", `The stretch ${from} to ${to} ends before it begins.`, 2),
  page: (first: number, count: number) =>
    new UserError("page", `There is no page of ${count} rows from ${first} on: rows count from 0.`, 2),
  noPlace: () => new UserError("no-place", "The place is empty: write queue.s:42, a function, or an address.", 2),
  noFile: (path: string) => new UserError("no-file", `The program has no source file ${path}.`),
  severalFiles: (path: string, paths: readonly string[]) =>
    new UserError("several-files", `${path} could be ${paths.slice(0, 3).join(" or ")}; write more of the path.`, 2),
  cancelled: () => new UserError("cancelled", "cancelled"),
} as const;
