/**
 * The teaching kernel in a real workbench, with less memory in the machine than the guest has: processes wait for pages, and the
 * Timeline and the Machine view say who did, for what, and who ran meanwhile. Screenshots go to test/vscode/shots.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Driver } from "./driver.ts";
import { story } from "./story.ts";
import { temporaryFolder, type Workbench } from "./workbench.ts";

const folder = temporaryFolder("guest/samples/hello.s");
let workbench: Workbench;
let user: Driver;

/** A pair of the kernel whose second machine dies; the third has nothing when it joins. */
function recordPair(name: string): void {
  const root = resolve(import.meta.dirname, "../..");
  const input = join(folder.path, "typed");
  writeFileSync(input, "mix 2 20 1500 200\nexit\n");
  const kernel = ["--kernel", join(root, "guest/kernel/prebuilt/kernel.elf"), "--memory", "128M", "--input", input];
  const pair = ["--fault", "kill@500000000", "-o", join(folder.path, name)];
  execFileSync(process.execPath, [join(root, "src/cli/main.ts"), "lockstep", ...kernel, ...pair], { stdio: "ignore" });
}

const step = story("waits-failed", folder, (...begun) => {
  [workbench, user] = begun;
});

step("the walkthrough's kernel runs a mixed load", async () => {
  await user.command("Hindcast: Debug the Teaching Kernel");
  await user.terminalShows("The machine tells when pages are not ready.");
  await user.terminalShows("exit ends.");
  await user.page.locator(".terminal-wrapper.active .xterm-screen").click();
  await user.page.keyboard.type("mix 1 4 300\n");
  await user.terminalShows("mix: done");
  await user.command("Debug: Pause");
  await user.debugToolbar.waitFor();
});

step("the Timeline has the waits, and says of one who ran meanwhile", async () => {
  await user.command("Hindcast: Show Timeline");
  const timeline = await user.webview("#lanes");
  await timeline.locator("#lanes button", { hasText: "Waits" }).waitFor();
  await timeline.locator("#filter").fill("decompression");
  const row = timeline.locator("#list .row", { hasText: "decompression" }).last();
  await row.waitFor();
  await row.click();
  const told = timeline.locator("#list .label", { hasText: /waited for [\d,]+ steps: 0x[0-9a-f]+ \(decompression\)/ });
  await told.first().waitFor();
  assert.match(await told.first().innerText(), /^mix\.\d+ waited/);
  await workbench.screenshot("waits-timeline");
});

step("the Machine view shows what is kept and what waiting came to, in dark and light", async () => {
  await user.command("Hindcast: Show Machine");
  const machine = await user.webview("#harts .hart");
  await machine.getByRole("tab", { name: "Memory Map" }).click();
  await machine.locator("#residency tbody tr").first().waitFor();
  await workbench.screenshot("waits-machine");
  await user.theme("Light Modern", "vs");
  await workbench.screenshot("waits-machine-light");
});

step("the Timeline of one who joined a pair says who waited for the other machine's pages", async () => {
  recordPair("pair.hindcast");
  await user.command("Debug: Stop");
  await user.page.locator(".debug-toolbar").waitFor({ state: "hidden" });
  await user.openFile("pair.C.hindcast");
  await (await user.webview("#debug")).locator("#debug").click();
  // It runs to its end at first.
  await user.page.locator(".debug-call-stack .state.label", { hasText: "Finished" }).first().waitFor();
  await user.command("Hindcast: Show Timeline");
  const timeline = await user.webview("#lanes");
  await timeline.locator("#lanes button", { hasText: "Waits" }).waitFor();
  await timeline.locator("#filter").fill("remote-fetch");
  await timeline.locator("#list .row", { hasText: "remote-fetch" }).first().click();
  const told = timeline.locator("#list .label", { hasText: /waited for [\d,]+ steps: 0x[0-9a-f]+ \(remote-fetch\)/ });
  await told.first().waitFor();
  assert.match(await told.first().innerText(), /^mix\.\d+ waited/);
  await workbench.screenshot("waits-timeline-pair-light");
  await user.theme("Dark Modern", "vs-dark");
  await workbench.screenshot("waits-timeline-pair");
});

step("the walkthrough shows its steps", async () => {
  await user.command("Hindcast: Open the Walkthrough of a Kernel");
  await user.page.getByText("Inside a kernel with Hindcast").first().waitFor();
  await workbench.screenshot("walkthrough-kernel");
});
