/** What a user does in the workbench, as one line each. Every wait has a limit and names what it waited for. */
import type { FrameLocator, Locator } from "playwright-core";
import type { Workbench } from "./workbench.ts";

/** Cold starts of the extension host on two busy cores take tens of seconds. */
const START_MS = 90_000;
const PATIENCE_MS = 30_000;
/** A menu is there at once or not at all. */
const MENU_MS = 3000;
const HOVER_MS = 3000;

export class Driver {
  readonly workbench: Workbench;

  constructor(workbench: Workbench) {
    this.workbench = workbench;
    workbench.page.setDefaultTimeout(PATIENCE_MS);
  }

  get page() {
    return this.workbench.page;
  }

  /** Loads the page and waits until the workbench lists the files of its folder. */
  async open(): Promise<void> {
    await this.page.goto(this.workbench.url);
    await this.page.locator(".explorer-folders-view .monaco-list-row").first().waitFor({ timeout: START_MS });
  }

  /** Double-clicks a file in the explorer, as people do; clicks a folder. */
  async openFile(name: string | RegExp): Promise<void> {
    const row = this.page.locator(".explorer-folders-view .monaco-list-row", { hasText: name }).first();
    // A session shows the debug side bar instead.
    if (!(await row.isVisible())) await this.page.keyboard.press("Control+Shift+e");
    // One click opens a folder, and a second would close it again.
    const folder = (await row.getAttribute("aria-expanded")) !== null;
    await (folder ? row.click() : row.dblclick());
  }

