import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { gzipSync } from "node:zlib";
import { assemble } from "../../src/assembler/assemble.ts";
import { UserError } from "../../src/base/errors.ts";
import { AssemblyFailure } from "../../src/host/assembly-files.ts";
import { DISK, loadProgram } from "../../src/host/program-files.ts";
import { writeElf } from "../../src/symbols/elf-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-programs-"));
after(() => rmSync(folder, { recursive: true }));

const MEMORY_BYTES = 1 << 20;
// e_ident's class, e_machine and the first program header's p_paddr and p_vaddr.
const EI_CLASS = 4;
const E_MACHINE = 18;
const P_VADDR = 64 + 16;
const P_PADDR = 64 + 24;

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const load = (path: string) => loadProgram(path, DISK, { memoryBytes: MEMORY_BYTES });

function elf(source: string): Uint8Array {
  const { program, errors } = assemble(source, { file: "/somewhere/guest.s" });
  assert.ok(program !== undefined, JSON.stringify(errors));
  return writeElf(program, "hindcast test");
}

const GOOD = elf("_start: li t0, 0x100000\n li t1, 0x5555\n sw t1, 0(t0)\n.data\n.space 5000\n");

function patched(offset: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(GOOD);
  copy.set(values, offset);
  return copy;
}

const shown = (path: string) =>
  load(path).program.segments.map(({ bytes, ...rest }) => ({ ...rest, bytes: [...bytes] }));

test("an ELF, the same gzip'ed, and a raw image", () => {
  const path = file("good.elf", GOOD);
  assert.equal(load(path).program.entry, 0x8000_0000n);
  assert.deepEqual(shown(file("good.elf.gz", gzipSync(GOOD))), shown(path));
  const raw = load(file("raw.img", Uint8Array.of(0x13, 0x05, 0xa0, 0x02)));
  assert.equal(raw.program.entry, 0x8000_0000n);
  assert.deepEqual([...raw.program.segments[0].bytes], [0x13, 0x05, 0xa0, 0x02]);
  assert.equal(raw.assembled, false);
});

test("a linker's first segment that begins with the file's own header loses it", () => {
  // What `ld -Ttext=0x80000000` gives: the first segment from 0x7ffff000 on, the header at its start.
  const bytes = new Uint8Array(0x1000 + GOOD.length);
  bytes.set(GOOD, 0);
  bytes.set(GOOD.subarray(0xb0), 0x1000);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(64 + 8, 0n, true); // p_offset
  for (const at of [P_VADDR, P_PADDR]) view.setBigUint64(at, 0x7fff_f000n, true);
  for (const at of [64 + 32, 64 + 40]) view.setBigUint64(at, 0x1010n, true); // p_filesz, p_memsz
  const [first] = load(file("header.elf", bytes)).program.segments;
  assert.equal(first.physicalAddress, 0x8000_0000);
  assert.equal(first.virtualAddress, 0x8000_0000n);
  assert.equal(first.memoryBytes, 0x10);
  assert.deepEqual([...first.bytes], [...bytes.subarray(0x1000, 0x1010)]);
});

test("assembly source, with what it includes, beside it and below", () => {
  mkdirSync(join(folder, "lib/deep"), { recursive: true });
  file("lib/constants.inc", '.equ ANSWER, 42\n.include "deep/more.inc"\n');
  file("lib/deep/more.inc", ".equ MORE, 1\n");
  file("lib/blob.bin", Uint8Array.of(1, 2, 3));
  const path = file("main.s", '.include "lib/constants.inc"\n_start: li a0, ANSWER + MORE\n.incbin "lib/blob.bin"\n');
  const { program, sources, assembled, bytes } = load(path);
  assert.equal(assembled, true);
  assert.deepEqual([...bytes], [...DISK.read(path)]);
  assert.deepEqual(
    [...sources.keys()].sort(),
    [path, join(folder, "lib/blob.bin"), join(folder, "lib/constants.inc"), join(folder, "lib/deep/more.inc")].sort(),
  );
  assert.deepEqual([...program.segments[0].bytes].slice(4, 7), [1, 2, 3]);
  assert.deepEqual(program.files, [path]);
});

test("sources that a binary names without their folder are looked for from its own folder upwards", () => {
  const root = join(import.meta.dirname, "../..");
  const kernel = join(root, "guest/kernel/prebuilt/kernel.elf");
  const name = "guest/kernel/process.c";
  assert.ok(load(kernel).program.files.includes(join(root, name)));
  mkdirSync(join(folder, "elsewhere/guest/kernel"), { recursive: true });
  const alone = file("elsewhere/kernel.elf", readFileSync(kernel));
  assert.ok(load(alone).program.files.includes(name));
  const source = file(`elsewhere/${name}`, "");
  assert.ok(load(alone).program.files.includes(source));
});

test("errors of a source keep their places, those of an included file too", () => {
  const included = file("wrong.inc", "nop\n  adi a0, a0, 1\n");
  const path = file("wrong.s", '_start:\n.include "wrong.inc"\n li t0\n');
  assert.throws(
    () => load(path),
    (error) => {
      assert.ok(error instanceof AssemblyFailure);
      assert.equal(error.code, "assembly");
      const places = error.messages.map(({ file, line }) => ({ file, line }));
      assert.deepEqual(places, [
        { file: path, line: 3 },
        { file: included, line: 2 },
      ]);
      return /^.*wrong\.s:3:\d+: .*, and 1 more error\.$/.test(error.message);
    },
  );
});

test("programs that cannot be run, each with its sentence", async (t) => {
  const cases: [string, string | Uint8Array | undefined, string, RegExp][] = [
    ["missing.elf", undefined, "file-not-found", /^cannot read .*missing\.elf: there is no such file or folder\.$/],
    ["empty", "", "program-empty", /is empty\.$/],
    ["x86.elf", patched(E_MACHINE, 62, 0), "elf-wrong-machine", /is a program for x86-64/],
    ["rv32.elf", patched(EI_CLASS, 1), "elf-32-bit", /32-bit program.*64-bit RISC-V/],
    ["header.elf", GOOD.subarray(0, 40), "elf-truncated", /cut off/],
    ["cut.elf", GOOD.subarray(0, 2000), "elf-segment-outside-file", /cut off or damaged/],
    ["cut.gz", gzipSync(GOOD).subarray(0, 100), "gzip-damaged", /cut off or damaged/],
    ["bomb.gz", gzipSync(new Uint8Array(2 * MEMORY_BYTES).fill(0x13)), "image-too-large", /unpacks to more/],
    ["twice.gz", gzipSync(gzipSync(GOOD)), "program-kind", /compressed twice/],
    ["main.c", "int main(void) { return 0; }\n", "program-kind", /is a text file/],
    ["include.s", '.include "nowhere.inc"\n', "assembly", /nowhere\.inc/],
  ];
  for (const [name, content, code, sentence] of cases) {
    await t.test(name, () => {
      const path = content === undefined ? join(folder, name) : file(name, content);
      assert.throws(
        () => load(path),
        (error) => {
          assert.ok(error instanceof UserError, String(error));
          assert.equal(error.code, code);
          assert.match(error.message, sentence);
          return error.exitCode === 3;
        },
      );
    });
  }
  await t.test("a folder", () => assert.throws(() => load(folder), /is a folder: name a file in it/));
});
