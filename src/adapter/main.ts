import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { resolve } from "node:path";
import { UserError } from "../base/errors.ts";
import { serveSession } from "./connection.ts";
import type { AdapterEnvironment } from "./environment.ts";
import { frame } from "./framing.ts";
import { Pairs } from "./pairs.ts";
import { connectPartner, PartnerServer, transportOf } from "./partner-server.ts";
import type { Transport } from "./transport.ts";

/** Only programs on this computer may debug here: a debugger reads files and writes recordings for whoever asks. */
const LOOPBACK = "127.0.0.1";
/** Sessions at a time; each has a machine with its memory. */
const SESSIONS_LIMIT = 16;

/** The command line's exit codes. */
const EXIT_OK = 0;
const EXIT_UNUSABLE_INPUT = 3;
const EXIT_FAULT = 4;
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** The environment of a Node process, around whatever makes debuggees and pairs of them. */
export function nodeEnvironment(
  createDebuggee: AdapterEnvironment["createDebuggee"],
  openPair?: AdapterEnvironment["openPair"],
): NodeEnvironment {
  const partners: PartnerServer = new PartnerServer((transport) => serveSession(environment, transport));
  const environment: NodeEnvironment = {
    createDebuggee,
    ...(openPair !== undefined && { openPair }),
    partnerAddress: () => partners.address(),
    connect: connectPartner,
    close: () => partners.close(),
    readFile: (path) => readFile(path).catch(() => undefined),
    resolvePath: (base, path) => resolve(base, path),
    workingDirectory: process.cwd(),
    pairs: new Pairs(randomUUID),
  };
  return environment;
}

export interface NodeEnvironment extends AdapterEnvironment {
  /** Lets the sessions of second machines end. */
  close(): Promise<void>;
}

/**
 * One session over this process's stdin and stdout, until the client disconnects or is gone. Nothing else may write to
 * stdout meanwhile. SIGTERM, SIGINT and SIGHUP end it as a lost client does, and so does a fault of ours.
 *
 * @returns the exit code: 0; 3 when what came was not DAP; 4 after a fault of Hindcast. A sentence is on stderr then.
 */
export async function serveStdio(environment: NodeEnvironment): Promise<number> {
  // `console.log` in a library would break the protocol.
  console.log = console.error;
  let fault: unknown;
  const transport: Transport = { input: process.stdin, output: process.stdout, close: () => process.stdin.destroy() };
  const onSignal = () => transport.close();
  const onFault = (error: unknown) => {
    fault = error;
    transport.close();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on("uncaughtException", onFault);
  const problem = await serveSession(environment, transport);
  await environment.close();
  for (const signal of SIGNALS) process.off(signal, onSignal);
  process.off("uncaughtException", onFault);
  if (fault !== undefined) {
    console.error("hindcast adapter: this is a fault of Hindcast, please report it:", fault);
    return EXIT_FAULT;
  }
  if (problem === undefined) return EXIT_OK;
  console.error(`hindcast adapter: ${problem}`);
  return EXIT_UNUSABLE_INPUT;
}

/** An adapter that listens. */
export interface AdapterServer {
  readonly host: string;
  readonly port: number;
  /** Takes no more clients, and ends the sessions that go on with their recordings closed. */
  close(): Promise<void>;
}

/**
 * Serves any number of sessions, one a connection, on a port of the loopback interface; 0 takes any free port. Throws a
 * UserError when the port cannot be had.
 *
 * @param report takes a sentence about a connection that was given up.
 */
export async function serveSocket(
  environment: AdapterEnvironment,
  port: number,
  report: (sentence: string) => void = () => {},
): Promise<AdapterServer> {
  const sessions = new Map<Socket, Promise<unknown>>();
  const server = createServer((socket) => {
    if (sessions.size >= SESSIONS_LIMIT) {
      const sentence = `${SESSIONS_LIMIT} debug sessions go on already; end one of them first.`;
      report(`A client was turned away: ${sentence}`);
      socket.on("error", () => {});
      socket.end(frame({ seq: 1, type: "event", event: "output", body: { category: "important", output: sentence } }));
      return;
    }
    socket.setNoDelay(true);
    const session = serveSession(environment, transportOf(socket))
      .then((problem) => {
        if (problem !== undefined) report(problem);
      })
      .finally(() => sessions.delete(socket));
    sessions.set(socket, session);
  });
  await listen(server, port);
  const address = server.address();
  return {
    host: LOOPBACK,
    port: typeof address === "object" && address !== null ? address.port : port,
    close: async () => {
      server.close();
      const ending = [...sessions.values()];
      for (const socket of sessions.keys()) socket.destroy();
      await Promise.all(ending);
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
  if (error.code === "EADDRINUSE") {
    return new UserError(
      "port-busy",
      `Port ${port} is in use by another program; choose another with --port, or --port 0 for any that is free.`,
    );
  }
  if (error.code === "EACCES") {
    return new UserError("port-denied", `Port ${port} may not be used by you; choose one from 1024 to 65535.`);
  }
  return error;
}
