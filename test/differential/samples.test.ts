import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, globSync, openSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import test from "node:test";
import { temporaryPath } from "./cross-compiler.ts";
import { QEMU_ARGUMENTS } from "./qemu.ts";

/**
 * The sample guests that end by themselves, assembled by us, on QEMU: what .expected says of the board (interrupts,
 * timer, PLIC, a UART that receives) is what another board does, too. That ours does it, other tests show.
 */
const ROOT = resolve(import.meta.dirname, "../..");
const CLI = resolve(ROOT, "src/cli/main.ts");
const samples = globSync("guest/samples/*.expected", { cwd: ROOT }).map((path) => basename(path, ".expected"));
const TIMEOUT_MS = 60_000;

/** Where QEMU 7.2 departs from the manual: it takes a fault of an atomic operation for one of a load. */
const DEPARTURES: Readonly<Record<string, readonly [manual: string, qemu: string]>> = {
  traps: ["mcause 6: store or atomic address misaligned", "mcause 4: load address misaligned"],
};

for (const name of samples.sort()) {
  test(name, () => {
    const source = resolve(ROOT, `guest/samples/${name}.s`);
    const elf = temporaryPath(`${name}.elf`);
    const assembled = spawnSync(process.execPath, [CLI, "asm", source, "-o", elf], { encoding: "utf8" });
    assert.equal(assembled.status, 0, assembled.stderr);

    // Files, not pipes: the samples do not wait for the transmitter, and a full pipe makes QEMU's lose bytes.
    const input = source.replace(/s$/, "input");
    const stdin = openSync(existsSync(input) ? input : "/dev/null", "r");
    const console = temporaryPath(`${name}.out`);
    const stdout = openSync(console, "w");
    const theirs = spawnSync("qemu-system-riscv64", [...QEMU_ARGUMENTS, "-kernel", elf], {
      stdio: [stdin, stdout, "inherit"],
      timeout: TIMEOUT_MS,
    });
    closeSync(stdin);
    closeSync(stdout);
    const [manual, qemu] = DEPARTURES[name] ?? ["", ""];
    const expected = readFileSync(source.replace(/s$/, "expected"), "latin1").replace(manual, qemu);
    assert.equal(readFileSync(console, "latin1"), expected);
    assert.equal(theirs.status, 0);
  });
}
