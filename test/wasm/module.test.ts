import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { Bytes } from "../../src/wasm/bytes.ts";
import { Code } from "../../src/wasm/code.ts";
import { i64, push, Statements, select } from "../../src/wasm/expression.ts";
import { IMPORT_MODULE, ModuleBuilder } from "../../src/wasm/module.ts";
import { F32, F64, I32, I64, OP } from "../../src/wasm/opcodes.ts";

function builder(): ModuleBuilder {
  return new ModuleBuilder({ name: "memory", minimumPages: 1 });
}

function instantiate(module: ModuleBuilder, imports: Record<string, WebAssembly.ImportValue> = {}) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const compiled = new WebAssembly.Module(module.finish());
  const { exports } = new WebAssembly.Instance(compiled, { [IMPORT_MODULE]: { memory, ...imports } });
  return exports as Record<string, (...values: (number | bigint)[]) => number | bigint>;
}

test("constants survive the signed LEB128 encoding at every width", () => {
  const prng = new Prng(7);
  const edges = [6n, 7n, 13n, 14n, 31n, 32n, 62n, 63n].flatMap((bit) => {
    const power = 1n << bit;
    return [power, power - 1n, -power, -power - 1n, -power + 1n];
  });
  const values = [0n, 1n, -1n, ...edges, ...Array.from({ length: 50 }, () => prng.next64())];
  const module = builder();
  values.forEach((value, index) => {
    module.defineFunction({ parameters: [], results: [I64] }, new Code([]).i64(value), `f${index}`);
  });
  const exports = instantiate(module);
  values.forEach((value, index) => {
    assert.equal(exports[`f${index}`](), BigInt.asIntN(64, value));
  });
});

test("floating-point constants are the bits of the number", () => {
  const module = builder();
  const values = [0, -0, 1, -1.5, 2 ** -1074, Number.POSITIVE_INFINITY];
  values.forEach((value, index) => {
    module.defineFunction({ parameters: [], results: [F64] }, new Code([]).f64(value), `double${index}`);
    module.defineFunction({ parameters: [], results: [F32] }, new Code([]).f32(value), `single${index}`);
  });
  const exports = instantiate(module);
  values.forEach((value, index) => {
    assert.ok(Object.is(exports[`double${index}`](), value));
    assert.ok(Object.is(exports[`single${index}`](), Math.fround(value)));
  });
});

test("expressions and statements come out in the order that they are written in", () => {
  const module = builder();
  // The difference of two numbers, the greater first, times three; 7 when they are equal.
  const code = new Code([I64, I64]);
  const body = new Statements(code);
  const [a, b] = [code.parameter(0), code.parameter(1)];
  body.if(i64.eq(a, b), () => body.return(7n));
  body.if(i64.less(a, b), () => body.swap(a, b));
  const difference = body.let(I64, i64.subtract(a, b));
  body.if(
    i64.greater(difference, 100n),
    () => body.set(difference, select(1, -1n, difference)),
    () => body.set(difference, i64.multiply(difference, 3n)),
  );
  push(code, difference);
  module.defineFunction({ parameters: [I64, I64], results: [I64] }, code, "f");
  const { f } = instantiate(module);
  assert.deepEqual([f(5n, 5n), f(9n, 4n), f(4n, 9n), f(0n, 500n)], [7n, 15n, 15n, -1n]);
});

test("unsigned LEB128 takes seven bits a byte, lowest first", () => {
  const bytes = new Bytes();
  for (const value of [0, 127, 128, 16_384, 624_485, 0xffff_ffff]) bytes.unsigned(value);
  const hex = [...bytes.view()].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  assert.equal(hex, "00 7f 80 01 80 80 01 e5 8e 26 ff ff ff ff 0f");
});

test("blocks, loops and branch tables find their labels", () => {
  const module = builder();
  const code = new Code([I32]);
  const sum = code.local(I32);
  const left = code.parameter(0);
  const done = code.block();
  const loop = code.loop();
  code.get(left).op(OP.i32_eqz).branchIf(done);
  // 0: add 1; 1: add 10; otherwise add 100.
  const labels = [code.block(), code.block(), code.block()];
  code.get(left).i32(3).op(OP.i32_and).branchTable([labels[2], labels[1]], labels[0]);
  for (const amount of [1, 10, 100]) {
    code.end();
    code.get(sum).i32(amount).op(OP.i32_add).set(sum);
    code.get(left).i32(1).op(OP.i32_sub).set(left);
    code.branch(loop);
  }
  code.end();
  code.end();
  code.get(sum);
  module.defineFunction({ parameters: [I32], results: [I32] }, code, "sum");
  // 5, 4, 3, 2, 1: 10 + 1 + 100 + 100 + 10.
  assert.equal(instantiate(module).sum(5), 221);
});

test("imports come before definitions and are called by index", () => {
  const module = builder();
  const double = module.importFunction("double", { parameters: [I64], results: [I64] });
  const code = new Code([I64]);
  code.get(code.parameter(0)).call(double).i64(1n).op(OP.i64_add);
  module.defineFunction({ parameters: [I64], results: [I64] }, code, "f");
  assert.equal(instantiate(module, { double: (value: bigint) => value * 2n }).f(20n), 41n);
  assert.throws(() => module.importFunction("late", { parameters: [], results: [] }), /imports come before/);
});

test("an open block and a branch out of a closed one are refused", () => {
  const open = new Code([]);
  open.block();
  assert.throws(() => open.finish(), /a block is open/);
  const closed = new Code([]);
  const label = closed.block();
  closed.end();
  assert.throws(() => closed.branch(label), /block that is closed/);
});
