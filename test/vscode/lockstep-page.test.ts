/** The Lockstep page by itself in a browser: both machines, the log, and what they hold side by side. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  DivergenceFinding,
  FromLockstep,
  MachineComparison,
  PairLogRow,
  PairState,
  ToLockstep,
} from "../../src/webview/lockstep-messages.ts";
import { themed } from "./themes.ts";
import { webviewPage } from "./webview-page.ts";

const view = webviewPage<ToLockstep>("lockstep", { width: 1200, height: 520 });
const { tell } = view;

function sent<Type extends FromLockstep["type"]>(type: Type): Promise<Extract<FromLockstep, { type: Type }>[]> {
  return view.page.evaluate(
    (type) =>
      (window as unknown as { sent: { type: string }[] }).sent.filter((message) => message.type === type) as never,
    type,
  );
}

const place = (left: number, right: number) => ({
  left: { member: "A", stretch: 1, instant: left },
  right: { member: "B", stretch: 1, instant: right },
});

const PAIR: PairState = {
  id: "one",
  live: false,
  member: "A",
  members: [
    {
      name: "A",
      role: "primary",
      title: "Machine A (primary)",
      instant: 31_397_402,
      stretch: 1,
      stretches: [{ number: 1, path: "p.hindcast", first: 0, last: 40_000_000 }],
    },
    {
      name: "B",
      role: "secondary",
      title: "Machine B (secondary)",
      instant: 31_398_472,
      stretch: 1,
      stretches: [
        { number: 1, path: "p.B.hindcast", first: 0, last: 31_437_614 },
        {
          number: 2,
          path: "p.B.2.hindcast",
          first: 31_437_614,
          last: 40_000_000,
          start: { member: "A", stretch: 1, instant: 31_437_614 },
        },
      ],
    },
  ],
  missing: [],
  inner: { noticedAt: 31_667_627, lastAgreement: 31_437_602, how: "timing" },
  counts: {
    entries: 1_000_000,
    outputsMatched: 700,
    outputsReleased: 847,
    innerDivergences: 2,
    digestsEqual: 0,
    digestsDifferent: 3,
    resynchronisations: 1,
    takeOvers: 0,
    joined: 0,
    held: 4,
  },
  latencyMs: { median: 1.9, p99: 14.2 },
  lagStepsMax: 1_851_294,
  divergences: [
    {
      what: "data",
      device: "console",
      number: 717,
      place: place(31_397_402, 31_398_472),
      expected: "347456",
      got: "5632",
      lastAgreement: 31_278_171,
      text: "console byte 717 is “347456” of the primary and “5632” of the secondary.",
    },
  ],
};

const KINDS = ["output", "output", "input", "digest", "divergence", "resynchronise", "held"] as const;
const STATES = ["released", "matched", "pending", "mismatched", "resynchronised", "lost"] as const;

function row(index: number): PairLogRow {
  const kind = KINDS[index % KINDS.length];
  const isOutput = kind === "output";
  const text = `line ${index} of what was said\\n`;
  return {
    row: index,
    kind,
    sequence: index,
    primaryInstant: 1000 * index,
    secondaryInstant: 1000 * index + 17,
    timeMs: index / 10,
    ...(isOutput && {
      device: "console",
      number: 16 * index,
      state: STATES[index % STATES.length],
      bytes: { text, hex: "6c696e65", bytes: 4 },
      latencyMs: 1.25,
      place: place(1000 * index, 1000 * index + 17),
    }),
    ...(kind === "divergence" && { text: "console byte 717 differs" }),
  };
}

const instruction = { hart: 0, pc: "0x80001000", symbol: "draw+0x10", text: "lw a0, 0(a5)" };
const source = { path: "/project/draw.c", line: 42, column: 3 };

const FINDING: DivergenceFinding = {
  kind: "difference",
  level: "output",
  lastAgreement: place(100, 100),
  divergent: {
    place: place(120, 121),
    left: { ...instruction, source },
    right: { ...instruction, source },
    cause: "entropy",
    why: "Machine B read another word from the entropy device.",
    differences: [{ what: "register", name: "a0", left: "0x1", right: "0x2" }],
    more: 0,
  },
  chain: [
    { kind: "data", sentence: "a0 was loaded from counter", place: place(130, 131) },
    { kind: "flow", sentence: "they branched differently", place: place(125, 126) },
  ],
  notes: ["682 equal outputs at other instants were passed over."],
  lines: [
    { text: "Machine B read another word from the entropy device.", place: place(120, 121) },
    { text: "The first output that differs is console byte 717.", place: place(31_397_402, 31_398_472) },
  ],
};

const code = (text: string) => [
  { address: "0x80000ffc", text: "addi sp, sp, -16", symbol: "draw+0xc", current: false },
  { address: "0x80001000", text, symbol: "draw+0x10", current: true },
  { address: "0x80001004", text: "add a1, a1, a0", symbol: "draw+0x14", current: false },
];

const COMPARISON: MachineComparison = {
  place: place(120, 121),
  left: {
    name: "A",
    title: "Machine A (primary)",
    instant: 120,
    hart: 0,
    pc: "0x80001000",
    symbol: "draw+0x10",
    source,
    code: code("lw a0, 0(a5)"),
  },
  right: {
    name: "B",
    title: "Machine B (secondary)",
    instant: 121,
    hart: 0,
    pc: "0x80001000",
    symbol: "draw+0x10",
    source,
    code: code("lw a0, 0(a5)"),
  },
  registers: [
    { name: "pc", left: "0x80001000", right: "0x80001000", differs: false },
    { name: "a0", left: "0x54c3b2", right: "0x1600", differs: true },
    { name: "s1", left: "0x8036ed6d", right: "0x80364d6d", differs: true },
  ],
  csrs: [{ name: "mcycle", left: "120", right: "121", differs: true }],
  memory: [{ address: "0x80201000", symbol: "seed", left: "0x0000000000000001", right: "0x2", differs: true }],
  differingPages: 2,
  devices: [{ name: "clint.mtime", left: "12", right: "13", differs: true }],
};

/** Answers what the page asks, as the extension would: a log of `entries`, the finding, the comparison. */
async function answer(entries: number): Promise<void> {
  await view.page.exposeFunction("answerOf", (message: FromLockstep): ToLockstep | undefined => {
    if (message.type === "find") return { type: "finding", request: message.request, finding: FINDING };
    if (message.type === "compare") return { type: "comparison", request: message.request, comparison: COMPARISON };
    if (message.type !== "askLog") return undefined;
    const { request, from, count, filter } = message;
    const total = filter.kinds === undefined && filter.text === undefined ? entries : 3;
    const length = Math.max(0, Math.min(count, total - from));
    return { type: "log", request, total, rows: Array.from({ length }, (_, index) => row(from + index)) };
  });
  await view.page.evaluate(() => {
    const page = window as unknown as { sent: unknown[]; answerOf(message: unknown): Promise<unknown> };
    const push = page.sent.push.bind(page.sent);
    page.sent.push = (...messages) => {
      for (const message of messages) {
        void page.answerOf(message).then((answer) => answer && window.postMessage(answer, "*"));
      }
      return push(...messages);
    };
  });
}

