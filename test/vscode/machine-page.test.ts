/** The Machine view's page by itself in a browser: what it draws, asks and sends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  AddressSpace,
  CsrTable,
  FromMachine,
  HartFacts,
  MachineOverview,
  PageEntry,
  PageTable,
  ToMachine,
  Translation,
} from "../../src/webview/messages.ts";
import { themed } from "./themes.ts";
import { webviewPage } from "./webview-page.ts";

const view = webviewPage<ToMachine>("machine", { width: 1200, height: 300 });
const tell = view.tell;

/** The newest message of a type that the page has sent; waits until there are `count`. */
async function sent<Type extends FromMachine["type"]>(
  type: Type,
  count = 1,
): Promise<Extract<FromMachine, { type: Type }>> {
  const found = await view.page.waitForFunction(
    ([type, count]) => {
      const all = (window as unknown as { sent: { type: string }[] }).sent.filter((message) => message.type === type);
      return all.length >= count ? (all.at(-1) as never) : undefined;
    },
    [type, count] as const,
  );
  return (await found.jsonValue()) as never;
}

const SPACE: AddressSpace = {
  satp: "0x8000300000080200",
  scheme: "Sv39",
  asid: 3,
  root: "0x80200000",
  harts: [0],
};

const HART: HartFacts = {
  id: 0,
  stopped: true,
  turn: true,
  pc: "0xffffffc080001040",
  symbol: "do_syscall+0x40",
  place: "kernel.c:120",
  privilege: "S",
  waiting: false,
  space: SPACE,
  pending: ["Supervisor timer interrupt"],
};

const OVERVIEW: MachineOverview = {
  instant: 1_234_567,
  harts: [
    HART,
    { ...HART, id: 1, stopped: false, turn: false, privilege: "U", symbol: "main+0x8", waiting: true, pending: [] },
  ],
  spaces: [SPACE, { ...SPACE, satp: "0x8000400000080300", asid: 4, root: "0x80300000", harts: [] }],
  devices: [{ name: "uart16550", address: "0x10000000", registers: [{ name: "lsr", value: "96" }] }],
  memory: [
    { start: "0x10000000", name: "uart16550", kind: "device", detail: "device" },
    { start: "0x80000000", end: "0x88000000", name: "RAM", kind: "memory", detail: "128 MiB" },
    { start: "0x80200000", end: "0x80210000", name: "kernel.elf", kind: "program", detail: "code, 65,536 bytes" },
  ],
  translation: {
    ...{
      cacheGroup: "off",
      elements: 201,
      contexts: 403,
      mostContexts: 512,
      switches: 50_001,
      hits: 149_600,
      misses: 403,
    },
    ...{ evictions: 0, fences: 50_000, fills: 4_592, walks: 607, droppedTranslations: 12, voidedContexts: 3 },
    ...{ flushes: 7, checkpoints: 1 },
  },
};

const TABLE_ENTRY: PageEntry = {
  level: 2,
  index: 258,
  address: "0x80200810",
  value: "0x20080c01",
  kind: "table",
  flags: ["V"],
  ppn: "0x80203",
  target: "0x80203000",
  bytes: "0x40000000",
  virtual: "0xffffffc080000000",
  notes: [],
};

const PAGE_ENTRY: PageEntry = {
  level: 1,
  index: 0,
  address: "0x80203000",
  value: "0x200800cf",
  kind: "page",
  flags: ["V", "R", "W", "X", "A", "D"],
  ppn: "0x80200",
  target: "0x80200000",
  bytes: "0x200000",
  virtual: "0xffffffc080000000",
  symbol: "_start",
  notes: [],
};

const TRANSLATION: Translation = {
  address: "0xffffffc080001040",
  symbol: "do_syscall+0x40",
  hart: 0,
  space: SPACE,
  entries: [TABLE_ENTRY, PAGE_ENTRY],
  physicalAddress: "0x80201040",
  pageBytes: 0x20_0000,
  access: "Can be read, written, executed by supervisor mode.",
};

const CSRS: CsrTable = {
  groups: [
    {
      name: "Supervisor",
      csrs: [
        {
          name: "sstatus",
          number: 0x100,
          value: "0x200000122",
          meaning: "UXL=64 SPP SPIE SIE",
          description: "What supervisor mode sees of mstatus.",
          fields: [{ name: "SPP", bits: "8", value: "0x1", meaning: "S", description: "Privilege before the trap." }],
        },
        { name: "sscratch", number: 0x140, value: "0x0", meaning: "", description: "A word.", fields: [] },
      ],
    },
    { name: "Physical memory protection", csrs: [] },
  ],
  protection: [{ entry: 0, mode: "NAPOT", start: "0x80000000", last: "0x801fffff", permissions: "R-X", locked: true }],
};

