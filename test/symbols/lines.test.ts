import assert from "node:assert/strict";
import test from "node:test";
import type { Program } from "../../src/assembler/program.ts";
import { virtualAddress } from "../../src/base/brand.ts";
import { readLines } from "../../src/symbols/dwarf-lines.ts";
import { LineTable } from "../../src/symbols/line-table.ts";
import { joinPath, normalizePath, pathAffinity } from "../../src/symbols/paths.ts";
import { Bytes, RAM } from "./elf-builder.ts";
import { type LineProgram, lineUnit } from "./line-program-builder.ts";

function read(...programs: readonly (LineProgram | Uint8Array)[]) {
  const line = Uint8Array.from(
    programs.flatMap((program) => [...(program instanceof Uint8Array ? program : lineUnit(program))]),
  );
  const problems: string[] = [];
  const nothing = { lineStr: undefined, str: undefined, info: undefined, abbrev: undefined };
  return { ...readLines({ line, ...nothing }, (problem) => problems.push(problem)), problems };
}

function shown({ files, lines }: ReturnType<typeof read>): string[] {
  return lines.map(({ address, file, line, column, statement, endSequence }) => {
    const place = `${(address - RAM).toString(16)} ${files[file]}:${line}:${column}`;
    return `${place}${statement ? " stmt" : ""}${endSequence ? " end" : ""}`;
  });
}

const ROWS = [
  { file: 1, lines: 9, column: 3 },
  { advance: 4, lines: 1 },
  { advance: 600, lines: -5, statement: false },
];

for (const version of [2, 3, 4, 5]) {
  for (const dwarf64 of [false, true]) {
    test(`DWARF ${version}${dwarf64 ? ", 64-bit" : ""}: rows, files and directories`, () => {
      const directories = version === 5 ? ["/src", "lib"] : ["lib"];
      const files = [
        { name: "main.c", directory: 0 },
        { name: "heap.c", directory: 1 },
      ];
      const second = version === 5 ? "/src/lib/heap.c" : "lib/heap.c";
      const rows = version === 5 ? ROWS : ROWS.map((row) => (row.file === undefined ? row : { ...row, file: 2 }));
      const result = read({ version, dwarf64, directories, files, rows });
      assert.deepEqual(result.problems, []);
      assert.deepEqual(shown(result), [
        `0 ${second}:10:3 stmt`,
        `4 ${second}:11:3 stmt`,
        `25c ${second}:6:3`,
        `260 ${second}:6:3 end`,
      ]);
    });
  }
}

test("MD5 sums of files and instructions of two bytes at least", () => {
  const rows = [
    { file: 0, lines: 1 },
    { advance: 2, lines: 1 },
  ];
  const program = { directories: ["/s"], files: [{ name: "a.c", directory: 0 }], rows };
  const result = read({ ...program, md5: true, minimumInstructionLength: 2 });
  assert.deepEqual(shown(result), ["0 /s/a.c:2:0 stmt", "2 /s/a.c:3:0 stmt", "6 /s/a.c:3:0 end"]);
});

test("a damaged unit costs itself and not the next one; an unknown version is named", () => {
  const good = lineUnit({ directories: ["/s"], files: [{ name: "a.c", directory: 0 }], rows: [{ file: 0, lines: 1 }] });
  const bad = good.slice();
  // The length of an extended opcode near the end now points behind the unit.
  bad[bad.length - 2] = 0xff;
  const future = good.slice();
  future[4] = 6;
  const result = read(bad, future, good);
  assert.deepEqual(shown(result), ["0 /s/a.c:2:0 stmt", "4 /s/a.c:2:0 end"]);
  assert.equal(result.problems.length, 2);
  assert.match(result.problems[0], /the unit at offset 0x0 of \.debug_line is damaged/);
  assert.match(result.problems[1], /DWARF version 6 at offset/);
});

test("a number of files that no file can hold is damage, not an endless loop", () => {
  // One format without any field: an entry of no bytes could be repeated for ever.
  const header = new Bytes().u8(1, 1, 1, 0xfb, 14, 13).u8(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1);
  header.u8(0).raw(new Bytes().uleb(2 ** 40).list);
  const unit = new Bytes().u16(5).u8(8, 0).u32(header.list.length).raw(header.list);
  const { problems } = read(new Bytes().u32(unit.list.length).raw(unit.list).bytes);
  assert.equal(problems.length, 1);
});

// ---- looking up

interface Row {
  readonly at: number;
  readonly line: number;
  readonly file?: number;
  readonly column?: number;
  readonly statement?: boolean;
  readonly end?: boolean;
}

function table(files: readonly string[], rows: readonly Row[], functionOf?: (address: bigint) => unknown): LineTable {
  const program: Program = {
    name: "t",
    entry: virtualAddress(RAM),
    segments: [],
    symbols: [],
    files,
    lines: rows.map(({ at, line, file, column, statement, end }) => ({
      address: virtualAddress(RAM + BigInt(at)),
      file: file ?? 0,
      line,
      column: column ?? 0,
      statement: statement ?? !end,
      endSequence: end ?? false,
    })),
  };
  return new LineTable([program], functionOf);
}

