/** A workbench for tests: the server host on a free loopback port, and a headless browser that shows it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, createWriteStream, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { findProgram } from "../../scripts/debian-packages.ts";
import { packageExtension } from "../../scripts/package.ts";
import { provideVSCodeHost, type VSCodeHost } from "../../scripts/vscode-host.ts";

export const ROOT = resolve(import.meta.dirname, "..", "..");
/** Screenshots, for people to look at; not in the repository. */
export const SHOTS = join(ROOT, "test", "vscode", "shots");

const SERVER_START_MS = 60_000;
const POLL_MS = 100;

/** What differs from a new user's settings, and why a test needs it so. */
const SETTINGS = {
  "workbench.startupEditor": "none",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "telemetry.telemetryLevel": "off",
  "security.workspace.trust.enabled": false,
  "git.enabled": false,
  // In a browser VS Code saves by itself; what a test types is to be undone.
  "files.autoSave": "off",
  "chat.disableAIFeatures": true,
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  // The terminal as text in the document, not as pixels.
  "terminal.integrated.gpuAcceleration": "off",
  // Variables and Call Stack are looked at.
  "debug.openDebug": "openOnSessionStart",
  // A stop must not take the focus from what a test is typing into.
  "debug.focusEditorOnBreak": false,
};

export interface WorkbenchOptions {
  /** Folder to open. */
  readonly folder: string;
  /** Installed as a user would install it. */
  readonly vsix?: string;
  /** Or: loaded from its sources' bundle, with a suite to run in the extension host. */
  readonly development?: { readonly extension: string; readonly tests: string };
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface Workbench {
  readonly page: Page;
  readonly url: string;
  /** Addresses other than the server's that something asked for: must stay empty, tests run offline. */
  readonly foreignRequests: readonly string[];
  screenshot(name: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startWorkbench(options: WorkbenchOptions): Promise<Workbench> {
  const host = provideVSCodeHost();
  const home = mkdtempSync(join(tmpdir(), "hindcast-vscode-"));
  const userData = join(home, "user-data");
  mkdirSync(join(userData, "User"), { recursive: true });
  writeFileSync(
    join(userData, "User", "settings.json"),
    JSON.stringify({ ...SETTINGS, ...options.settings }, undefined, 2),
  );
  writeFileSync(join(home, "config.yaml"), "");
  const common = [
    "--config",
    join(home, "config.yaml"),
    "--user-data-dir",
    userData,
    "--extensions-dir",
    join(home, "extensions"),
  ];
  if (options.vsix !== undefined) installExtension(host, home, common, options.vsix);

  const address = `127.0.0.1:${await freePort()}`;
  const server = startServer(host, home, [...common, "--bind-addr", address], options.development !== undefined);
  let browser: BrowserContext | undefined;
  const stop = async () => {
    await browser?.close().catch(() => {});
    if (server.exitCode === null) {
      server.kill("SIGTERM");
      await Promise.race([once(server, "exit"), sleep(5000)]);
      server.kill("SIGKILL");
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    await healthy(address, server, join(home, "server.log"));
    browser = await startBrowser(join(home, "browser"));
    const page = browser.pages()[0] ?? (await browser.newPage());
    const foreignRequests: string[] = [];
    page.on("requestfailed", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && url.host !== address) foreignRequests.push(request.url());
    });
    const screenshot = async (name: string) => {
      mkdirSync(SHOTS, { recursive: true });
      await page.screenshot({ path: join(SHOTS, `${name}.png`) });
    };
    return { page, url: pageUrl(address, options), foreignRequests, screenshot, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A folder with copies of files of the repository, so that what a test writes beside them is its own. */
export function temporaryFolder(...files: readonly string[]): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "hindcast-workspace-"));
  for (const file of files) cpSync(join(ROOT, file), join(path, basename(file)));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Bundles into dist/; throws with what the build said when it fails. */
export function build(...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts", "build.ts"), ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`The build failed:\n${stdout}${stderr}`);
}

/** The extension as users get it. */
export function packagedExtension(): string {
  const path = join(ROOT, ".cache", "vscode", "hindcast.vsix");
  packageExtension(path);
  return path;
}

function installExtension(host: VSCodeHost, home: string, common: readonly string[], vsix: string): void {
  const { status, stdout, stderr } = spawnSync(host.node, [host.entry, ...common, "--install-extension", vsix], {
    env: environment(host, home),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`Installing ${vsix} failed:\n${stdout}${stderr}`);
}

function startServer(host: VSCodeHost, home: string, args: readonly string[], development: boolean): ChildProcess {
  const fixed = [
    "--auth",
    "none",
    "--disable-telemetry",
    "--disable-update-check",
    "--disable-workspace-trust",
    "--ignore-last-opened",
    "--disable-getting-started-override",
  ];
  // Without it the payload of the page's address, which names the suite, is silently ignored; with it there are no
  // notifications, which people are to see.
  if (development) fixed.push("--vscode-option", "enable-smoke-test-driver");
  const server = spawn(host.node, [host.entry, ...args, ...fixed], {
    env: environment(host, home),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(join(home, "server.log"));
  server.stdout.pipe(log);
  server.stderr.pipe(log);
  return server;
}

function environment(host: VSCodeHost, home: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HOME: home,
    // No marketplace: nothing is looked up.
    EXTENSIONS_GALLERY: "{}",
    PATH: [dirname(host.node), process.env.PATH].join(delimiter),
  };
}

async function healthy(address: string, server: ChildProcess, log: string): Promise<void> {
  for (const deadline = Date.now() + SERVER_START_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    if (server.exitCode !== null) break;
    if ((await statusOf(`http://${address}/healthz`)) === 200) return;
  }
  throw new Error(`The VS Code server did not start; see ${existsSync(log) ? log : "its output"}.`);
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    get(url, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", () => resolve(undefined));
  });
}

function startBrowser(profile: string): Promise<BrowserContext> {
  const executablePath = findProgram("chromium");
  if (executablePath === undefined) throw new Error("No chromium on the PATH: apt-get install chromium.");
  return chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: { width: 1400, height: 900 },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    ],
  });
}

function pageUrl(address: string, { folder, development }: WorkbenchOptions): string {
  const remote = (path: string) => `vscode-remote://${address}${path}`;
  const query = new URLSearchParams({ folder });
  if (development !== undefined) {
    const { extension, tests } = development;
    query.set(
      "payload",
      JSON.stringify([
        ["extensionDevelopmentPath", remote(extension)],
        ["extensionTestsPath", remote(tests)],
      ]),
    );
  }
  return `http://${address}/?${query}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
