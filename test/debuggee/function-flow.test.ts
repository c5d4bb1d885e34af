import assert from "node:assert/strict";
import test from "node:test";
import { codeWord } from "../../src/debuggee/code.ts";
import { type EntryState, FunctionFlow } from "../../src/debuggee/function-flow.ts";
import { lineOf, program } from "./harness.ts";

const [RA, SP, S0, S1] = [1, 2, 8, 9];

/** The state before the instruction on a marked line. */
function stateAt(body: string, marker: string): EntryState | undefined {
  const source = `.text\n.globl _start\n_start:\n${body}\n`;
  const { segments, lines } = program(source);
  const [{ bytes, virtualAddress: start }] = segments;
  const flow = new FunctionFlow({ name: "f", start, end: start + BigInt(bytes.length), declared: true }, (address) =>
    codeWord(address, [...bytes.subarray(Number(address - start), Number(address - start) + 4)]),
  );
  const row = lines.find(({ line }) => line === lineOf(source, marker));
  return flow.at(row?.address ?? assert.fail(marker));
}

test("a prologue, a body and an epilogue", () => {
  const body = `
    addi sp, sp, -32
    sd   ra, 24(sp)
    sd   s1, 8(sp)    # @half
    call elsewhere    # @call
    mv   s1, a0       # @body
    ld   ra, 24(sp)   # @epilogue
    ld   s1, 8(sp)    # @restored
    addi sp, sp, 32
    ret               # @end
elsewhere: ret`;
  const at = (marker: string) => stateAt(body, marker) ?? assert.fail(marker);
  assert.deepEqual([...at("half").saved], [[RA, -8n]]);
  assert.equal(at("half").intact.has(RA), true);
  assert.equal(at("body").intact.has(RA), false, "the call has changed it");
  assert.equal(at("body").relative.get(SP), -32n);
  assert.deepEqual(
    [...at("epilogue").saved],
    [
      [RA, -8n],
      [S1, -24n],
    ],
  );
  assert.equal(at("epilogue").intact.has(S1), false);
  assert.equal(at("restored").intact.has(RA), true);
  assert.equal(at("restored").intact.has(S1), false);
  assert.equal(at("end").relative.get(SP), 0n);
  assert.equal(at("end").intact.has(S1), true);
});

test("where paths meet, ra is intact only when no path has called", () => {
  // A base case that does not call comes first; frames in the epilogue once took ra for the caller's because of it.
  const body = `
    addi sp, sp, -16
    sd   ra, 8(sp)
    beqz a0, 1f       # @before
    call elsewhere
1:  nop               # @meet
    ld   ra, 8(sp)
    addi sp, sp, 16
    ret
elsewhere: ret`;
  assert.equal(stateAt(body, "before")?.intact.has(RA), true);
  assert.equal(stateAt(body, "meet")?.intact.has(RA), false);
  assert.equal(stateAt(body, "meet")?.saved.get(RA), -8n);
});

test("loops settle", () => {
  const body = `
    addi sp, sp, -16
    sd   ra, 8(sp)
1:  nop               # @head
    call elsewhere
    bnez a0, 1b
    nop               # @after
elsewhere: ret`;
  assert.equal(stateAt(body, "head")?.intact.has(RA), false);
  assert.equal(stateAt(body, "after")?.relative.get(SP), -16n);
});

test("frame pointers, frames too large for an immediate, and saves through the frame pointer", () => {
  const body = `
    addi sp, sp, -2032
    sd   s0, 2016(sp)
    addi s0, sp, 2032
    li   t0, -4096
    add  sp, sp, t0
    sd   ra, -8(s0)
    nop               # @deep
    addi sp, s0, -2032
    nop               # @back
    mv   sp, s0
    ret               # @end`;
  const deep = stateAt(body, "deep");
  assert.deepEqual([deep?.relative.get(SP), deep?.relative.get(S0)], [-6128n, 0n]);
  assert.deepEqual([deep?.saved.get(S0), deep?.saved.get(RA)], [-16n, -8n]);
  assert.equal(stateAt(body, "back")?.relative.get(SP), -2032n);
  assert.equal(stateAt(body, "end")?.relative.get(SP), 0n);
});

test("a slot that is overwritten no longer holds what was saved", () => {
  const body = `
    addi sp, sp, -16
    sd   ra, 8(sp)
    sd   a0, 8(sp)
    nop               # @here`;
  assert.equal(stateAt(body, "here")?.saved.has(RA), false);
});

test("code that no direct path reaches has no state; a stack pointer from elsewhere is unknown", () => {
  const body = `
    mv   sp, a0
    nop               # @switched
    ret
    nop               # @unreached`;
  assert.equal(stateAt(body, "switched")?.relative.has(SP), false);
  assert.equal(stateAt(body, "unreached"), undefined);
});
