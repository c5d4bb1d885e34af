/**
 * What if, in a real workbench: at the store that ruins the heap, its pointer is changed in the Variables view; the branch
 * runs to another end, is held against the recording, and dropped. Screenshots go to test/vscode/shots.
 */
import assert from "node:assert/strict";
import type { Driver } from "./driver.ts";
import { story } from "./story.ts";
import { temporaryFolder, type Workbench } from "./workbench.ts";

const DEMO = "guest/demo/work-queue.s";
const CULPRIT = "sd      a0, 0(s1)";
const TRAP = "lwu     t2, BLOCK_SIZE(t1)";
/** Memory that the guest never uses. */
const UNUSED = "0x80f00000";

const folder = temporaryFolder(DEMO);
let workbench: Workbench;
let user: Driver;
let trapInstant: number;
let culpritInstant: number;

const step = story("branches-failed", folder, (...begun) => {
  [workbench, user] = begun;
});
const sign = () => user.page.locator('.statusbar-item[id*="hindcast.branch"]');

step("a value set in the past begins a branch, with a sign; the recording stays", async () => {
  await user.openFile("work-queue.s");
  await user.line("work queue of a print shop").waitFor();
  // Before the extension is known F5 means nothing; the palette waits for it.
  await user.command("Hindcast: Show Timeline");
  await (await user.webview("#empty:not([hidden])")).getByText("press F5").waitFor();
  await user.line("work queue of a print shop").click();
  await user.page.keyboard.press("F5");
  await user.page.locator(".exception-widget", { hasText: "Load access fault" }).waitFor();
  trapInstant = await user.instant();
  await user.variableMenu("t0", "Find Last Write");
  await user.highlightedLine(CULPRIT);
  culpritInstant = await user.instantWhere((instant) => instant < trapInstant, "before the trap");
  // Room for the register.
  for (const pane of ["Watch", "Call Stack", "Breakpoints"]) await user.togglePane(pane);
  await user.variableMenu("s1", "Set Value");
  await user.page.keyboard.press("Control+A");
  await user.page.keyboard.type(UNUSED);
  await user.page.keyboard.press("Enter");
  await sign()
    .filter({ hasText: `Branch 1 of instant ${culpritInstant.toLocaleString("en-US")}` })
    .waitFor();
  await user.notification(/has begun: what has happened stays as it was/);
  await user.page.locator(".debug-variables .monaco-list-row", { hasText: `s1 =${UNUSED}` }).waitFor();
  await user.highlightedLine(CULPRIT);
  await workbench.screenshot("branch-begins-dark");
});

step("it runs to an end of its own, and the Timeline shows it on its own ground", async () => {
  await user.command("Notifications: Clear All Notifications");
  await user.toolbar(/^Continue/);
  // The seal is not where it is looked for: the guest says so, and ends before it would have trapped.
  await user.highlightedLine("j       1b");
  const ended = await user.instantWhere((instant) => instant > culpritInstant, "beyond the edit");
  assert.ok(ended < trapInstant, String(ended));
  await user.command("Debug Console: Focus on Debug Console View");
  await user.page.locator(".repl .monaco-list-row", { hasText: "[branch 1]" }).first().waitFor();
  await user.command("Hindcast: Show Timeline");
  const page = await user.webview("#axis");
  await page.locator("#state.branch", { hasText: "Branch 1" }).waitFor();
  await page.locator("#axis").hover({ position: { x: 40, y: 10 } });
  await workbench.screenshot("branch-timeline-dark");
  await user.theme("Light Modern", "vs");
  await workbench.screenshot("branch-timeline-light");
});

step("the comparison says where they part, and its instants are links", async () => {
  await user.command("Hindcast: Compare the Branch with the Recording");
  const text = user.page.locator(".editor-instance .view-lines", { hasText: /compared.with.the.recording/ });
  await text.first().waitFor();
  const line = (expected: RegExp) => user.page.locator(".editor-instance .view-line", { hasText: expected }).first();
  await line(/They.part.at.instant.[\d,]+:.edit.of.s1/).waitFor();
  await line(/Paths.part.at.instant/).waitFor();
  await workbench.screenshot("branch-comparison-light");
  await user.theme("Dark Modern", "vs-dark");
  await workbench.screenshot("branch-comparison-dark");
});

step("it is kept by name, left, and gone back to", async () => {
  await user.command("Hindcast: Keep the Branch under a Name…");
  await user.answer("Keep Branch 1", "no overflow");
  await sign().filter({ hasText: "Branch “no overflow”" }).waitFor();
  await user.command("Hindcast: Return to the Recording");
  await sign().waitFor({ state: "hidden" });
  await user.instantWhere((instant) => instant === culpritInstant, "where the branch had left");
  await user.command("Hindcast: Go to Another Branch…");
  const row = user.page.locator(".quick-input-list .monaco-list-row", { hasText: "no overflow" });
  await row.waitFor();
  await workbench.screenshot("branch-choice");
  await row.click();
  await sign().waitFor();
});

step("discarded, it is gone; the recording still runs into its trap", async () => {
  await user.command("Hindcast: Discard the Branch");
  await user.page.locator(".monaco-dialog-box").getByRole("button", { name: "Discard" }).click();
  await sign().waitFor({ state: "hidden" });
  await user.instantWhere((instant) => instant === culpritInstant, "where the branch had left");
  await user.toolbar(/^Continue/);
  await user.page.locator(".exception-widget", { hasText: "Load access fault" }).waitFor();
  await user.highlightedLine(TRAP);
  assert.equal(await user.instant(), trapInstant);
});
