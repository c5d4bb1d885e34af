import { Argument, Command, CommanderError, Option } from "commander";
import packageDescription from "../../package.json" with { type: "json" };
import { UserError } from "../base/errors.ts";
import { HAS_ZSTD } from "../host/zstd.ts";
import { type Answer, type Context, FAULT, OK, UNUSABLE_INPUT, WRONG_USAGE } from "./context.ts";
import { reportFault } from "./fault.ts";
import { GuestOutput } from "./guest-console.ts";
import { parseInstant } from "./instants.ts";
import {
  parseCount,
  parseDisk,
  parseFault,
  parseHarts,
  parseHits,
  parseIsa,
  parseLength,
  parseMemory,
  parseMilliseconds,
  parsePort,
  parseSilence,
  parseSources,
  parseSteps,
  parseSymbols,
  parseThreads,
  parseTime,
} from "./quantities.ts";
import { QUERY_QUESTIONS } from "./query-names.ts";
import { toJsonLine, Voice } from "./voice.ts";

/** Commander calls an action with the arguments, then the options, then the command. */
type Action = (context: Context, args: readonly string[], options: Record<string, unknown>) => Promise<Answer>;

/** Runs a command: its answer becomes the JSON line and the exit code, its errors become a sentence. */
async function perform(action: Action, args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const json = options.json === true;
  const stdout = new GuestOutput();
  const voice = new Voice({ quiet: options.quiet === true, isLineOpen: () => stdout.takeOpenLine() });
  const context: Context = { voice, stdout, json };
  let answer: Answer;
  try {
    answer = await action(context, args, options);
  } catch (error) {
    answer = await answerToError(context, error);
  }
  context.voice.clearProgress();
  if (json) await context.stdout.line(toJsonLine(answer.json));
  else await context.stdout.end();
  return answer.exitCode;
}

async function answerToError(context: Context, error: unknown): Promise<Answer> {
  if (error instanceof UserError) {
    if (error.code === "assembly") return (await import("./source-messages.ts")).answerToAssembly(context, error);
    context.voice.fail(error.message);
    return { exitCode: error.exitCode, json: { error: { code: error.code, message: error.message } } };
  }
  const { message, report } = reportFault(context.voice, error);
  return { exitCode: FAULT, json: { error: { code: "fault", message, report } } };
}

