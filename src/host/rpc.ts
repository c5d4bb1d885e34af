import { assert } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import type { Port } from "./port.ts";

/** What crosses the port. Numbers pair a reply with its request. */
export type RpcMessage =
  | { readonly kind: "request"; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: RpcError }
  | { readonly kind: "event"; readonly event: unknown };

/** An error as plain data. `user` tells a user's mistake from a fault of Hindcast, which carries its stack. */
export interface RpcError {
  readonly code: string;
  readonly message: string;
  readonly user: boolean;
  readonly exitCode: 2 | 3;
  readonly stack: string | undefined;
}

/** A fault of Hindcast that happened on the other side of the port; `stack` is the one from there. */
export class RemoteFault extends Error {
  override readonly name = "RemoteFault";

  constructor(message: string, stack: string | undefined) {
    super(message);
    if (stack !== undefined) this.stack = stack;
  }
}

export function errorToData(error: unknown): RpcError {
  if (error instanceof UserError) {
    return { code: error.code, message: error.message, user: true, exitCode: error.exitCode, stack: undefined };
  }
  const fault = error instanceof Error ? error : new Error(String(error));
  return { code: "fault", message: fault.message, user: false, exitCode: 3, stack: fault.stack };
}

export function errorFromData(data: RpcError): Error {
  if (data.user) return new UserError(data.code, data.message, data.exitCode);
  return new RemoteFault(data.message, data.stack);
}

/** The asking side: `call` posts a request and resolves with its reply. */
export class RpcClient {
  readonly #port: Port;
  readonly #pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #broken: Error | undefined;

  constructor(port: Port, onEvent: (event: unknown) => void) {
    this.#port = port;
    port.listen((message) => this.#receive(message as RpcMessage, onEvent));
  }

  call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      try {
        this.#port.post({ kind: "request", id, method, args } satisfies RpcMessage);
      } catch (error) {
        this.#pending.delete(id);
        reject(error as Error);
      }
    });
  }

  /** The other side is gone: whatever waits, and whatever comes, is rejected with `reason`. */
  break(reason: Error): void {
    this.#broken ??= reason;
    for (const { reject } of this.#pending.values()) reject(this.#broken);
    this.#pending.clear();
  }

  #receive(message: RpcMessage, onEvent: (event: unknown) => void): void {
    if (message.kind === "event") {
      onEvent(message.event);
      return;
    }
    assert(message.kind !== "request", "a client was sent a request");
    const waiting = this.#pending.get(message.id);
    // A reply may cross with `break`; nobody waits for it any more.
    if (waiting === undefined) return;
    this.#pending.delete(message.id);
    if (message.kind === "result") waiting.resolve(message.result);
    else waiting.reject(errorFromData(message.error));
  }
}

/**
 * The answering side. `handle` may give a value or a promise; requests are *not* queued here, so that `pause` reaches
 * a handler that is still at work on `resume`.
 */
export class RpcServer {
  readonly #port: Port;

  constructor(port: Port, handle: (method: string, args: readonly unknown[]) => unknown) {
    this.#port = port;
    port.listen((message) => {
      void this.#answer(message as RpcMessage, handle);
    });
  }

  event(event: unknown): void {
    this.#port.post({ kind: "event", event } satisfies RpcMessage);
  }

  async #answer(message: RpcMessage, handle: (method: string, args: readonly unknown[]) => unknown): Promise<void> {
    assert(message.kind === "request", `a server was sent a ${message.kind}`);
    const { id } = message;
    try {
      const result = await handle(message.method, message.args);
      this.#port.post({ kind: "result", id, result } satisfies RpcMessage);
    } catch (error) {
      this.#port.post({ kind: "error", id, error: errorToData(error) } satisfies RpcMessage);
    }
  }
}
