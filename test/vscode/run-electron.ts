/**
 * The suite of test/vscode/suite in a desktop VS Code, for machines that can download one:
 *
 *     node test/vscode/run-electron.ts [VERSION]      stable by default; 1.101.0 is the oldest that we support
 */
import { runTests } from "@vscode/test-electron";
import { bundleSuite, suiteFolder } from "./suite-bundle.ts";
import { build, ROOT } from "./workbench.ts";

build();
const folder = suiteFolder();
try {
  process.exitCode = await runTests({
    version: process.argv[2] ?? "stable",
    extensionDevelopmentPath: ROOT,
    extensionTestsPath: await bundleSuite(),
    launchArgs: [folder.path, "--disable-extensions", "--disable-workspace-trust", "--skip-welcome"],
  });
} finally {
  folder.remove();
}
