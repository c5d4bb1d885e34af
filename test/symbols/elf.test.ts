import assert from "node:assert/strict";
import test from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { CallFrames } from "../../src/symbols/call-frames.ts";
import { readElf } from "../../src/symbols/elf.ts";
import { readImage } from "../../src/symbols/image.ts";
import { LineTable } from "../../src/symbols/line-table.ts";
import { SymbolTable } from "../../src/symbols/symbol-table.ts";
import { type BuiltElf, Bytes, buildElf, CODE, ONE_SEGMENT, RAM, SHT, symbolSections } from "./elf-builder.ts";
import { frameSection } from "./frame-builder.ts";
import { lineUnit } from "./line-program-builder.ts";

function refusal(bytes: Uint8Array): { code: string; message: string } {
  try {
    readElf(bytes, "it.elf");
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return { code: error.code, message: error.message };
  }
  assert.fail("it was read");
}

test("a small executable", () => {
  const program = readElf(buildElf(), "it.elf");
  assert.equal(program.entry, RAM);
  assert.equal(program.segments.length, 1);
  const [segment] = program.segments;
  assert.deepEqual([...segment.bytes], [...CODE]);
  assert.equal(segment.physicalAddress, Number(RAM));
  assert.equal(segment.executable, true);
  assert.equal(segment.writable, false);
  assert.deepEqual(program.info, { warnings: [], isa: undefined, floatAbi: "soft", compressedCode: true });
});

test("zero-filled memory behind the bytes of a segment is kept as a size", () => {
  const [segment] = readElf(buildElf({ segments: [{ ...ONE_SEGMENT, memoryBytes: 1n << 20n }] }), "it.elf").segments;
  assert.equal(segment.bytes.length, CODE.length);
  assert.equal(segment.memoryBytes, 1 << 20);
});

test("an entry point that is linked high begins where its bytes are placed", () => {
  const high = 0xffff_ffff_8000_0000n;
  const program = readElf(
    buildElf({ entry: high + 4n, segments: [{ ...ONE_SEGMENT, address: high, physicalAddress: RAM }] }),
    "it.elf",
  );
  assert.equal(program.entry, RAM + 4n);
  assert.equal(program.segments[0].virtualAddress, high);
});

const REFUSED: readonly (readonly [string, BuiltElf, string, RegExp])[] = [
  ["a 32-bit program", { elfClass: 1 }, "elf-32-bit", /32-bit program for RISC-V/],
  ["a 32-bit program of another machine", { elfClass: 1, machine: 40 }, "elf-32-bit", /Arm/],
  ["a big-endian one", { data: 2 }, "elf-big-endian", /big-endian/],
  ["x86-64", { machine: 62 }, "elf-wrong-machine", /a program for x86-64; Hindcast runs 64-bit RISC-V/],
  ["AArch64", { machine: 183 }, "elf-wrong-machine", /AArch64/],
  ["an unknown machine", { machine: 9999 }, "elf-wrong-machine", /machine number 9999/],
  ["an object file", { type: 1 }, "elf-not-executable", /a relocatable object file, not an executable/],
  ["a shared object", { type: 3 }, "elf-not-executable", /shared object or position-independent/],
  ["a core dump", { type: 4 }, "elf-not-executable", /core dump/],
  ["no program headers", { segments: [] }, "elf-no-segments", /no loadable segments/],
  ["nothing to load", { segments: [{ ...ONE_SEGMENT, type: 4 }] }, "elf-no-segments", /no loadable segments/],
  ["empty segments", { segments: [{ ...ONE_SEGMENT, bytes: new Uint8Array() }] }, "elf-no-segments", /nothing to put/],
  [
    "a segment behind the end",
    { segments: [{ ...ONE_SEGMENT, offset: 1n << 20n }] },
    "elf-segment-outside-file",
    /segment 0/,
  ],
  [
    "a segment at an offset beyond every file",
    { segments: [{ ...ONE_SEGMENT, offset: (1n << 64n) - 1n }] },
    "elf-segment-outside-file",
    /segment 0/,
  ],
  [
    "more bytes than memory",
    { segments: [{ ...ONE_SEGMENT, memoryBytes: 4n }] },
    "elf-segment-size",
    /larger in the file/,
  ],
  [
    "a size beyond all memory",
    { segments: [{ ...ONE_SEGMENT, memoryBytes: 1n << 63n }] },
    "elf-segment-size",
    /beyond every address/,
  ],
  [
    "a segment that wraps around",
    { segments: [{ ...ONE_SEGMENT, address: (1n << 64n) - 4n, physicalAddress: RAM }] },
    "elf-segment-size",
    /wraps around/,
  ],
  ["an entry outside", { entry: 0n }, "elf-entry-outside", /entry point 0x0 .* define _start/],
  ["odd program headers", { programHeaderBytes: 32 }, "elf-damaged", /32 bytes each instead of 56/],
  ["odd section headers", { sectionHeaderBytes: 40, sections: [] }, "elf-damaged", /40 bytes each instead of 64/],
];

