import assert from "node:assert/strict";
import test from "node:test";
import { AssertionFailure, assert as invariant, unreachable } from "../../src/base/assert.ts";
import { instant, physicalAddress, virtualAddress } from "../../src/base/brand.ts";
import { UserError } from "../../src/base/errors.ts";

test("a broken invariant throws with its sentence", () => {
  invariant(true, "fine");
  assert.throws(() => invariant(0, "the page is absent"), new AssertionFailure("the page is absent"));
});

test("an unreachable arm names the value", () => {
  assert.throws(() => unreachable("zebra" as never, "stop"), /unexpected stop: "zebra"/);
});

test("instants are safe integers, not negative", () => {
  assert.equal(instant(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => instant(wrong), AssertionFailure);
    assert.throws(() => physicalAddress(wrong), AssertionFailure);
  }
});

test("virtual addresses wrap at 64 bits, as the hart's do", () => {
  assert.equal(virtualAddress(-1n), 0xffff_ffff_ffff_ffffn);
  assert.equal(virtualAddress(1n << 64n), 0n);
});

test("a user error carries its code and the exit code of the command line", () => {
  const error = new UserError("elf-truncated", "The file ends in its header.");
  assert.deepEqual([error.code, error.exitCode, error.message], ["elf-truncated", 3, "The file ends in its header."]);
  assert.equal(new UserError("usage", "…", 2).exitCode, 2);
});
