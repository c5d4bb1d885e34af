import { encode } from "../isa/encoding.ts";
import { splitOrdering } from "../isa/table.ts";
import { emitBranch, emitInstruction, emitWord } from "./emit.ts";
import { type Form, formsOf, type Step } from "./forms.ts";
import { type Mismatch, matchForm, type Values } from "./matching.ts";
import { endOf, parseWrittenOperands } from "./operand-parser.ts";
import { expandComputed } from "./pseudo-expansion.ts";
import type { Session } from "./session.ts";
import { type Span, type Statement, spanOf } from "./source.ts";

/** Assembles a statement whose name is no directive and no macro. */
export function assembleInstruction(session: Session, statement: Statement): void {
  const name = statement.name!;
  const { mnemonic, aqrl } = splitOrdering(name.text.toLowerCase());
  const forms = formsOf(mnemonic);
  if (forms.length === 0) {
    const nearest = session.suggestions.mnemonic(mnemonic);
    const hint = nearest === undefined ? "" : `; did you mean \`${nearest}\`?`;
    session.diagnostics.error(name, `unknown instruction \`${name.text}\`${hint}`);
    return;
  }
  const written = parseWrittenOperands(statement.operands, endOf(spanOf(statement.tokens, name)), session);
  if ("message" in written) {
    session.diagnostics.error(written.span, written.message);
    return;
  }
  let best: Mismatch | undefined;
  for (const form of forms) {
    if (form.operands.length !== written.length) continue;
    if (form.needs !== undefined && !session.state.extensions.has(form.needs)) continue;
    const values = matchForm(session, form, written);
    if ("progress" in values) {
      if (best === undefined || values.progress > best.progress) best = values;
      continue;
    }
    if (aqrl !== 0) {
      values.fields.aq = aqrl >> 1;
      values.fields.rl = aqrl & 1;
    }
    if (!session.canEmit(name)) return;
    emitForm(session, form, values, name);
    return;
  }
  if (best !== undefined) session.diagnostics.error(best.span, best.message);
  else session.diagnostics.error(operandsSpan(statement), usage(name.text, forms, written.length));
}

function operandsSpan(statement: Statement): Span {
  return spanOf(statement.operands, statement.name!);
}

function usage(name: string, forms: readonly Form[], count: number): string {
  const ways = forms.map((form) => (form.syntax === "" ? "nothing" : `\`${form.syntax}\``));
  const given = count === 1 ? "1 operand is" : `${count} operands are`;
  return `\`${name}\` takes ${[...new Set(ways)].join(" or ")}; ${given} given`;
}

function emitForm(session: Session, form: Form, values: Values, span: Span): void {
  const { meaning } = form;
  if (form.mnemonic.startsWith("c.") && !session.state.compress && meaning.kind !== "computed") {
    session.diagnostics.error(span, `\`${form.mnemonic}\` is a compressed instruction, and \`.option norvc\` holds`);
    return;
  }
  switch (meaning.kind) {
    case "instruction":
      if (values.target) emitBranch(session, meaning.mnemonic, values.fields, values.target, undefined);
      else emitInstruction(session, meaning.mnemonic, meaning.encoding, values.fields, values.deferred);
      return;
    case "compressed":
      if (values.target) {
        emitBranch(session, meaning.mnemonic, values.fields, values.target, undefined);
      } else {
        emitWord(session, 2, encode(meaning.encoding, values.fields));
      }
      return;
    case "expansion":
      for (const step of meaning.steps) emitStep(session, step, values, meaning.compressAs);
      return;
    case "computed":
      expandComputed(session, form, values, span);
      return;
  }
}

function emitStep(session: Session, step: Step, values: Values, compressAs: string | undefined): void {
  const fields: Record<string, number> = {};
  let deferred: Values["deferred"];
  for (const { field, from } of step.sources) {
    if (typeof from === "number") fields[field] = from;
    else if (from in values.fields) fields[field] = values.fields[from];
    else if (values.deferred?.field === from) deferred = { ...values.deferred, field };
  }
  if (values.target) emitBranch(session, step.mnemonic, fields, values.target, compressAs);
  else emitInstruction(session, step.mnemonic, step.encoding, fields, deferred, compressAs);
}