function buildProgram(finish: (exitCode: number) => void): Command {
  const program = new Command("hindcast")
    .description("Runs RISC-V programs on an emulated machine, records them, and travels through what they did.")
    .version(packageDescription.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .configureHelp({ showGlobalOptions: false })
    .showHelpAfterError("(hindcast COMMAND --help explains a command)")
    .exitOverride()
    .addHelpText("after", EXIT_CODES);

  const define = (name: string, summary: string, load: () => Promise<Action>): Command => {
    const command = program.command(name).summary(summary).helpOption("-h, --help", "show this help");
    command.exitOverride().showHelpAfterError(`(hindcast ${command.name()} --help explains it)`);
    command.option("--json", "print the answer as one JSON object, the last line of stdout");
    command.option("-q, --quiet", "say only what went wrong");
    // Commands load what they need when they are called: `run` starts without the debugger's code.
    command.action(async (...all: unknown[]) => {
      const args = all.slice(0, -2).flat() as string[];
      finish(await perform(await load(), args, all[all.length - 2] as Record<string, unknown>));
    });
    return command;
  };

  withResidentOptions(
    withRunOptions(
      define("run", "run a program without recording it", async () => (await import("./run.ts")).run)
        .argument("[program]", "ELF, raw or gzip'ed image, or .s/.S source; none with --kernel")
        .description(
          "Runs PROGRAM. The guest's console is stdout and, on a terminal, the keyboard; the exit code is the guest's own.",
        ),
    ),
  );
  withResidentOptions(
    withRunOptions(
      define("record", "run a program and record it", async () => (await import("./run.ts")).record)
        .argument("[program]", "ELF, raw or gzip'ed image, or .s/.S source; none with --kernel")
        .option("-o, --output <file>", "where to record to (default: a new file in .hindcast/ beside PROGRAM)")
        .description("Runs PROGRAM as `hindcast run` does and records it, so that every instant can be reached again."),
    ),
  );
  withNatsOptions(
    withRunOptions(
      define(
        "lockstep",
        "run a program on two machines that must agree",
        async () => (await import("./lockstep-command.ts")).lockstepCommand,
      )
        .argument("[program]", "ELF, raw or gzip'ed image, or .s/.S source; none with --kernel")
        .option(
          "--diverge <sources>",
          "what the second machine does otherwise: harts,time,entropy,memory",
          parseSources,
        )
        .option("--diverge-seed <number>", "seed of how it does so (default: 1)", parseCount)
        .option("--fault <fault>", "do it to the pair: KIND@INSTANT or KIND:primary@INSTANT; for each once", parseFault)
        .option("--fault-seed <number>", "faults at random; beside --fault: which bits those flip", parseCount)
        .option(
          "--give-up-after <seconds>",
          "silence that is taken for a machine's death (default: 5, with --role 0.3)",
          parseSilence,
        )
        .addOption(asyncPagesOption())
        .option("-o, --output <file>", "record both machines into FILE and FILE.B, which open as one pair")
        .option("--processes", "each machine in a process of its own, instead of a thread")
        .option("--second <program>", "another program for the second machine: the two are compared")
        .addOption(
          new Option("--role <role>", "one machine of a pair whose other one is on another computer").choices([
            "primary",
            "secondary",
          ]),
        )
        .option("--nats <url>", "with --role: the NATS server, with JetStream, where the two meet")
        .option("--pair <name>", "with --role: what the pair is called there (default: main)")
        .option("--no-wait", "with --role primary: begin before there is a secondary")
        .description(LOCKSTEP),
    ),
  );
  define("replay", "run a recording again and verify it", async () => (await import("./replay.ts")).replay)
    .argument("<file>", "a recording")
    .option("--to <instant>", "stop at this instant, or bookmark, instead of the end", parseInstant)
    .option("--no-console", "do not print the guest's console output again")
    .option("--checks", "run the guest's replay-only blocks (guest/include/hindcast.h) and say what they find")
    .addOption(engineOption())
    .addOption(cacheGroupOption())
    .option("--resident <size>", RESIDENT, parseMemory)
    .description(
      "Replays FILE and compares state digests and outputs with what was recorded. Exit code 1 when they differ, or when a check fails.",
    );
  define("diff", "find where two recordings part", async () => (await import("./diff.ts")).diff)
    .argument("<a>", "a recording")
    .argument(
      "[b]",
      "another one: of the same program, or of another build of it; none: of the pair that A is of, where its machines first differed",
    )
    .option("--outputs", "only what the guests say counts: differences inside give exit code 0")
    .option("--no-causes", "find the first difference of states, and do not follow what differs back to its cause")
    .description(DIFF);
  define("info", "say what a recording holds", async () => (await import("./info.ts")).info)
    .argument("<file>", "a recording")
    .description("Says what FILE holds, without running it.");
  define("bookmark", "name instants of a recording", async () => (await import("./bookmark.ts")).bookmark)
    .argument("<file>", "a recording")
    .argument("[name]", "what to call the instant; none: list the bookmarks")
    .option("--at <instant>", "the instant: a number, start, end, or another bookmark", parseInstant)
    .option("--remove", "take the name away, wherever it stands; with --at from that instant only")
    .description("Lists the bookmarks of FILE, or adds one; they stand in FILE.bookmarks, and FILE stays as it is.");
  defineQuery(define);
  withNatsOptions(
    define("worker", "search recordings for queries elsewhere", async () => (await import("./worker.ts")).worker)
      .requiredOption("--nats <url>", "the NATS server, with JetStream, where queries leave their segments")
      .option("--threads <number>", "segments at a time (default: as many as there are cores)", parseThreads)
      .option("--once", "end when nothing is left to do, once there was something")
      .description(WORKER),
  );
  defineBranch(define);
  define("asm", "assemble a source file", async () => (await import("./asm.ts")).asm)
    .argument("<file>", "assembly source in GNU syntax, .s or .S")
    .option("-o, --output <file>", "write an ELF executable")
    .description("Assembles FILE and prints its errors as file:line:column; with -o writes an ELF executable.");
  define("dis", "disassemble a program", async () => (await import("./dis.ts")).dis)
    .argument("<file>", "ELF, .s/.S source, or a raw image (taken to lie at 0x80000000)")
    .description("Disassembles the code of FILE, with symbols and source lines where it has them.");
  define("adapter", "the debug adapter, for editors", async () => (await import("./adapter.ts")).adapter)
    .option("--port <number>", "listen on this port of the loopback interface instead of using stdio", parsePort)
    .description("Speaks the Debug Adapter Protocol on stdin and stdout, or on a socket for any number of sessions.");
  defineGdb(define);
  define("demo", "the main job in one go, on a guest with a real bug", async () => (await import("./demo.ts")).demo)
    .option("--keep <file>", "where to record to (default: a new file beside the guest)")
    .addOption(new Option("--program <file>", "another guest than the one that ships").hideHelp())
    .description("Records the demo guest, shows the trap it ends in, and searches back to the instruction to blame.");
  return program;
}

const EXIT_CODES = `
Exit codes: run and record give the guest's own; otherwise 0 answered, 1 the answer is no (a mismatch, nothing
found, the guest did not end by itself), 2 wrong usage, 3 input that cannot be used, 4 a fault of Hindcast.`;

const QUESTIONS = `Asks FILE about the past. Exit code 1 when there is nothing.

last-write PLACE        who wrote there last (before --before)
last-read PLACE         who read there last
first-read PLACE        who read there first (from --after on)
first-difference PLACE  the first step behind which it is not what it is at --after; PLACE may be an expression
writes, reads, accesses PLACE
                        who did, in order
hits PLACE              each time that code is executed there: queue.s:42, a function, an address;
                        with --if, --log and --hit-condition as breakpoints have them, functions of the guest included
series EXPRESSION       each value that it had: exactly, where it reads memory; else --at a place, or --every so many steps
calls FUNCTION          its calls, with arguments, results and returns
traps [NAME]            exceptions, interrupts, or one like load-access-fault
outputs                 the lines that the guest printed, and who printed them
origin PLACE            where the value came from that a register, a variable or an address holds: instruction by instruction back`;

const QUERY_EXAMPLES = `
Examples:
  hindcast query run.hindcast last-write pool+8 --before 1e6
  hindcast query run.hindcast hits queue.s:42 --if 'a0 == 0' --log '{s0} has {*(u32*)(s0 + 4),d} left'
  hindcast query run.hindcast hits push --if 'check_heap(&pool) != 0' --count
  hindcast query run.hindcast series '*queue_length' --csv
  hindcast query run.hindcast series a0 --at enqueue
  hindcast query run.hindcast calls malloc --json`;

const WORKER = `Takes segments of recordings out of a NATS server's work queue, searches them, and says what was found, for \
every \`hindcast query --nats\` that uses the same server. Any number of workers may come, die and come back meanwhile.`;

const DIFF = `Compares what two runs said and, at equal instants, their states; follows the first difference back in both at once, through
registers, memory and branches, to the instruction or event that brought it in. Exit code 0 when nothing differs, 1 when something
does, 2 when the two cannot be compared.`;

const LOCKSTEP = `Runs PROGRAM on two machines. What it says leaves when both have said it; what they do inside may differ. When what
they say differs, the second is resynchronised from the first; when one dies, the other goes on, and a new one joins it.
Each machine has a thread of its own, or with --processes a process.

Kinds of faults: flip-register, flip-memory, kill, freeze, lose-entry, delay-entry, double-entry, slow-channel.
They meet the second machine, or with :primary the first, when it has come to INSTANT.

On two computers:  hindcast lockstep PROGRAM --role primary --nats tls://HOST    and on the other
                   hindcast lockstep --role secondary --nats tls://HOST
The secondary gets the program from the primary. It may come at any time, and another one when it has gone.`;

const GDB = `Serves gdb's remote serial protocol: SUBJECT is a recording, which is travelled in, or a program, which is \
run and recorded as \`hindcast record\` does. One client at a time; the machine keeps its place for the next one.

In gdb:  target remote :PORT
or:      target remote | hindcast gdb --stdio SUBJECT`;

function defineGdb(define: (name: string, summary: string, load: () => Promise<Action>) => Command): void {
  withResidentOptions(
    withMachineOptions(
      define("gdb", "a server for gdb, which then goes backwards as well", async () => (await import("./gdb.ts")).gdb)
        .argument("[subject]", "a recording; or ELF, raw or gzip'ed image, .s/.S source; none with --kernel")
        .option("--port <number>", "listen on this port of the loopback interface; 0 takes any that is free", parsePort)
        .option("--stdio", "serve one client over stdin and stdout")
        .option("-o, --output <file>", "where to record a program to (default: a new file in .hindcast/ beside it)")
        .option("--input <file>", "bytes for the guest's console")
        .description(GDB),
    ),
  );
}

const MODES = ["m", "mu", "msu"];

function withRunOptions(command: Command): Command {
  return withMachineOptions(command)
    .option("--input <file>", "bytes for the guest's console, or - for stdin")
    .option("--limit <steps>", "end the run after this many steps", parseSteps);
}

function withMachineOptions(command: Command): Command {
  return command
    .option("--memory <size>", "RAM, like 64K, 128M or 1G (default: 128M, for a kernel 256M)", parseMemory)
    .option("--harts <number>", "hardware threads (default: 1)", parseHarts)
    .option("--isa <string>", "instruction set of the harts: an ISA string, a profile or max", parseIsa)
    .addOption(new Option("--modes <modes>", "privilege modes of the harts (default: msu)").choices(MODES))
    .option("--kernel <file>", "a kernel instead of PROGRAM: ELF, Image or gzip'ed Image, in supervisor mode")
    .option("--initrd <file>", "the kernel's initial RAM disk")
    .option("--append <text>", "the kernel's command line")
    .option("--bios <which>", "firmware: none, sbi (built in) or a file (default: none, for a kernel sbi)")
    .option("--dtb <file>", "a device tree blob instead of the generated one")
    .option("--symbols <file>", "symbols of something else, as FILE or FILE@OFFSET; for each file once", parseSymbols)
    .option("--seed <number>", "seed of everything that the machine draws by chance (default: 0)", parseCount)
    .addOption(
      new Option("--clock <kind>", "virtual: time follows from steps; paced: also about as fast as real time").choices([
        "virtual",
        "paced",
      ]),
    )
    .option(
      "--net <network>",
      "none, or user[,hostfwd=tcp:127.0.0.1:8022-:22][,restrict=on]; paces the clock (default: none)",
    )
    .option("--disk <image>", "a virtio disk: FILE[,readonly][,external] or blank:SIZE; for each disk once", parseDisk)
    .option(
      "--start-time <time>",
      "what the guest's clock shows at the start: a date or seconds (default: now)",
      parseTime,
    )
    .addOption(
      new Option("--virtio <kind>", "how virtio devices show themselves (default: modern)").choices([
        "modern",
        "legacy",
      ]),
    )
    .addOption(
      new Option("--guest-console <kind>", "which console gets the input; virtio adds one (default: uart)").choices([
        "uart",
        "virtio",
      ]),
    )
    .addOption(engineOption())
    .addOption(cacheGroupOption());
}

const RESIDENT =
  "RAM that the machine keeps, like 32M: other pages go to a compressed store, then to a file (default: all)";

function withResidentOptions(command: Command): Command {
  return command
    .option("--resident <size>", RESIDENT, parseMemory)
    .addOption(asyncPagesOption())
    .option(
      "--page-in-latency <ms>",
      "pages take at least so many milliseconds to come: for measuring",
      parseMilliseconds,
    );
}

function asyncPagesOption(): Option {
  const meaning =
    "on: a guest that knows how runs something else while a page comes; off: it is told of none (default: on)";
  return new Option("--async-pages <choice>", meaning).choices(["on", "off"]);
}

function cacheGroupOption(): Option {
  const meaning = "off: satp writes and fences flush all translations; for measuring and for doubt (default: on)";
  return new Option("--cache-group <choice>", meaning).choices(["on", "off"]);
}

function withNatsOptions(command: Command): Command {
  return command
    .option("--nats-creds <file>", "credentials for the NATS server: a user's JWT and key (a .creds file)")
    .option("--nats-nkey <file>", "the same as a key alone (an nkey's seed)")
    .option("--nats-ca <file>", "certificates of the authority that the NATS server's is signed by")
    .option("--nats-cert <file>", "our own certificate, where the NATS server asks for one")
    .option("--nats-key <file>", "the key of that certificate")
    .option("--nats-insecure", "speak to a NATS server on another computer without TLS");
}

function engineOption(): Option {
  const engines = ["auto", "translator", "interpreter", "oracle"];
  return new Option("--engine <name>", "what executes the guest (default: auto)").choices(engines);
}

function defineBranch(define: (name: string, summary: string, load: () => Promise<Action>) => Command): void {
  define("branch", "run on from an instant with something changed", async () => (await import("./branch.ts")).branch)
    .argument("<file>", "a recording")
    .option("--at <instant>", "where the branch begins: an instant, start, end, or a bookmark", parseInstant)
    .option(
      "--set <assignment>",
      "PLACE=VALUE: a0=5, '*(u32*)p=1', pc=main, mstatus.MIE=0; may be given again",
      collect,
    )
    .option("--return [value]", "return from the current function at once, with this in a0")
    .option("--hart <number>", "whose registers and addresses (default: the hart whose turn it is)", parseCount)
    .option("--no-inputs", "without what came from outside later on in the recording")
    .option("--run <steps>", "run so many steps at most (default: up to where the recording ends)", parseSteps)
    .option("--until <place>", "stop there: FILE:LINE, a function or an address")
    .option("--compare", "say where it parts from the recording, and what differs at the end of both")
    .option("--compare-at <instant>", "the same, and what differs at this instant", parseInstant)
    .option("-o, --output <file>", "save the branch as a recording of its own")
    .description(
      "Leaves FILE at an instant, changes what is to be set, and runs on; FILE stays as it is. Exit code 1 when a comparison finds a difference.",
    );
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

function defineQuery(define: (name: string, summary: string, load: () => Promise<Action>) => Command): void {
  const load = async () => (await import("./query.ts")).query;
  withNatsOptions(define("query", "ask a recording about the past", load))
    .argument("<file>", "a recording")
    .addArgument(new Argument("<question>", "what to ask").choices(QUERY_QUESTIONS))
    .argument("[place]", "an address or a symbol, optionally with an offset: 0x80001000, phys:0x80001000, pool, pool+8")
    .option("--before <instant>", "only what happened before this instant or bookmark (default: the end)", parseInstant)
    .option(
      "--after <instant>",
      "only what happened from this instant or bookmark on (default: the start)",
      parseInstant,
    )
    .option("--length <bytes>", "how many bytes (default: the symbol's size, else the aligned word)", parseLength)
    .option("--most <rows>", "at most so many, the first ones (default: 1000); origin: steps (default: 64)", parseHits)
    .option("--count", "go through all of it, and say how many there are")
    .option("--if <condition>", "hits: only where this is true")
    .option("--log <message>", "hits: what to say at each; {expressions} are evaluated")
    .option("--hit-condition <test>", "hits: by number in history: 5, >= 5, < 5, % 5")
    .option(
      "--at <place>",
      "series: evaluate at each hit of this place; origin: the instant of the value (default: end)",
    )
    .option("--every <steps>", "series: look every so many steps", parseSteps)
    .option("--csv", "series: as comma-separated values")
    .option("--text <text>", "outputs: only lines that contain this")
    .option(
      "--hart <number>",
      "series, origin: whose registers and addresses (default: the hart whose turn it is)",
      parseCount,
    )
    .option("--tree <depth>", "origin: unfold the other operands as well, so deep (default: 0)", parseCount)
    .option(
      "--threads <number>",
      "segments that are searched at a time (default: as many as there are cores)",
      parseThreads,
    )
    .option("--nats <url>", "have the workers at this NATS server search (hindcast worker), instead of threads")
    .addHelpText("after", QUERY_EXAMPLES)
    .description(QUESTIONS);
}

/** Parses, runs, and gives the exit code. Wrong usage has been explained on stderr by then. */
async function main(argv: readonly string[]): Promise<number> {
  if (!HAS_ZSTD) {
    new Voice({ quiet: false }).fail(
      `Node 22.15 or later is needed, and this is ${process.version}: ` +
        "in a clone of Hindcast, `npm run -s hindcast --` takes the one that npm ci brought along.",
    );
    return UNUSABLE_INPUT;
  }
  let exitCode = OK;
  const program = buildProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version were asked for and given: that is an answer.
    exitCode = error.exitCode === 0 ? OK : WRONG_USAGE;
    if (exitCode !== OK && argv.includes("--json")) {
      const message = error.message.replace(/^error: /, "");
      process.stdout.write(`${toJsonLine({ error: { code: "usage", message } })}\n`);
    }
  }
  return exitCode;
}

function endWithFault(error: unknown): never {
  reportFault(new Voice({ quiet: false }), error);
  process.exit(FAULT);
}

// What is thrown where nobody waits: in a handler of a stream or of a signal.
process.on("uncaughtException", endWithFault);
try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  endWithFault(error);
}
