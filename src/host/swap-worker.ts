import { receiveMessageOnPort, workerData } from "node:worker_threads";
import { performSwap, type SwapAnswer, type SwapOrder } from "./swap-jobs.ts";
import type { SwapSetup } from "./swap-protocol.ts";
import { SwapSlots } from "./swap-slots.ts";

/** The thread of a store of pages: packs, writes, reads and unpacks. It sleeps on a number, not in an event loop: that is woken faster. */
const setup = workerData as SwapSetup;
const { port, ordered, answered, latencyMs } = setup;
const slots = new SwapSlots(setup.slots);
/** Pages that are there and not due yet, the first due first. */
const late: { readonly dueMs: number; readonly give: () => void }[] = [];

for (;;) {
  const seen = Atomics.load(ordered, 0);
  // Pages first: somebody may wait for them, and their place in the file is not given to another before they are read.
  servePages();
  giveDue();
  const received = receiveMessageOnPort(port);
  if (received !== undefined) {
    // Asked for before this was sent, but behind the look above.
    servePages();
    serve(received.message as SwapOrder);
  } else Atomics.wait(ordered, 0, seen, late.length === 0 ? undefined : Math.max(0, late[0].dueMs - performance.now()));
}

function servePages(): void {
  for (const order of slots.ordered()) {
    const askedMs = performance.now();
    const answer = performSwap(order);
    give(askedMs, () => {
      slots.answer(answer);
      tell();
    });
  }
}

function serve(order: SwapOrder): void {
  const askedMs = performance.now();
  const answer = performSwap(order);
  const isPage = order.kind === "fetch" || order.kind === "unpack";
  give(isPage ? askedMs : Number.NEGATIVE_INFINITY, () => send(answer));
}

function give(askedMs: number, act: () => void): void {
  if (latencyMs === 0 || askedMs === Number.NEGATIVE_INFINITY) act();
  else late.push({ dueMs: askedMs + latencyMs, give: act });
}

function giveDue(): void {
  const now = performance.now();
  while (late.length > 0 && late[0].dueMs <= now) late.shift()!.give();
}

function send(answer: SwapAnswer): void {
  port.postMessage(answer, "bytes" in answer ? [answer.bytes.buffer] : []);
  tell();
}

function tell(): void {
  Atomics.add(answered, 0, 1);
  Atomics.notify(answered, 0);
}
