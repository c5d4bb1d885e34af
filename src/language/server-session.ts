import type {
  CompletionItem,
  DocumentHighlight,
  DocumentSymbol,
  FoldingRange,
  Hover,
  Location,
  Diagnostic as LspDiagnostic,
  Position,
  Range,
  SignatureHelp,
  TextEdit,
  WorkspaceEdit,
} from "vscode-languageserver";
import { complete, signature } from "./completion.ts";
import { diagnostics } from "./diagnostics.ts";
import { type FormatOptions, format } from "./format.ts";
import { hover } from "./hover.ts";
import { definitions, highlights, prepareRename, references, rename } from "./navigation.ts";
import { foldingRanges, outline } from "./outline.ts";
import {
  toCompletion,
  toDiagnostic,
  toDocumentSymbol,
  toFoldingRange,
  toHighlight,
  toHover,
  toLocation,
  toSignatureHelp,
  toWorkspaceEdit,
} from "./server-protocol.ts";
import { uriOf, type View, Workspace } from "./server-workspace.ts";

interface At {
  readonly textDocument: { readonly uri: string };
  readonly position: Position;
}

/** Answers a client's questions about its documents. Knows the protocol's shapes, and nothing of connections. */
export class LanguageSession {
  readonly #workspace = new Workspace();
  /** Documents for which diagnostics were sent and not yet taken back. */
  readonly #published = new Set<string>();

  change(uri: string, text: string): void {
    this.#workspace.set(uri, text);
  }

  close(uri: string): void {
    this.#workspace.close(uri);
  }

  /** The diagnostics of all files that open documents are made of; empty lists for those that have none any more. */
  diagnostics(): Map<string, LspDiagnostic[]> {
    const result = new Map<string, LspDiagnostic[]>();
    for (const uri of this.#workspace.openUris()) {
      const view = this.#workspace.view(uri);
      if (view === undefined) continue;
      for (const [file, list] of diagnostics(view.analysis)) result.set(uriOf(file), list.map(toDiagnostic));
    }
    for (const uri of this.#published) if (!result.has(uri)) result.set(uri, []);
    this.#published.clear();
    for (const [uri, list] of result) if (list.length > 0) this.#published.add(uri);
    return result;
  }

  hover(at: At): Hover | undefined {
    const view = this.#view(at);
    const found = view && hover(view.analysis, view.file, at.position);
    return found && toHover(found);
  }

  complete(at: At): CompletionItem[] {
    const view = this.#view(at);
    return view === undefined ? [] : complete(view.analysis, view.file, at.position).map(toCompletion);
  }

  signature(at: At): SignatureHelp | undefined {
    const view = this.#view(at);
    const found = view && signature(view.analysis, view.file, at.position);
    return found && toSignatureHelp(found);
  }

  definitions(at: At): Location[] {
    const view = this.#view(at);
    return view === undefined ? [] : definitions(view.analysis, view.file, at.position).map(toLocation);
  }

  references(at: At, withDefinitions: boolean): Location[] {
    const view = this.#view(at);
    if (view === undefined) return [];
    return references(view.analysis, view.file, at.position, { withDefinitions }).map(toLocation);
  }

  highlights(at: At): DocumentHighlight[] {
    const view = this.#view(at);
    return view === undefined ? [] : highlights(view.analysis, view.file, at.position).map(toHighlight);
  }

  symbols(at: Omit<At, "position">): DocumentSymbol[] {
    const view = this.#view(at);
    return view === undefined ? [] : outline(view.analysis, view.file).map(toDocumentSymbol);
  }

  folding(at: Omit<At, "position">): FoldingRange[] {
    const view = this.#view(at);
    return view === undefined ? [] : foldingRanges(view.analysis, view.file).map(toFoldingRange);
  }

  format(at: Omit<At, "position">, options: FormatOptions): TextEdit[] {
    const view = this.#view(at);
    return view === undefined ? [] : [...format(view.analysis.lines(view.file).join("\n"), options)];
  }

  /** A refusal is for the user to read: the server sends it as the request's error. */
  prepareRename(at: At): { range: Range; placeholder: string } | { refusal: string } {
    const view = this.#view(at);
    if (view === undefined) return { refusal: NOT_OPEN };
    const prepared = prepareRename(view.analysis, view.file, at.position);
    return "refusal" in prepared ? prepared : { range: prepared.range, placeholder: prepared.name };
  }

  rename(at: At, name: string): WorkspaceEdit | { refusal: string } {
    const view = this.#view(at);
    if (view === undefined) return { refusal: NOT_OPEN };
    const edits = rename(view.analysis, view.file, at.position, name);
    return "refusal" in edits ? edits : toWorkspaceEdit(edits);
  }

  #view({ textDocument }: Omit<At, "position">): View | undefined {
    return this.#workspace.view(textDocument.uri);
  }
}

const NOT_OPEN = "The document is not open.";
