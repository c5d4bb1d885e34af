import { createServer, type Server, type Socket } from "node:net";
import { flushed, type Transport } from "../adapter/transport.ts";
import { errors } from "./errors.ts";
import { GdbSession, type SessionEnd } from "./session.ts";
import type { Target } from "./target.ts";

/** Only programs on this computer may debug here: there is nothing in the protocol that asks who somebody is. */
const LOOPBACK = "127.0.0.1";
/** A client that has not taken so much is not reading at all: better to end its session than to run out of memory. */
const BACKLOG_LIMIT_BYTES = 64 * 1024 * 1024;

export type Report = (sentence: string) => void;

/** Serves one client, to its end: by detaching, by a kill, or by a lost connection. The machine stands still then. */
export async function serveClient(target: Target, transport: Transport, report: Report): Promise<SessionEnd> {
  const { input, output } = transport;
  const session = new GdbSession(target, {
    write: (bytes) => {
      if (output.writableLength > BACKLOG_LIMIT_BYTES) session.disconnected();
      else if (output.writable) output.write(bytes);
    },
    say: report,
  });
  // A client that has gone gives an error when it is written to; that it has gone is seen at the input too.
  output.on("error", () => session.disconnected());
  input.on("error", () => session.disconnected());
  input.on("end", () => session.disconnected());
  input.on("close", () => session.disconnected());
  input.on("data", (bytes: Uint8Array) => session.push(bytes));
  const end = await session.ended;
  await flushed(output);
  // The machine first: who sees the connection closed may come again at once.
  await session.close();
  transport.close();
  return end;
}

/** A server that listens. */
export interface GdbServer {
  readonly host: string;
  readonly port: number;
  /** Resolves when a client has killed the machine, or it was lost. */
  readonly killed: Promise<void>;
  /** Takes no more clients, and ends the session that goes on. */
  close(): Promise<void>;
}

/**
 * Serves clients on a port of the loopback interface, one at a time; 0 takes any free port. What one leaves is where the
 * next begins. Throws a UserError when the port cannot be had.
 */
export async function serveSocket(target: Target, port: number, report: Report): Promise<GdbServer> {
  const killed = Promise.withResolvers<void>();
  let current: { readonly socket: Socket; readonly session: Promise<void> } | undefined;
  const server = createServer(async (socket) => {
    // One that has gone is only being cleared up after.
    if (current?.socket.readable === false) await current.session;
    if (current !== undefined) {
      report("A second client was turned away: one debugs this machine already.");
      socket.on("error", () => {});
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    const transport: Transport = { input: socket, output: socket, close: () => socket.destroySoon() };
    const session = serveClient(target, transport, report).then((end) => {
      current = undefined;
      if (end === "killed") killed.resolve();
      else report(end === "detached" ? "The client has detached." : "The client is gone.");
    });
    current = { socket, session };
    report("A client has connected.");
  });
  await listen(server, port);
  const address = server.address();
  return {
    host: LOOPBACK,
    port: typeof address === "object" && address !== null ? address.port : port,
    killed: killed.promise,
    close: async () => {
      server.close();
      const going = current;
      going?.socket.destroy();
      await going?.session;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(portError(error, port)));
    server.listen(port, LOOPBACK, resolve);
  });
}

function portError(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === "EADDRINUSE") return errors.portInUse(port);
  return error.code === "EACCES" ? errors.portDenied(port) : error;
}
