import assert from "node:assert/strict";
import test from "node:test";
import { Worker } from "node:worker_threads";
import {
  type InterpreterCode,
  interpreterCode,
  interpretersKnown,
  knowInterpreters,
} from "../../src/cpu/interpreter-code.ts";
import type { ModuleChoices } from "../../src/cpu/interpreter-module.ts";
import { interpreterModule } from "../../src/cpu/interpreter-module.ts";
import { PhysicalMemory } from "../../src/memory/physical-memory.ts";

const { layout } = new PhysicalMemory(0x8000_0000, 64 * 1024);
const CHOICES: ModuleChoices = {
  instructionAlignment: 2,
  hotArrivals: 100,
  system: { schemes: 1, leastPrivilege: 0n, stepsPerTick: 10, isAlone: true },
};

test("the interpreter is made once for the same layout and choices, and anew for any other", () => {
  const { module } = interpreterCode(layout, CHOICES);
  assert.equal(interpreterCode({ ...layout }, structuredClone(CHOICES)).module, module);
  const { system } = CHOICES;
  for (const other of [
    { instructionAlignment: 4 as const },
    { hotArrivals: undefined },
    { traced: "all" as const },
    { system: { ...system, leastPrivilege: 1n << 11n } },
    { system: { ...system, isAlone: false } },
  ]) {
    assert.notEqual(interpreterCode(layout, { ...CHOICES, ...other }).module, module, Object.keys(other)[0]);
  }
  const larger = new PhysicalMemory(0x8000_0000, 128 * 1024).layout;
  assert.notEqual(interpreterCode(larger, CHOICES).module, module);
  assert.ok(interpretersKnown().length <= 4, "few are kept");
});

test("what another thread has made says what one's own would say", async () => {
  const { functions } = interpreterModule(layout, CHOICES);
  interpreterCode(layout, CHOICES);
  const worker = new Worker(
    "require('node:worker_threads').parentPort.once('message', (m) => { require('node:worker_threads').parentPort.postMessage(m); })",
    { eval: true },
  );
  const returned = new Promise<InterpreterCode[]>((resolve) => worker.once("message", resolve));
  worker.postMessage(interpretersKnown());
  const codes = await returned;
  const given = codes.at(-1)!;
  assert.deepEqual(given.functions, functions);
  assert.deepEqual(
    WebAssembly.Module.exports(given.module),
    WebAssembly.Module.exports(interpreterCode(layout, CHOICES).module),
  );
  knowInterpreters(codes);
  assert.equal(interpreterCode(layout, CHOICES).module, given.module, "it is taken instead of being made");
  await worker.terminate();
});
