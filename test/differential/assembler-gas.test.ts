import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import test from "node:test";
import { type AssembleOptions, assemble } from "../../src/assembler/assemble.ts";
import type { Program } from "../../src/assembler/program.ts";
import { Prng } from "../../src/base/prng.ts";
import { AssemblyGenerator } from "./assembly-generator.ts";
import { compileToAssembly, gasErrors, gasLink, type Linked, run, undefinedSymbols, withoutGas } from "./gas.ts";

// GNU as and ld are the second opinion on everything that the assembler makes of a source: encodings, the choice of
// compressed forms, sizes of branches, layout, symbols; and on what is no program at all.

const SEED = Number(process.env.HINDCAST_SEED ?? 20260103);
const RAM = 0x8000_0000;
/** The extensions with which `sext.b` and the like are one instruction; without, others would be refused. */
const BITS = ".option arch, +zba, +zbb";

/** What lies in memory from 0x80000000 on, zeros at the end left out. */
function imageOf(program: Program): Uint8Array {
  const end = Math.max(...program.segments.map(({ physicalAddress, bytes }) => physicalAddress + bytes.length));
  const image = new Uint8Array(end - RAM);
  for (const { physicalAddress, bytes } of program.segments) image.set(bytes, physicalAddress - RAM);
  return image;
}

function trimmed(image: Uint8Array): Uint8Array {
  let end = image.length;
  while (end > 0 && image[end - 1] === 0) end--;
  return image.subarray(0, end);
}

interface Options {
  /** The seed that a random source came from. */
  readonly seed?: number;
  /** Where included files are. */
  readonly folder?: string;
  readonly include?: AssembleOptions["include"];
}

/** Assembles with both; the bytes in memory and the symbols must be the same. */
function compare(source: string, name: string, options: Options = {}): { program: Program; theirs: Linked } {
  const { program, errors } = assemble(source, { file: `${name}.s`, include: options.include });
  const hint = options.seed === undefined ? "" : ` (HINDCAST_SEED=${options.seed})`;
  const wrong = errors.find(({ severity }) => severity === "error");
  assert.ok(program !== undefined, `${name}${hint}: ${wrong?.line}: ${wrong?.message}`);
  const theirs = gasLink(source, name, options.folder);
  const [ours, expected] = [trimmed(imageOf(program)), trimmed(theirs.image)];
  const at = expected.findIndex((byte, index) => byte !== ours[index]);
  if (at >= 0 || ours.length !== expected.length) {
    const offset = (at < 0 ? Math.min(ours.length, expected.length) : at) & ~1;
    const row = program.lines.findLast(({ address }) => Number(address) - RAM <= offset);
    const line = source.split("\n")[(row?.line ?? 1) - 1];
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(offset, offset + 8)).toString("hex");
    const where = `at ${(RAM + offset).toString(16)}, about line ${row?.line} "${line}"`;
    assert.fail(`${name}${hint}: ${where}: ours ${hex(ours)}, gas ${hex(expected)}`);
  }
  for (const { name: symbol, address } of program.symbols) {
    assert.equal(theirs.symbols.get(symbol), address, `${name}${hint}: address of ${symbol}`);
  }
  return { program, theirs };
}

/** A program of random statements, with labels in reach of every branch. */
function randomProgram(prng: Prng, statements: number): string {
  const labels = Array.from({ length: 12 }, (_, index) => `label_${index}`);
  const generator = new AssemblyGenerator(prng, [...labels, "datum", "datum + 8", "."]);
  const lines = [".globl _start", BITS, "_start:"];
  const unplaced = [...labels];
  for (let index = 0; index < statements; index++) {
    if (prng.below(statements / 12) === 0 && unplaced.length > 0) lines.push(`${unplaced.pop()}:`);
    if (prng.below(40) === 0) lines.push(prng.pick([".option norvc", ".option rvc"]));
    if (prng.below(40) === 0) lines.push(prng.pick([".align 2", ".align 3", ".balign 16", ".p2align 4,,6"]));
    lines.push(` ${inReach(generator)}`);
  }
  lines.push(...unplaced.map((label) => `${label}:`), " ret", ".data", ".balign 8", "datum: .dword 1, 2, label_0", "");
  return lines.join("\n");
}

/** Data is a page away, and `.option norvc` forbids what is spelled compressed. */
function inReach(generator: AssemblyGenerator): string {
  for (;;) {
    const text = generator.instruction();
    const branch = /^(b|j|jal|c\.b|c\.j)\w* /.test(text) && !/^(jr|jalr|jump)/.test(text);
    if (text.startsWith("c.") || (branch && text.includes("datum"))) continue;
    return text;
  }
}

