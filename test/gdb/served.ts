import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after } from "node:test";
import { MessageChannel } from "node:worker_threads";
import type { LaunchOptions } from "../../src/debuggee/protocol.ts";
import { type GdbServer, serveSocket } from "../../src/gdb/server.ts";
import { EventQueue, Target } from "../../src/gdb/target.ts";
import { connectDebuggee } from "../../src/host/debuggee-client.ts";
import { DebuggeeServer, type SessionOpener } from "../../src/host/debuggee-server.ts";
import { nodePort } from "../../src/host/port.ts";
import { openSession } from "../../src/host/sessions.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { program } from "../debuggee/harness.ts";
import { unrecordedSession } from "../host/unrecorded-session.ts";
import { RemoteClient } from "./remote-client.ts";

export const MEMORY_BYTES = 1 << 20;

const folder = mkdtempSync(join(tmpdir(), "hindcast-gdb-"));
const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends) await end();
  rmSync(folder, { recursive: true });
});

export interface Served {
  readonly client: RemoteClient;
  readonly server: GdbServer;
  /** What the server said to whoever started it. */
  readonly sentences: string[];
  readonly events: EventQueue;
}

/** A client of a server of a debuggee, which is in this thread: a worker would take a second to start. */
async function serveWith(opener: SessionOpener, options: Partial<LaunchOptions>): Promise<Served> {
  const { port1, port2 } = new MessageChannel();
  new DebuggeeServer(nodePort(port1), opener, () => performance.now());
  const events = new EventQueue();
  const debuggee = connectDebuggee(nodePort(port2), events.emit);
  const launched = await debuggee.launch({ ...options, stopOnEntry: true });
  const sentences: string[] = [];
  const target = await Target.open(debuggee, launched, events);
  const server = await serveSocket(target, 0, (sentence) => sentences.push(sentence));
  ends.push(async () => {
    await server.close();
    await debuggee.close();
    port1.close();
  });
  const client = await RemoteClient.connect(server.port);
  await client.begin();
  return { client, server, sentences, events };
}

/** A live machine with a program, recorded nowhere. */
export function serve(source: string, harts = 1): Promise<Served> {
  return serveWith(async (_options, emit) => {
    const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: MEMORY_BYTES, harts });
    return unrecordedSession(machine, program(source), emit);
  }, {});
}

/** Runs a program to its end, and serves what was recorded of it. */
export function serveRecording(source: string): Promise<Served> {
  const path = join(folder, "guest.s");
  writeFileSync(path, source);
  return serveRecordingOf(path);
}

export async function serveRecordingOf(path: string): Promise<Served> {
  const recording = join(folder, `${basename(path)}.hindcast`);
  const { client } = await serveWith(openSession, { program: path, recordTo: recording });
  await client.ask("c");
  await ends.pop()?.();
  return serveWith(openSession, { recording });
}