const entries = () => view.page.locator("#log").getByRole("option");

test("without a pair the page says how to get one", async () => {
  await tell({ type: "idle" });
  await view.page.getByText("Set “lockstep” in launch.json").waitFor();
  await tell({ type: "alone", title: "queue.s" });
  await view.page.getByText("queue.s runs on one machine.").waitFor();
});

test("both machines with what is known of them; a million entries of the log, of which those in view are there", async () => {
  await answer(1_000_000);
  await tell({ type: "pair", state: PAIR });
  await view.page.getByText("1,000,000 entries").waitFor();
  const facts = await view.page.locator("#facts").innerText();
  for (const fact of ["Machine A (primary) at 31,397,402", "1.9 ms, p99 14 ms", "1,851,294 steps", "847", "once"]) {
    assert.ok(facts.replaceAll("\n", " ").includes(fact), `${fact} in ${facts}`);
  }
  await view.page.getByText("They differed once in what they said").waitFor();
  assert.ok((await entries().count()) < 60, "only rows in view are in the page");
  await view.page.locator("#log").press("End");
  await entries().filter({ hasText: "999,999" }).waitFor();
  await view.page.locator("#log").press("Home");
  await view.page.locator("#log").press("Enter");
  assert.deepEqual(await sent("go"), [{ type: "go", place: place(0, 17) }]);
});

test("the log is filtered by kind, by state and by what was said", async () => {
  await answer(1000);
  await tell({ type: "pair", state: PAIR });
  await view.page.getByText("1,000 entries").waitFor();
  await view.page.getByLabel("Which entries").selectOption("outputs");
  await view.page.getByText("3 entries").waitFor();
  await view.page.getByLabel("Outputs in which state").selectOption("mismatched");
  await view.page.getByLabel("Filter the log by what was said").fill("panic");
  await view.page.waitForFunction(() =>
    (window as unknown as { sent: { filter?: { text?: string } }[] }).sent.some(({ filter }) => filter?.text),
  );
  assert.deepEqual((await sent("askLog")).at(-1)!.filter, {
    kinds: ["output"],
    states: ["mismatched"],
    text: "panic",
  });
});

