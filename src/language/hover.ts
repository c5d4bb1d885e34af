import { PSEUDO_INSTRUCTIONS } from "../assembler/pseudo.ts";
import { type Statement, type Token, textOf } from "../assembler/source.ts";
import { type Csr, csrIsReadOnly, csrPrivilege, findCsr } from "../isa/csrs.ts";
import { decode, instructionLength } from "../isa/decode.ts";
import { describe, describeDecoded } from "../isa/describe.ts";
import { disassembleWord } from "../isa/disassemble.ts";
import { findFloatRegister, findRegister } from "../isa/registers.ts";
import { findCompressed, findInstruction, splitOrdering } from "../isa/table.ts";
import type { Analysis } from "./analysis.ts";
import { findDirective } from "./directives.ts";
import { drawEncoding } from "./encoding-drawing.ts";
import { type Position, type Range, rangeOf } from "./model.ts";
import { definitionsOf, type Entity } from "./names.ts";

export interface Hover {
  /** Markdown. */
  readonly text: string;
  readonly range: Range;
}

/** Instructions shown of what a line became; `la` and `li` have at most eight. */
const MOST_INSTRUCTIONS_SHOWN = 8;
/** Lines of a macro's body shown. */
const MOST_BODY_LINES = 12;
const FENCE = "```";

/** What the editor says about the thing at a position; undefined when there is nothing to say. */
export function hover(analysis: Analysis, file: number, position: Position): Hover | undefined {
  const thing = analysis.thingAt(file, position);
  if (thing === undefined) return undefined;
  const { token } = thing;
  let text: string | undefined;
  switch (thing.kind) {
    case "entity":
      text = describeEntity(analysis, thing.entity);
      break;
    case "mnemonic":
      text = describeStatement(analysis, thing.statement, token);
      break;
    case "directive":
      text = describeDirective(token.text);
      break;
    case "register":
      text = describeRegister(token.text);
      break;
    case "csr":
      text = describeCsr(findCsr(token.text)!);
      break;
  }
  return text === undefined ? undefined : { text, range: rangeOf(token) };
}

function describeStatement(analysis: Analysis, statement: Statement, token: Token): string | undefined {
  const general = describeMnemonic(token.text);
  const made = analysis.bytesOf(statement);
  if (general === undefined || made === undefined) return general;
  return `${general}\n\n---\n${block(machineCode(made.address, made.bytes))}`;
}

/** What a mnemonic means, whatever its operands are: also the documentation of a completion. */
export function describeMnemonic(name: string): string | undefined {
  const { mnemonic, aqrl } = splitOrdering(name.toLowerCase());
  const parts: string[] = [];
  const instruction = findInstruction(mnemonic);
  if (instruction !== undefined) {
    const ordering = aqrl === 0 ? "" : `\n\n${ORDERING[aqrl]}`;
    parts.push(
      `${heading(name, instruction.syntax)} — ${instruction.extension}\n\n${instruction.summary}${ordering}\n` +
        `${block(describe(instruction).join("\n"))}\n${block(drawEncoding(instruction.encoding))}`,
    );
  }
  const compressed = findCompressed(mnemonic);
  if (compressed !== undefined) {
    parts.push(
      `${heading(name, compressed.syntax)} — C, 16 bits\n\n${compressed.summary}\n` +
        `${block(compressed.expansion)}\n${block(drawEncoding(compressed.encoding))}`,
    );
  }
  for (const pseudo of PSEUDO_INSTRUCTIONS) {
    if (pseudo.mnemonic !== mnemonic) continue;
    const expansion = pseudo.expansion.split("; ").join("\n");
    parts.push(`${heading(name, pseudo.syntax)} — pseudo-instruction\n\n${pseudo.summary}\n${block(expansion)}`);
  }
  return parts.length === 0 ? undefined : parts.join("\n\n---\n");
}

const ORDERING: Readonly<Record<number, string>> = {
  1: "`.rl`: release, no earlier access of this hart happens after it.",
  2: "`.aq`: acquire, no later access of this hart happens before it.",
  3: "`.aqrl`: acquire and release, in sequence with all others of this kind.",
};