  /** Runs a command from the palette by its full title. Whatever takes the focus closes it: it is opened again. */
  async command(title: string): Promise<void> {
    const input = this.page.locator(".quick-input-widget input[type=text]").first();
    const row = this.page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first();
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
      try {
        await this.page.keyboard.press("F1");
        await input.fill(`>${title}`, { timeout: MENU_MS });
        await row.click({ timeout: MENU_MS });
        return;
      } catch {
        await this.page.keyboard.press("Escape");
      }
    }
    throw new Error(`The palette does not offer "${title}".`);
  }

  /** Types into the input box with this title, which a command has opened. */
  async answer(title: string, text: string): Promise<void> {
    await this.page.locator(".quick-input-titlebar", { hasText: title }).waitFor();
    const input = this.page.locator(".quick-input-widget input[type=text]").first();
    await input.fill(text);
    await this.page.keyboard.press("Enter");
    await this.page.locator(".quick-input-titlebar", { hasText: title }).waitFor({ state: "hidden" });
  }

  /** Switches the colour theme; `kind` is how VS Code marks it on the page. */
  async theme(label: string, kind: "vs" | "vs-dark" | "hc-black"): Promise<void> {
    await this.command("Preferences: Color Theme");
    const input = this.page.locator(".quick-input-widget input[type=text]").first();
    await this.page.locator(".quick-input-list .monaco-list-row").first().waitFor();
    await input.fill(label);
    await this.page.locator(".quick-input-list .monaco-list-row.focused", { hasText: label }).waitFor();
    await this.page.keyboard.press("Enter");
    await this.page.locator(`.monaco-workbench.${kind}`).waitFor();
    // Colours fade, and webviews hear of them a little later.
    await this.page.waitForTimeout(1000);
  }

  /** A line of the active editor that contains `text`. */
  line(text: string | RegExp): Locator {
    return this.page.locator(".editor-instance .view-line", { hasText: text }).first();
  }

  /** Scrolls to a line, from 1, and puts the cursor there. */
  async goToLine(line: number): Promise<void> {
    await this.page.keyboard.press("Control+g");
    const input = this.page.locator(".quick-input-widget input[type=text]").first();
    await input.fill(`:${line}`);
    await this.page.keyboard.press("Enter");
    await this.page.locator(".editor-instance .line-numbers.active-line-number", { hasText: String(line) }).waitFor();
  }

  /** Clicks in the glyph margin beside the line with the cursor. */
  async toggleBreakpoint(line: number): Promise<void> {
    await this.goToLine(line);
    const number = this.page.locator(".editor-instance .line-numbers.active-line-number");
    const box = await number.boundingBox();
    const margin = await this.page.locator(".editor-instance .glyph-margin").first().boundingBox();
    if (box === null || margin === null) throw new Error(`Line ${line} is not in view.`);
    await this.page.mouse.click(margin.x + margin.width / 2, box.y + box.height / 2);
  }

  /** Text of the line that the debugger highlights, once it is highlighted. */
  async highlightedLine(text: string | RegExp): Promise<void> {
    // The highlight is a decoration at the height of the line, in a layer of its own.
    const deadline = Date.now() + PATIENCE_MS;
    let seen = "nothing";
    while (Date.now() < deadline) {
      seen = await this.currentHighlight();
      if (typeof text === "string" ? seen.includes(text) : text.test(seen)) return;
      await this.page.waitForTimeout(100);
    }
    throw new Error(`The debugger should stand at ${text}, and stands at "${seen}".`);
  }

  /** Text of the line with the yellow (top frame) or green (other frame) highlight; empty when there is none. */
  async currentHighlight(): Promise<string> {
    return this.page.evaluate(() => {
      const highlight = document.querySelector(
        ".editor-instance .debug-top-stack-frame-line, .editor-instance .debug-focused-stack-frame-line",
      );
      if (highlight === null) return "";
      const top = highlight.getBoundingClientRect().top;
      const lines = [...document.querySelectorAll(".editor-instance .view-line")];
      const line = lines.find((candidate) => Math.abs(candidate.getBoundingClientRect().top - top) < 2);
      // Monaco writes spaces as no-break spaces.
      return line?.textContent?.replaceAll("\u00a0", " ") ?? "";
    });
  }

  /** Moves the pointer over `target` until a hover with `text` appears: one that is asked for too early stays empty. */
  async hover(target: Locator, text: RegExp): Promise<void> {
    const hover = this.page.locator(".monaco-hover", { hasText: text }).first();
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
      await target.hover();
      const shown = await hover.waitFor({ timeout: HOVER_MS }).then(
        () => true,
        () => false,
      );
      if (shown) return;
      await this.page.mouse.move(5, 5);
    }
    throw new Error(`No hover says ${text}.`);
  }

  get debugToolbar(): Locator {
    return this.page.locator(".debug-toolbar");
  }

  /** Clicks a button of the debug toolbar, once the machine stands still. */
  async toolbar(name: RegExp): Promise<void> {
    await this.debugToolbar.getByRole("button", { name: /^Continue/ }).waitFor();
    await this.debugToolbar.getByRole("button", { name }).first().click();
  }

  async toolbarLabels(): Promise<string[]> {
    return this.debugToolbar
      .locator(".action-label")
      .evaluateAll((actions) => actions.map((action) => action.getAttribute("aria-label") ?? ""));
  }

  /** Clicks an entry of the menu of a row in Variables. */
  async variableMenu(variable: string, entry: string): Promise<void> {
    const rows = this.page.locator(".debug-variables .monaco-list-row");
    await this.rowMenu(rows.filter({ hasText: new RegExp(`^${variable} =`) }).first(), entry);
  }

  /** The same of a submenu. */
  async variableSubmenu(variable: string, submenu: string, entry: string): Promise<void> {
    const rows = this.page.locator(".debug-variables .monaco-list-row");
    await this.rowMenu(rows.filter({ hasText: new RegExp(`^${variable} =`) }).first(), entry, submenu);
  }

  /** Types into the widget in which a breakpoint's condition or message is written; what comes before it has the focus is the source's. */
  async breakpointText(text: string): Promise<void> {
    await this.page.locator(".breakpoint-widget .monaco-editor.focused").waitFor();
    await this.page.keyboard.type(text);
  }

  /** Clicks an entry of the menu of a line number. */
  async lineMenu(line: number, entry: string): Promise<void> {
    const number = this.page.locator(".editor-instance .margin-view-overlays .line-numbers", {
      hasText: new RegExp(`^${line}$`),
    });
    await this.rowMenu(number.first(), entry);
  }

  /** Clicks an entry of the menu that is open, or is about to be. */
  async menu(entry: string): Promise<void> {
    const item = this.page.locator(".monaco-menu .action-label", { hasText: entry }).first();
    await item.waitFor();
    // A menu takes no click in its first moments, lest the one that opened it choose an entry.
    await this.page.waitForTimeout(300);
    await item.click();
  }

  async watchMenu(expression: string, entry: string): Promise<void> {
    const rows = this.page.locator('.pane:has(.pane-header[aria-label="Watch Section"]) .monaco-list-row');
    await this.rowMenu(rows.filter({ hasText: expression }).first(), entry);
  }

  /** Rows are drawn anew while values arrive, which closes a menu: it is opened again until its entry was clicked. */
  private async rowMenu(row: Locator, entry: string, submenu?: string): Promise<void> {
    const named = (text: string) => this.page.locator(".monaco-menu .action-label", { hasText: text }).first();
    const item = named(entry);
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
      try {
        await row.click({ button: "right", timeout: MENU_MS });
        if (submenu !== undefined) {
          await named(submenu).waitFor({ timeout: MENU_MS });
          await this.page.waitForTimeout(300);
          await named(submenu).hover({ timeout: MENU_MS });
        }
        await item.waitFor({ timeout: MENU_MS });
        // A menu takes no click in its first moments, lest the one that opened it choose an entry.
        await this.page.waitForTimeout(300);
        await item.click({ timeout: MENU_MS });
        await item.waitFor({ state: "detached", timeout: MENU_MS });
        return;
      } catch {
        await this.page.keyboard.press("Escape");
      }
    }
    throw new Error(`No row offers "${entry}" in its menu.`);
  }

  async removeAllBreakpoints(): Promise<void> {
    await this.paneAction("Breakpoints", "Remove All Breakpoints");
  }

  /** A button in the header of a pane of the side bar, which shows while the pointer is over it. */
  private async paneAction(pane: string, action: string): Promise<void> {
    const header = this.page.locator(`.pane-header[aria-label="${pane} Section"]`);
    await header.hover();
    await header.locator(`.action-label[aria-label="${action}"]`).click();
  }

  /** Folds a pane of the side bar, or unfolds it. */
  async togglePane(pane: string): Promise<void> {
    await this.page.locator(`.pane-header[aria-label^="${pane}"] .title`).first().click();
  }

  /** Adds a watch expression with the button of its view. */
  async watch(expression: string): Promise<void> {
    await this.paneAction("Watch", "Add Expression");
    await this.page.keyboard.type(expression);
    await this.page.keyboard.press("Enter");
  }

  /** A notification with this text; the button in it is clicked when one is named. */
  async notification(text: string | RegExp, button?: string): Promise<void> {
    const toast = this.page.locator(".notification-toast", { hasText: text }).first();
    await toast.waitFor();
    if (button !== undefined) await toast.getByRole("button", { name: button }).click();
  }

  /** The instant that the status bar shows. */
  async instant(): Promise<number> {
    const item = this.page.locator('.statusbar-item[id*="hindcast.instant"]');
    await item.waitFor();
    const text = (await item.textContent()) ?? "";
    return Number(/[\d,]+/.exec(text)?.[0].replaceAll(",", ""));
  }

  /** Waits until the instant satisfies `wanted`, and returns it. */
  async instantWhere(wanted: (instant: number) => boolean, what: string): Promise<number> {
    const deadline = Date.now() + PATIENCE_MS;
    let instant = Number.NaN;
    while (Date.now() < deadline) {
      instant = await this.instant();
      if (wanted(instant)) return instant;
      await this.page.waitForTimeout(100);
    }
    throw new Error(`The instant should be ${what}, and is ${instant}.`);
  }

  /** The inside of the webview that contains `marker` (a selector). */
  async webview(marker: string): Promise<FrameLocator> {
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline) {
      for (let index = 0; index < (await this.page.locator("iframe.webview").count()); index++) {
        const inner = this.page.frameLocator("iframe.webview").nth(index).frameLocator("iframe#active-frame");
        if (
          (await inner
            .locator(marker)
            .count()
            .catch(() => 0)) > 0
        )
          return inner;
      }
      await this.page.waitForTimeout(100);
    }
    throw new Error(`No webview shows ${marker}.`);
  }

  /** What the active terminal shows. */
  async terminalText(): Promise<string> {
    const rows = this.page.locator(".terminal-wrapper.active .xterm-rows > div");
    return (await rows.allTextContents()).join("\n").replaceAll("\u00a0", " ");
  }

  async terminalShows(text: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    let seen = "";
    while (Date.now() < deadline) {
      seen = await this.terminalText();
      if (seen.includes(text)) return;
      await this.page.waitForTimeout(100);
    }
    throw new Error(`The terminal should show "${text}", and shows:\n${seen}`);
  }
}
