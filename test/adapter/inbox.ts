import assert from "node:assert/strict";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { MessageReader } from "../../src/adapter/framing.ts";

/** Of any kind: a test knows which it has asked for. */
export type Message = DebugProtocol.Event & DebugProtocol.Response & DebugProtocol.Request;

/** All that a client was told, and the wait for more. */
export class Inbox {
  readonly messages: Message[] = [];
  readonly #patienceMs: number;
  #wake = () => {};

  constructor(output: NodeJS.ReadableStream, patienceMs: number) {
    this.#patienceMs = patienceMs;
    const reader = new MessageReader((message) => {
      this.messages.push(message as unknown as Message);
      this.#wake();
    });
    output.on("data", (bytes: Uint8Array) => reader.push(bytes));
  }

  /** The first from there on that matches; fails when none has come in time. */
  async find(from: number, matches: (message: Message) => boolean): Promise<Message> {
    const deadline = performance.now() + this.#patienceMs;
    for (;;) {
      const found = this.messages.slice(from).find(matches);
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      const tail = JSON.stringify(this.messages.slice(-4)).slice(0, 2000);
      assert.ok(left > 0, `nothing of the kind in ${this.#patienceMs} ms; last came ${tail}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
