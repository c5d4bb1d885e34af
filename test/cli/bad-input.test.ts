import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { assemble } from "../../src/assembler/assemble.ts";
import { writeElf } from "../../src/symbols/elf-writer.ts";
import { assertRefused, file, folder, hindcast, hindcastJson } from "./command.ts";
import { HELLO } from "./guests.ts";

const at = (name: string) => join(folder, name);

function elf(source: string): Uint8Array {
  const { program, errors } = assemble(source, { file: "/somewhere/guest.s" });
  assert.ok(program !== undefined, JSON.stringify(errors));
  return writeElf(program, "hindcast test");
}

const GOOD = elf("_start: li t0, 0x100000\n li t1, 0x5555\n sw t1, 0(t0)\n.data\n.space 5000\n");
// e_machine of the ELF header.
const E_MACHINE = 18;

test("the good one runs, plain and gzip'ed", async () => {
  assert.equal((await hindcast("run", file("good.elf", GOOD))).exitCode, 0);
  assert.equal((await hindcast("run", file("good.gz", gzipSync(GOOD)))).exitCode, 0);
});

// test/host/program-files.test.ts has the others; these show that the terminal says what the host says.
test("programs that cannot be run", async () => {
  await assertRefused(
    ["run", at("missing.elf")],
    3,
    "file-not-found",
    /cannot read .*missing\.elf: there is no such file/,
  );
  const x86 = Uint8Array.from(GOOD);
  x86.set([62, 0], E_MACHINE);
  await assertRefused(["run", file("x86.elf", x86)], 3, "elf-wrong-machine", /is a program for x86-64/);
  const cut = file("cut.elf", GOOD.subarray(0, 2000));
  await assertRefused(["run", cut], 3, "elf-segment-outside-file", /cut off or damaged/);
  const source = file("wrong.s", "_start: adi a0, a0, 1\n li t0\n");
  await assertRefused(["run", source], 3, "assembly", /wrong\.s:1:9: (error: )?unknown instruction `adi`/);
});

test("an image that is too large for memory fits into more", async () => {
  const path = file("fits.elf", elf("_start: li t0, 0x100000\n li t1, 0x5555\n sw t1, 0(t0)\n.bss\n.space 1000000\n"));
  await assertRefused(["run", path, "--memory", "512K"], 3, "image-outside-memory", /give the machine more memory/);
  assert.equal((await hindcast("run", path, "--memory", "2M")).exitCode, 0);
});

test("a program that is refused leaves no recording", async () => {
  const path = at("none.hindcast");
  await assertRefused(["record", file("bad.s", "foo\n"), "-o", path], 3, "assembly", /foo/);
  await assertRefused(["info", path], 3, "file-not-found", /no such file/);
});

test("asm prints errors as file:line:column and gives them as data", async () => {
  const path = file("errors.s", "_start: li t0\n  .data\n  .wrod 1\nx: .word x1y\n");
  const { exitCode, json, stderr } = await hindcastJson("asm", path);
  assert.equal(exitCode, 3);
  const errors = json.errors as { file: string; line: number; column: number; message: string }[];
  assert.deepEqual(
    errors.map(({ line }) => line),
    [1, 3, 4],
  );
  assert.ok(errors.every((error) => error.file === path && error.message.length > 0));
  for (const { line, column } of errors) assert.ok(stderr.includes(`${path}:${line}:${column}: error: `), stderr);
});

