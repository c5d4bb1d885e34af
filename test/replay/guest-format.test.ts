import assert from "node:assert/strict";
import test from "node:test";
import { formatGuest } from "../../src/replay/guest-format.ts";

const TEXTS: Readonly<Record<string, string>> = { "16": "sixteen", "32": "" };

function bitsOf(value: bigint | number | undefined): bigint | undefined {
  if (typeof value !== "number") return value === undefined ? undefined : BigInt.asUintN(64, value);
  return new BigUint64Array(Float64Array.of(value).buffer)[0];
}

/** Integers are bigints, doubles numbers, as they lie in a guest's argument area. */
function check(format: string, values: readonly (bigint | number | undefined)[], expected: string): void {
  test(`${format} of ${values.join(", ")}`, () => {
    const text = formatGuest(format, {
      argument: (index) => bitsOf(values[index]),
      string: (address) => TEXTS[String(address)],
    });
    assert.equal(text, expected);
  });
}

// What printf of glibc says to the same.
check("no arguments, 100 %%", [], "no arguments, 100 %");
check("%d %i %u", [-1n, 7n, -1n], "-1 7 4294967295");
check("%ld %lu %lld %zu %jd", [-5n, -1n, -6n, 8n, -9n], "-5 18446744073709551615 -6 8 -9");
check("%hhd %hd %hhu", [0x1ffn, 0x18000n, 0x1ffn], "-1 -32768 255");
check("%x %X %#x %#o %lx", [0xbeefn, 0xbeefn, 0xbeefn, 8n, -1n], "beef BEEF 0xbeef 010 ffffffffffffffff");
check("%#x|%08.3x|%#010x", [0n, 5n, 0xabn], "0|     005|0x000000ab");
check("[%5d] [%-5d] [%05d] [%+d] [% d]", [42n, 42n, -42n, 42n, 42n], "[   42] [42   ] [-0042] [+42] [ 42]");
check("[%.3d] [%8.3d] [%08.3d]", [7n, 7n, 7n], "[007] [     007] [     007]");
check("[%*d] [%-*d] [%.*d]", [5n, 1n, 4n, 2n, 3n, 9n], "[    1] [2   ] [009]");
check("[%*d]", [-4n, 1n], "[1   ]");
check("%c%c", [0x48n, 0x69n], "Hi");
check("%s|%s|%.3s|%10s|%s", [16n, 32n, 16n, 16n, 0n], "sixteen||six|   sixteen|(null)");
check("%s", [48n], "<no text at 0x30>");
check("%p", [0x80000010n], "0x80000010");
check(
  "%f %.2f %.0f %e %E %g %G",
  [1.5, 2.675, 2.5, 12345.678, 0, 1e-5, 1e20],
  "1.500000 2.67 2 1.234568e+04 0.000000E+00 1e-05 1E+20",
);
check("%g %g %g %g", [100000, 1000000, 0.0001, 3.25], "100000 1e+06 0.0001 3.25");
check(
  "%f %f %F [%8.2f] [%08.2f] [%06f]",
  [Number.NaN, -Infinity, Infinity, -1.5, -1.5, Infinity],
  "nan -inf INF [   -1.50] [-0001.50] [   inf]",
);
check("%d %s", [1n, undefined], "1 <argument 2 cannot be read>");
check("%k %", [1n], "%k %");

// Not as printf: a line that can do nothing to a terminal.
check("a line\n", [], "a line");
check("two\n\n", [], "two\\n");
check(
  "%c%s\r\tred \x1b[31m, del \x7f, csi \x9b1m, é",
  [7n, 16n],
  "\\x07sixteen\\r\tred \\x1b[31m, del \\x7f, csi \\x9b1m, é",
);
