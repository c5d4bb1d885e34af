import {
  type CodeAction,
  CodeActionKind,
  type CompletionItem,
  CompletionItemKind,
  DiagnosticSeverity,
  type DocumentHighlight,
  DocumentHighlightKind,
  type DocumentSymbol,
  type FoldingRange,
  FoldingRangeKind,
  type Diagnostic as LspDiagnostic,
  type Hover as LspHover,
  type Location as LspLocation,
  MarkupKind,
  type SignatureHelp,
  SymbolKind,
  type WorkspaceEdit,
} from "vscode-languageserver";
import { findCsr } from "../isa/csrs.ts";
import type { Completion, CompletionKind, Signature } from "./completion.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { quickFixes } from "./diagnostics.ts";
import type { Hover } from "./hover.ts";
import { describeCsr, describeDirective, describeMnemonic, describeRegister } from "./hover.ts";
import type { FileEdits, Location } from "./model.ts";
import type { Highlight } from "./navigation.ts";
import type { FoldingRange as Folding, OutlineSymbol } from "./outline.ts";
import { uriOf } from "./server-workspace.ts";

/** The service's answers in the words of the language server protocol. */

const DIAGNOSTIC_SOURCE = "hindcast";

export function toDiagnostic({ range, severity, message }: Diagnostic): LspDiagnostic {
  const level = severity === "error" ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning;
  return { range, severity: level, message, source: DIAGNOSTIC_SOURCE };
}

export function toHover({ text, range }: Hover): LspHover {
  return { contents: { kind: MarkupKind.Markdown, value: text }, range };
}

export function toLocation({ file, range }: Location): LspLocation {
  return { uri: uriOf(file), range };
}

const COMPLETION_KINDS: Readonly<Record<CompletionKind, CompletionItemKind>> = {
  mnemonic: CompletionItemKind.Function,
  directive: CompletionItemKind.Keyword,
  register: CompletionItemKind.Variable,
  csr: CompletionItemKind.Property,
  symbol: CompletionItemKind.Reference,
  macro: CompletionItemKind.Module,
  parameter: CompletionItemKind.TypeParameter,
  word: CompletionItemKind.EnumMember,
};

export function toCompletion({ label, kind, detail, range, rank }: Completion): CompletionItem {
  return {
    label,
    kind: COMPLETION_KINDS[kind],
    detail: detail === "" ? undefined : detail,
    sortText: `${rank}${label}`,
    filterText: label,
    textEdit: { range, newText: label },
    data: kind,
  };
}

/** The documentation of a completion is asked for when it is looked at. */
export function withDocumentation(item: CompletionItem): CompletionItem {
  const text = documentationOf(item.data as CompletionKind, item.label);
  return text === undefined ? item : { ...item, documentation: { kind: MarkupKind.Markdown, value: text } };
}

function documentationOf(kind: CompletionKind, label: string): string | undefined {
  switch (kind) {
    case "mnemonic":
      return describeMnemonic(label);
    case "directive":
      return describeDirective(label);
    case "register":
      return describeRegister(label);
    case "csr": {
      const csr = findCsr(label);
      return csr && describeCsr(csr);
    }
    default:
      return undefined;
  }
}

export function toSignatureHelp({ labels, active, operand }: Signature): SignatureHelp {
  const signatures = labels.map((label) => {
    const start = label.indexOf(" ") + 1;
    let from = start;
    const parameters = label
      .slice(start)
      .split(", ")
      .map((text) => {
        const span: [number, number] = [from, from + text.length];
        from += text.length + 2;
        return { label: span };
      });
    return { label, parameters };
  });
  return { signatures, activeSignature: active, activeParameter: operand };
}

export function toHighlight({ range, role }: Highlight): DocumentHighlight {
  return { range, kind: role === "definition" ? DocumentHighlightKind.Write : DocumentHighlightKind.Read };
}

const SYMBOL_KINDS: Readonly<Record<OutlineSymbol["kind"], SymbolKind>> = {
  function: SymbolKind.Function,
  label: SymbolKind.Field,
  data: SymbolKind.Variable,
  constant: SymbolKind.Constant,
  macro: SymbolKind.Module,
  section: SymbolKind.Namespace,
};

export function toDocumentSymbol(symbol: OutlineSymbol): DocumentSymbol {
  return {
    name: symbol.name,
    detail: symbol.detail,
    kind: SYMBOL_KINDS[symbol.kind],
    range: symbol.range,
    selectionRange: symbol.selection,
    children: symbol.children.map(toDocumentSymbol),
  };
}

export function toFoldingRange({ start, end, kind }: Folding): FoldingRange {
  const kinds = { comment: FoldingRangeKind.Comment, region: FoldingRangeKind.Region, code: undefined };
  return { startLine: start, endLine: end, kind: kinds[kind] };
}

export function toWorkspaceEdit(edits: FileEdits): WorkspaceEdit {
  return { changes: Object.fromEntries([...edits].map(([file, list]) => [uriOf(file), [...list]])) };
}

export function toCodeActions(uri: string, diagnostics: readonly LspDiagnostic[]): CodeAction[] {
  return diagnostics
    .filter(({ source }) => source === DIAGNOSTIC_SOURCE)
    .flatMap((diagnostic) =>
      // Messages are strings here: only newer clients and other servers write them as markup.
      quickFixes({ range: diagnostic.range, message: String(diagnostic.message) }).map(({ title, edit }) => ({
        title,
        kind: CodeActionKind.QuickFix,
        diagnostics: [diagnostic],
        isPreferred: true,
        edit: { changes: { [uri]: [edit] } },
      })),
    );
}