async function showStop(overview = OVERVIEW, translation: Translation = TRANSLATION, count = 1): Promise<void> {
  await tell({ type: "overview", overview });
  const { request } = await sent("askTranslation", count);
  await tell({ type: "translation", request, translation });
}

test("without a session the page says what to do, and its buttons do it", async () => {
  await tell({ type: "idle" });
  await view.page.getByText("Press F5").waitFor();
  await view.page.getByRole("button", { name: "Open the Demo Program" }).click();
  assert.deepEqual(await sent("command"), { type: "command", command: "hindcast.openDemo" });
});

test("the caches of translations: what they hold, what they have done, and that they are switched off", async () => {
  await showStop();
  const group = view.page.locator("#translation");
  for (const text of ["403 of 512", "149,600 found, 403 new", "4,592 quick, 607 in full", "The cache group is off"])
    await group.getByText(text).waitFor();
});

test("resident memory: how much is kept, where the rest is, and what waiting came to", async () => {
  const residency: MachineOverview["residency"] = {
    ...{ frames: 4096, pages: 16_384, resident: 4090, putAway: 31_007, broughtIn: 29_441 },
    ...{ asyncPages: true, pageInLatencyMs: 2, stored: { raw: 40_960, compressed: 9_961_472, file: 21_811_200 } },
    idleMs: 412.3,
    works: [
      { work: "page-in", told: 21_401, beside: 0, waited: 118, hiddenMs: 42_113.4, waitedMs: 260.2, mostMs: 9.72 },
      { work: "decompression", told: 7_904, beside: 0, waited: 18, hiddenMs: 1_202.1, waitedMs: 3.4, mostMs: 1.2 },
      { work: "translation", told: 0, beside: 312, waited: 0, hiddenMs: 1_920.4, waitedMs: 0, mostMs: 26.1 },
    ],
  };
  await showStop({ ...OVERVIEW, residency });
  await view.page.getByRole("tab", { name: "Memory" }).click();
  const card = view.page.locator("#residency");
  for (const text of [
    "4,090 pages in 4,096 frames",
    "9.5 MiB packed in memory",
    "31,007 pages put away",
    "had nobody to run for 412 ms",
  ])
    await card.getByText(text).waitFor();
  assert.deepEqual(await card.locator("tbody tr").first().locator("th, td").allTextContents(), [
    ...["page-in", "21,401", "0", "118", "42 s", "260 ms", "9.7 ms"],
  ]);
  await themed(view.page, "machine-residency");
  await showStop(
    { ...OVERVIEW, residency: { ...residency, asyncPages: false, works: [], warning: "The disk is full." } },
    TRANSLATION,
    1,
  );
  for (const text of ["No page was missing so far.", "The disk is full.", "harts wait"])
    await card.getByText(text).waitFor();
});

test("harts: where each stands, in which mode and address space; a click and the arrows choose one", async () => {
  await showStop();
  await view.page.locator("#now", { hasText: "1,234,567" }).waitFor();
  const first = view.page.getByRole("option").first();
  for (const text of ["hart 0", "do_syscall+0x40", "kernel.c:120", "Sv39", "Supervisor timer interrupt"])
    await first.getByText(text).first().waitFor();
  await view.page.getByRole("option").nth(1).getByText("waiting").waitFor();
  await view.page.getByRole("option").nth(1).click();
  assert.equal((await sent("askTranslation", 2)).hart, 1);
  await view.page.keyboard.press("ArrowUp");
  await view.page.getByRole("option").nth(1).focus();
  await view.page.keyboard.press("ArrowUp");
  assert.equal((await sent("askTranslation", 3)).hart, 0);
});

test("a translation is drawn level by level, and so is one that fails", async () => {
  await showStop();
  const walk = view.page.locator("#walk");
  for (const text of ["Level 2, entry 258", "Level 1, entry 0", "page of 2 MiB", "0x80201040", "supervisor mode"])
    await walk.getByText(text).first().waitFor();
  assert.equal(await walk.locator(".flags").nth(1).getAttribute("aria-label"), "flags V R W X A D");
  await view.page.getByLabel("Address or expression to translate").fill("a0 + 8");
  await view.page.keyboard.press("Enter");
  const question = await sent("askTranslation", 2);
  assert.equal(question.address, "a0 + 8");
  const { physicalAddress: _, ...unmapped } = TRANSLATION;
  const invalid: PageEntry = { ...TABLE_ENTRY, value: "0x0", kind: "invalid", flags: [] };
  const translation = { ...unmapped, entries: [invalid], pageBytes: 0, problem: "V is clear", access: "" };
  await tell({ type: "translation", request: question.request, translation });
  await walk.getByText("V is clear").waitFor();
  await view.page.getByLabel("Address or expression to translate").fill("nonsense");
  await view.page.keyboard.press("Enter");
  const refused = await sent("askTranslation", 3);
  await tell({ type: "refused", request: refused.request, message: "There is no symbol nonsense." });
  await walk.getByText("There is no symbol nonsense.").waitFor();
});