test("the divergence is found, told, and what differs stands side by side; what is equal only when asked for", async () => {
  await answer(1000);
  await tell({ type: "pair", state: PAIR });
  await view.page.getByRole("button", { name: "Find the Divergence" }).click();
  await view.page.locator(".why", { hasText: "another word from the entropy device" }).waitFor();
  const differing = view.page.locator("tr.differs th");
  assert.deepEqual(await differing.allTextContents(), ["a0", "s1", "mcycle", "clint.mtime", "seed"]);
  assert.equal(await view.page.locator("th", { hasText: "pc" }).count(), 0);
  await view.page.getByLabel("also what is equal").check();
  assert.equal(await view.page.locator("th", { hasText: "pc" }).count(), 1);
  await view.page.getByText("The way back from what they said, 2 steps").click();
  await view.page.getByRole("button", { name: "125", exact: true }).click();
  assert.deepEqual((await sent("go")).at(-1), { type: "go", place: place(125, 126) });
  await view.page.getByRole("button", { name: "draw.c:42" }).first().click();
  assert.deepEqual(await sent("openSource"), [{ type: "openSource", source }]);
  await themed(view.page, "lockstep");
});

test("on the axis the keys go from divergence to divergence, a click on one goes there", async () => {
  await answer(10);
  await tell({ type: "pair", state: PAIR });
  await view.page.getByText("10 entries").waitFor();
  const axis = view.page.locator("#axis");
  await tell({ type: "pair", state: { ...PAIR, members: [{ ...PAIR.members[0], instant: 5 }, PAIR.members[1]] } });
  await axis.press("ArrowRight");
  assert.deepEqual(await sent("go"), [{ type: "go", place: PAIR.divergences[0].place }]);
  const box = (await axis.boundingBox())!;
  const x = 8 + (31_397_402 / 40_000_000) * (box.width - 16);
  await axis.hover({ position: { x, y: 36 } });
  await view.page.locator("#tip", { hasText: "console byte 717" }).waitFor();
  await axis.hover({ position: { x: 300, y: 60 } });
  await view.page.locator("#tip", { hasText: "Machine B (secondary): instant" }).waitFor();
  await axis.click({ position: { x, y: 36 } });
  await view.page.waitForFunction(
    () => (window as unknown as { sent: { type: string }[] }).sent.filter(({ type }) => type === "go").length === 2,
  );
  assert.deepEqual(await sent("travel"), []);
  await axis.click({ position: { x: 8 + (box.width - 16) / 4, y: 36 } });
  const [{ instant }] = await sent("travel");
  assert.ok(Math.abs(instant - 10_000_000) < 100_000, `${instant}`);
});

test("in a panel of the usual height the log is in view, with rows to scroll through, and the page itself does not scroll", async () => {
  await answer(1000);
  for (const [width, height, name] of [
    [1020, 265, "low"],
    [560, 300, "narrow"],
  ] as const) {
    await view.page.setViewportSize({ width, height });
    await tell({ type: "idle" });
    await tell({ type: "pair", state: PAIR });
    await view.page.getByText("1,000 entries").waitFor();
    await entries().first().waitFor();
    const log = (await view.page.locator("#log").boundingBox())!;
    const session = await view.page
      .locator("#session")
      .evaluate(({ scrollHeight, clientHeight }) => ({ scrollHeight, clientHeight }));
    if (name === "low") {
      assert.ok(log.height >= 74, `${log.height} pixels of log`);
      assert.ok(log.y + log.height <= height, `the log ends at ${log.y + log.height} of ${height}`);
      assert.ok(session.scrollHeight <= session.clientHeight, JSON.stringify(session));
      const side = (await view.page.locator("#comparison-side").boundingBox())!;
      assert.ok(side.x > log.x && Math.abs(side.y + side.height - height) < 2, "they are side by side");
    } else assert.ok(log.height >= 100, `${log.height} pixels of log`);
    await view.page.getByRole("button", { name: "Find the Divergence" }).click();
    await view.page.locator(".why").waitFor();
    await view.page.mouse.move(width / 4, height - 40);
    await themed(view.page, `lockstep-${name}`);
  }
  await view.page.setViewportSize({ width: 1020, height: 265 });
  await tell({ type: "idle" });
  await themed(view.page, "lockstep-empty");
});
