import assert from "node:assert/strict";
import test from "node:test";
import type { Program, ProgramSymbol } from "../../src/assembler/program.ts";
import { virtualAddress } from "../../src/base/brand.ts";
import { SymbolTable } from "../../src/symbols/symbol-table.ts";
import { RAM } from "./elf-builder.ts";

type Shape = Partial<Omit<ProgramSymbol, "address">> & { readonly name: string; readonly at: number };

function table(...shapes: readonly Shape[]): SymbolTable {
  const segment = { bytes: new Uint8Array(), memoryBytes: 0x1000, writable: false };
  const program: Program = {
    name: "t",
    entry: virtualAddress(RAM),
    segments: [
      { ...segment, physicalAddress: Number(RAM), virtualAddress: virtualAddress(RAM), executable: true },
      {
        ...segment,
        physicalAddress: Number(RAM) + 0x2000,
        virtualAddress: virtualAddress(RAM + 0x2000n),
        executable: false,
      },
    ],
    symbols: shapes.map(({ at, ...shape }) => ({
      size: 0,
      kind: "label",
      binding: "local",
      section: ".text",
      ...shape,
      address: virtualAddress(RAM + BigInt(at)),
    })),
    lines: [],
    files: [],
  };
  return new SymbolTable([program]);
}

test("an address is named after the function around it, not after the label nearest to it", () => {
  const symbols = table(
    { name: "main", at: 0, size: 0x40, kind: "function", binding: "global" },
    { name: "loop", at: 0x10 },
    { name: "next", at: 0x40 },
  );
  assert.equal(symbols.describe(RAM), "main");
  assert.equal(symbols.describe(RAM + 0x14n), "main+0x14");
  assert.equal(symbols.describe(RAM + 0x44n), "next+0x4");
});

test("without sizes the nearest label before it names an address, inside its segment only", () => {
  const symbols = table({ name: "start", at: 0 }, { name: "data", at: 0x2000 });
  assert.equal(symbols.describe(RAM + 0xff0n), "start+0xff0");
  assert.equal(symbols.describe(RAM + 0x1000n), undefined, "behind the segment");
  assert.equal(symbols.describe(RAM + 0x2008n), "data+0x8");
  assert.equal(symbols.describe(RAM - 4n), undefined);
});

test("behind the end of a sized symbol there is no name, except that of a larger one around it", () => {
  const symbols = table(
    { name: "pool", at: 0x2000, size: 0x100, kind: "object" },
    { name: "first", at: 0x2010, size: 8, kind: "object" },
    { name: "flag", at: 0x2200, size: 4, kind: "object" },
  );
  assert.equal(symbols.describe(RAM + 0x2014n), "first+0x4");
  assert.equal(symbols.describe(RAM + 0x2020n), "pool+0x20");
  assert.equal(symbols.describe(RAM + 0x2204n), undefined);
});

test("a size counts whatever the kind: assembly often has .size without .type", () => {
  const symbols = table({ name: "work", at: 0, size: 0x40 }, { name: "loop", at: 0x10 });
  assert.equal(symbols.describe(RAM + 0x14n), "work+0x14");
});

test("of several names for one place the one that people know", () => {
  const symbols = table(
    { name: "__image_start", at: 0, binding: "global" },
    { name: "_start", at: 0, binding: "global" },
    { name: "alias", at: 8 },
    { name: "work", at: 8, kind: "function", binding: "weak" },
  );
  assert.equal(symbols.describe(RAM), "_start");
  assert.equal(symbols.describe(RAM + 8n), "work");
  assert.deepEqual(
    symbols.at(RAM + 8n).map(({ name }) => name),
    ["work", "alias"],
  );
});

test("by name: global before weak before local, code and data before labels; absolute ones have no address", () => {
  const symbols = table(
    { name: "x", at: 0x10 },
    { name: "x", at: 0x20, binding: "weak" },
    { name: "x", at: 0x30, binding: "global" },
    { name: "LIMIT", at: 0x40, kind: "absolute" },
  );
  assert.equal(symbols.named("x")?.address, RAM + 0x30n);
  assert.equal(symbols.allNamed("x").length, 3);
  assert.equal(symbols.named("none"), undefined);
  assert.equal(symbols.named("LIMIT")?.kind, "absolute");
  assert.equal(symbols.describe(RAM + 0x40n), "x+0x10");
});