/** Branches over gaps about as long as they reach: each may grow, and push others out of reach. */
function branchProgram(prng: Prng, blocks: number): string {
  const lines = [".globl _start", "_start:"];
  const near = (): string => `block_${prng.below(blocks)}`;
  for (let block = 0; block < blocks; block++) {
    lines.push(`block_${block}:`);
    for (let count = prng.below(4); count >= 0; count--) {
      lines.push(
        prng.pick([
          ` beqz a0, ${near()}`,
          ` bnez a5, ${near()}`,
          ` j ${near()}`,
          ` beqz t0, ${near()}`,
          ` bltu a0, a1, ${near()}`,
          ` c.bnez a3, ${near()}`,
          ` jal ${near()}`,
          ` bgez s0, ${near()} + 2`,
          " nop",
          ".option norvc",
          ".option rvc",
        ]),
      );
    }
    // Neighbours lie within a few hundred bytes, the first and the last beyond 4 KiB.
    const gap = prng.pick([0, 2, 60, 100, 124, 126, 250, 254, 256, 1020, 1022, 2040, 2046]);
    lines.push(` .zero ${gap - (gap % 2)}`);
    if (prng.below(6) === 0) lines.push(prng.pick([" .align 3", " .align 4", " .balign 64"]));
  }
  return `${lines.join("\n").replaceAll(" c.bnez", ".option rvc\n c.bnez")}\n`;
}

/** Data of all kinds, with values, labels and distances. */
function dataProgram(prng: Prng, statements: number): string {
  const lines = [".globl _start", "_start: nop", " j _start"];
  const number = (bits: number): string => {
    const value = prng.next64() & ((1n << BigInt(1 + prng.below(bits))) - 1n);
    return prng.pick([
      String(value),
      `0x${value.toString(16)}`,
      `-${value >> 1n}`,
      `0${value.toString(8)}`,
      `~${value}`,
    ]);
  };
  const expression = (): string => {
    const operator = prng.pick(["+", "-", "*", "|", "&", "^", "<<", ">>", "==", "<", ">=", "&&", "||", "!", "<>"]);
    const right = operator === "<<" || operator === ">>" ? String(prng.below(64)) : number(62);
    return `(${number(62)} ${operator} ${right}) ${prng.pick(["+ 1", "* 3", "| 5", "- 7", ""])}`;
  };
  for (let index = 0; index < statements; index++) {
    const label = `datum_${prng.below(statements)}`;
    lines.push(`datum_${index}:`);
    lines.push(
      prng.pick([
        () => ` .byte ${number(7)}, ${number(7)}`,
        () => ` .half ${number(15)}`,
        () => ` .word ${number(31)}, ${label} - datum_${index}`,
        () => ` .dword ${number(63)}, ${label}, ${label} + ${prng.below(100)}`,
        () => ` .quad ${expression()}`,
        () => ` .8byte ${expression()}, . - _start`,
        () => ` .ascii "a\\n\\t\\"\\x41\\101\\\\z", "${"xyz".repeat(prng.below(5))}"`,
        () => ` .asciz "${"text ".repeat(prng.below(900))}"`,
        () => ` .zero ${prng.below(300)}`,
        () => ` .space ${prng.below(20)}, ${prng.below(256)}`,
        () => ` .fill ${prng.below(9)}, ${1 + prng.below(8)}, ${number(31)}`,
        () => ` .align ${2 + prng.below(4)}`,
        () => ` .balign ${2 ** prng.below(6)}, ${prng.below(256)}`,
        () => ` .p2align ${2 + prng.below(4)},,${prng.below(20)}`,
        () => ` .uleb128 ${prng.next64() & 0x7fff_ffff_ffffn}`,
        () => ` .sleb128 ${number(60)}`,
        () => ` .float ${(prng.below(100000) - 50000) / 16}`,
        () => ` .double ${prng.below(1 << 30) / 7}, -1.5e-3`,
        () => prng.pick([" .data", " .text", " .section .rodata", ' .section .data.more,"aw"', " .previous"]),
        () => ` .equ constant, ${number(40)}\n .dword constant, constant * 2`,
      ])(),
    );
  }
  // The linker drops an empty section together with its labels.
  lines.push(' .section .data.more,"aw"', " .byte 1", " .section .rodata", " .byte 1");
  return `${lines.join("\n")}\n`;
}

