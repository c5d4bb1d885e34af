/** The suite of test/vscode/suite, inside the extension host of the server host. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { format } from "node:util";
import { MARK, type Result } from "./suite/runner.ts";
import { bundleSuite, suiteFolder } from "./suite-bundle.ts";
import { build, ROOT, startWorkbench } from "./workbench.ts";

const SUITE_TIMEOUT_MS = 4 * 60_000;

test("the suite in the extension host", async (context) => {
  build();
  const folder = suiteFolder();
  const results: Result[] = [];
  const log: string[] = [];
  const workbench = await startWorkbench({
    folder: folder.path,
    development: { extension: ROOT, tests: await bundleSuite() },
  });
  try {
    const { page } = workbench;
    const exited = new Promise<number>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`The suite did not end. Its log:\n${log.slice(-50).join("\n")}`)),
        SUITE_TIMEOUT_MS,
      );
      // VS Code's driver calls these two for `extensionTestsPath`.
      void page.exposeFunction("codeAutomationExit", (code: number) => {
        clearTimeout(timer);
        resolve(code);
      });
      void page.exposeFunction("codeAutomationLog", (_type: string, args: unknown[]) => {
        const line = format(...args);
        if (line.startsWith(MARK)) results.push(JSON.parse(line.slice(MARK.length)));
        else log.push(line);
      });
    });
    await page.goto(workbench.url);
    const code = await exited.catch(async (error) => {
      await workbench.screenshot("suite-failed");
      throw error;
    });
    for (const { name, error } of results) {
      await context.test(name, () => {
        if (error !== undefined) throw new Error(error);
      });
    }
    assert.ok(results.length > 0, `No case ran. The log:\n${log.slice(-50).join("\n")}`);
    assert.equal(code, results.some(({ error }) => error !== undefined) ? 1 : 0, log.slice(-50).join("\n"));
    assert.deepEqual(workbench.foreignRequests, []);
  } finally {
    await workbench.stop();
    folder.remove();
  }
});