for (const [what, elf, code, sentence] of REFUSED) {
  test(`refused: ${what}`, () => {
    const { code: got, message } = refusal(buildElf(elf));
    assert.equal(got, code);
    assert.match(message, sentence);
    assert.match(message, /it\.elf/);
    assert.match(message, /\.$/);
  });
}

test("refused: what is no ELF at all, and what is cut off in its header", () => {
  assert.equal(refusal(new Uint8Array()).code, "image-empty");
  assert.equal(refusal(new TextEncoder().encode("#!/bin/sh\n")).code, "elf-not-elf");
  assert.equal(refusal(buildElf().subarray(0, 40)).code, "elf-truncated");
  assert.match(refusal(buildElf().subarray(0, 100)).message, /its program headers would lie behind the end/);
});

test("symbols: kinds, bindings, sections; names that are no user's are left out", () => {
  const symbols = [
    { name: "main", value: RAM, size: 8 },
    { name: "loop", value: RAM + 4n, type: 0, binding: 0 },
    { name: "counter", value: RAM + 0x100n, size: 4, type: 1 },
    { name: "LIMIT", value: 42n, type: 0, section: 0xfff1 },
    { name: "weak_one", value: RAM, binding: 2 },
    { name: "elsewhere", value: 0n, section: 0 },
    { name: "main.c", value: 0n, type: 4, section: 0xfff1 },
    { name: "$x", value: RAM, type: 0, binding: 0 },
    { name: ".L3", value: RAM, type: 0, binding: 0 },
  ];
  const text = { name: ".text", type: SHT.progbits, bytes: CODE, address: RAM };
  const program = readElf(buildElf({ sections: [text, ...symbolSections(symbols, 1)] }), "it.elf");
  const shown = program.symbols.map(({ name, kind, binding, section, size }) => [name, kind, binding, section, size]);
  assert.deepEqual(shown.sort(), [
    ["LIMIT", "absolute", "global", "*ABS*", 0],
    ["counter", "object", "global", ".text", 4],
    ["loop", "label", "local", ".text", 0],
    ["main", "function", "global", ".text", 8],
    ["weak_one", "function", "weak", ".text", 0],
  ]);
});

test("symbols with a name outside the string table are left out, with a warning", () => {
  const [table, strings] = symbolSections([{ name: "main", value: RAM }], 0);
  const program = readElf(buildElf({ sections: [table, { ...strings, bytes: new Uint8Array(1) }] }), "it.elf");
  assert.deepEqual(program.symbols, []);
  assert.match(program.info.warnings[0], /1 symbols of it\.elf are damaged/);
});

test("the ISA string of .riscv.attributes and the ABI of the flags", () => {
  const isa = "rv64i2p1_m2p0_a2p1_c2p0";
  const attributes = new Bytes().uleb(4).uleb(16).uleb(5).text(isa).bytes;
  const bytes = new Bytes()
    .u8(0x41)
    .u32(0)
    .text("riscv")
    .uleb(1)
    .u32(attributes.length + 5)
    .raw(attributes).bytes;
  const sections = [{ name: ".riscv.attributes", type: SHT.attributes, bytes }];
  const { info } = readElf(buildElf({ flags: 5, sections }), "it.elf");
  assert.equal(info.isa, isa);
  assert.equal(info.floatAbi, "double");
});

test("compressed debug sections are unpacked where there is someone to do it, else said to be left out", () => {
  const line = lineUnit({
    files: [{ name: "a.c", directory: 0 }],
    directories: ["/src"],
    rows: [{ file: 0, lines: 4 }],
  });
  const packed = new Bytes().u32(1).u32(0).u64(BigInt(line.length)).u64(1n).u8(1, 2, 3).bytes;
  const sections = [{ name: ".debug_line", type: SHT.progbits, flags: 0x800, bytes: packed }];
  const elf = buildElf({ sections });
  const without = readElf(elf, "it.elf");
  assert.deepEqual(without.lines, []);
  assert.match(without.info.warnings[0], /section \.debug_line of it\.elf is compressed/);

  const given: number[][] = [];
  const inflate = (bytes: Uint8Array, size: number) => {
    given.push([...bytes, size]);
    return line;
  };
  const program = readElf(elf, "it.elf", { inflate });
  assert.deepEqual(given, [[1, 2, 3, line.length]]);
  assert.deepEqual(program.files, ["/src/a.c"]);
  assert.deepEqual(program.info.warnings, []);

  const damaged = readElf(elf, "it.elf", { inflate: () => new Uint8Array(3) });
  assert.match(damaged.info.warnings[0], /its compressed data cannot be unpacked/);
  const bomb = new Bytes()
    .u32(1)
    .u32(0)
    .u64(1n << 50n)
    .u64(1n).bytes;
  const big = readElf(buildElf({ sections: [{ ...sections[0], bytes: bomb }] }), "it.elf", { inflate });
  assert.match(big.info.warnings[0], /too much/);
});

