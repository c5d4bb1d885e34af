import assert from "node:assert/strict";
import test from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { compileExpression, type Scope, type Surroundings, type Value } from "../../src/debuggee/expression.ts";
import { numberOf, typeName } from "../../src/debuggee/expression-types.ts";
import { compileLogMessage } from "../../src/debuggee/log-message.ts";
import { formatValue, readString } from "../../src/debuggee/value-format.ts";

const MEMORY = 0x8000_1000n;
/** 16 bytes, then nothing. */
const BYTES = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0];

const SYMBOLS: Readonly<Record<string, { address: bigint; size: number; constant: boolean }>> = {
  table: { address: MEMORY, size: 16, constant: false },
  flag: { address: MEMORY + 12n, size: 1, constant: false },
  a0: { address: 0x77n, size: 0, constant: false },
  LIMIT: { address: 10n, size: 0, constant: true },
  "heap.first": { address: MEMORY + 8n, size: 4, constant: false },
};
const SCOPE: Scope = { symbol: (name) => (Object.hasOwn(SYMBOLS, name) ? SYMBOLS[name] : undefined) };

const AT: Surroundings = {
  register: (index) => ({ 0: 0n, 2: 0x8000_4000n, 10: 5n, 11: (1n << 64n) - 1n, 12: MEMORY })[index],
  pc: 0x8000_0000n,
  csr: (number) => ({ 768: 0x1808n, 834: (1n << 63n) | 7n })[number],
  read: (address, size) => {
    const at = Number(address - MEMORY);
    if (at < 0 || at + size > BYTES.length) return undefined;
    return BYTES.slice(at, at + size).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  },
  // fa0 is a double, fa1 a boxed single, fa2 nothing that was ever written.
  floatRegister: (index) => ({ 10: 0x3ff8_0000_0000_0000n, 11: 0xffff_ffff_3fc0_0000n, 12: 0n })[index],
  readPhysical: (address, size) => (address === 0x40n && size === 4 ? 0x4048_f5c3n : undefined),
  // The page at 0 is mapped to 0x5000, no other.
  translate: (address) => {
    const mapped = address < 0x1000n;
    return {
      scheme: "Sv39",
      entries: [],
      physicalAddress: mapped ? ((Number(address) + 0x5000) as never) : undefined,
      pageBytes: mapped ? 4096 : 0,
      problem: mapped ? undefined : "V is clear",
    };
  },
  instant: 1234,
  time: 99n,
  hart: 0,
  privilege: 3,
};

function evaluate(text: string): Value {
  return compileExpression(text, SCOPE).evaluate(AT);
}

/** Value and type: `-1 i64`. */
function shown(text: string): string {
  const value = evaluate(text);
  return `${numberOf(value.type, value.bits)} ${typeName(value.type)}`;
}

function complaint(text: string): string {
  try {
    evaluate(text);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.message;
  }
  assert.fail(`${text} was evaluated`);
}

