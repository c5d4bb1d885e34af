import { Event, Response } from "@vscode/debugadapter/lib/messages.js";
import { ProtocolServer } from "@vscode/debugadapter/lib/protocol.js";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { UserError } from "../base/errors.ts";
import { Call } from "./call.ts";
import { capabilities } from "./capabilities.ts";
import { Client } from "./client.ts";
import type { AdapterEnvironment } from "./environment.ts";
import { errors } from "./errors.ts";
import type { Handler } from "./handler.ts";
import { isCancelled } from "./motions.ts";
import { Parts, sentenceOf } from "./parts.ts";
import { requests } from "./requests.ts";
import { checkShape, withoutNulls } from "./shape.ts";

/**
 * Which errors a client should put before the user; the others it shows where it asked, or not at all. Who sends
 * `hindcast/*` has a command or a view of its own, which tells, and a view that asks by itself is not to interrupt anybody.
 */
const SHOWN_TO_USER = /^(launch|attach|restart|continue|reverseContinue|next|step\w+|goto|writeMemory|setBreakpoints)$/;

/** Longer than a client takes, as a rule, to go through what it has been sent. */
const APART_MS = 20;
/** Among messages that wait: what is behind it is not to come together with what is before it. */
const APART = Symbol("apart");
const ERROR_ID_USER = 1;
const ERROR_ID_FAULT = 2;

/**
 * One debug session: DAP requests in, responses and events out, over whatever transport calls `handleMessage` and listens
 * to `onDidSendMessage`. It finds the handler, checks the arguments, and makes responses of answers and of errors; the
 * rest is the parts' business. Requests are handled as they come, several at a time.
 */
export class HindcastSession extends ProtocolServer {
  readonly #environment: AdapterEnvironment;
  readonly #congested: () => boolean;
  #parts: Parts | undefined;
  #handlers: Readonly<Record<string, Handler>> = {};
  /** Reverse requests that are not answered yet, of which there is one of a kind at a time. */
  readonly #asked = new Map<string, (success: boolean) => void>();
  /** Messages that are not to come together with what was sent before; undefined: none has to wait. */
  #held: ((() => void) | typeof APART)[] | undefined;
  #isEnding = false;
  #resolveDisconnected!: () => void;
  /** The client has disconnected in good order: the transport may close. */
  readonly disconnected = new Promise<void>((resolve) => {
    this.#resolveDisconnected = resolve;
  });

  constructor(environment: AdapterEnvironment, congested: () => boolean = () => false) {
    super();
    this.#environment = environment;
    this.#congested = congested;
  }

  /** The client is gone, or the process has to end: closes the recording. */
  async lost(): Promise<void> {
    this.#release("for good");
    await this.#parts?.lifecycle.end();
  }

  /** Tells the client something from outside the session: why its connection is about to close. */
  say(sentence: string): void {
    this.sendEvent(new Event("output", { category: "important", output: `${sentence}\n` }));
  }

  override sendEvent(event: DebugProtocol.Event): void {
    this.#inOrder(() => super.sendEvent(event));
  }

  override sendResponse(response: DebugProtocol.Response): void {
    this.#inOrder(() => super.sendResponse(response));
  }

  /** Answers to reverse requests are ours: the library's wait keeps a process alive for as long as it might take. */
  override handleMessage(message: DebugProtocol.ProtocolMessage): void {
    if (message.type !== "response") return super.handleMessage(message);
    const { command, success } = message as DebugProtocol.Response;
    this.#asked.get(command)?.(success);
    this.#asked.delete(command);
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    void this.#handle(request);
  }

  /** Never throws: what goes wrong becomes the response. */
  async #handle(request: DebugProtocol.Request): Promise<void> {
    const call = new Call(request.seq);
    const response = new Response(request);
    let success = true;
    try {
      const body = await this.#answer(request, call);
      this.sendResponse(body === undefined ? response : Object.assign(response, { body }));
    } catch (error) {
      success = false;
      this.#sendError(response, error);
    }
    this.#parts?.calls.delete(call.id);
    call.answered(success);
    if (request.command !== "disconnect") return;
    this.#release("for good");
    this.#resolveDisconnected();
  }

  #inOrder(send: () => void): void {
    if (this.#held === undefined) send();
    else this.#held.push(send);
  }

  /**
   * What is sent from here on comes to the client by itself, not together with what was sent before. Where this is said again before
   * that, only the last time counts: what came between is over for the client as well.
   */
  #part(): void {
    if (this.#isEnding) return;
    if (this.#held !== undefined) this.#held = [...this.#held.filter((message) => message !== APART), APART];
    else this.#hold([]);
  }

  #hold(held: ((() => void) | typeof APART)[]): void {
    this.#held = held;
    setTimeout(() => this.#release(), APART_MS);
  }

  /** As far as they may come together; "for good": all of them, because nobody is there for whom it matters. */
  #release(which: "in turn" | "for good" = "in turn"): void {
    if (which === "for good") this.#isEnding = true;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const [at, message] of held.entries()) {
      if (message !== APART) message();
      else if (!this.#isEnding) return this.#hold(held.slice(at + 1));
    }
  }

  async #answer({ command, arguments: args }: DebugProtocol.Request, call: Call): Promise<unknown> {
    if (command === "initialize") return this.#initialize(args ?? {});
    // A client that gives up before it began still gets its answer.
    if (this.#parts === undefined && command === "disconnect") return undefined;
    if (this.#parts === undefined) throw errors.notInitialized();
    const handler = Object.hasOwn(this.#handlers, command) ? this.#handlers[command] : undefined;
    if (handler === undefined) throw errors.unknownRequest(command);
    const given = withoutNulls(args ?? {});
    checkShape(command, given, handler.shape);
    this.#parts.calls.set(call.id, call);
    return handler.run(given, call);
  }

  #initialize(args: Partial<DebugProtocol.InitializeRequestArguments>): DebugProtocol.Capabilities {
    if (this.#parts !== undefined) throw errors.initializedTwice();
    checkShape("initialize", args, {});
    const send = (name: string, body: object | undefined) => this.sendEvent(new Event(name, body));
    const ask = (command: string, asked: object) =>
      new Promise<boolean>((resolve) => {
        this.#asked.set(command, resolve);
        this.sendRequest(command, asked, 0, () => {});
      });
    const client = new Client(args, { send, part: () => this.#part(), congested: this.#congested, ask });
    this.#parts = new Parts(client, this.#environment);
    this.#handlers = requests(this.#parts, this.#environment);
    return capabilities();
  }

  #sendError(response: DebugProtocol.Response, error: unknown): void {
    const user = error instanceof UserError;
    const sentence = isCancelled(error) ? "cancelled" : sentenceOf(error);
    const message: DebugProtocol.Message = {
      id: user ? ERROR_ID_USER : ERROR_ID_FAULT,
      format: sentence,
      showUser: !isCancelled(error) && (!user || SHOWN_TO_USER.test(response.command)),
    };
    // What a developer needs of our own faults goes to the log, not to the user.
    if (!user) console.error(error);
    this.sendResponse(Object.assign(response, { success: false, message: sentence, body: { error: message } }));
  }
}