test("a file whose section headers are cut off still runs, without symbols, and says so", () => {
  const whole = buildElf({ sections: symbolSections([{ name: "main", value: RAM }], 0) });
  const program = readElf(whole.subarray(0, whole.length - 10), "it.elf");
  assert.deepEqual(program.symbols, []);
  assert.match(program.info.warnings[0], /cut off before its section headers/);
});

test("raw images", () => {
  const program = readImage(CODE, "it.bin", RAM);
  assert.equal(program.entry, RAM);
  assert.equal(program.segments[0].physicalAddress, Number(RAM));
  assert.throws(() => readImage(new Uint8Array(), "it.bin", RAM), { code: "image-empty" });
  assert.throws(() => readImage(CODE, "it.bin", (1n << 53n) - 4n), { code: "image-address" });
});

/** A file with everything that is read. */
function wholeElf(): Uint8Array {
  const line = [2, 3, 4, 5].flatMap((version) => [
    ...lineUnit({
      version,
      directories: version === 5 ? ["/src", "include"] : ["/src"],
      files: [
        { name: "a.c", directory: version === 5 ? 0 : 1 },
        { name: "b.h", directory: 1 },
      ],
      rows: [
        { file: 1, lines: 9 },
        { advance: 4, lines: 1 },
      ],
      start: RAM,
    }),
  ]);
  const symbols = [
    { name: "main", value: RAM, size: 8 },
    { name: "counter", value: RAM + 4n, size: 4, type: 1 },
  ];
  return buildElf({
    segments: [ONE_SEGMENT, { address: RAM + 0x1000n, bytes: CODE, flags: 6, memoryBytes: 64n }],
    sections: [
      { name: ".text", type: SHT.progbits, bytes: CODE, address: RAM },
      ...symbolSections(symbols, 1),
      { name: ".debug_line", type: SHT.progbits, bytes: Uint8Array.from(line) },
      { name: ".debug_frame", type: SHT.progbits, bytes: frameSection({ start: RAM, length: 8 }) },
    ],
  });
}

/** Reads a file and asks everything that a debugger asks; anything but a UserError is a bug. */
function useAll(bytes: Uint8Array): void {
  let program: ReturnType<typeof readElf>;
  try {
    program = readElf(bytes, "it.elf", { inflate: (data) => data });
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return;
  }
  const symbols = new SymbolTable([program]);
  const lines = new LineTable([program], (address) => symbols.nearest(address)?.symbol);
  const frames = new CallFrames(program.unwind);
  for (const address of [0n, RAM, RAM + 2n, RAM + 6n, RAM + 0x1000n, (1n << 64n) - 1n]) {
    symbols.describe(address);
    lines.at(address);
    lines.lineAround(address);
    frames.rulesAt(address);
  }
  for (const path of lines.paths) {
    lines.place(path, 1);
    lines.locations(path, 1, 100);
  }
}

test("a file cut off at every byte is read or refused with a sentence", () => {
  const whole = wholeElf();
  useAll(whole);
  for (let length = 0; length < whole.length; length++) useAll(whole.subarray(0, length));
});

test("random damage never hangs and never throws anything but a sentence", () => {
  const seed = 20_260_701;
  const prng = new Prng(seed);
  const whole = wholeElf();
  for (let round = 0; round < 4000; round++) {
    const damaged = whole.slice();
    const count = 1 + prng.below(8);
    for (let i = 0; i < count; i++) {
      // Extreme values find more than average ones.
      damaged[prng.below(damaged.length)] = prng.pick([0, 1, 0x7f, 0x80, 0xff, prng.below(256)]);
    }
    try {
      useAll(damaged);
    } catch (error) {
      assert.fail(`seed ${seed}, round ${round}: ${error instanceof Error ? error.stack : error}`);
    }
  }
});
