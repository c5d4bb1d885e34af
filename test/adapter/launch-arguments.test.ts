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
    clock: "paced",
    seed: 7,
    bios: "none",
    input: "keys.txt",
    stopOnEntry: true,
    stopOnEnd: false,
    console: "integratedTerminal",
    noDebug: true,
  });
  assert.deepEqual(launch, {
    options: {
      program: "/project/sub/guest.elf",
      recordTo: "/project/out.hindcast",
      memoryBytes: 64 * 2 ** 20,
      harts: 2,
      isa: "rv64imac",
      seed: 7,
      clock: "paced",
      engine: "oracle",
      stopOnEntry: true,
    },
    input: "/project/sub/keys.txt",
    stopOnEnd: false,
    console: "integratedTerminal",
    noDebug: true,
    warnings: [],
  });
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
  [{ program: "a", recording: "b" }, /either “program” or “recording”, not both/],
  [{ program: 3 }, /“program” must be a path, not 3\.$/],
  [{ program: "  " }, /“program” must be a path/],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an editor that does not know it sends it as it stands.
  [{ program: "${file}" }, /“program” holds a variable that the editor did not replace/],
  [{ program: "p", memory: "lots" }, /“memory” must be a size such as "128M", not "lots"/],
  [{ program: "p", memory: "1K" }, /“memory” must be from 4K to 3G/],
  [{ program: "p", memory: "4G" }, /“memory” must be from 4K to 3G/],
  [{ program: "p", memory: 4097 }, /“memory” must be .* whole pages/],
  [{ program: "p", memory: -4096 }, /“memory” must be a size/],
  [{ program: "p", harts: 0 }, /“harts” must be a whole number from 1 to 512, not 0/],
  [{ program: "p", harts: "2" }, /“harts” must be a whole number .*, not "2"/],
  [{ program: "p", isa: 64 }, /“isa” must be an ISA string such as "rv64imac", not 64/],
  [{ program: "p", isa: "x86" }, /“isa”: “x86” is no instruction set/],
  [{ program: "p", isa: "rv64gcv" }, /“isa”: .* extension v/],
  [{ program: "p", engine: "fast" }, /“engine” must be "auto" or "interpreter" or "oracle", not "fast"/],
  [{ program: "p", clock: "real" }, /“clock” must be "virtual" or "paced"/],
  [{ program: "p", seed: 1.5 }, /“seed” must be a whole number/],
  [{ program: "p", stopOnEntry: "yes" }, /“stopOnEntry” must be true or false, not "yes"/],
  [{ program: "p", console: "window" }, /“console” must be/],
  [{ program: "p", bios: "sbi" }, /“bios” must be "none"/],
  [{ program: "p", kernel: "vmlinux" }, /“kernel” is not supported by this version/],
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

test("a slip in a name is pointed out; a stranger is not", () => {
  const warnings = (raw: Record<string, unknown>) => parse({ program: "p", ...raw }).warnings.join();
  assert.match(warnings({ memmory: 1 }), /“memmory” is unknown and ignored; did you mean “memory”\?/);
  assert.match(warnings({ stoponentry: 1 }), /did you mean “stopOnEntry”/);
  assert.match(warnings({ "record-to": 1 }), /did you mean “recordTo”/);
  assert.match(warnings({ progarm: 1 }), /did you mean “program”/);
  assert.equal(warnings({ preLaunchTask: "x", presentation: {}, internalConsoleOptions: "x", env: {}, args: [] }), "");
});
