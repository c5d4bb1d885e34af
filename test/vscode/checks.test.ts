/**
 * Replay-only checks in a real workbench: a guest's own check that fails, the proof that it left no trace, and a check that is
 * set afterwards and run over the whole recording. Screenshots go to test/vscode/shots.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Driver } from "./driver.ts";
import { story } from "./story.ts";
import { ROOT, temporaryFolder, type Workbench } from "./workbench.ts";

const source = readFileSync(join(ROOT, "guest/checks/ring.S"), "utf8");
const folder = temporaryFolder("guest/include/hindcast.h");
let workbench: Workbench;
let user: Driver;

// It includes the header from where that lies in the repository.
writeFileSync(join(folder.path, "ring.S"), source.replace("../include/hindcast.h", "hindcast.h"));

const step = story("checks-failed", folder, (...begun) => {
  [workbench, user] = begun;
});
const proof = () => user.page.locator('.statusbar-item[id*="hindcast.checks"]');

step("the run ends in its crash, and no check has run where history was made", async () => {
  await user.openFile("ring.S");
  await user.line("A ring of stations").waitFor();
  await user.command("Hindcast: Show Searches");
  await (await user.webview("#empty:not([hidden])")).getByText("press F5").waitFor();
  await user.line("A ring of stations").click();
  await user.page.keyboard.press("F5");
  await user.page.locator(".exception-widget", { hasText: "Load access fault" }).waitFor();
  await proof().waitFor({ state: "hidden" });
});

step("Reverse finds the last failed check, and the status bar says that checks leave no trace", async () => {
  await user.toolbar(/^Reverse \(/);
  await user.page.locator(".exception-widget", { hasText: "Replay-only check failed" }).waitFor();
  // How many have run depends on where the last checkpoint lies. The workbench writes no-break spaces.
  await proof()
    .filter({ hasText: /[\d,]+\schecks:\sstate\srestored,\sdigest\sequal/ })
    .waitFor();
  await workbench.screenshot("checks-failed-check");
});

step("a log point with a call, set afterwards, runs over the whole recording, with the same proof", async () => {
  await user.page.keyboard.press("Escape");
  const line = source.split("\n").findIndex((text) => /^\s+addi\s+s0, s0, 1$/.test(text)) + 1;
  await user.goToLine(line);
  await user.command("Debug: Add Logpoint...");
  await user.breakpointText("{count_broken(ring)} broken after {s0}");
  await user.page.keyboard.press("Enter");
  await user.page.locator(".codicon-debug-breakpoint-log, .codicon-debug-breakpoint-log-unverified").first().waitFor();
  await user.lineMenu(line, "Run Breakpoint over the Whole Recording");
  const page = await user.webview("#searches");
  await page.locator("#searches .state", { hasText: /^2,000 hits$/ }).waitFor();
  const rows = page.locator("#rows").getByRole("option");
  await rows
    .first()
    .locator(".text", { hasText: /^0x1 \(1\) broken after .*1999/ })
    .waitFor();
  await page.getByText("checks: state restored, digest equal.").waitFor();
  await workbench.screenshot("checks-log-point-dark");
  await user.theme("Light Modern", "vs");
  await workbench.screenshot("checks-log-point-light");
  await page.getByLabel("Filter rows").fill("0 (0) broken");
  await page.getByText(/of 2,000 hits pass the filter\.$/).waitFor();
});

step("a breakpoint is given the mode of a replay-only check where its condition is written", async () => {
  await user.theme("Dark Modern", "vs-dark");
  await user.removeAllBreakpoints();
  const line = source.split("\n").findIndex((text) => /^\s+bne\s+s0, s1, main_loop$/.test(text)) + 1;
  await user.goToLine(line);
  await user.command("Debug: Add Conditional Breakpoint...");
  const widget = user.page.locator(".breakpoint-widget");
  await user.breakpointText("count_broken(ring) != 0 && s0 < 1500");
  await widget.locator(".select-mode-container select").click();
  await user.page
    .locator(".monaco-select-box-dropdown-container .monaco-list-row", { hasText: "Replay-only check" })
    .click();
  await workbench.screenshot("checks-mode");
  await widget.locator(".monaco-editor .view-line").first().click();
  await user.page.keyboard.press("Enter");
  await widget.waitFor({ state: "hidden" });
  // The guest's own checks would stop before it.
  await user.page
    .locator(".debug-breakpoints .monaco-list-row", { hasText: "Failed replay-only checks" })
    .locator("input, .monaco-checkbox")
    .first()
    .click();
  await user.toolbar(/^Reverse \(/);
  await user.highlightedLine("bne     s0, s1, main_loop");
  await user.page
    .locator(".exception-widget", { hasText: "Replay-only check failed: count_broken(ring) != 0 && s0 < 1500" })
    .waitFor();
  await workbench.screenshot("checks-mode-failed");
});
