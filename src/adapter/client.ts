import type { DebugProtocol } from "@vscode/debugprotocol";
import { Coordinates } from "./coordinates.ts";

/** The way to a client. */
export interface ClientLine {
  readonly send: (event: string, body: object | undefined) => void;
  /** What is sent from here on does not come together with what was sent before. */
  readonly part: () => void;
  readonly congested: () => boolean;
  readonly ask: (command: string, args: object) => Promise<boolean>;
}

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
  readonly #line: ClientLine;

  constructor(said: Partial<DebugProtocol.InitializeRequestArguments>, line: ClientLine) {
    this.#line = line;
    this.coordinates = new Coordinates(said);
    this.supportsProgress = said.supportsProgressReporting === true;
    this.supportsInvalidated = said.supportsInvalidatedEvent === true;
    this.supportsMemoryEvents = said.supportsMemoryEvent === true;
    this.supportsMemoryReferences = said.supportsMemoryReferences === true;
    this.supportsVariableTypes = said.supportsVariableType === true;
    this.needsSources = said.clientID === "vscode";
    this.followsLines = said.clientID === "vscode";
    this.startsSessions = said.supportsStartDebuggingRequest === true;
  }

  event(name: string, body?: object): void {
    this.#line.send(name, body);
  }

  /** What follows comes to it by itself: events that it finds together it may handle otherwise. */
  part(): void {
    this.#line.part();
  }

  /** A reverse request; whether the client has done it. */
  ask(command: string, args: object): Promise<boolean> {
    return this.#line.ask(command, args);
  }

  /** A sentence of Hindcast's own. "important" is for what the user has to know now. */
  say(sentence: string, category: "console" | "important" | "stderr" = "console"): void {
    this.event("output", { category, output: `${sentence}\n` });
  }

  /** The client reads more slowly than we write: what can wait should. */
  get congested(): boolean {
    return this.#line.congested();
  }
}
