import { UserError } from "../base/errors.ts";
import type { LaunchOptions } from "../debuggee/protocol.ts";
import type { LaunchArguments } from "./custom-protocol.ts";
import { bad, Fields, isSlip } from "./launch-fields.ts";
import { lockstepOf } from "./lockstep-arguments.ts";

/** Launch arguments after all checks, with defaults. */
export interface Launch {
  readonly options: LaunchOptions;
  /** Absolute path of a file for the guest's console. */
  readonly input: string | undefined;
  readonly stopOnEnd: boolean;
  readonly console: "internalConsole" | "integratedTerminal";
  /** Run and record, without breakpoints, and end when the guest ends. */
  readonly noDebug: boolean;
  /** The pair whose machine B this session is for. */
  readonly partner?: string;
  /** Sentences about arguments that were ignored. */
  readonly warnings: readonly string[];
}

export interface PathResolver {
  resolvePath(base: string, path: string): string;
  readonly workingDirectory: string;
}

/** As many as the board has room for. */
const HARTS_LIMIT = 8;

const KNOWN = [
  "program",
  "recording",
  "recordTo",
  "cwd",
  "memory",
  "harts",
  "isa",
  "engine",
  "cacheGroup",
  "clock",
  "seed",
  "input",
  "stopOnEntry",
  "stopOnEnd",
  "console",
  "bios",
  "kernel",
  "initrd",
  "append",
  "dtb",
  "symbolFiles",
  "modes",
  "net",
  "disk",
  "startTime",
  "virtio",
  "guestConsole",
  "residentMemory",
  "asyncPages",
  "pageInLatency",
  "lockstep",
] as const satisfies readonly (keyof LaunchArguments)[];

/** Options that the command line's design names and this version does not have: saying nothing would be a lie. */
const NOT_YET = ["limit"];

/** Names a pair's key, in what the adapter asks a client to start. */
export const PARTNER = "__pair";
/** Where that session's client connects, unless it has a connection to this process already. */
export const PARTNER_ADDRESS = "__pairAddress";

/** Which arguments make sense for a machine that is yet to run, and none for one that was recorded. */
const MACHINE_ARGUMENTS = ["memory", "harts", "isa", "clock", "seed", "input", "recordTo", "net"] as const;
const BOOT_ARGUMENTS = ["initrd", "append", "bios", "dtb", "symbolFiles", "modes"] as const;
const DEVICE_ARGUMENTS = ["disk", "startTime", "virtio", "guestConsole"] as const;

/** Checks what the user wrote; throws a UserError with one sentence about the first mistake. */
export function parseLaunchArguments(raw: Readonly<Record<string, unknown>>, paths: PathResolver): Launch {
  const fields = new Fields(raw);
  const partner = fields.text(PARTNER);
  if (partner !== undefined) return partnerLaunch(fields, partner);
  const cwd = paths.resolvePath(paths.workingDirectory, fields.text("cwd") ?? ".");
  const path = (name: string) => {
    const text = fields.text(name);
    return text === undefined ? undefined : paths.resolvePath(cwd, text);
  };
  const program = path("program");
  const recording = path("recording");
  const kernel = path("kernel");
  const subjects = [program, kernel, recording].filter((subject) => subject !== undefined);
  if (subjects.length !== 1) throw oneSubject(subjects.length > 1);

  for (const name of NOT_YET) if (fields.has(name)) throw bad(name, `is not supported by this version of Hindcast`);
  if (recording !== undefined) {
    for (const name of [...MACHINE_ARGUMENTS, ...BOOT_ARGUMENTS, ...DEVICE_ARGUMENTS]) {
      if (fields.has(name)) throw bad(name, "has no meaning for a recording, which brings its own machine");
    }
  }
  const options: LaunchOptions = {
    program,
    kernel,
    initrd: path("initrd"),
    append: fields.line("append"),
    bios: fields.firmware("bios", (text) => paths.resolvePath(cwd, text)),
    dtb: path("dtb"),
    symbolFiles: fields.symbols("symbolFiles", (text) => paths.resolvePath(cwd, text)),
    recording,
    recordTo: path("recordTo"),
    memoryBytes: fields.memory("memory"),
    harts: fields.integer("harts", 1, HARTS_LIMIT),
    isa: fields.isa("isa"),
    modes: fields.choice("modes", ["m", "mu", "msu"]),
    seed: fields.integer("seed", 0, Number.MAX_SAFE_INTEGER),
    clock: fields.choice("clock", ["virtual", "paced"]),
    net: fields.network("net"),
    engine: fields.choice("engine", ["auto", "translator", "interpreter", "oracle"]),
    cacheGroup: fields.choice("cacheGroup", ["on", "off"]),
    disks: fields.disks("disk", (text) => paths.resolvePath(cwd, text)),
    startTime: fields.time("startTime"),
    virtio: fields.choice("virtio", ["modern", "legacy"]),
    guestConsole: fields.choice("guestConsole", ["uart", "virtio"]),
    residentBytes: fields.memory("residentMemory"),
    asyncPages: fields.flag("asyncPages"),
    pageInLatencyMs: fields.milliseconds("pageInLatency"),
    lockstep: lockstepOf(raw, (text) => paths.resolvePath(cwd, text)),
    stopOnEntry: fields.flag("stopOnEntry") ?? false,
  };
  const warnings = misspelt(Object.keys(raw));
  if (options.lockstep && options.residentBytes !== undefined) warnings.push(PAIR_KEEPS_ALL);
  return {
    options: withoutUndefined(options),
    input: path("input"),
    stopOnEnd: fields.flag("stopOnEnd") ?? true,
    console: consoleOf(fields),
    noDebug: fields.flag("noDebug") ?? false,
    warnings,
  };
}

const PAIR_KEEPS_ALL =
  "Launch configuration: “residentMemory” is for single machines; the two of a pair keep all of their memory.";

/** Machine B of a pair that the adapter itself has asked the client to start a session for: the machine is there already. */
function partnerLaunch(fields: Fields, partner: string): Launch {
  return {
    options: { stopOnEntry: true },
    input: undefined,
    stopOnEnd: true,
    console: consoleOf(fields),
    noDebug: false,
    partner,
    warnings: [],
  };
}

function consoleOf(fields: Fields): Launch["console"] {
  return fields.choice("console", ["internalConsole", "integratedTerminal"]) ?? "internalConsole";
}

function oneSubject(several: boolean): UserError {
  return new UserError(
    "bad-launch",
    several
      ? "Launch configuration: give only one of “program”, “kernel” and “recording”."
      : "Launch configuration: give “program” (an ELF, an image or assembly source to run), “kernel” (what firmware starts) or “recording” (a file to travel in).",
    2,
  );
}

/**
 * Clients add arguments of their own (`name`, `type`, `__sessionId`, …), so an unknown one is no mistake, unless it looks
 * like one of ours with a slip.
 */
function misspelt(names: readonly string[]): string[] {
  const known: readonly string[] = KNOWN;
  return names.flatMap((name) => {
    if (known.includes(name)) return [];
    const meant = known.find((right) => isSlip(name.toLowerCase(), right.toLowerCase()));
    return meant === undefined
      ? []
      : [`Launch configuration: “${name}” is unknown and ignored; did you mean “${meant}”?`];
  });
}

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
