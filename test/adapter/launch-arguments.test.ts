import assert from "node:assert/strict";
import { posix } from "node:path";
import test from "node:test";
import { parseLaunchArguments } from "../../src/adapter/launch-arguments.ts";
import { UserError } from "../../src/base/errors.ts";

const PATHS = { workingDirectory: "/project", resolvePath: (base: string, path: string) => posix.resolve(base, path) };
const parse = (raw: Record<string, unknown>) => parseLaunchArguments(raw, PATHS);

test("the least: a program, relative to the working directory", () => {
  assert.deepEqual(parse({ program: "a/guest.s" }), {
    options: { program: "/project/a/guest.s", stopOnEntry: false },
    input: undefined,
    stopOnEnd: true,
    console: "internalConsole",
    noDebug: false,
    warnings: [],
  });
});

test("everything at once, and what a client adds of its own", () => {
  const launch = parse({
    name: "Debug",
    type: "hindcast",
    request: "launch",
    __sessionId: "1",
    program: "guest.elf",
    cwd: "sub",
    recordTo: "../out.hindcast",
    memory: "64M",
    harts: 2,
    isa: "rv64imac",
    engine: "oracle",
    cacheGroup: "off",
    clock: "paced",
    seed: 7,
    bios: "none",
    input: "keys.txt",
    stopOnEntry: true,
    stopOnEnd: false,
    console: "integratedTerminal",
    noDebug: true,
    disk: ["a.img,readonly", "blank:64M", "/images/b.img,external"],
    startTime: "2026-01-31T12:00:00Z",
    virtio: "legacy",
    guestConsole: "virtio",
  });
  assert.deepEqual(launch, {
    options: {
      program: "/project/sub/guest.elf",
      recordTo: "/project/out.hindcast",
      memoryBytes: 64 * 2 ** 20,
      harts: 2,
      isa: "rv64imac",
      seed: 7,
      bios: "none",
      clock: "paced",
      engine: "oracle",
      cacheGroup: "off",
      disks: [
        { path: "/project/sub/a.img", readOnly: true, external: false },
        { blankBytes: 64 * 2 ** 20, readOnly: false },
        { path: "/images/b.img", readOnly: false, external: true },
      ],
      startTime: 1_769_860_800,
      virtio: "legacy",
      guestConsole: "virtio",
      stopOnEntry: true,
    },
    input: "/project/sub/keys.txt",
    stopOnEnd: false,
    console: "integratedTerminal",
    noDebug: true,
    warnings: [],
  });
});

test("a kernel with everything that belongs to it", () => {
  const { options } = parse({
    kernel: "Image",
    initrd: "root.cpio",
    append: "console=ttyS0",
    bios: "fw.bin",
    dtb: "board.dtb",
    symbolFiles: ["vmlinux", "init@0x1000"],
    modes: "msu",
  });
  assert.deepEqual(options, {
    kernel: "/project/Image",
    initrd: "/project/root.cpio",
    append: "console=ttyS0",
    bios: "/project/fw.bin",
    dtb: "/project/board.dtb",
    symbolFiles: [
      { path: "/project/vmlinux", offset: 0n },
      { path: "/project/init", offset: 0x1000n },
    ],
    modes: "msu",
    stopOnEntry: false,
  });
  assert.equal(parse({ kernel: "Image", bios: "sbi" }).options.bios, "sbi");
});

test("memory in every notation", () => {
  const memory = (text: unknown) => parse({ program: "p", memory: text }).options.memoryBytes;
  assert.equal(memory(1048576), 2 ** 20);
  assert.equal(memory("1048576"), 2 ** 20);
  assert.equal(memory("512K"), 2 ** 19);
  assert.equal(memory("512kib"), 2 ** 19);
  assert.equal(memory("1G"), 2 ** 30);
});

test("absent means null as well", () => {
  assert.deepEqual(parse({ program: "p", recording: null, memory: null, isa: null }).options, {
    program: "/project/p",
    stopOnEntry: false,
  });
});

