import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { DebugClient } from "@vscode/debugadapter-testsupport";
import type { DebugProtocol } from "@vscode/debugprotocol";

/** Events whose number and moment depend on how fast the computer is. Other tests look at them. */
const VOLATILE_EVENTS = new Set([
  "hindcast/status",
  "hindcast/timelineChanged",
  "progressStart",
  "progressUpdate",
  "progressEnd",
]);
/** Console output may come in any number of pieces. */
const isConsole = (body: { category?: string } | undefined) => body?.category === "stdout";

/** Longer than anything in a transcript takes, on a machine that does much else. */
const WAIT_MS = 15_000;

type Body = Record<string, unknown>;

/**
 * The library's client for tests, which writes down what goes over the wire: `>` a request, `<` its response, `!` an
 * error response, `*` an event. What differs from run to run is replaced by a name in angle brackets.
 */
export class TranscriptClient extends DebugClient {
  readonly lines: string[] = [];
  readonly #replacements: readonly (readonly [RegExp | string, string])[];
  readonly #stops: DebugProtocol.StoppedEvent["body"][] = [];
  readonly #waiting: ((stop: DebugProtocol.StoppedEvent["body"]) => void)[] = [];
  #console = "";

  constructor(node: string, adapter: string, replacements: readonly (readonly [RegExp | string, string])[]) {
    super(node, adapter, "hindcast", undefined, true);
    this.#replacements = replacements;
    this.defaultTimeout = WAIT_MS;
  }

  title(text: string): void {
    this.lines.push("", `== ${text}`);
  }

  /** Sends a request and writes both ways down; resolves with the body, also of an error. */
  async ask<Result = Body>(command: string, args: object = {}): Promise<Result> {
    this.lines.push(`> ${command} ${this.#normal(args)}`);
    const { body } = await this.#response(command, args);
    return body as Result;
  }

  /** The next stop, and what comes with it; those that came already count. */
  async stopped(): Promise<DebugProtocol.StoppedEvent["body"]> {
    const stop = this.#stops.shift() ?? (await this.#nextStop());
    // Whatever was sent with the stop has come when the answer to this has.
    const { promise, resolve } = Promise.withResolvers<unknown>();
    (this as unknown as Doing).doSend("threads", {}, resolve);
    await promise;
    return stop;
  }

  #nextStop(): Promise<DebugProtocol.StoppedEvent["body"]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no stop came:\n${this.#tail()}`)), WAIT_MS);
      this.#waiting.push((stop) => {
        clearTimeout(timer);
        resolve(stop);
      });
    });
  }

  /** A request that moves the machine, and where it stops. */
  async move(command: string, args: object = { threadId: 1 }): Promise<DebugProtocol.StoppedEvent["body"]> {
    await this.ask(command, args);
    return this.stopped();
  }

  /** The exit code of the adapter's process, which ends after "disconnect". */
  async exitCode(): Promise<number | null> {
    const adapter = (this as unknown as Doing)._adapterProcess!;
    if (adapter.exitCode !== null) return adapter.exitCode;
    const [code] = await once(adapter, "exit", { signal: AbortSignal.timeout(WAIT_MS) });
    return code;
  }

  /** Ends the adapter's process, also after a failure: a child that stays would keep the test from ending. */
  kill(): void {
    (this as unknown as Doing)._adapterProcess?.kill("SIGKILL");
  }

  #tail(): string {
    return this.lines
      .slice(-10)
      .map((line) => line.slice(0, 500))
      .join("\n");
  }

  get text(): string {
    return `${this.lines.join("\n").trim()}\n`;
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (typeof event === "string") this.#write(event, (args[0] as DebugProtocol.Event | undefined)?.body);
    return super.emit(event, ...args);
  }

  #write(event: string, body: unknown): void {
    if (VOLATILE_EVENTS.has(event)) return;
    if (event === "output" && isConsole(body as Body)) {
      this.#console += (body as { output: string }).output;
      return;
    }
    // Between log points the console's pieces come when they come; at a stop all of them have come.
    if (event === "stopped" || event === "exited") this.#tellConsole();
    this.lines.push(`* ${event}${body === undefined ? "" : ` ${this.#normal(body)}`}`);
    if (event !== "stopped") return;
    const stop = body as DebugProtocol.StoppedEvent["body"];
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#stops.push(stop);
    else waiting(stop);
  }

  #writeResponse({ command, success, body, message }: DebugProtocol.Response): void {
    if (!success) this.lines.push(`! ${command}: ${this.#normal(message)}`);
    else this.lines.push(`< ${command}${body === undefined ? "" : ` ${this.#normal(body)}`}`);
  }

  #tellConsole(): void {
    if (this.#console !== "") this.lines.push(`* console ${JSON.stringify(this.#console)}`);
    this.#console = "";
  }

  #response(command: string, args: object): Promise<DebugProtocol.Response> {
    const { promise, resolve, reject } = Promise.withResolvers<DebugProtocol.Response>();
    const timer = setTimeout(() => reject(new Error(`no answer to ${command}:\n${this.#tail()}`)), WAIT_MS);
    // The typed `send` turns error responses into exceptions without their body.
    (this as unknown as Doing).doSend(command, args, (response) => {
      clearTimeout(timer);
      // Here and not where it is awaited: events that came in the same packet would get before it.
      this.#writeResponse(response);
      resolve(response);
    });
    return promise;
  }

  #normal(value: unknown): string {
    let text = typeof value === "string" ? value : JSON.stringify(value);
    for (const [what, name] of this.#replacements) text = text.replaceAll(what, name);
    return text;
  }
}

interface Doing {
  _adapterProcess?: ChildProcess;
  doSend(command: string, args: object, done: (response: DebugProtocol.Response) => void): void;
}
