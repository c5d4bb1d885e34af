import assert from "node:assert/strict";
import { test } from "node:test";
import type { Program } from "../../src/assembler/program.ts";
import { virtualAddress } from "../../src/base/brand.ts";
import { shiftProgram } from "../../src/symbols/shift.ts";
import { isSymbolList, readSymbolList } from "../../src/symbols/symbol-list.ts";
import { SymbolTable } from "../../src/symbols/symbol-table.ts";

const LIST = `ffffffff80000000 T _start
ffffffff80000040 t helper
ffffffff80000040 T helper_alias
ffffffff80001000 D table
0000000000000007 A nothing
ffffffff80000080 W weakling
ffffffff01000000 t of_a_module\t[virtio_blk]
`;

const bytes = (text: string) => new TextEncoder().encode(text);

test("a list of symbols names addresses, each up to the next", () => {
  const program = readSymbolList(bytes(LIST), "System.map");
  const table = new SymbolTable([program]);
  assert.equal(table.describe(0xffff_ffff_8000_003en), "_start+0x3e");
  assert.equal(table.describe(0xffff_ffff_8000_0044n), "helper_alias+0x4");
  assert.equal(table.describe(0xffff_ffff_8000_0fffn), "weakling+0xf7f");
  assert.equal(table.describe(0xffff_ffff_8000_1002n), "table+0x2");
  assert.equal(table.describe(0xffff_ffff_0100_0000n), "of_a_module");
  assert.equal(table.named("nothing"), undefined);
  assert.ok(table.isExecutable(0xffff_ffff_8000_0000n));
  assert.ok(!table.isExecutable(0xffff_ffff_8000_1000n));
  assert.ok(program.segments.every((segment) => segment.bytes.length === 0));
});

test("what begins like a list is one, and is read to its end", () => {
  assert.ok(isSymbolList(bytes(LIST)));
  assert.ok(isSymbolList(bytes("0 t a\r\n")));
  for (const text of ["", "\x7fELF", "_start: nop\n", "zz T a\n", "ffffffff80000000 T\n"])
    assert.ok(!isSymbolList(bytes(text)));
  assert.throws(() => readSymbolList(bytes("0 t a\nwhat is this\n"), "x.map"), {
    code: "symbol-list",
    message: /x\.map:2/,
  });
});

test("a program that lies elsewhere: everything moves but absolute symbols", () => {
  const program: Program = {
    name: "p",
    entry: virtualAddress(4n),
    segments: [
      {
        physicalAddress: 0,
        virtualAddress: virtualAddress(0n),
        bytes: new Uint8Array(8),
        memoryBytes: 8,
        executable: true,
        writable: false,
      },
    ],
    symbols: [
      { name: "f", address: virtualAddress(4n), size: 4, kind: "function", binding: "global", section: ".text" },
      { name: "a", address: virtualAddress(4n), size: 0, kind: "absolute", binding: "global", section: "*ABS*" },
    ],
    lines: [{ address: virtualAddress(4n), file: 0, line: 1, column: 1, statement: true, endSequence: false }],
    files: ["p.s"],
  };
  const moved = shiftProgram(program, 0x8000_0000n);
  assert.equal(moved.entry, 0x8000_0004n);
  assert.equal(moved.segments[0].virtualAddress, 0x8000_0000n);
  assert.deepEqual(
    moved.symbols.map(({ address }) => address),
    [0x8000_0004n, 4n],
  );
  assert.equal(moved.lines[0].address, 0x8000_0004n);
  assert.equal(shiftProgram(moved, -0x8000_0000n).entry, 4n);
  assert.equal(shiftProgram(program, 0n), program);
});
