import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Driver } from "./driver.ts";
import { packagedExtension, ROOT, startWorkbench, type temporaryFolder, type Workbench } from "./workbench.ts";

/**
 * Makes the steps of a file that is one story, in a workbench with the extension as users get it: `begun` is told of both once
 * they are there. After a step that failed, of which a screenshot `NAME` is taken, the later ones cannot mean anything, and are
 * skipped. The folder is removed when all is over.
 */
export function story(
  name: string,
  folder: ReturnType<typeof temporaryFolder>,
  begun: (workbench: Workbench, user: Driver) => void,
): (name: string, work: () => Promise<void>) => void {
  let workbench: Workbench;

  before(async () => {
    workbench = await startWorkbench({
      folder: folder.path,
      vsix: packagedExtension(),
      settings: { "workbench.colorTheme": "Default Dark Modern" },
    });
    const user = new Driver(workbench);
    begun(workbench, user);
    await user.open();
  });

  after(async () => {
    const foreign = workbench?.foreignRequests;
    await workbench?.stop();
    folder.remove();
    assert.deepEqual(foreign, [], "something was asked for outside of this machine");
  });

  let broken: string | undefined;
  return (step, work) => {
    test(step, async (context) => {
      if (broken !== undefined) return context.skip(`after "${broken}" failed`);
      try {
        await work();
      } catch (error) {
        broken = step;
        await workbench.screenshot(name);
        throw error;
      }
    });
  };
}

/** Line, from 1, of a file of the repository that contains `text`, the only one that does. */
export function lineIn(file: string, text: string): number {
  const lines = readFileSync(join(ROOT, file), "utf8").split("\n");
  const found = lines.flatMap((line, index) => (line.includes(text) ? [index + 1] : []));
  assert.equal(found.length, 1, `${found.length} lines of ${file} contain ${text}`);
  return found[0];
}
