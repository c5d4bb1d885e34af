import assert from "node:assert/strict";
import test from "node:test";
import { CallFrames } from "../../src/symbols/call-frames.ts";
import { Bytes, RAM } from "./elf-builder.ts";
import { type BuiltFrame, frameSection } from "./frame-builder.ts";

function frames(frame: Partial<BuiltFrame>): CallFrames {
  const bytes = frameSection({ start: RAM, length: 64, ...frame });
  return new CallFrames([{ kind: "debug_frame", address: 0n, bytes }]);
}

/** `sd ra, 24(sp)` after `addi sp, sp, -32`, and back again. */
const PROLOGUE = [0x42, 0x0e, 32, 0x42, 0x81, 2, 0x50, 0x0a, 0xc1, 0x0e, 0, 0x44, 0x0b];

test("rules change with the address as the function saves and restores", () => {
  const table = frames({ instructions: PROLOGUE });
  const at = (offset: number) => table.rulesAt(RAM + BigInt(offset));
  assert.deepEqual(at(0)?.cfa, { register: 2, offset: 0n });
  assert.equal(at(0)?.registers.size, 0);
  assert.deepEqual(at(2)?.cfa, { register: 2, offset: 32n });
  assert.equal(at(3)?.registers.size, 0);
  assert.deepEqual(at(4)?.registers.get(1), { kind: "saved", offset: -8n });
  assert.deepEqual(at(19)?.cfa, { register: 2, offset: 32n });
  assert.deepEqual(at(20)?.cfa, { register: 2, offset: 0n }, "the epilogue in the middle");
  assert.equal(at(20)?.registers.get(1), undefined);
  assert.deepEqual(at(24)?.cfa, { register: 2, offset: 32n }, "restored state brings the CFA back");
  assert.deepEqual(at(24)?.registers.get(1), { kind: "saved", offset: -8n });
  assert.equal(at(64), undefined);
  assert.equal(table.rulesAt(RAM - 1n), undefined);
  assert.equal(at(8)?.returnAddressRegister, 1);
});

test("frame pointers, factored offsets, values, registers and undefined return addresses", () => {
  const instructions = [
    ...[0x0c, 8, 16], // def_cfa s0, 16
    ...[0x11, 9, 0x02], // offset_extended_sf s1, 2 -> -8
    ...[0x14, 2, 4], // val_offset sp, 4 -> -16
    ...[0x09, 18, 10], // register s2 in a0
    ...[0x07, 1], // undefined ra
    ...[0x08, 19], // same_value s3
  ];
  const rules = frames({ instructions }).rulesAt(RAM);
  assert.deepEqual(rules?.cfa, { register: 8, offset: 16n });
  assert.deepEqual(
    [9, 2, 18, 1, 19].map((register) => rules?.registers.get(register)),
    [
      { kind: "saved", offset: -8n },
      { kind: "value", offset: -16n },
      { kind: "register", register: 10 },
      { kind: "undefined" },
      { kind: "same" },
    ],
  );
});

test("versions 1 to 4; another augmentation or an expression is no information rather than a wrong one", () => {
  for (const version of [1, 3, 4]) assert.ok(frames({ version }).rulesAt(RAM), `version ${version}`);
  assert.equal(frames({ version: 9 }).rulesAt(RAM), undefined);
  assert.equal(frames({ augmentation: "armcc+" }).rulesAt(RAM), undefined);
  assert.equal(frames({ instructions: [0x0f, 1, 0x30] }).rulesAt(RAM), undefined);
  assert.ok(frames({ instructions: [0x50, 0x0f, 1, 0x30] }).rulesAt(RAM), "not reached yet at the entry");
  assert.equal(frames({ instructions: [0x0b] }).rulesAt(RAM), undefined, "a state that nobody remembered");
});

test(".eh_frame with pointers relative to themselves", () => {
  const address = RAM + 0x4000n;
  const cie = new Bytes().u32(0).u8(1).text("zR").uleb(1).sleb(-4).u8(1).uleb(1).u8(0x1b).raw([0x0c, 2, 0]);
  const out = new Bytes().u32(cie.list.length).raw(cie.list);
  const fdeAt = out.list.length;
  const fde = new Bytes().u32(fdeAt + 4);
  const pointerAt = fdeAt + 4 + 4;
  fde
    .u32(Number(RAM - (address + BigInt(pointerAt))))
    .u32(16)
    .uleb(0);
  out.u32(fde.list.length).raw(fde.list).u32(0);
  const table = new CallFrames([{ kind: "eh_frame", address, bytes: out.bytes }]);
  assert.deepEqual(table.rulesAt(RAM + 4n)?.cfa, { register: 2, offset: 0n });
  assert.deepEqual(table.extentAt(RAM)?.end, RAM + 16n);
});
