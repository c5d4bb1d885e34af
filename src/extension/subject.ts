import * as vscode from "vscode";
import { LANGUAGE } from "./names.ts";

/** A file that can be debugged, and how. */
export interface Subject {
  readonly uri: vscode.Uri;
  readonly kind: "program" | "recording";
}

const SOURCE = /\.(s|asm)$/i;
const RECORDING = /\.hindcast$/i;
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
/** Larger files are not read to find out what they are. */
const MOST_BYTES_TO_LOOK_AT = 256 * 1024 * 1024;

/** The file in the active tab, whatever shows it: text, a binary editor, the page of a recording. */
export function activeFile(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (
    input instanceof vscode.TabInputText ||
    input instanceof vscode.TabInputCustom ||
    input instanceof vscode.TabInputNotebook
  ) {
    return input.uri;
  }
  // A binary editor has no type of tab of its own, but commands that act on the active file know it by its label only.
  return vscode.window.activeTextEditor?.document.uri;
}

/** What can be debugged in this file; a sentence when nothing can. */
export async function subjectOf(uri: vscode.Uri): Promise<Subject | string> {
  const name = uri.path.replace(/^.*\//, "");
  if (uri.scheme === "untitled") return `Save ${name} first: Hindcast runs the file as it is on disk.`;
  if (RECORDING.test(uri.path)) return { uri, kind: "recording" };
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  if (SOURCE.test(uri.path) || open?.languageId === LANGUAGE) return { uri, kind: "program" };
  if (await isElf(uri)) return { uri, kind: "program" };
  return (
    `${name} is nothing that Hindcast can run. Open RISC-V assembly source (.s), an ELF executable or a recording ` +
    `(.hindcast), or name one as "program" in launch.json.`
  );
}

async function isElf(uri: vscode.Uri): Promise<boolean> {
  try {
    const { type, size } = await vscode.workspace.fs.stat(uri);
    if ((type & vscode.FileType.File) === 0 || size > MOST_BYTES_TO_LOOK_AT) return false;
    const bytes = await vscode.workspace.fs.readFile(uri);
    return ELF_MAGIC.every((byte, index) => bytes[index] === byte);
  } catch {
    return false;
  }
}
