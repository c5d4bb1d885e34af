import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fromHex } from "../../src/gdb/packets.ts";

/** A client has waited this long for an answer when something hangs. */
const DEADLINE_MS = 20_000;

/** The payload of a packet that a server sent: escapes and runs undone, the checksum believed by nobody. */
export function decodeReply(packet: Uint8Array): Uint8Array {
  const hash = packet.lastIndexOf(0x23);
  const body = packet.subarray(1, hash);
  const sum = body.reduce((total, byte) => (total + byte) & 0xff, 0);
  const digits = String.fromCharCode(...packet.subarray(hash + 1));
  assert.equal(digits, sum.toString(16).padStart(2, "0"), "checksum");
  const payload: number[] = [];
  for (let i = 0; i < body.length; i++) {
    if (body[i] === 0x7d) payload.push(body[++i] ^ 0x20);
    else if (body[i] === 0x2a) payload.push(...Array<number>(body[++i] - 29).fill(payload[payload.length - 1]));
    else payload.push(body[i]);
  }
  return Uint8Array.from(payload);
}

/** A raw client of the protocol: what gdb never sends can be sent as well. */
export class RemoteClient {
  readonly socket: Socket;
  readonly #received: string[] = [];
  #pending = "";
  #wake = () => {};
  #closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1").on("data", (text: string) => {
      this.#pending += text;
      this.#take();
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static async connect(port: number): Promise<RemoteClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new RemoteClient(socket);
  }

  #take(): void {
    for (;;) {
      const [all] = /^(?:[+-]|\$[^#]*#..)/s.exec(this.#pending) ?? [];
      if (all === undefined) return;
      this.#pending = this.#pending.slice(all.length);
      if (all.length === 1) this.#received.push(all);
      else this.#received.push(String.fromCharCode(...decodeReply(Uint8Array.from(Buffer.from(all, "latin1")))));
    }
  }

  raw(text: string): void {
    this.socket.write(text, "latin1");
  }

  send(payload: string): void {
    const sum = [...payload].reduce((total, character) => (total + character.charCodeAt(0)) & 0xff, 0);
    this.raw(`$${payload}#${sum.toString(16).padStart(2, "0")}`);
  }

  /** The next thing that the server sends: a payload, or `+` or `-`. */
  async next(): Promise<string> {
    const deadline = Date.now() + DEADLINE_MS;
    while (this.#received.length === 0) {
      if (this.#closed) return "closed";
      assert.ok(Date.now() < deadline, "the server does not answer");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#received.shift()!;
  }

  /** Sends a packet; its answer, without acknowledgements and console output. */
  async ask(payload: string): Promise<string> {
    this.send(payload);
    return (await this.answer()).reply;
  }

  /** The answer to what was sent, and what it said on the console before. */
  async answer(): Promise<{ reply: string; console: string }> {
    let console = "";
    for (;;) {
      const reply = await this.next();
      if (reply === "+") continue;
      if (!/^O[^K]/.test(reply)) return { reply, console };
      console += new TextDecoder().decode(fromHex(reply.slice(1)));
    }
  }

  async command(line: string): Promise<string> {
    this.send(`qRcmd,${Buffer.from(line).toString("hex")}`);
    const { reply, console } = await this.answer();
    assert.equal(reply, "OK");
    return console;
  }

  /** As a client begins. */
  async begin(): Promise<void> {
    assert.match(await this.ask("qSupported:swbreak+;hwbreak+;vContSupported+"), /(^|;)ReverseContinue\+(;|$)/);
    assert.equal(await this.ask("QStartNoAckMode"), "OK");
    this.raw("+");
  }

  async close(): Promise<void> {
    this.socket.destroy();
    if (!this.#closed) await once(this.socket, "close");
  }
}
