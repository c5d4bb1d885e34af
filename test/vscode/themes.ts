/** Pages by themselves in VS Code's colours, for pictures that people look at. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { SHOTS } from "./workbench.ts";

/** What the pages use of the themes Dark Modern, Light Modern and Dark High Contrast. */
const THEMES: Readonly<Record<string, { readonly body: string; readonly colours: Readonly<Record<string, string>> }>> =
  {
    dark: {
      body: "vscode-dark",
      colours: {
        "button-background": "#0078d4",
        "button-foreground": "#ffffff",
        "button-secondaryBackground": "#313131",
        "button-secondaryForeground": "#cccccc",
        ground: "#181818",
        "sideBar-background": "#181818",
        foreground: "#cccccc",
        descriptionForeground: "#9d9d9d",
        disabledForeground: "#6e6e6e",
        errorForeground: "#f85149",
        "icon-foreground": "#cccccc",
        "input-foreground": "#cccccc",
        "input-background": "#313131",
        "input-border": "#3c3c3c",
        "input-placeholderForeground": "#989898",
        "badge-background": "#616161",
        "badge-foreground": "#f8f8f8",
        "list-hoverBackground": "#2a2d2e",
        "list-inactiveSelectionBackground": "#37373d",
        "list-activeSelectionBackground": "#04395e",
        "list-activeSelectionForeground": "#ffffff",
        "toolbar-hoverBackground": "#5a5d5e50",
        "progressBar-background": "#0078d4",
        focusBorder: "#0078d4",
        "panel-border": "#2b2b2b",
        "editor-inactiveSelectionBackground": "#3a3d41",
        "editorHoverWidget-background": "#202020",
        "editorHoverWidget-foreground": "#cccccc",
        "editorHoverWidget-border": "#454545",
        "textPreformat-foreground": "#d0d0d0",
        "debugTokenExpression-name": "#c586c0",
        "debugTokenExpression-number": "#b5cea8",
        "charts-blue": "#3794ff",
        "charts-orange": "#d18616",
        "charts-green": "#89d185",
        "charts-purple": "#b180d7",
        "charts-red": "#f14c4c",
        "charts-yellow": "#cca700",
        "debugIcon-breakpointCurrentStackframeForeground": "#ffcc00",
        "testing-iconPassed": "#73c991",
      },
    },
    light: {
      body: "vscode-light",
      colours: {
        "button-background": "#005fb8",
        "button-foreground": "#ffffff",
        "button-secondaryBackground": "#e5e5e5",
        "button-secondaryForeground": "#3b3b3b",
        ground: "#f8f8f8",
        "sideBar-background": "#f8f8f8",
        foreground: "#3b3b3b",
        descriptionForeground: "#5c5c5c",
        disabledForeground: "#a0a0a0",
        errorForeground: "#c72e0f",
        "icon-foreground": "#3b3b3b",
        "input-foreground": "#3b3b3b",
        "input-background": "#ffffff",
        "input-border": "#cecece",
        "input-placeholderForeground": "#767676",
        "badge-background": "#cccccc",
        "badge-foreground": "#3b3b3b",
        "list-hoverBackground": "#f2f2f2",
        "list-inactiveSelectionBackground": "#e4e6f1",
        "list-activeSelectionBackground": "#e8e8e8",
        "list-activeSelectionForeground": "#000000",
        "toolbar-hoverBackground": "#b8b8b850",
        "progressBar-background": "#005fb8",
        focusBorder: "#005fb8",
        "panel-border": "#e5e5e5",
        "editor-inactiveSelectionBackground": "#e5ebf1",
        "editorHoverWidget-background": "#f8f8f8",
        "editorHoverWidget-foreground": "#3b3b3b",
        "editorHoverWidget-border": "#c8c8c8",
        "textPreformat-foreground": "#3b3b3b",
        "debugTokenExpression-name": "#9b46b0",
        "debugTokenExpression-number": "#098658",
        "charts-blue": "#1a85ff",
        "charts-orange": "#d18616",
        "charts-green": "#388a34",
        "charts-purple": "#652d90",
        "charts-red": "#e51400",
        "charts-yellow": "#bf8803",
        "debugIcon-breakpointCurrentStackframeForeground": "#be8700",
        "testing-iconPassed": "#388a34",
      },
    },
  };

/** Takes a picture of the page in each theme. */
export async function themed(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  for (const [theme, { body, colours }] of Object.entries(THEMES)) {
    await page.evaluate(
      ([body, entries]) => {
        document.body.className = body as string;
        const { style } = document.documentElement;
        for (const [name, value] of entries as [string, string][]) style.setProperty(`--vscode-${name}`, value);
        style.setProperty("--vscode-font-family", "sans-serif");
        style.setProperty("--vscode-font-size", "13px");
        style.setProperty("--vscode-font-weight", "normal");
        style.setProperty("--vscode-editor-font-family", "monospace");
        style.background = (entries as [string, string][]).find(([name]) => name === "ground")![1];
      },
      [body, Object.entries(colours)] as const,
    );
    // A frame for the colours, and one for what is drawn with them.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    await page.screenshot({ path: join(SHOTS, `${name}-${theme}.png`) });
  }
}