test("asm -o writes an executable that runs; dis shows it with symbols and lines", async () => {
  const { exitCode, json } = await hindcastJson("asm", HELLO(), "-o", at("hello.elf"));
  assert.equal(exitCode, 0);
  assert.deepEqual(json.errors, []);
  assert.equal((await hindcast("run", at("hello.elf"))).stdout, "hello, world\n");
  const listing = await hindcast("dis", at("hello.elf"));
  assert.equal(listing.exitCode, 0);
  assert.match(listing.stdout, /^\n_start:\n# hello\.s:\d+: .*la +a0, message\n80000000: {2}/);
  assert.match(listing.stdout, /sb t1,0\(t0\)/);
  const data = (await hindcastJson("dis", at("hello.elf"))).json;
  const [first] = data.instructions as Record<string, unknown>[];
  assert.equal(first.symbol, "_start");
  assert.equal(first.pc, "0x80000000");
  assert.deepEqual(first.labels, ["_start"]);
  const source = (await hindcastJson("dis", HELLO())).json;
  assert.deepEqual(source.instructions, data.instructions);
});

test("dis takes a raw image, data and all", async () => {
  const image = file("raw.bin", Uint8Array.of(0x13, 0x05, 0xa0, 0x02, 0x82, 0x80, 0xff, 0xff, 0xff, 0xff, 0x01));
  const { stdout, exitCode } = await hindcast("dis", image);
  assert.equal(exitCode, 0);
  assert.match(stdout, /li a0,42\n.*ret\n.*\.word 0xffffffff\n.*\.byte 0x01\n$/s);
});

test("files that are no recordings", async () => {
  const path = file("not.hindcast", "MCAP is what I am not");
  await assertRefused(["info", path], 3, "recording-not", /not\.hindcast is not a Hindcast recording\./);
  await assertRefused(["replay", file("zero.hindcast", "")], 3, "recording-empty", /is empty/);
  await assertRefused(["replay", folder], 3, "recording-not-file", /is not a file/);
  await hindcast("record", HELLO(), "-o", at("program.hindcast"));
  await assertRefused(["run", at("program.hindcast")], 3, "program-kind", /is a recording: open it with/);
});

test("a recording of another version is refused by name", async () => {
  await hindcast("record", HELLO(), "-o", at("version.hindcast"));
  const bytes = readFileSync(at("version.hindcast"));
  const key = bytes.indexOf("formatVersion");
  // The value follows its four bytes of length.
  bytes[key + "formatVersion".length + 4] = "7".charCodeAt(0);
  await assertRefused(
    ["replay", file("version.hindcast", bytes)],
    3,
    "recording-version",
    /format version 7 \(written by hindcast .*this Hindcast reads version/,
  );
});

test("wrong usage: exit code 2, a sentence, and where to read more", async () => {
  const cases: [string[], RegExp][] = [
    [["fly"], /unknown command 'fly'/],
    [["run", "a", "--memory", "lots"], /Write a size like 64K, 128M or 1G/],
    [["run", "a", "--limit", "0"], /At least one step/],
    [["run", "a", "--harts", "9"], /from 1 to 8 harts/],
    [["run", "a", "--modes", "s"], /Allowed choices are m, mu, msu/],
    [["run", "a", "--disk", "blank:7"], /Write FILE, optionally followed by/],
    [["run", "a", "--start-time", "noon"], /Write a date like 2026-01-31/],
  ];
  for (const [args, sentence] of cases) {
    const { json } = await assertRefused(args, 2, "usage", sentence);
    assert.ok(json.error);
  }
  const { exitCode, stderr, stdout } = await hindcast();
  assert.equal(exitCode, 2);
  assert.match(stderr, /Usage: hindcast/);
  assert.equal(stdout, "");
});

test("options of the machine that it does not have are said by the machine", async () => {
  await assertRefused(["run"], 2, "boot-nothing", /give a program or a kernel/);
  await assertRefused(["run", HELLO(), "--kernel", HELLO()], 2, "boot-both", /either a program or a kernel/);
  await assertRefused(["run", HELLO(), "--bios", at("nothing")], 3, "file-not-found", /cannot read .*nothing/);
  await assertRefused(["run", "--kernel", HELLO(), "--modes", "mu"], 2, "boot-modes", /msu/);
  await assertRefused(["run", "--kernel", HELLO(), "--initrd", at("nothing")], 3, "file-not-found", /nothing/);
  await assertRefused(["run", HELLO(), "--dtb", HELLO()], 3, "device-tree", /no device tree blob|not a device tree/);
  await assertRefused(["run", HELLO(), "--symbols", at("nothing")], 3, "file-not-found", /nothing/);
  await assertRefused(
    ["run", HELLO(), "--input", at("nothing")],
    3,
    "input-unreadable",
    /cannot read the console input/,
  );
  await hindcast("record", HELLO(), "-o", at("short.hindcast"));
  await assertRefused(["replay", at("short.hindcast"), "--to", "1e9"], 2, "instant-out-of-range", /ends at instant/);
  const question = ["query", at("short.hindcast"), "last-write", "0x80000000", "--before", "1e9"];
  await assertRefused(question, 2, "instant-out-of-range", /There is no instant/);
});

test("asm replaces executables, and nothing else", async () => {
  const source = file("precious.s", readFileSync(HELLO()));
  await assertRefused(["asm", source, "-o", source], 3, "output-exists", /exists and is not an ELF/);
  assert.deepEqual(readFileSync(source), readFileSync(HELLO()));
  for (let turn = 0; turn < 2; turn++) assert.equal((await hindcast("asm", source, "-o", at("new.elf"))).exitCode, 0);
});

test("every command explains itself on stdout", async () => {
  for (const command of ["run", "record", "replay", "query", "asm"]) {
    const { exitCode, stdout, stderr } = await hindcast(command, "--help");
    assert.equal(exitCode, 0);
    assert.equal(stderr, "");
    assert.match(stdout, new RegExp(`^Usage: hindcast ${command} `));
    assert.match(stdout, /--json/);
  }
  assert.match((await hindcast("--version")).stdout, /^\d+\.\d+\.\d+\n$/);
});

test("a busy port", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await assertRefused(["adapter", "--port", String(port)], 3, "port-busy", /in use by another program/);
  server.close();
});