test("page tables open table by table, by mouse and by keyboard; a page leads to its walk", async () => {
  await showStop();
  await view.page.getByRole("tab", { name: "Page Tables" }).click();
  const root = await sent("askTable");
  assert.deepEqual([root.satp, root.table], [SPACE.satp, undefined]);
  const rootTable: PageTable = {
    scheme: "Sv39",
    level: 2,
    table: SPACE.root,
    entries: [{ ...TABLE_ENTRY, count: 1 }],
  };
  await tell({ type: "table", request: root.request, table: rootTable });
  const item = view.page.getByRole("treeitem").first();
  assert.deepEqual(
    JSON.parse((await item.getAttribute("data-vscode-context")) ?? ""),
    {
      ...{ webviewSection: "memory", preventDefaultContextMenuItems: true },
      ...{ name: "entry 258 of level 2", address: "phys:0x80200810", length: 8 },
    },
    "what the workbench's menu is about",
  );
  await item.focus();
  await view.page.keyboard.press("ArrowRight");
  const below = await sent("askTable", 2);
  assert.deepEqual([below.table, below.level, below.base], ["0x80203000", 1, "0xffffffc080000000"]);
  const table: PageTable = {
    scheme: "Sv39",
    level: 1,
    table: "0x80203000",
    entries: [{ ...PAGE_ENTRY, count: 4 }],
  };
  await tell({ type: "table", request: below.request, table });
  await view.page.getByText("4 pages of 2 MiB").waitFor();
  assert.equal(await item.getAttribute("aria-expanded"), "true");
  await view.page.keyboard.press("ArrowDown");
  await view.page.keyboard.press("Enter");
  assert.equal((await sent("askTranslation", 2)).address, "0xffffffc080000000");
  assert.equal(await view.page.getByRole("tab", { name: "Translate" }).getAttribute("aria-selected"), "true");
});

test("CSRs open to their fields, pass a filter, and show what has changed since the last stop", async () => {
  await showStop();
  await view.page.getByRole("tab", { name: "CSRs" }).click();
  const first = await sent("askCsrs");
  await tell({ type: "csrs", request: first.request, hart: 0, csrs: CSRS });
  await view.page.getByRole("button", { name: /sstatus/ }).click();
  await view.page.getByText("Privilege before the trap.").waitFor();
  await view.page.getByText("0x80000000 – 0x801fffff").waitFor();
  assert.equal(await view.page.locator(".changed").count(), 0);
  await tell({ type: "overview", overview: { ...OVERVIEW, instant: 1_234_600 } });
  const second = await sent("askCsrs", 2);
  const [group, ...others] = CSRS.groups;
  const [status, scratch] = group.csrs;
  const changed = { ...CSRS, groups: [{ ...group, csrs: [status, { ...scratch, value: "0x10" }] }, ...others] };
  await tell({ type: "csrs", request: second.request, hart: 0, csrs: changed });
  await view.page.locator(".changed", { hasText: "sscratch" }).waitFor();
  assert.equal(await view.page.locator(".changed").count(), 1);
  await view.page.getByLabel("Filter CSRs and fields").fill("spp");
  await view.page.locator(".csr", { hasText: "sscratch" }).waitFor({ state: "detached" });
  await view.page.getByRole("button", { name: /sstatus/ }).waitFor();
});

test("a machine without supervisor mode says that it has no page tables", async () => {
  const { space: _, ...hart } = HART;
  await showStop({ ...OVERVIEW, harts: [hart], spaces: [] });
  await view.page.getByRole("tab", { name: "Page Tables" }).click();
  await view.page.getByText("no supervisor mode").waitFor();
});

test("tabs go round with the arrows; the map and the devices are there", async () => {
  await showStop();
  await view.page.getByRole("tab", { name: "Translate" }).focus();
  await view.page.keyboard.press("ArrowLeft");
  await view.page.getByText("lsr").waitFor();
  await view.page.keyboard.press("ArrowLeft");
  await view.page.getByText("kernel.elf").waitFor();
  await view.page.getByText("0x80000000 – 0x87ffffff").waitFor();
});

test("while the machine runs what is shown is marked as old", async () => {
  await showStop();
  await tell({ type: "running" });
  await view.page.getByText("running…").waitFor();
  await tell({ type: "overview", overview: OVERVIEW });
  await view.page.locator("#running").waitFor({ state: "hidden" });
});

test("nothing is cut off in a narrow place", async () => {
  await view.page.setViewportSize({ width: 320, height: 700 });
  await showStop();
  const overflow = await view.page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.equal(overflow, 0);
});