const offsets = (addresses: readonly bigint[] | undefined) => addresses?.map((address) => Number(address - RAM));

test("from an address to its line, and to all that belongs to the line without a gap", () => {
  const lines = table(
    ["a.c"],
    [
      { at: 0, line: 1 },
      { at: 4, line: 2 },
      { at: 8, line: 2, column: 9 },
      { at: 12, line: 3 },
      { at: 16, line: 3, end: true },
      { at: 32, line: 9 },
      { at: 36, line: 9, end: true },
    ],
  );
  assert.equal(lines.at(RAM - 1n), undefined);
  assert.equal(lines.at(RAM + 20n), undefined, "between two sequences");
  assert.equal(lines.at(RAM + 36n), undefined);
  assert.equal(lines.at(RAM + 34n)?.line, 9);
  assert.equal(lines.at(RAM + 9n)?.column, 9);
  const around = lines.lineAround(RAM + 9n);
  assert.deepEqual([around?.start, around?.end], [RAM + 4n, RAM + 12n]);
  assert.equal(lines.beginsStatement(RAM + 4n), true);
  assert.equal(lines.beginsStatement(RAM + 6n), false);
});

test("a row without length marks a statement, and stands aside as a place", () => {
  const lines = table(
    ["a.c"],
    [
      { at: 0, line: 5 },
      { at: 0, line: 6 },
      { at: 0, line: 6, statement: false },
      { at: 4, line: 6, end: true },
    ],
  );
  assert.equal(lines.at(RAM)?.line, 6);
  assert.equal(lines.beginsStatement(RAM), true);
  assert.deepEqual(offsets(lines.place("a.c", 5)?.addresses), [0], "the only place that line 5 has");
});

test("from a line to its addresses: a split line of C once in each function, a macro in assembly everywhere", () => {
  const rows = [
    { at: 0, line: 3 },
    { at: 4, line: 4 },
    { at: 8, line: 3 },
    { at: 12, line: 7 },
    { at: 16, line: 3 },
    { at: 20, line: 3, end: true },
  ];
  const functionOf = (address: bigint) => (address < RAM + 12n ? "f" : "g");
  assert.deepEqual(offsets(table(["a.c"], rows, functionOf).place("a.c", 3)?.addresses), [0, 16]);
  assert.deepEqual(offsets(table(["a.s"], rows, functionOf).place("a.s", 3)?.addresses), [0, 8, 16]);
});

test("a line without code slides down to the next one, not up and not into another file", () => {
  const lines = table(
    ["a.s", "b.s"],
    [
      { at: 0, line: 10 },
      { at: 4, line: 14 },
      { at: 8, line: 20, file: 1 },
      { at: 12, line: 20, file: 1, end: true },
    ],
  );
  assert.equal(lines.place("a.s", 11)?.line, 14);
  assert.equal(lines.place("a.s", 15), undefined);
  assert.equal(lines.place("b.s", 1)?.line, 20);
  assert.deepEqual(
    lines.locations("a.s", 1, 100).map(({ line }) => line),
    [10, 14],
  );
});

test("paths: the same file under another name, but not another file of the same name when there is a better one", () => {
  const files = ["/build/project/src/main.c", "/build/project/test/main.c", "lib/heap.s"];
  const rows = files.flatMap((_, file) => [
    { at: file * 8, line: 1, file },
    { at: file * 8 + 4, line: 1, file, end: true },
  ]);
  const lines = table(files, rows);
  assert.deepEqual(lines.pathsFor("/build/project/src/main.c"), [files[0]]);
  assert.deepEqual(lines.pathsFor("/home/me/project/test/main.c"), [files[1]]);
  assert.deepEqual(lines.pathsFor("C:\\work\\project\\src\\main.c"), [files[0]]);
  assert.deepEqual(lines.pathsFor("/anywhere/lib/heap.s"), [files[2]]);
  assert.deepEqual(lines.pathsFor("heap.c"), []);
  assert.deepEqual(lines.pathsFor("/other/main.c"), [files[0], files[1]], "nothing tells them apart");
});

test("one spelling of paths", () => {
  assert.equal(normalizePath("/a/./b/../c//d.c"), "/a/c/d.c");
  assert.equal(normalizePath("..\\a\\b.c"), "../a/b.c");
  assert.equal(normalizePath("c:\\a\\..\\b.c"), "C:/b.c");
  assert.equal(normalizePath("/../x"), "/x");
  assert.equal(joinPath("/src", "../lib/a.c"), "/lib/a.c");
  assert.equal(joinPath("/src", "/abs/a.c"), "/abs/a.c");
  assert.equal(pathAffinity("/a/b.c", "/a/./b.c"), Number.POSITIVE_INFINITY);
  assert.equal(pathAffinity("C:\\A\\B.c", "c:/a/b.C"), Number.POSITIVE_INFINITY);
  assert.equal(pathAffinity("/x/y/b.c", "/z/y/b.c"), 2);
  assert.equal(pathAffinity("/x/b.c", "/x/B.c"), 0);
});
