import * as vscode from "vscode";
import { DEBUG_TYPE } from "./names.ts";
import { activeFile, type Subject, subjectOf } from "./subject.ts";

// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of launch.json, which VS Code replaces.
const OPEN_FILE = "${file}";
const NOTHING_OPEN =
  "Nothing is open that Hindcast could run. Open RISC-V assembly source (.s), an ELF executable or a recording (.hindcast), or the demo program.";

/** Makes a launch out of whatever is open when there is no launch.json, and looks over what a launch.json says. */
export class ConfigurationProvider implements vscode.DebugConfigurationProvider {
  /** What a new launch.json begins with. */
  provideDebugConfigurations(): vscode.DebugConfiguration[] {
    return [{ type: DEBUG_TYPE, request: "launch", name: "Debug the open file", program: OPEN_FILE }];
  }

  async resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    const { program, kernel, recording, __pair: partner } = configuration;
    // A session that the adapter itself asks for.
    if (partner !== undefined) return configuration;
    const nothingNamed = [program, kernel, recording].every((subject) => subject === undefined);
    if (!nothingNamed && program !== OPEN_FILE) return configuration;

    const uri = activeFile();
    // A binary editor's file is known to VS Code alone: it will replace ${file}, or say that it cannot.
    if (uri === undefined && program === OPEN_FILE) return configuration;
    const subject = uri === undefined ? NOTHING_OPEN : await subjectOf(uri);
    if (typeof subject === "string") return refuse(subject);
    return { ...configuration, ...launchOf(subject), name: configuration.name || launchOf(subject).name };
  }

  async resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    // The guest gets a real terminal unless the user wants it otherwise; an adapter alone has none to offer.
    const resolved: vscode.DebugConfiguration = { console: "integratedTerminal", ...configuration };
    if (folder !== undefined) resolved.cwd ??= folder.uri.fsPath;
    // Recordings are no text and yet may be what ${file} stood for.
    if (typeof resolved.program === "string" && /\.hindcast$/i.test(resolved.program)) {
      resolved.recording = resolved.program;
      delete resolved.program;
    }
    return resolved;
  }
}

/** Offers the open file under "Run and Debug" beside what launch.json has. */
export class OpenFileProvider implements vscode.DebugConfigurationProvider {
  async provideDebugConfigurations(): Promise<vscode.DebugConfiguration[]> {
    const uri = activeFile();
    const subject = uri === undefined ? NOTHING_OPEN : await subjectOf(uri);
    return typeof subject === "string" ? [] : [launchOf(subject)];
  }
}

export function launchOf({ uri, kind }: Subject): vscode.DebugConfiguration {
  const name = uri.path.replace(/^.*\//, "");
  return { type: DEBUG_TYPE, request: "launch", name: `Debug ${name}`, [kind]: uri.fsPath };
}

/** Starts debugging a file; says why not when it cannot be. */
export async function debugFile(uri: vscode.Uri | undefined): Promise<boolean> {
  const subject = uri === undefined ? NOTHING_OPEN : await subjectOf(uri);
  if (typeof subject === "string") {
    refuse(subject);
    return false;
  }
  return vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(subject.uri), launchOf(subject));
}

/** Returning undefined from a provider ends the launch without opening launch.json: the sentence says enough. */
function refuse(sentence: string): undefined {
  const demo = "Open the Demo Program";
  void vscode.window.showErrorMessage(sentence, demo).then((choice) => {
    if (choice === demo) void vscode.commands.executeCommand("hindcast.openDemo");
  });
  return undefined;
}
