import { workerData } from "node:worker_threads";
import { performSwap, type SwapAnswer } from "./swap-jobs.ts";
import type { SwapSetup, ToSwapWorker } from "./swap-protocol.ts";

/** The thread of a store of pages: packs, writes, reads and unpacks. */
const { port, answered, latencyMs } = workerData as SwapSetup;
/** Pages that are there and not due yet, the first due first. */
const late: { readonly dueMs: number; readonly answer: SwapAnswer }[] = [];
/** A timer comes up to so much after its time: the rest is slept without one. */
const TIMER_MS = 1;
const nothing = new Int32Array(new SharedArrayBuffer(4));
let timer: NodeJS.Timeout | undefined;

port.on("message", (order: ToSwapWorker) => {
  const askedMs = performance.now();
  const answer = performSwap(order);
  if (latencyMs === 0 || (order.kind !== "fetch" && order.kind !== "unpack")) return send(answer);
  late.push({ dueMs: askedMs + latencyMs, answer });
  wakeInTime();
});

function wakeInTime(): void {
  if (timer !== undefined || late.length === 0) return;
  timer = setTimeout(
    () => {
      timer = undefined;
      sendDue();
      wakeInTime();
    },
    Math.max(0, late[0].dueMs - performance.now() - TIMER_MS),
  );
}

function sendDue(): void {
  const first = late[0].dueMs - performance.now();
  if (first > TIMER_MS) return;
  if (first > 0) Atomics.wait(nothing, 0, 0, first);
  const now = performance.now();
  while (late.length > 0 && late[0].dueMs <= now) send(late.shift()!.answer);
}

function send(answer: SwapAnswer): void {
  port.postMessage(answer, "bytes" in answer ? [answer.bytes.buffer] : []);
  Atomics.add(answered, 0, 1);
  Atomics.notify(answered, 0);
}
