/**
 * Two machines in lockstep, in a real workbench: launch.json starts a pair, which stops where its machines differ in what they say;
 * both are in the Call Stack; back from beyond one comes to it again; the instruction is found. Screenshots go to test/vscode/shots.
 */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Driver } from "./driver.ts";
import { story } from "./story.ts";
import { temporaryFolder, type Workbench } from "./workbench.ts";

const SAYS = "sb      a0, 0(s0)";
const READS_TIME = "csrr    s2, time";

const folder = temporaryFolder("test/vscode/fixtures/late.s");
mkdirSync(join(folder.path, ".vscode"));
const launch = {
  version: "0.2.0",
  configurations: [
    {
      ...{ type: "hindcast", request: "launch", name: "Lockstep", memory: "8M", startTime: 0 },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of launch.json, which VS Code replaces.
      ...{ program: "${workspaceFolder}/late.s", recordTo: "late.hindcast" },
      lockstep: { diverge: ["time"], divergeSeed: 3 },
    },
  ],
};
writeFileSync(join(folder.path, ".vscode", "launch.json"), JSON.stringify(launch, undefined, 2));

let workbench: Workbench;
let user: Driver;
let divergent: number;

const step = story("lockstep-failed", folder, (...begun) => {
  [workbench, user] = begun;
});

const callStack = (text: string) => user.page.locator(".debug-call-stack .monaco-list-row", { hasText: text }).first();
const exception = () => user.page.locator(".exception-widget", { hasText: "Lockstep divergence" });

step("a pair starts from launch.json, and both machines stop where they differ in what they say", async () => {
  await user.openFile("late.s");
  await user.line("how long it has been at work").waitFor();
  // Before the extension is known F5 means nothing; the palette waits for it.
  await user.command("Hindcast: Show Timeline");
  await (await user.webview("#empty:not([hidden])")).getByText("press F5").waitFor();
  await user.line("how long it has been at work").click();
  await user.page.keyboard.press("F5");
  await exception().waitFor();
  await user.highlightedLine(SAYS);
  // Both are told to stand at it, also the one that was never asked to move.
  for (const machine of ["Machine A (primary)", "Machine B (secondary)"]) {
    await callStack(machine).locator(".state.label", { hasText: "Divergence" }).waitFor();
  }
  divergent = await user.instant();
  await workbench.screenshot("lockstep-divergence-dark");
});

step("a step beyond it, Reverse runs back to the divergent event", async () => {
  await user.toolbar(/^Step Over/);
  await user.instantWhere((instant) => instant > divergent, "a step farther");
  await user.toolbar(/^Reverse$|^Reverse \(/);
  await exception().waitFor();
  assert.equal(await user.instant(), divergent);
});

step("the button finds the instruction that brought the difference in, and both machines go there", async () => {
  await user.toolbar(/^Find the Divergence/);
  await user.highlightedLine(READS_TIME);
  await user.instantWhere((instant) => instant < divergent, "before the divergence");
  const line = user.page.locator(".repl .monaco-list-row", { hasText: "The two part at instant" }).first();
  await line.waitFor();
  await workbench.screenshot("lockstep-finding-dark");
  await user.theme("Light Modern", "vs");
  await workbench.screenshot("lockstep-finding-light");
});

step("machine B stands there too, with a stack of its own", async () => {
  await callStack("Machine B (secondary)").click();
  const row = callStack("Machine B (secondary)");
  if ((await row.getAttribute("aria-expanded")) === "false") await user.page.keyboard.press("ArrowRight");
  await user.highlightedLine(READS_TIME);
  await workbench.screenshot("lockstep-machine-b-light");
});

step("the end of one session is the end of both; the recording opens with both machines", async () => {
  await user.command("Debug: Stop");
  await user.page.locator(".debug-toolbar").waitFor({ state: "hidden" });
  await user.openFile("late.B.hindcast");
  const page = await user.webview("#debug");
  await page.locator("#debug").click();
  await exception().waitFor();
  await callStack("Machine A (primary)").waitFor();
  await callStack("Machine B (secondary)").waitFor();
  await workbench.screenshot("lockstep-recording-light");
});

step(
  "the Lockstep panel shows both on one axis with their log, finds the instruction, and what differs there",
  async () => {
    await user.command("Hindcast: Show Lockstep");
    const page = await user.webview("#find");
    await page.locator("#facts", { hasText: /Machine A \(primary\) at .*Machine B \(secondary\) at/ }).waitFor();
    await page.locator("#inner", { hasText: "They differed once in what they said" }).waitFor();
    const row = page.locator("#log").getByRole("option").filter({ hasText: "divergence" }).first();
    await row.waitFor();
    await page.locator(".comparison h3", { hasText: "Machine B (secondary)" }).waitFor();
    await workbench.screenshot("lockstep-panel-light");
    // A step away from it, the row leads back.
    await user.toolbar(/^Step Over/);
    await user.instantWhere((instant) => instant > divergent, "a step farther");
    await row.click();
    await user.instantWhere((instant) => instant === divergent, "where the row leads");
    await page.locator("#find").click();
    await page.locator(".why").first().waitFor();
    await user.highlightedLine(READS_TIME);
    await page.locator(".comparison h3", { hasText: "Machine B (secondary)" }).waitFor();
    await page.locator("#facts", { hasText: /Machine A \(primary\) at .*Machine B \(secondary\) at/ }).waitFor();
    await user.theme("Dark Modern", "vs-dark");
    await workbench.screenshot("lockstep-panel-dark");
  },
);