const VALUES: Readonly<Record<string, string>> = {
  // Numbers.
  "42": "42 i64",
  "0x2a": "42 i64",
  "0b10_1010": "42 i64",
  "0o52": "42 i64",
  "'*'": "42 i64",
  "'\\n'": "10 i64",
  "'\\x41'": "65 i64",
  "'\\0'": "0 i64",
  "0xffffffffffffffff": "18446744073709551615 u64",
  // Precedence and associativity, as in C.
  "1 + 2 * 3": "7 i64",
  "(1 + 2) * 3": "9 i64",
  "10 - 4 - 3": "3 i64",
  "1 << 2 + 1": "8 i64",
  "1 | 2 ^ 3 & 5": "3 i64",
  "1 == 1 != 0": "1 i64",
  "0 && 1 || 1": "1 i64",
  "1 ? 2 : 0 ? 3 : 4": "2 i64",
  "0 ? 2 : 0 ? 3 : 4": "4 i64",
  "-3 / 2": "-1 i64",
  "-3 % 2": "-1 i64",
  "!5": "0 i64",
  "!!5": "1 i64",
  "~0": "-1 i64",
  "- -5": "5 i64",
  // Signed and unsigned.
  "-1 < 0": "1 i64",
  "(u64)-1 < 0": "0 i64",
  "-1 >> 1": "-1 i64",
  "(u64)-1 >> 1": "9223372036854775807 u64",
  "(u64)-1 >> 100": "0 u64",
  "-1 >> 100": "-1 i64",
  "1 << 64": "0 i64",
  "(u32)-1 + 1": "4294967296 i64",
  "(u8)0x1ff": "255 u8",
  "(i8)0xff": "-1 i8",
  "(i32)0x80000000": "-2147483648 i32",
  "0x7fffffffffffffff + 1": "-9223372036854775808 i64",
  // Registers: signed, but for those that hold addresses.
  a0: "5 i64",
  x10: "5 i64",
  $a0: "5 i64",
  a1: "-1 i64",
  "a1 < 0": "1 i64",
  sp: "2147500032 address",
  zero: "0 i64",
  pc: "2147483648 address",
  $pc: "2147483648 address",
  // CSRs and their fields.
  mstatus: "6152 u64",
  "mstatus.MPP": "3 u64",
  "mstatus.mie": "1 u64",
  "mcause.Code": "7 u64",
  // The machine.
  instant: "1234 u64",
  mtime: "99 u64",
  hart: "0 u64",
  privilege: "3 u64",
  // Symbols are addresses; a constant is its value; & and backquotes get at names that registers hide.
  table: "2147487744 address",
  "&table": "2147487744 address",
  "table + 8": "2147487752 address",
  "&a0": "119 address",
  "`a0`": "119 address",
  LIMIT: "10 u64",
  "heap.first": "2147487752 address",
  // Memory.
  "*flag": "128 u8",
  "*heap.first": "4294967295 u32",
  "*table": "9833440827789222417 u64",
  "[table]": "9833440827789222417 u64",
  "[a2]": "9833440827789222417 u64",
  "*a2": "9833440827789222417 u64",
  "u8(table + 1)": "34 u8",
  "i32(table + 8)": "-1 i32",
  "u16(a2)": "8721 u16",
  "*(u32*)table": "1144201745 u32",
  "*(u32*)(table + 4)": "2289526357 u32",
  "*((u32*)table + 1)": "2289526357 u32",
  "((u16*)table)[2]": "26197 u16",
  "flag[0]": "128 u8",
  "&*(u32*)table": "2147487744 u32*",
  "&((u16*)table)[2]": "2147487748 u16*",
  "(u32*)table + 2 - (u32*)table": "2 i64",
  "table + 8 - table": "8 i64",
  "u8(table) == 0x11 && i32(table + 8) < 0": "1 i64",
  // What need not be looked at is not.
  "0 && [0]": "0 i64",
  "1 || [0]": "1 i64",
  "1 ? 7 : [0]": "7 i64",
};

for (const [text, expected] of Object.entries(VALUES)) {
  test(`${text} is ${expected}`, () => assert.equal(shown(text), expected));
}

const COMPLAINTS: Readonly<Record<string, RegExp>> = {
  "": /nothing to evaluate/,
  "1 +": /ends too early, at column 4/,
  "1 2": /operator is missing, at column 3/,
  "(1": /"\)" is missing, at column 3/,
  "[1": /"\]" is missing/,
  "1 ? 2": /":" is missing/,
  "0xg": /malformed, at column 1/,
  "5x": /malformed/,
  "a0 # 1": /"#" cannot stand here, at column 4/,
  nothing: /no register, CSR or symbol "nothing", at column 1/,
  "1 + $table": /no register "table", at column 5/,
  "`sp`": /no symbol "sp"/,
  "mstatus.NONE": /no register, CSR or symbol/,
  "&5": /Only symbols and memory have an address/,
  "1 / 0": /Division by zero/,
  "a0 % (a0 - 5)": /Division by zero/,
  "[0]": /no memory to read 8 bytes from at 0x0/,
  "u32(table + 14)": /no memory to read 4 bytes/,
  s5: /value of s5 in this caller is not known/,
  satp: /no register satp on this hart/,
  u8: /"u8" is a type/,
  "(u8)": /too early/,
  "0x10000000000000000": /does not fit 64 bits/,
  "1,q": /After a comma/,
  "1,0": /After a comma/,
  "1,x,": /After a comma/,
  "*": /too early/,
};

