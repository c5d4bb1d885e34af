import { setTimeout as sleep } from "node:timers/promises";
import type { SegmentResult, SegmentTask } from "../../src/debuggee/search-protocol.ts";
import type { SegmentPool } from "../../src/host/nats-worker.ts";

/** Segments of 100 steps, newest first. */
export function fakeTasks(count: number, text = "x"): SegmentTask[] {
  return Array.from({ length: count }, (_, index) => {
    const to = (count - index) * 100;
    return {
      question: { kind: "outputs", text },
      settled: { space: { hart: 0, satp: 1n << 63n } },
      from: to - 100,
      to,
      mostMarks: 4,
    };
  });
}

/** What a segment says depends on its task alone, as with machines. */
export function fakeResult(task: SegmentTask): SegmentResult {
  const { question, from, to } = task;
  const text = question.kind === "outputs" ? (question.text ?? "") : "";
  const row = {
    instant: from + 7,
    hart: 0,
    pc: 0x8000_0000_0000_0000n + BigInt(from),
    symbol: "f",
    text,
    number: Number.NaN,
  };
  const marks = { every: 1, instants: [row.instant], starts: [row.instant], passed: [0] };
  return { from, to, rows: 1, marks, listed: [row], restored: 0 };
}

/** Searches nothing, and takes its time for it. A task that asks for "bad" fails. */
export function fakePool(ms: number, onBegin: (task: SegmentTask) => void): SegmentPool {
  return {
    run: ([task], hearer) => {
      onBegin(task);
      const cancelled = new AbortController();
      void sleep(ms, undefined, { signal: cancelled.signal }).then(
        () => hearer.result(0, fakeResult(task)),
        () => {},
      );
      return { cancel: () => cancelled.abort() };
    },
    close: async () => {},
  };
}
