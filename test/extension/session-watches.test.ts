/** The model of Watch over Time against a session that answers when the test says so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SearchBody, StatusBody } from "../../src/adapter/custom-protocol.ts";
import type { Session } from "../../src/extension/session.ts";
import { SessionWatches } from "../../src/extension/session-watches.ts";

/** A session whose series has a change at every tenth instant; what it was asked, and what it was told to remember. */
function setUp(saved: readonly string[] = []) {
  const asked: string[] = [];
  const stored: string[][] = [];
  let nextId = 1;
  const state = { refuse: undefined as string | undefined, held: undefined as Promise<void> | undefined };
  const bodies = new Map<number, SearchBody>();
  const answers: Record<string, (args: never) => unknown> = {
    "hindcast/search": ({ question }: { question: SearchBody["question"] & { kind: "series" } }) => {
      if (state.refuse !== undefined && question.everySteps === undefined) throw new Error(state.refuse);
      const sampled = question.everySteps === undefined ? {} : { sampled: true };
      const known = { from: 0, to: 100, rows: 0, searchedFrom: 100, fraction: 0, done: false };
      const body: SearchBody = { id: nextId++, question, title: "", ...known, ...sampled };
      bodies.set(body.id, body);
      return body;
    },
    "hindcast/extendSearch": ({ id, to }: { id: number; to: number }) => ({ ...bodies.get(id)!, to }),
    "hindcast/seriesBuckets": () => ({ buckets: [{ from: 0, to: 100, changes: 10 }] }),
    "hindcast/rowsAround": ({ instant }: { instant: number }) => {
      const row = (at: number) => ({ instant: at, hart: 0, pc: "0x0", symbol: "main", text: `v${at}` });
      const before = Math.ceil(instant / 10) * 10 - 10;
      return {
        ...(before >= 0 ? { before: row(before) } : {}),
        ...(instant % 10 === 0 ? { at: row(instant) } : {}),
        after: row(Math.floor(instant / 10) * 10 + 10),
      };
    },
  };
  const session = {
    title: "guest",
    ended: false,
    status: undefined as StatusBody | undefined,
    debugSession: {
      configuration: { name: "Debug guest" },
      customRequest: async (_: string, { expression }: { expression: string }) => ({ result: `now ${expression}` }),
    },
    request: async (name: string, args: never) => {
      asked.push(`${name.replace("hindcast/", "")} ${JSON.stringify(args)}`);
      await state.held;
      return answers[name]?.(args);
    },
  };
  const store = {
    get: () => saved,
    update: async (_: string, texts: string[]) => void stored.push(texts),
    keys: () => [],
  };
  const watches = new SessionWatches(session as unknown as Session, store, () => {});
  const stand = async (instant: number, more: Partial<StatusBody> = {}) => {
    const status = { instant, end: 100, stepsPerSecond: 0, recordingBytes: 0, running: false, checks: 0, ...more };
    session.status = status as StatusBody;
    watches.follow(session.status);
    await settle();
  };
  const hear = async (id: number, more: Partial<SearchBody>) => {
    watches.heard({ ...bodies.get(id)!, ...more });
    await settle();
  };
  return { asked, stored, state, session, watches, stand, hear };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const DONE = { done: true, fraction: 1, rows: 11, searchedFrom: 0 };
const searches = (asked: readonly string[]) => asked.filter((each) => each.startsWith("search "));

test("nothing is searched until the machine stands and somebody looks", async () => {
  const { asked, watches, stand } = setUp(["n", "a0 at f"]);
  await stand(50, { running: true });
  watches.want();
  await stand(0, { end: 0 });
  assert.deepEqual(asked, []);
  assert.equal(watches.all[0].row().status, "waiting");
  await stand(50);
  assert.deepEqual(searches(asked), [
    'search {"question":{"kind":"series","expression":"n"}}',
    'search {"question":{"kind":"series","expression":"a0","at":"f"}}',
  ]);
});

test("a row says what is known: at first a lower bound, then all of it", async () => {
  const { asked, watches, stand, hear } = setUp(["n"]);
  watches.want();
  await stand(50);
  await hear(1, { rows: 4, searchedFrom: 60, fraction: 0.4 });
  const during = watches.all[0].row();
  assert.deepEqual([during.status, during.changes, during.exact, during.fraction], ["searching", 4, false, 0.4]);
  await hear(1, DONE);
  const before = asked.length;
  await hear(1, { ...DONE, restored: 7 });
  assert.equal(asked.length, before, "what looking itself has evaluated is no news");
  assert.equal(watches.restored, 7);
  const { status, changes, exact, value, becomes, hasPrevious, hasNext } = watches.all[0].row();
  assert.deepEqual([status, changes, exact], ["done", 10, true], "the first row is no change");
  assert.deepEqual([value, becomes], ["now n", "v50"], "the step here writes");
  assert.deepEqual([hasPrevious, hasNext], [true, true]);
  await stand(5);
  const early = watches.all[0].row();
  assert.deepEqual([early.becomes, early.hasPrevious], [undefined, false], "before is the beginning only");
  assert.equal(await watches.all[0].changeBeside("next"), 10);
  assert.equal(await watches.all[0].changeBeside("previous"), undefined);
});

test("with a place the value is the one that was last found there", async () => {
  const { watches, stand, hear } = setUp(["a0 at f"]);
  watches.want();
  await stand(55);
  await hear(1, DONE);
  assert.equal(watches.all[0].row().value, "v50");
  await stand(60);
  const { value, becomes } = watches.all[0].row();
  assert.deepEqual([value, becomes], ["v60", undefined]);
});

test("what cannot be followed is sampled; what is wrong is said", async () => {
  const { asked, state, watches, stand, hear } = setUp(["sp", "sp every 7"]);
  state.refuse = "It reads registers.";
  watches.want();
  await stand(50);
  assert.ok(asked.includes('search {"question":{"kind":"series","expression":"sp","everySteps":1}}'));
  assert.ok(asked.includes('search {"question":{"kind":"series","expression":"sp","everySteps":7}}'));
  const sampled = watches.all.find(({ watched }) => watched.every === undefined)!;
  await hear(sampled.search!.id, { ...DONE, sampled: true });
  const row = sampled.row();
  assert.deepEqual([row.sampled, row.exact, row.everySteps, row.becomes], [true, false, 1, undefined]);

  // The run has grown: as many looks a step as before would be too many.
  await stand(50, { end: 2000 });
  assert.ok(asked.includes(`extendSearch {"id":${sampled.search!.id},"to":2000}`));
  await stand(50, { end: 1_000_000 });
  assert.equal(searches(asked).at(-1), 'search {"question":{"kind":"series","expression":"sp","everySteps":1000}}');

  const wrong = setUp(["nope at f"]);
  wrong.state.refuse = "There is no nope.";
  wrong.watches.want();
  await wrong.stand(50);
  const { status, problem } = wrong.watches.all[0].row();
  assert.deepEqual([status, problem], ["failed", "There is no nope."]);
});

test("a run that has grown extends its searches; one that stands where it stood asks nothing", async () => {
  const { asked, watches, stand, hear } = setUp(["n"]);
  watches.want();
  await stand(50);
  await hear(1, DONE);
  const before = asked.length;
  await stand(50);
  assert.equal(asked.length, before);
  await stand(120, { end: 120 });
  assert.ok(asked.includes('extendSearch {"id":1,"to":120}'), asked.at(-1));
});

test("an expression that was removed while its search was being started is closed", async () => {
  const { asked, state, watches, stand } = setUp(["n"]);
  let release = () => {};
  state.held = new Promise((resolve) => {
    release = resolve;
  });
  watches.want();
  await stand(50);
  watches.remove(watches.all[0].key);
  release();
  await settle();
  assert.ok(asked.includes('closeSearch {"id":1}'), asked.join("\n"));
  assert.equal(watches.all.length, 0);
});

test("after a restart, and in a what-if branch, everything is asked anew", async () => {
  const { asked, watches, stand, hear } = setUp(["n"]);
  watches.want();
  await stand(50);
  await hear(1, DONE);
  watches.restarted();
  assert.equal(watches.all[0].row().status, "waiting");
  await stand(0);
  assert.equal(searches(asked).length, 2);
  const branch = { id: 1 } as StatusBody["branch"];
  await stand(30, { branch });
  assert.equal(searches(asked).length, 3);
  assert.ok(asked.includes('closeSearch {"id":2}'));
  await stand(40, { branch });
  assert.equal(searches(asked).length, 3);
  await stand(40);
  assert.equal(searches(asked).length, 4, "and in the recording again");
});

test("expressions are kept, edited, and never there twice", async () => {
  const { stored, watches } = setUp(["n"]);
  watches.add({ expression: "m", at: "f" });
  watches.add({ expression: "n" });
  assert.deepEqual(stored.at(-1), ["n", "m at f"]);
  watches.edit(watches.all[0].key, "k");
  assert.deepEqual(stored.at(-1), ["k", "m at f"]);
  watches.edit(watches.all[0].key, "m  at f");
  assert.deepEqual(stored.at(-1), ["m at f"]);
  watches.edit(watches.all[0].key, "  ");
  assert.deepEqual(stored.at(-1), []);
});