for (const [text, pattern] of Object.entries(COMPLAINTS)) {
  test(`complaint about "${text}"`, () => assert.match(complaint(text), pattern));
}

test("assignments are parsed apart, so that only whoever may change the machine does", () => {
  const compiled = compileExpression("*(u32*)table = a0 + 1,x", SCOPE);
  assert.equal(compiled.assigned?.(AT).bits, 6n);
  assert.deepEqual(compiled.evaluate(AT).place, { kind: "memory", address: MEMORY, size: 4 });
  assert.equal(compiled.format.base, "hex");
});

test("nesting without end and endless text are refused, not a crash", () => {
  assert.match(complaint("(".repeat(1000)), /nested too deeply/);
  assert.match(complaint("-".repeat(1000)), /nested too deeply/);
  assert.match(complaint("1+".repeat(5000)), /too long/);
});

test("random text never throws anything but a sentence", () => {
  const seed = 7;
  const prng = new Prng(seed);
  const parts = [
    "a0",
    "table",
    "(",
    ")",
    "[",
    "]",
    "*",
    "+",
    "-",
    "u8",
    "(u32*)",
    "1",
    "0x",
    "&&",
    "?",
    ":",
    ",x",
    "=",
    "$",
    "'",
    "`",
    "~",
  ];
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: 1 + prng.below(8) }, () => prng.pick(parts)).join(prng.pick(["", " "]));
    try {
      const compiled = compileExpression(text, SCOPE);
      compiled.evaluate(AT);
    } catch (error) {
      assert.ok(error instanceof UserError, `seed ${seed}, "${text}": ${error}`);
    }
  }
});

// ---- text

const noName = () => undefined;

test("values as text", () => {
  const show = (text: string, base: Parameters<typeof formatValue>[2] = "natural") => {
    const { bits, type } = evaluate(text);
    return formatValue(bits, type, base, noName);
  };
  assert.equal(show("42"), "0x2a (42)");
  assert.equal(show("-1"), "0xffffffffffffffff (-1)");
  assert.equal(show("(u8)65"), "0x41 (65 'A')");
  assert.equal(show("0x1234567890abcdef"), "0x1234567890abcdef");
  assert.equal(show("sp"), "0x80004000");
  assert.equal(show("-1", "decimal"), "-1");
  assert.equal(show("(i8)-1", "hex"), "0xff");
  assert.equal(show("(u8)5", "binary"), "0b101");
  assert.equal(show("(u8)8", "octal"), "0o10");
  assert.equal(show("10", "character"), "'\\n'");
  const named = formatValue(MEMORY, { kind: "address", size: 0 }, "natural", () => "table");
  assert.equal(named, "0x80001000 <table>");
});

test("strings end at zero, at the end of memory, or when they grow too long", () => {
  const of = (bytes: readonly number[]) => readString(0n, (at) => bytes[Number(at)]);
  assert.equal(of([72, 105, 10, 34, 0]), '"Hi\\n\\""');
  assert.equal(of([72, 105]), '"Hi"…');
  assert.equal(of([0]), '""');
  assert.equal(of([]), undefined);
  assert.equal(of([0xc3, 0xa4, 0]), '"ä"');
  assert.equal(of([0xff, 65, 0]), '"\\xffA"');
  assert.match(of(Array(5000).fill(65)) ?? "", /^"A{1000}"…$/);
});

