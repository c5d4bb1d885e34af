import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { BOX, FLAG, type FloatFormat, FORMATS } from "../../../src/cpu/float-format.ts";
import * as exact from "../../../src/cpu/float-oracle.ts";
import { type FloatResult, unpack } from "../../../src/cpu/float-rounding.ts";
import { temporaryPath } from "../cross-compiler.ts";
import { floatTriple, integerValue } from "./operands.ts";

/**
 * The exact arithmetic against the host's own processor: another implementation than QEMU's, and so fast that only the
 * exact arithmetic limits the number of cases. x86 detects tininess after rounding, as RISC-V does; elsewhere underflow is not
 * compared.
 */
const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
const CASES = NIGHTLY ? 1_000_000 : 40_000;
const SEED = 20_261_127;
const MOST_EXPLAINED = 12;
const REQUEST_BYTES = 32;
const ANSWER_BYTES = 16;
const HOST_MODES = 4;

const COMPARED_FLAGS = process.arch === "x64" ? 0x1f : 0x1f & ~FLAG.underflow;
const skip = spawnSync("gcc", ["--version"]).error === undefined ? false : "gcc is not installed (Debian: g++)";

interface Operation {
  readonly name: string;
  /** What the number means is another format's when it is resized, and none's when it is an integer. */
  readonly result: (format: FloatFormat) => FloatFormat | undefined;
  readonly expect: (format: FloatFormat, a: bigint, b: bigint, c: bigint, mode: number) => FloatResult;
  /** Cases in which processors are free to do something else. */
  readonly excludes?: (format: FloatFormat, a: bigint, b: bigint, c: bigint) => boolean;
}

const same = (format: FloatFormat): FloatFormat => format;
const other = ({ size }: FloatFormat): FloatFormat => (size === "single" ? FORMATS.double : FORMATS.single);
const integer = (): undefined => undefined;

/** In the order of host.c. */
const OPERATIONS: readonly Operation[] = [
  ...(["add", "subtract", "multiply", "divide"] as const).map(
    (name): Operation => ({
      name,
      result: same,
      expect: (format, a, b, _c, mode) => exact.arithmetic(name, format, a, b, mode),
    }),
  ),
  { name: "square root", result: same, expect: (format, a, _b, _c, mode) => exact.squareRoot(format, a, mode) },
  {
    name: "multiply and add",
    result: same,
    expect: exact.multiplyAdd,
    // Infinity times zero plus a quiet NaN raises NV or not, as the processor likes.
    excludes: (format, a, b, c) => {
      const product = exact.arithmetic("multiply", format, a, b, 0);
      return unpack(format, c).kind === "nan" && product.flags === FLAG.invalid;
    },
  },
  ...(["equal", "less", "lessOrEqual"] as const).map(
    (name): Operation => ({
      name,
      result: integer,
      expect: (format, a, b) => exact.compare(name, format, a, b),
    }),
  ),
  { name: "resize", result: other, expect: (format, a, _b, _c, mode) => exact.resize(format, other(format), a, mode) },
  { name: "from l", result: same, expect: (format, a, _b, _c, mode) => exact.fromInteger(format, "l", a, mode) },
  {
    name: "to l",
    result: integer,
    expect: (format, a) => exact.toInteger(format, "l", a, 1),
    // What is out of range is another number on every processor.
    excludes: (format, a) => exact.toInteger(format, "l", a, 1).flags === FLAG.invalid,
  },
];

interface Request {
  readonly operation: number;
  readonly format: FloatFormat;
  readonly mode: number;
  readonly operands: readonly [bigint, bigint, bigint];
}

function makeRequest(prng: Prng): Request {
  const operation = prng.below(OPERATIONS.length);
  const format = prng.below(2) === 0 ? FORMATS.single : FORMATS.double;
  const mask = format.bits === 32 ? ~BOX : -1n;
  const { a, b, c } = floatTriple(prng, format);
  const first = OPERATIONS[operation].name === "from l" ? integerValue(prng) : a & mask;
  return {
    operation,
    format,
    mode: prng.below(HOST_MODES),
    operands: [first, b & mask, c & mask].map(unsigned) as never,
  };
}

function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

function askHost(requests: readonly Request[]): FloatResult[] {
  const program = temporaryPath("float-host");
  const options = ["-O1", "-frounding-math", "-fsignaling-nans", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"];
  execFileSync("gcc", [...options, join(import.meta.dirname, "host.c"), "-lm", "-o", program]);
  const input = Buffer.alloc(requests.length * REQUEST_BYTES);
  requests.forEach(({ operation, format, mode, operands }, index) => {
    input.set([operation, format.bits === 32 ? 0 : 1, mode], index * REQUEST_BYTES);
    operands.forEach((value, i) => {
      input.writeBigUInt64LE(value, index * REQUEST_BYTES + 8 * (i + 1));
    });
  });
  const output = execFileSync(program, { input, maxBuffer: 2 * requests.length * ANSWER_BYTES });
  return requests.map((_, index) => ({
    bits: output.readBigUInt64LE(index * ANSWER_BYTES),
    flags: Number(output.readBigUInt64LE(index * ANSWER_BYTES + 8)),
  }));
}

test("the host's processor finds the same values and flags", { skip }, () => {
  const prng = new Prng(SEED);
  const requests = Array.from({ length: CASES }, () => makeRequest(prng)).filter(
    ({ operation, format, operands }) => !OPERATIONS[operation].excludes?.(format, ...operands),
  );
  const answers = askHost(requests);
  const differences: string[] = [];
  requests.forEach(({ operation, format, mode, operands }, index) => {
    const { name, result, expect } = OPERATIONS[operation];
    const { bits, flags } = expect(format, ...operands, mode);
    const target = result(format);
    const answer = answers[index];
    // Whatever NaN the host makes, RISC-V makes the canonical one of it.
    const noNumber = target !== undefined && unpack(target, answer.bits).kind === "nan";
    const found = { bits: noNumber ? target.canonicalNaN : answer.bits, flags: answer.flags };
    if (found.bits === bits && ((found.flags ^ flags) & COMPARED_FLAGS) === 0) return;
    const texts = operands.map((value) => value.toString(16)).join(" ");
    differences.push(
      `${name} ${format.size}, mode ${mode}, of ${texts}: exact ${bits.toString(16)} ${flags}, ` +
        `host ${found.bits.toString(16)} ${found.flags}`,
    );
  });
  const shown = differences.slice(0, MOST_EXPLAINED).join("\n");
  assert.equal(differences.length, 0, `${differences.length} of ${requests.length} differ, seed ${SEED}:\n${shown}`);
});
