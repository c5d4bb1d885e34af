/** A webview's page by itself in a browser, without VS Code around it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { findProgram } from "../../scripts/debian-packages.ts";
import { build, ROOT } from "./workbench.ts";

export interface WebviewPage<To> {
  /** A fresh one for each test. */
  readonly page: Page;
  tell(message: To): Promise<void>;
}

/** Registers the hooks that open dist/webview/NAME.{js,css} for each test of this file. What the page sends is in `window.sent`. */
export function webviewPage<To>(name: string, viewport: { width: number; height: number }): WebviewPage<To> {
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  before(async () => {
    build("--only=webviews");
    browser = await chromium.launch({
      executablePath: findProgram("chromium"),
      args: ["--no-sandbox", "--disable-gpu"],
    });
  });

  after(async () => {
    await browser?.close();
    assert.deepEqual(problems, [], "errors on the page");
  });

  beforeEach(async () => {
    await page?.close();
    page = await browser.newPage({ viewport });
    page.setDefaultTimeout(10_000);
    page.on("pageerror", (error) => problems.push(error.message));
    const bundle = (extension: string) => readFileSync(join(ROOT, "dist", "webview", `${name}.${extension}`), "utf8");
    await page.setContent(`<html><head><style>${bundle("css")}</style></head><body></body></html>`);
    await page.evaluate(() => {
      const sent: unknown[] = [];
      Object.assign(window, {
        sent,
        acquireVsCodeApi: () => ({ postMessage: (message: unknown) => sent.push(message) }),
      });
    });
    await page.addScriptTag({ content: bundle("js") });
  });

  return {
    get page() {
      return page;
    },
    tell: (message) => page.evaluate((message) => window.postMessage(message, "*"), message),
  };
}
