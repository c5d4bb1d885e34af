/** Takes over what tests of golden files found instead: `npm run golden:accept`. Look at the difference before. */
import { globSync, renameSync } from "node:fs";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

const found = globSync("test/**/golden/*.actual", { cwd: ROOT });
for (const path of found) {
  const accepted = path.replace(/\.actual$/, "");
  renameSync(resolve(ROOT, path), resolve(ROOT, accepted));
  console.log(`accepted ${accepted}`);
}
if (found.length === 0) console.log("No golden file differs: there is no .actual file in test/.");