test("random instructions", { skip: withoutGas }, () => {
  for (let round = 0; round < 25; round++) {
    const seed = SEED + round;
    compare(randomProgram(new Prng(seed), 400), `random-${round}`, { seed });
  }
});

test("branches at the edge of their reach", { skip: withoutGas }, () => {
  for (let round = 0; round < 25; round++) {
    const seed = SEED + round;
    compare(branchProgram(new Prng(seed), 12 + round), `branches-${round}`, { seed });
  }
});

test("random data", { skip: withoutGas }, () => {
  for (let round = 0; round < 25; round++) {
    const seed = SEED + round;
    compare(dataProgram(new Prng(seed), 200), `data-${round}`, { seed });
  }
});

test("what GNU as refuses, and only that, is refused", { skip: withoutGas }, () => {
  for (let round = 0; round < 10; round++) {
    const seed = SEED + round;
    const generator = new AssemblyGenerator(new Prng(seed), ["there", "there + 4"]);
    const statements = Array.from({ length: 500 }, () => ` ${generator.edgeInstruction()}`);
    const source = [BITS, ...statements, "there: nop", ""].join("\n");
    const errors = assemble(source, { file: "edges.s" }).errors.filter(({ severity }) => severity === "error");
    const ours = new Map(errors.map(({ line, message }) => [line, message]));
    const theirs = gasErrors(source, `edges-${round}`);
    statements.forEach((statement, index) => {
      // GNU as takes it for a c.nop.
      if (/^ c.addi (zero|x0),/.test(statement)) return;
      const [mine, gas] = [ours.get(index + 2), theirs.get(index + 2)];
      assert.equal(
        mine !== undefined,
        gas !== undefined,
        `(HINDCAST_SEED=${seed}) "${statement}": ${mine} / gas: ${gas}`,
      );
    });
  }
});

const SNIPPETS = join(import.meta.dirname, "assembly");
for (const name of readdirSync(SNIPPETS)) {
  test(`${name}, written by hand`, { skip: withoutGas }, () => {
    compare(readFileSync(join(SNIPPETS, name), "utf8"), name.replace(/\.s$/, ""));
  });
}

const ROOT = resolve(import.meta.dirname, "../..");
for (const path of globSync("guest/{demo,samples}/*.s", { cwd: ROOT }).sort()) {
  test(path, { skip: withoutGas }, () => {
    const folder = dirname(join(ROOT, path));
    const include = (name: string) => ({ name: join(folder, name), text: readFileSync(join(folder, name), "utf8") });
    const source = readFileSync(join(ROOT, path), "utf8");
    const { program, theirs } = compare(source, basename(path, ".s"), { folder, include });
    assert.deepEqual(linesOf(program), gasLines(theirs), "line tables");
  });
}

/** Address -> "file:line" of every row. */
function linesOf(program: Program): Map<number, string> {
  const rows = program.lines.filter(({ endSequence }) => !endSequence);
  return new Map(rows.map(({ address, file, line }) => [Number(address), `${basename(program.files[file])}:${line}`]));
}

/** The same out of what GNU as wrote; it has a row for each instruction of a pseudo-instruction, we have one. */
function gasLines(linked: Linked): Map<number, string> {
  const lines = new Map<number, string>();
  let before = "";
  for (const line of run("objdump", ["--dwarf=decodedline", linked.path]).split("\n")) {
    const match = /^(\S+)\s+(\d+|-)\s+(0x[0-9a-f]+)/.exec(line);
    if (match === null || match[2] === "-") continue;
    const place = `${match[1]}:${match[2]}`;
    if (place !== before) lines.set(Number(match[3]), place);
    before = place;
  }
  return lines;
}

test("what a compiler writes", { skip: withoutGas }, () => {
  for (const path of globSync("guest/c/*.c", { cwd: ROOT }).sort()) {
    for (const level of ["-O0", "-O2", "-Os"]) {
      // Without the flags M and S: the linker would put equal strings together.
      const source = compileToAssembly(join(ROOT, path), level).replace(/"aMS?",@progbits,\d+/g, '"a",@progbits');
      const name = `${basename(path, ".c")}${level}`;
      // What the runtime would bring stands in for itself.
      const missing = undefinedSymbols(source, name).map((symbol) => `${symbol}: ret\n`);
      compare(`.globl _start\n_start:\n${source}\n.text\n${missing.join("")}`, name);
    }
  }
});