/** Address, bits, text and meaning of each instruction. */
function machineCode(address: bigint, bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows: string[][] = [];
  let offset = 0;
  while (offset + 2 <= bytes.length && rows.length < MOST_INSTRUCTIONS_SHOWN) {
    const halfword = view.getUint16(offset, true);
    const length = instructionLength(halfword);
    if (offset + length > bytes.length) break;
    const word = length === 4 ? view.getUint32(offset, true) : halfword;
    const pc = address + BigInt(offset);
    const decoded = decode(word);
    const meaning = decoded === undefined ? "" : describeDecoded(decoded, pc).join("; ");
    const bits = word.toString(16).padStart(length * 2, "0");
    rows.push([`${pc.toString(16)}:`, bits, disassembleWord(word, { pc }).text, meaning]);
    offset += length;
  }
  if (offset + 2 <= bytes.length && rows.length === MOST_INSTRUCTIONS_SHOWN) rows.push(["…", "", "", ""]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function describeDirective(name: string): string | undefined {
  const directive = findDirective(name.toLowerCase());
  if (directive === undefined) return undefined;
  return `${heading(name, directive.syntax)} — directive\n\n${directive.summary}`;
}

export function describeRegister(name: string): string | undefined {
  const register = findRegister(name) ?? findFloatRegister(name);
  if (register === undefined) return undefined;
  const names = [register.abiName, ...register.aliases, register.name].filter((other) => other !== name);
  const saved = { caller: "Saved by the caller.", callee: "Saved by the callee.", none: "" }[register.savedBy];
  return `**${name}** — register, also ${names.join(", ")}\n\n${register.role} ${saved}`.trimEnd();
}

export function describeCsr(csr: Csr): string {
  const number = `0x${csr.number.toString(16).padStart(3, "0")}`;
  const access = csrIsReadOnly(csr.number) ? "read-only" : "read-write";
  const head = `**${csr.name}** — CSR ${number}, ${csrPrivilege(csr.number)}, ${access}\n\n${csr.description}`;
  const missing = csr.extension === "Machine" || csr.extension === "Zicntr" ? "" : MISSING_CSR;
  const fields = csr.fields.filter(({ name }) => name !== "value");
  if (fields.length === 0) return head + missing;
  const rows = [...fields]
    .sort((a, b) => b.high - a.high)
    .map(({ high, low, name, description, values }) => {
      const bits = high === low ? `${high}` : `${high}:${low}`;
      const meanings = Object.entries(values ?? {}).map(([value, meaning]) => `${value} ${meaning}`);
      return `| ${bits} | ${name} | ${description} | ${meanings.join(", ")} |`;
    });
  return `${head}${missing}\n\n| bits | field | meaning | values |\n| --- | --- | --- | --- |\n${rows.join("\n")}`;
}

const MISSING_CSR = " The machine does not have it: accesses raise an illegal-instruction exception.";

/** What is known of a name: what it is, its value, where it is defined, and what the source says about it. */
function describeEntity(analysis: Analysis, entity: Entity): string {
  const definition = definitionsOf(entity)[0];
  const comment = definition && commentAbove(analysis.lines(definition.span.file), definition.span.line);
  const where = definition && `line ${definition.span.line} of ${baseName(analysis.fileName(definition.span.file))}`;
  const origin = where === undefined ? "Not defined here." : `Defined in ${where}.`;
  const said = comment === undefined ? "" : `\n\n${comment}`;
  return `${titleOf(analysis, entity)}\n\n${origin}${said}`;
}

function titleOf(analysis: Analysis, entity: Entity): string {
  const name = `**${entity.name}**`;
  switch (entity.kind) {
    case "symbol": {
      const known = analysis.valueOf(entity);
      if (known === undefined) return `${name} — symbol`;
      const hexadecimal = `0x${BigInt.asUintN(64, known.value).toString(16)}`;
      return known.isAddress ? `${name} — address ${hexadecimal}` : `${name} = ${known.value} (${hexadecimal})`;
    }
    case "numeric-label":
      return `**${entity.name}:** — numeric label`;
    case "parameter":
      return `${name} — parameter`;
    case "define":
      return `${name} — preprocessor macro${definitionText(entity)}`;
    case "macro":
      return `${name} — macro\n${block(macroText(analysis, entity))}`;
  }
}

function definitionText(entity: Entity): string {
  const definition = definitionsOf(entity)[0];
  // `# define NAME body`
  return definition === undefined ? "" : `\n${block(`#${textOf(definition.statement.operands)}`)}`;
}

function macroText(analysis: Analysis, entity: Entity): string {
  const definition = definitionsOf(entity)[0];
  if (definition === undefined) return entity.name;
  const lines = analysis.lines(definition.span.file).slice(definition.span.line - 1);
  const end = lines.findIndex((line) => /^\s*\.endm/i.test(line));
  const body = lines.slice(0, end < 0 ? 1 : end + 1);
  return body.length <= MOST_BODY_LINES ? body.join("\n") : [...body.slice(0, MOST_BODY_LINES - 1), "  …"].join("\n");
}

/** The comment lines right above a definition, without their marks. */
function commentAbove(lines: readonly string[], line: number): string | undefined {
  const said: string[] = [];
  for (let i = line - 2; i >= 0; i--) {
    const comment = /^\s*(?:#+|\/\/+)\s?(.*)$/.exec(lines[i]);
    if (comment === null) break;
    said.unshift(comment[1]);
  }
  // Rulers such as `#-----` separate; they say nothing.
  const text = said.filter((part) => !/^[-=*#~\s]*$/.test(part)).join("\n");
  return text === "" ? undefined : text;
}

function heading(name: string, syntax: string): string {
  return syntax === "" ? `**${name}**` : `**${name}** ${escapeMarkdown(syntax)}`;
}

function escapeMarkdown(text: string): string {
  return text.replace(/[[\]*_]/g, "\\$&");
}

function block(text: string): string {
  return `${FENCE}\n${text}\n${FENCE}`;
}

function baseName(path: string): string {
  return path.replace(/^.*[/\\]/, "");
}
