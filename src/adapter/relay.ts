import type { DebugProtocol } from "@vscode/debugprotocol";
import type { AdapterEnvironment } from "./environment.ts";
import { frame, MessageReader } from "./framing.ts";
import { PARTNER, PARTNER_ADDRESS } from "./launch-arguments.ts";
import type { Transport } from "./transport.ts";

type Message = DebugProtocol.ProtocolMessage;

/** Where the process is that debugs the pair whose machine B is launched; undefined: the message is for this process. */
export function partnerElsewhere({ pairs, connect }: AdapterEnvironment, message: Message): string | undefined {
  const { command, arguments: args } = message as DebugProtocol.Request;
  if (command !== "launch" || connect === undefined) return undefined;
  const { [PARTNER]: key, [PARTNER_ADDRESS]: address } = (args ?? {}) as Readonly<Record<string, unknown>>;
  return typeof key === "string" && typeof address === "string" && !pairs.has(key) ? address : undefined;
}

/**
 * The session of a client that starts each in an adapter process of its own, as the protocol has it, when the other process
 * is the one that has the machine: what comes is passed on, after what the client had said before.
 */
export class Relay {
  readonly #answered: readonly number[];
  readonly #waiting: Message[];
  #there: Transport | undefined;
  #closed = false;

  /** @param said what the client had said, and was answered here. */
  constructor(said: readonly Message[]) {
    this.#answered = said.map(({ seq }) => seq);
    this.#waiting = [...said];
  }

  /** Passes messages on in both directions, until the other process has had enough. False: there is none at the address. */
  async run(transport: Promise<Transport>, output: Transport["output"]): Promise<boolean> {
    try {
      this.#there = await transport;
    } catch {
      return false;
    }
    const { input } = this.#there;
    const reader = new MessageReader((message) => {
      const { type, request_seq: of } = message as unknown as DebugProtocol.Response;
      if (type === "response" && this.#answered.includes(of)) return;
      if (output.writable) output.write(frame(message as unknown as Message));
    });
    for (const message of this.#waiting.splice(0)) this.send(message);
    if (this.#closed) this.#there.close();
    await new Promise<void>((resolve) => {
      input.on("error", () => resolve());
      input.on("close", () => resolve());
      input.on("end", () => resolve());
      input.on("data", (bytes: Uint8Array) => reader.push(bytes));
    });
    return true;
  }

  send(message: Message): void {
    if (this.#there === undefined) this.#waiting.push(message);
    else if (this.#there.output.writable) this.#there.output.write(frame(message));
  }

  close(): void {
    this.#closed = true;
    this.#there?.close();
  }
}
