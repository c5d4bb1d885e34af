import { parentPort, workerData } from "node:worker_threads";
import { SharedRing } from "../../src/host/shared-ring.ts";

/** Waits at a ring until something has been written, and tells whether it was woken and had something to read. */
const WITHIN_MS = 20_000;
const ring = new SharedRing(workerData as SharedArrayBuffer);
const isEmpty = ring.read() === undefined;
parentPort!.postMessage([isEmpty ? ring.wait(WITHIN_MS) : true, isEmpty ? ring.read() !== undefined : true]);
