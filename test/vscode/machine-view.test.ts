/**
 * The Machine view in a real workbench, over a kernel with page tables and a user program: what it shows at a stop, that
 * it follows steps into the kernel, and how it looks. Screenshots go to test/vscode/shots.
 */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Driver } from "./driver.ts";
import { lineIn, story } from "./story.ts";
import { temporaryFolder, type Workbench } from "./workbench.ts";

const GUEST = "test/vscode/fixtures/kernel.s";

const folder = temporaryFolder(GUEST);
let workbench: Workbench;
let user: Driver;

mkdirSync(join(folder.path, ".vscode"));
const configuration = { type: "hindcast", request: "launch", name: "Kernel", program: "kernel.s", modes: "msu" };
writeFileSync(
  join(folder.path, ".vscode", "launch.json"),
  JSON.stringify({ version: "0.2.0", configurations: [configuration] }),
);

const step = story("machine-failed", folder, (...begun) => {
  [workbench, user] = begun;
});

const ecall = lineIn(GUEST, "@ecall");

const page = () => user.webview("#harts .hart");

step("without a session the view says what to do", async () => {
  await user.openFile("kernel.s");
  await user.line("A kernel of a page").waitFor();
  await user.command("Hindcast: Show Machine");
  const empty = await user.webview("#tabs");
  await empty.getByText("Press F5").waitFor();
  await workbench.screenshot("machine-empty");
});

step("at a stop in user mode it shows the hart, its address space, and the way of its pc", async () => {
  await user.toggleBreakpoint(ecall);
  await user.page.keyboard.press("F5");
  await user.debugToolbar.waitFor();
  await user.highlightedLine("# @ecall");
  await user.command("Hindcast: Show Machine");
  const view = await page();
  const hart = view.locator(".hart").first();
  for (const text of ["user_main", "U", "Sv39"]) await hart.getByText(text).first().waitFor();
  await view.getByText("Level 0, entry").waitFor();
  await view.getByText("page of 4 KiB").first().waitFor();
  await workbench.screenshot("machine-translate");
});

step("it follows a step into the kernel, and marks the CSRs that changed", async () => {
  const view = await page();
  await view.getByRole("tab", { name: "CSRs" }).click();
  await view.locator("[data-csr=scause]").waitFor();
  await user.toolbar(/^Step Into/);
  await user.highlightedLine("# @entry");
  await view.locator(".hart").first().getByText("kernel_entry").waitFor();
  await view.locator(".changed[data-csr=scause]", { hasText: "Environment call from U-mode" }).waitFor();
  await view.locator("[data-csr=sstatus]").click();
  await view.getByText("Privilege before the trap to supervisor mode").first().waitFor();
  await workbench.screenshot("machine-csrs");
  const stack = user.page.locator(".debug-call-stack .monaco-list-row");
  await stack.filter({ hasText: "<trap: Environment call from U-mode>" }).first().waitFor();
  await stack.filter({ hasText: "user_main" }).first().waitFor();
});

step("an address that is not mapped shows where the way ends", async () => {
  const view = await page();
  await view.getByRole("tab", { name: "Translate" }).click();
  await view.getByLabel("Address or expression to translate").fill("0x80300000");
  await view.getByRole("button", { name: "Translate" }).click();
  await view.getByText("Not mapped").waitFor();
  await workbench.screenshot("machine-unmapped");
});

step("page tables open level by level", async () => {
  const view = await page();
  await view.getByRole("tab", { name: "Page Tables" }).click();
  await view.getByRole("treeitem").nth(1).click();
  await view.getByRole("treeitem").nth(2).click();
  await view.getByText("2 pages of 4 KiB").first().waitFor();
  await workbench.screenshot("machine-tables");
});

step("the map and the devices", async () => {
  const view = await page();
  await view.getByRole("tab", { name: "Memory Map" }).click();
  await view.getByText("RAM", { exact: true }).waitFor();
  await workbench.screenshot("machine-map");
  await view.getByRole("tab", { name: "Devices" }).click();
  await view.locator("#panel-devices .device-card").first().waitFor();
  await workbench.screenshot("machine-devices");
});

step("a breakpoint is bound to the privilege mode, and its condition says so", async () => {
  await user.goToLine(ecall);
  await user.command("Hindcast: Bind Breakpoint to This Privilege Mode");
  await user.notification(/stops only if priv == S/);
});

step("light and high contrast themes are readable", async () => {
  const view = await page();
  await view.getByRole("tab", { name: "Translate" }).click();
  await view.getByLabel("Address or expression to translate").fill("calls");
  await view.getByRole("button", { name: "Translate" }).click();
  await view.getByText("Level 0, entry").waitFor();
  await user.theme("Light Modern", "vs");
  await workbench.screenshot("machine-light");
  await view.getByRole("tab", { name: "CSRs" }).click();
  await workbench.screenshot("machine-csrs-light");
  await user.theme("Dark High Contrast", "hc-black");
  await view.getByRole("tab", { name: "Translate" }).click();
  await view.getByText("Level 0, entry").waitFor();
  await workbench.screenshot("machine-contrast");
  await user.theme("Dark Modern", "vs-dark");
});

step("Stop ends the session, and the view says what to do next", async () => {
  await user.toolbar(/^Stop/);
  await user.debugToolbar.waitFor({ state: "hidden" });
  const empty = await user.webview("#empty:not([hidden])");
  await empty.getByText("Press F5").waitFor();
  assert.deepEqual(workbench.foreignRequests, []);
});
