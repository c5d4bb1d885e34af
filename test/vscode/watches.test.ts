/**
 * Watch over Time in a real workbench, over the demo program: an expression is added, its line and its changes are seen, the
 * next change is travelled to, and it is plotted large. Screenshots go to test/vscode/shots.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Driver } from "./driver.ts";
import { story } from "./story.ts";
import { packagedExtension, startWorkbench, temporaryFolder, type Workbench } from "./workbench.ts";

const DEMO = "guest/demo/work-queue.s";
const folder = temporaryFolder(DEMO);
let workbench: Workbench;
let user: Driver;

before(async () => {
  workbench = await startWorkbench({
    folder: folder.path,
    vsix: packagedExtension(),
    settings: { "workbench.colorTheme": "Default Dark Modern" },
  });
  user = new Driver(workbench);
  await user.open();
});

after(async () => {
  const foreign = workbench?.foreignRequests;
  await workbench?.stop();
  folder.remove();
  assert.deepEqual(foreign, [], "something was asked for outside of this machine");
});

const step = story(() => workbench.screenshot("watches-failed"));

const view = () => user.webview("#add");
const plot = () => user.webview("#legend .entry");

/** Adds an expression by the view's input, and waits for its row to be complete. */
async function add(text: string, told: RegExp): Promise<void> {
  const page = await view();
  const input = page.getByLabel("Add an expression to watch over time");
  await input.fill(text);
  await input.press("Enter");
  await rowOf(text.split(" at ")[0], told);
}

async function rowOf(expression: string, told: RegExp) {
  const row = (await view()).locator(".watch", { hasText: expression }).first();
  await row.locator(".status", { hasText: told }).waitFor();
  return row;
}

step("the view is beside Watch, and teaches what it is for", async () => {
  await user.openFile("work-queue.s");
  await user.line("The work queue of a print shop").waitFor();
  await user.page.keyboard.press("F5");
  await user.debugToolbar.waitFor();
  await user.page.locator('.pane-header[aria-label^="Watch over Time"]').waitFor();
  await user.command("Hindcast: Add Expression to Watch over Time");
  const page = await view();
  await page.getByText("Every value, over the whole recording").waitFor();
  await workbench.screenshot("watches-teach");
});

step("an expression is added: its value here, its line, and the count of its changes", async () => {
  await add("orders_taken", /^[\d,]+ changes$/);
  await workbench.screenshot("watches-added");
});
