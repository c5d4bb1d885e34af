/**
 * A machine of a pair dies in a real workbench: the other one goes on, and a third joins in the session of the one that is gone.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Driver } from "./driver.ts";
import { story } from "./story.ts";
import { temporaryFolder, type Workbench } from "./workbench.ts";

const folder = temporaryFolder("test/vscode/fixtures/echo.s");
mkdirSync(join(folder.path, ".vscode"));
const launch = {
  version: "0.2.0",
  configurations: [
    {
      ...{ type: "hindcast", request: "launch", name: "Killed", memory: "8M" },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of launch.json, which VS Code replaces.
      ...{ program: "${workspaceFolder}/echo.s", recordTo: "echo.hindcast" },
      lockstep: { fault: ["kill:primary@1000000"] },
    },
  ],
};
writeFileSync(join(folder.path, ".vscode", "launch.json"), JSON.stringify(launch, undefined, 2));

let workbench: Workbench;
let user: Driver;

const step = story("lockstep-joined-failed", folder, (...begun) => {
  [workbench, user] = begun;
});

const callStack = (text: string) => user.page.locator(".debug-call-stack .monaco-list-row", { hasText: text }).first();

step("machine A dies, machine B speaks, and machine C has machine A's session", async () => {
  await user.openFile("echo.s");
  await user.line("Prints what is typed").waitFor();
  await user.command("Hindcast: Show Timeline");
  await (await user.webview("#empty:not([hidden])")).getByText("press F5").waitFor();
  await user.line("Prints what is typed").click();
  await user.page.keyboard.press("F5");
  await user.terminalShows("type: <");
  await callStack("Machine B (primary)").waitFor();
  await callStack("Machine C (secondary)").waitFor();
});

step("what is typed both say from then on, and a pause stops both", async () => {
  await user.page.locator(".terminal-wrapper.active .xterm-screen").click();
  await user.page.keyboard.type("hey");
  await user.page.keyboard.press("Enter");
  await user.terminalShows("<hey>");
  await user.debugToolbar.getByRole("button", { name: /^Pause/ }).click();
  await callStack("Machine B (primary)")
    .locator(".state.label", { hasText: /^(?!Running)/ })
    .waitFor();
  await callStack("Machine C (secondary)")
    .locator(".state.label", { hasText: /^(?!Running)/ })
    .waitFor();
  await workbench.screenshot("lockstep-joined-dark");
});

step("the Lockstep panel has all three, and says who is gone", async () => {
  await user.command("Hindcast: Show Lockstep");
  const page = await user.webview("#find");
  await page.locator("#facts .gone", { hasText: "Machine A (gone)" }).waitFor();
  await page.locator("#facts", { hasText: "joined once" }).waitFor();
  await page.locator("#kind").selectOption("members");
  await page.locator("#log").getByRole("option").filter({ hasText: "take-over" }).waitFor();
  await workbench.screenshot("lockstep-joined-panel-dark");
  await user.theme("Light Modern", "vs");
  await workbench.screenshot("lockstep-joined-panel-light");
});
