import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { within } from "./motions.ts";
import type { Transport } from "./transport.ts";

/** What a partner's client still has to hear when the process ends is on its way by then. */
const LAST_WORDS_MS = 1000;

/**
 * A door of this process for the sessions of second machines: a socket in a folder, or a pipe, that only this user's programs
 * come to.
 */
export class PartnerServer {
  readonly #serve: (transport: Transport) => Promise<unknown>;
  readonly #sessions = new Set<Promise<unknown>>();
  #address: Promise<string> | undefined;
  #server: Server | undefined;

  constructor(serve: (transport: Transport) => Promise<unknown>) {
    this.#serve = serve;
  }

  /** Listens from the first call on. */
  address(): Promise<string> {
    this.#address ??= this.#listen();
    return this.#address;
  }

  async #listen(): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "hindcast-pair-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    const name = folder.replace(/^.*[\\/]/, "");
    const path = process.platform === "win32" ? `\\\\.\\pipe\\${name}` : join(folder, "partner");
    const server = createServer((socket) => {
      const session = this.#serve(transportOf(socket)).finally(() => this.#sessions.delete(session));
      this.#sessions.add(session);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    // The session that asked for a partner is what keeps the process.
    server.unref();
    return path;
  }

  async close(): Promise<void> {
    this.#server?.close();
    await within(LAST_WORDS_MS, Promise.all(this.#sessions));
  }
}

export function connectPartner(address: string): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.on("error", () => {});
      resolve(transportOf(socket));
    });
  });
}

export function transportOf(socket: Socket): Transport {
  return { input: socket, output: socket, close: () => socket.destroy() };
}