test("log messages: braces doubled stay, what cannot be evaluated says so in its place", () => {
  const compile = (text: string) => {
    const compiled = compileExpression(text, SCOPE);
    return (at: Surroundings) => String(compiled.evaluate(at).bits);
  };
  const message = compileLogMessage("{{a0}} = {a0}, {[0]}; {a0 + 1}}}", compile);
  assert.equal(message(AT), "{a0} = 5, <There is no memory to read 8 bytes from at 0x0.>; 6}");
  assert.throws(() => compileLogMessage("{nothing}", compile), { code: "expression" });
});

test("floating-point registers: what they seem to hold, and each reading of their bits", () => {
  const text = (expression: string) => {
    const { bits, type } = evaluate(expression);
    return formatValue(bits, type, "natural", () => undefined);
  };
  const values: Readonly<Record<string, string>> = {
    fa0: "1.5 (0x3ff8000000000000)",
    f10: "1.5 (0x3ff8000000000000)",
    fa1: "1.5 (0x3fc00000)",
    "fa1.s": "1.5 (0x3fc00000)",
    "fa0.x": "0x3ff8000000000000",
    "fa1.x": "0xffffffff3fc00000",
    fa2: "0.0 (0x0)",
    "fa0 + 1": "2.5 (0x4004000000000000)",
    "fa0 * fa1": "2.25 (0x4002000000000000)",
    "-fa0": "-1.5 (0xbff8000000000000)",
    "1e3": "1000.0 (0x408f400000000000)",
    "(f32)0.1": "0.1 (0x3dcccccd)",
    "(i32)2.9": "0x2 (2)",
    "(i64)-2.9": "0xfffffffffffffffe (-2)",
    "(u8)1e30": "0xff (255)",
    "fa0 / 0": "inf (0x7ff0000000000000)",
    "0.0 / 0": "NaN (0x7ff8000000000000)",
    "*(float*)phys(0x40)": "3.14 (0x4048f5c3)",
  };
  for (const [expression, shown] of Object.entries(values)) assert.equal(text(expression), shown, expression);
  for (const expression of ["fa0 < fa1 + 1", "fa0 == fa1", "fa0 > 1.25", "fa0 ? 1 : 0", "!fa2"])
    assert.notEqual(evaluate(expression).bits, 0n, expression);
  assert.match(complaint("fa0 & 1"), /"&" has no meaning for floating-point numbers/);
  assert.match(complaint("fa3"), /There is no register fa3 on this hart/);
});

test("physical addresses: marked by phys, kept by arithmetic and casts, reached by translate", () => {
  assert.equal(shown("phys(0x40)"), "64 physical address");
  assert.equal(shown("phys(0x38) + 8"), "64 physical address");
  assert.equal(shown("(u32*)phys(0x40)"), "64 physical u32*");
  assert.equal(shown("*(u32*)phys(0x40)"), "1078523331 u32");
  assert.equal(shown("u32(phys(0x40))"), "1078523331 u32");
  assert.equal(shown("((u32*)phys(0x3c))[1]"), "1078523331 u32");
  assert.equal(shown("&*(u32*)phys(0x40)"), "64 physical u32*");
  assert.equal(shown("translate(0x10)"), `${0x5010} physical address`);
  assert.equal(evaluate("*(u32*)phys(0x40)").place?.kind === "memory", true);
  assert.match(complaint("translate(0x2000)"), /0x2000 is not mapped in this address space \(V is clear\)/);
  assert.match(complaint("*(u8*)0x2000"), /not mapped \(V is clear\)/);
  assert.match(complaint("*phys(0x50)"), /There is no memory to read 8 bytes from at 0x50\./);
  assert.equal(evaluate("pagetable(0x2000)").walk?.whole, true);
});

test("names for breakpoints that are bound: privilege and address space", () => {
  assert.equal(shown("priv == M"), "1 i64");
  assert.equal(shown("priv == S || priv == U"), "0 i64");
  assert.equal(shown("asid"), "0 u64");
});