const MISTAKES: readonly [Record<string, unknown>, RegExp][] = [
  [{}, /give “program” .* or “recording”/],
  [{ program: "a", recording: "b" }, /only one of “program”, “kernel” and “recording”/],
  [{ program: 3 }, /“program” must be a path, not 3\.$/],
  [{ program: "  " }, /“program” must be a path/],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an editor that does not know it sends it as it stands.
  [{ program: "${file}" }, /“program” holds a variable that the editor did not replace/],
  [{ program: "p", memory: "lots" }, /“memory” must be a size such as "128M", not "lots"/],
  [{ program: "p", memory: "1K" }, /“memory” must be from 4K to 3G/],
  [{ program: "p", memory: "4G" }, /“memory” must be from 4K to 3G/],
  [{ program: "p", memory: 4097 }, /“memory” must be .* whole pages/],
  [{ program: "p", memory: -4096 }, /“memory” must be a size/],
  [{ program: "p", harts: 0 }, /“harts” must be a whole number from 1 to 8, not 0/],
  [{ program: "p", harts: "2" }, /“harts” must be a whole number .*, not "2"/],
  [{ program: "p", isa: 64 }, /“isa” must be an ISA string such as "rv64imac", not 64/],
  [{ program: "p", isa: "x86" }, /“isa”: “x86” is no instruction set/],
  [{ program: "p", isa: "rv64gcv" }, /“isa”: .* extension v/],
  [
    { program: "p", engine: "fast" },
    /“engine” must be "auto" or "translator" or "interpreter" or "oracle", not "fast"/,
  ],
  [{ program: "p", clock: "real" }, /“clock” must be "virtual" or "paced"/],
  [{ program: "p", seed: 1.5 }, /“seed” must be a whole number/],
  [{ program: "p", stopOnEntry: "yes" }, /“stopOnEntry” must be true or false, not "yes"/],
  [{ program: "p", console: "window" }, /“console” must be/],
  [{ program: "p", kernel: "vmlinux" }, /only one of/],
  [{ kernel: "vmlinux", append: "a\nb" }, /“append” must be one line of text/],
  [{ kernel: "vmlinux", modes: "s" }, /“modes” must be "m" or "mu" or "msu"/],
  [{ kernel: "vmlinux", symbolFiles: [3] }, /“symbolFiles” must be a list of FILE or FILE@OFFSET/],
  [{ recording: "r", append: "x" }, /“append” has no meaning for a recording/],
  [{ program: "p", disk: 7 }, /“disk” must be FILE, optionally followed by .*, or a list of such, not 7/],
  [{ program: "p", disk: ["a", "blank:much"] }, /“disk” must be FILE.*, not "blank:much"/],
  [{ program: "p", startTime: "yesterday" }, /“startTime” must be a date such as .*, not "yesterday"/],
  [{ program: "p", startTime: -1 }, /“startTime” must be a date/],
  [{ program: "p", virtio: "old" }, /“virtio” must be "modern" or "legacy"/],
  [{ recording: "r", disk: "a.img" }, /“disk” has no meaning for a recording/],
  [{ program: "p", lockstep: 1 }, /“lockstep” must be true, false, or an object such as .*, not 1/],
  [{ program: "p", lockstep: ["time"] }, /“lockstep” must be true, false, or an object/],
  [{ program: "p", lockstep: { divergence: ["time"] } }, /“lockstep” has no “divergence”; it has second, diverge, /],
  [{ program: "p", lockstep: { divrege: ["time"] } }, /“lockstep” has no “divrege”; did you mean “diverge”\?/],
  [{ program: "p", lockstep: { diverge: ["space"] } }, /“lockstep.diverge” must be of "harts", .*, not "space"/],
  [{ program: "p", lockstep: { fault: [7] } }, /“lockstep.fault” must be a text, or a list of such, not \[7\]/],
  [{ program: "p", lockstep: { divergeSeed: -1 } }, /“lockstep.divergeSeed” must be a whole number/],
  [{ kernel: "k", lockstep: { second: "p" } }, /“lockstep.second” compares two programs/],
  [{ recording: "r", lockstep: true }, /“lockstep” has no meaning for a recording/],
  [{ recording: "r", memory: "1M" }, /“memory” has no meaning for a recording/],
  [{ recording: "r", recordTo: "x" }, /“recordTo” has no meaning for a recording/],
];

for (const [raw, sentence] of MISTAKES) {
  test(`refuses ${JSON.stringify(raw)}`, () => {
    assert.throws(
      () => parse(raw),
      (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, sentence);
        assert.match(error.message, /^Launch configuration: .*\.$/);
        return true;
      },
    );
  });
}

test("a pair: alike, different, two programs, or for once one machine of a recording", () => {
  assert.deepEqual(parse({ program: "p", lockstep: true }).options.lockstep, {});
  assert.equal(parse({ program: "p", lockstep: false }).options.lockstep, false);
  assert.equal(parse({ recording: "r", lockstep: false }).options.lockstep, false);
  assert.equal("lockstep" in parse({ program: "p" }).options, false);
  const all = {
    second: "old.elf",
    diverge: ["time", "harts"],
    divergeSeed: 3,
    fault: "kill@1000",
    faultSeed: 4,
  };
  assert.deepEqual(parse({ program: "p", cwd: "sub", lockstep: all }).options.lockstep, {
    second: "/project/sub/old.elf",
    diverge: ["time", "harts"],
    divergeSeed: 3,
    faults: ["kill@1000"],
    faultSeed: 4,
  });
});

test("machine B's session has nothing to say but whose it is", () => {
  const { partner, options, console } = parse({ name: "Machine B", __pair: "key", console: "integratedTerminal" });
  assert.deepEqual([partner, options, console], ["key", { stopOnEntry: true }, "integratedTerminal"]);
});

test("a pair says that it keeps all of its memory", () => {
  for (const [lockstep, count] of [[{}, 1] as const, [true, 1] as const, [false, 0] as const]) {
    const { warnings } = parse({ program: "p", residentMemory: "8M", lockstep });
    assert.deepEqual([lockstep, warnings.length], [lockstep, count]);
    if (count > 0) assert.match(warnings[0], /“residentMemory” is for single machines/);
  }
});

test("a slip in a name is pointed out; a stranger is not", () => {
  const warnings = (raw: Record<string, unknown>) => parse({ program: "p", ...raw }).warnings.join();
  assert.match(warnings({ memmory: 1 }), /“memmory” is unknown and ignored; did you mean “memory”\?/);
  assert.match(warnings({ stoponentry: 1 }), /did you mean “stopOnEntry”/);
  assert.match(warnings({ "record-to": 1 }), /did you mean “recordTo”/);
  assert.match(warnings({ progarm: 1 }), /did you mean “program”/);
  assert.equal(warnings({ preLaunchTask: "x", presentation: {}, internalConsoleOptions: "x", env: {}, args: [] }), "");
});
