import type { DebugProtocol } from "@vscode/debugprotocol";
import { Coordinates } from "./coordinates.ts";

/**
 * The other side: what it said of itself in `initialize`, and a way to tell it things. Nothing is assumed of a client
 * that did not claim it; what it cannot show is not sent.
 */
export class Client {
  readonly coordinates: Coordinates;
  readonly supportsProgress: boolean;
  readonly supportsInvalidated: boolean;
  readonly supportsMemoryEvents: boolean;
  readonly supportsMemoryReferences: boolean;
  readonly supportsVariableTypes: boolean;
  /**
   * Shows no frame, no variables and no disassembly of a stop without sources, unless its reason is an instruction
   * breakpoint (VS Code's `getTopStackFrame`).
   */
  readonly needsSources: boolean;
  /** Makes links of outputs whose variable says where it is from (VS Code's debug console). */
  readonly followsLines: boolean;
  /** Starts a further session when it is asked to. */
  readonly startsSessions: boolean;
  readonly #ask: (command: string, args: object) => Promise<boolean>;
  readonly #send: (event: string, body: object | undefined) => void;
  readonly #congested: () => boolean;

  constructor(
    said: Partial<DebugProtocol.InitializeRequestArguments>,
    send: (event: string, body: object | undefined) => void,
    congested: () => boolean,
    ask: (command: string, args: object) => Promise<boolean>,
  ) {
    this.coordinates = new Coordinates(said);
    this.supportsProgress = said.supportsProgressReporting === true;
    this.supportsInvalidated = said.supportsInvalidatedEvent === true;
    this.supportsMemoryEvents = said.supportsMemoryEvent === true;
    this.supportsMemoryReferences = said.supportsMemoryReferences === true;
    this.supportsVariableTypes = said.supportsVariableType === true;
    this.needsSources = said.clientID === "vscode";
    this.followsLines = said.clientID === "vscode";
    this.startsSessions = said.supportsStartDebuggingRequest === true;
    this.#ask = ask;
    this.#send = send;
    this.#congested = congested;
  }

  event(name: string, body?: object): void {
    this.#send(name, body);
  }

  /** A reverse request; whether the client has done it. */
  ask(command: string, args: object): Promise<boolean> {
    return this.#ask(command, args);
  }

  /** A sentence of Hindcast's own. "important" is for what the user has to know now. */
  say(sentence: string, category: "console" | "important" | "stderr" = "console"): void {
    this.event("output", { category, output: `${sentence}\n` });
  }

  /** The client reads more slowly than we write: what can wait should. */
  get congested(): boolean {
    return this.#congested();
  }
}
