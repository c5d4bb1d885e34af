/**
 * What a machine costs its host, measured in a process of its own: `machine-probe.ts start PROGRAM REPEATS` prints how long
 * fresh machines took to their first instruction; `machine-probe.ts footprint PROGRAM HARTS` what memory one holds after a
 * recorded run. The machine's thread is the bundle, as in the debug adapter. One line of JSON.
 */
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { connectDebuggee } from "../../src/host/debuggee-client.ts";
import { nodePort } from "../../src/host/port.ts";
import { temporaryPath } from "../differential/cross-compiler.ts";

const WORKER = resolve(import.meta.dirname, "../../dist/machine-worker.js");
const RAM = { base: 0x8000_0000n, bytes: 128 * 2 ** 20 };
const PAGE_BYTES = 4096;
const CHUNK_BYTES = 2 ** 20;

const recording = temporaryPath("probe.hindcast");
const [what, program, number] = process.argv.slice(2);
console.log(JSON.stringify(await (what === "start" ? starts(Number(number)) : footprint(Number(number)))));

function startMachine() {
  rmSync(recording, { force: true });
  const worker = new Worker(WORKER);
  return { worker, debuggee: connectDebuggee(nodePort(worker), () => {}) };
}

/** Milliseconds from the start of the thread to the answer that the first instruction has been executed. */
async function starts(repeats: number): Promise<number[]> {
  const times: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const started = performance.now();
    const { worker, debuggee } = startMachine();
    await debuggee.launch({ program, recordTo: recording, stopOnEntry: true });
    const { instant } = await debuggee.step("into", "forward", "instruction", 0);
    times.push(performance.now() - started);
    if (instant !== 1) throw new Error(`stepped to ${instant}`);
    await debuggee.close();
    await worker.terminate();
  }
  return times;
}

/** Bytes resident in the whole process, without the pages of the guest's RAM that hold anything. */
async function footprint(harts: number): Promise<{ residentBytes: number; guestBytes: number }> {
  const { worker, debuggee } = startMachine();
  const launched = { program, harts, memoryBytes: RAM.bytes, recordTo: recording, stopOnEntry: true };
  await debuggee.launch(launched);
  await debuggee.resume();
  const residentBytes = process.memoryUsage().rss;
  let pages = 0;
  for (let offset = 0; offset < RAM.bytes; offset += CHUNK_BYTES) {
    const bytes = await debuggee.readMemory(RAM.base + BigInt(offset), CHUNK_BYTES, "physical");
    for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
      if (bytes.subarray(at, at + PAGE_BYTES).some((byte) => byte !== 0)) pages++;
    }
  }
  await debuggee.close();
  await worker.terminate();
  return { residentBytes, guestBytes: pages * PAGE_BYTES };
}
