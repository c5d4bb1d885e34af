import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import test from "node:test";
import { assemble } from "../../src/assembler/assemble.ts";
import { writeElf } from "../../src/symbols/elf-writer.ts";
import { temporaryPath } from "./cross-compiler.ts";
import { gasLink, run, withoutGas } from "./gas.ts";
import { runQemu } from "./qemu.ts";

// The sample guests on QEMU, as our assembler and as GNU's makes them: what they print is what their .expected says.

const ROOT = resolve(import.meta.dirname, "../..");

/** These need somebody who types, or never end, or take minutes on QEMU. */
const NOT_HERE = new Set(["echo", "flood", "loop", "count"]);

/**
 * QEMU up to 8 reports a misaligned atomic operation as a load; the privileged manual says store or atomic (section on
 * mcause), and so do we.
 */
function asSpecified(console: string): string {
  return console.replaceAll("mcause 6: store or atomic address misaligned", "mcause 4: load address misaligned");
}

/**
 * Time that follows from instructions: with the host's, a loop may be over before the host has time for an interrupt, and
 * waiting for one takes as long as it says.
 */
const VIRTUAL_TIME = ["-icount", "shift=3,sleep=off"];

for (const path of globSync("guest/samples/*.s", { cwd: ROOT }).sort()) {
  const name = path.replace(/^.*\/|\.s$/g, "");
  if (NOT_HERE.has(name)) continue;
  test(`${path} on QEMU`, { skip: withoutGas }, async () => {
    const file = join(ROOT, path);
    const source = readFileSync(file, "utf8");
    const include = (included: string) => {
      const found = join(dirname(file), included);
      return existsSync(found) ? { name: found, text: readFileSync(found, "utf8") } : undefined;
    };
    const { program } = assemble(source, { file, include });
    assert.ok(program);
    const ours = temporaryPath(`${name}-ours.elf`);
    writeFileSync(ours, writeElf(program, "hindcast test"));
    const expected = readFileSync(file.replace(/\.s$/, ".expected"), "utf8");
    for (const elf of [ours, gasLink(source, name, dirname(file)).path]) {
      const ending = await runQemu([...VIRTUAL_TIME, "-kernel", elf]);
      assert.equal(asSpecified(ending.console.toString("latin1")), asSpecified(expected), elf);
      assert.equal(ending.exitCode, 0);
    }
  });
}

test("objdump finds code, symbols and lines in what we write", { skip: withoutGas }, () => {
  const source = ".globl f\n.type f, @function\n.size f, 6\nf:\n  addi a0, a0, 1\n  ret\n  nop\n";
  const { program } = assemble(source, { file: "/somewhere/lines.s" });
  assert.ok(program);
  const elf = temporaryPath("lines.elf");
  writeFileSync(elf, writeElf(program, "hindcast test"));
  const text = run("objdump", ["-dl", elf]).split("\n");
  const interesting = text.filter((line) => /^\/somewhere|^[0-9a-f]+ <|^ +8000/.test(line));
  assert.deepEqual(
    interesting.map((line) => line.replace(/\s+/g, " ").trim()),
    [
      "0000000080000000 <f>:",
      "/somewhere/lines.s:5",
      "80000000: 0505 add a0,a0,1",
      "/somewhere/lines.s:6",
      "80000002: 8082 ret",
      "/somewhere/lines.s:7",
      "80000004: 0001 nop",
    ],
  );
});
