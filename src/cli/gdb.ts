import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { resolve } from "node:path";
import type { Transport } from "../adapter/transport.ts";
import { UserError } from "../base/errors.ts";
import type { LaunchOptions } from "../debuggee/protocol.ts";
import { serveClient, serveSocket } from "../gdb/server.ts";
import { EventQueue, Target } from "../gdb/target.ts";
import { startDebuggee } from "../host/node-debuggee.ts";
import { withSystemErrors } from "../host/system-errors.ts";
import { type Answer, type Context, OK } from "./context.ts";
import { Interruption } from "./interruption.ts";
import { type MachineOptions, residencyChoice } from "./machine-options.ts";

export interface GdbOptions extends Omit<MachineOptions, "limit"> {
  readonly port?: number;
  readonly stdio?: true;
  readonly output?: string;
}

/** The first bytes of every MCAP file. */
const RECORDING_MAGIC = [0x89, 0x4d, 0x43, 0x41, 0x50];
/** Options that count for a recording as well: they are ours, not the machine's. */
const OURS: ReadonlySet<string> = new Set([
  ...["port", "stdio", "json", "quiet", "engine", "cacheGroup"],
  ...["resident", "asyncPages", "pageInLatency"],
]);

/** The gdb server: for one client after another on a port, or for one over stdin and stdout. */
export async function gdb(context: Context, [subject]: readonly string[], options: GdbOptions): Promise<Answer> {
  if (options.port !== undefined && options.stdio) {
    throw new UserError("gdb-where", "Give either --port or --stdio.", 2);
  }
  if (options.port === undefined && !options.stdio) {
    throw new UserError("gdb-where", "Say where gdb connects: --port N, or --stdio for gdb's `target remote |`.", 2);
  }
  if (subject === undefined && options.kernel === undefined) {
    throw new UserError("gdb-what", "There is nothing to debug: give a recording, a program or a kernel.", 2);
  }
  const events = new EventQueue();
  const debuggee = await startDebuggee(events.emit);
  try {
    const launched = await debuggee.launch(launchOptions(subject, options));
    for (const warning of launched.warnings) context.voice.warn(warning);
    if (options.input !== undefined) await debuggee.input(inputBytes(options.input));
    const target = await Target.open(debuggee, launched, events);
    const json = options.stdio === true ? await overStdio(context, target) : await onPort(context, target, options);
    await debuggee.close();
    return { exitCode: OK, json: { ...json, recording: launched.recording, live: launched.live } };
  } finally {
    await debuggee.dispose();
  }
}

async function onPort(context: Context, target: Target, { port = 0 }: GdbOptions): Promise<object> {
  const { voice } = context;
  const asked = Promise.withResolvers<void>();
  const interruption = new Interruption(asked.resolve);
  const server = await serveSocket(target, port, (sentence) => voice.say(sentence));
  voice.line(`gdb server listening on ${server.host}:${server.port}; Ctrl-C ends it.`);
  voice.say(`In gdb: target remote :${server.port}`);
  await Promise.race([asked.promise, server.killed]);
  await server.close();
  interruption.release();
  return { host: server.host, port: server.port };
}

async function overStdio(context: Context, target: Target): Promise<object> {
  // gdb interrupts its whole terminal: Ctrl-C is for the machine, and reaches us as a byte.
  process.on("SIGINT", () => {});
  const transport: Transport = { input: process.stdin, output: process.stdout, close: () => process.stdin.destroy() };
  // As if the client had gone: the recording is closed in good order.
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => transport.close());
  await serveClient(target, transport, (sentence) => context.voice.say(sentence));
  return {};
}

function launchOptions(subject: string | undefined, options: GdbOptions): LaunchOptions {
  const { engine, cacheGroup } = options;
  const ours = {
    ...{ ...(engine && { engine }), ...(cacheGroup && { cacheGroup }), stopOnEntry: true },
    ...given(residencyChoice(options)),
  };
  if (subject === undefined || !isRecording(subject)) {
    const { memory, disk, kernel, initrd, append, bios, dtb, symbols, output } = options;
    const { harts, isa, modes, seed, clock, net, startTime, virtio, guestConsole } = options;
    const ofMachine = { memoryBytes: memory, harts, isa, modes, seed, clock, net, startTime, virtio, guestConsole };
    const ofBoot = { program: subject, kernel, initrd, append, bios, dtb, symbolFiles: symbols, disks: disk };
    return { ...given({ ...ofMachine, ...ofBoot, recordTo: output && resolve(output) }), ...ours };
  }
  const foreign = Object.keys(options).find((name) => !OURS.has(name));
  if (foreign !== undefined) {
    throw new UserError(
      "gdb-recording",
      `${subject} is a recording, which says what its machine is: leave --${dashed(foreign)} out.`,
      2,
    );
  }
  return { recording: subject, ...ours };
}

/** Without what the user has not said: defaults are for whoever opens the machine to know. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const said = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A file that cannot be read is nobody's recording: whoever opens the program says what is wrong with it. */
function isRecording(path: string): boolean {
  try {
    const file = openSync(path, "r");
    try {
      const magic = new Uint8Array(RECORDING_MAGIC.length);
      readSync(file, magic, 0, magic.length, 0);
      return RECORDING_MAGIC.every((byte, index) => magic[index] === byte);
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

function inputBytes(path: string): Uint8Array {
  return withSystemErrors("input-unreadable", `read ${path}`, () => readFileSync(path));
}
