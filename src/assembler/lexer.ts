import type { Span, Token, TokenKind } from "./source.ts";

/** The relocation functions of the RISC-V assembler; `%` is the modulus operator otherwise. */
export const RELOCATION_FUNCTIONS: ReadonlySet<string> = new Set([
  "%hi",
  "%lo",
  "%pcrel_hi",
  "%pcrel_lo",
  "%got_pcrel_hi",
  "%tprel_hi",
  "%tprel_lo",
  "%tprel_add",
  "%tls_ie_pcrel_hi",
  "%tls_gd_pcrel_hi",
]);

/** Characters by class, as GNU `as` sees them: names may hold dots, dollars and everything beyond ASCII. */
const NAME_START = 1;
const NAME_PART = 2;
const DIGIT = 4;
const BLANK = 8;
const CLASS = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code);
  if (/[A-Za-z_.$]/.test(char)) CLASS[code] |= NAME_START | NAME_PART;
  if (/[0-9]/.test(char)) CLASS[code] |= DIGIT | NAME_PART;
  if (/[ \t\r\f\v]/.test(char)) CLASS[code] |= BLANK;
}

/** Blanks that come along when text is copied from elsewhere. In a name nobody would see them. */
function isForeignBlank(code: number): boolean {
  return code === 0xa0 || code === 0xfeff || (code >= 0x2000 && code <= 0x200f) || code === 0x202f || code === 0x3000;
}

function isNamePart(code: number): boolean {
  return code >= 128 ? !isForeignBlank(code) : (CLASS[code] & NAME_PART) !== 0;
}

function isNameStart(code: number): boolean {
  return code >= 128 ? !isForeignBlank(code) : (CLASS[code] & NAME_START) !== 0;
}

const TWO_CHARACTER_OPERATORS = new Set(["<<", ">>", "==", "!=", "<>", "<=", ">=", "&&", "||"]);

export interface LexedLine {
  readonly line: number;
  readonly tokens: Token[];
  /** The line's first character that is not blank is `#`: a comment, or a directive of the C preprocessor. */
  readonly hash: boolean;
}

export interface LexOptions {
  readonly file: number;
  /** All tokens get this span: the text comes out of a macro and stands nowhere in the source. */
  readonly at?: Span;
  /** Keep `#…` lines as tokens and join lines that end with a backslash, for the C preprocessor. */
  readonly preprocess?: boolean;
}

/** Cuts source text into lines of tokens. Comments are dropped; nothing is an error here. */
export function lex(text: string, options: LexOptions): LexedLine[] {
  return new Lexer(text, options).run();
}

class Lexer {
  readonly #text: string;
  readonly #file: number;
  readonly #at: Span | undefined;
  readonly #preprocess: boolean;
  #position = 0;
  #lineStart = 0;
  #line = 1;
  #tokens: Token[] = [];
  #lines: LexedLine[] = [];
  #spaced = false;
  #hash = false;
  #firstLine = 1;

  constructor(text: string, options: LexOptions) {
    this.#text = text;
    this.#file = options.file;
    this.#at = options.at;
    this.#preprocess = options.preprocess ?? false;
  }

  run(): LexedLine[] {
    const text = this.#text;
    const end = text.length;
    // A byte order mark says nothing in UTF-8.
    if (text.charCodeAt(0) === 0xfeff) this.#position = 1;
    while (this.#position < end) {
      const code = text.charCodeAt(this.#position);
      if (code === 10) {
        this.#endLine();
        this.#position++;
        this.#beginLine();
      } else if (code < 128 && (CLASS[code] & BLANK) !== 0) {
        this.#position++;
        this.#spaced = true;
      } else {
        this.#token(code);
      }
    }
    this.#endLine();
    return this.#lines;
  }

  #beginLine(): void {
    this.#lineStart = this.#position;
    this.#line++;
  }

  #endLine(): void {
    if (this.#tokens.length > 0 || this.#hash) {
      this.#lines.push({ line: this.#firstLine, tokens: this.#tokens, hash: this.#hash });
      this.#tokens = [];
    }
    this.#firstLine = this.#line + 1;
    this.#spaced = false;
    this.#hash = false;
  }

  #push(kind: TokenKind, end: number, value?: bigint): void {
    const start = this.#position;
    const at = this.#at;
    this.#tokens.push({
      kind,
      text: this.#text.slice(start, end),
      file: at ? at.file : this.#file,
      line: at ? at.line : this.#line,
      column: at ? at.column : start - this.#lineStart + 1,
      length: at ? at.length : end - start,
      spaced: this.#spaced,
      value,
    });
    this.#position = end;
    this.#spaced = false;
  }

  #token(code: number): void {
    const text = this.#text;
    const start = this.#position;
    if (isNameStart(code)) {
      let end = start + 1;
      while (end < text.length && isNamePart(text.charCodeAt(end))) end++;
      return this.#push("identifier", end);
    }
    if ((CLASS[code] & DIGIT) !== 0) return this.#number();
    const next = text.charCodeAt(start + 1);
    switch (code) {
      case 0x22: // "
        return this.#string();
      case 0x27: // '
        return this.#character();
      case 0x23: // #
        return this.#hashMark();
      case 0x2f: // /
        if (next === 0x2f) return this.#skipLine();
        if (next === 0x2a) return this.#skipComment();
        break;
      case 0x5c: // backslash
        return this.#backslash();
      case 0x25: // %
        if (isNameStart(next)) return this.#percent();
        break;
    }
    const pair = text.slice(start, start + 2);
    if (TWO_CHARACTER_OPERATORS.has(pair)) return this.#push("punctuation", start + 2);
    const known = "+-*/%~!()<>,:;=&|^{}[]@?".includes(text[start]);
    this.#push(known ? "punctuation" : "bad", start + 1);
  }

  #hashMark(): void {
    const first = this.#tokens.length === 0;
    if (first && !this.#at) {
      this.#hash = true;
      // Only a directive of the preprocessor is worth tokens; `# 12 "file.c"` is what a preprocessor leaves behind.
      const rest = this.#text.slice(this.#position, this.#position + 80);
      const keep = this.#preprocess
        ? /^#[ \t]*(\d|define|undef|include|if|el|endif|error|warning|line|pragma)/.test(rest)
        : /^#[ \t]*(\d+[ \t]+"|(define|undef|include|ifdef|ifndef|if|elif|else|endif)\b)/.test(rest);
      if (keep) return this.#push("punctuation", this.#position + 1);
    } else if (this.#preprocess && this.#tokens[0]?.text === "#" && this.#hash) {
      // The operators # and ## in the body of a #define.
      const double = this.#text[this.#position + 1] === "#";
      return this.#push("punctuation", this.#position + (double ? 2 : 1));
    }
    this.#skipLine();
  }

  #skipLine(): void {
    const end = this.#text.indexOf("\n", this.#position);
    this.#position = end < 0 ? this.#text.length : end;
  }

  #skipComment(): void {
    const text = this.#text;
    let end = text.indexOf("*/", this.#position + 2);
    if (end < 0) {
      // Reported where it begins: the rest of the file is gone.
      const start = this.#position;
      this.#push("bad", start + 2);
      end = text.length - 2;
    }
    for (let at = text.indexOf("\n", this.#position); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) {
      // The statement goes on behind the comment, on a later line of the file.
      if (this.#tokens.length === 0) this.#firstLine = this.#line + 1;
      this.#line++;
      this.#lineStart = at + 1;
    }
    this.#position = end + 2;
    this.#spaced = true;
  }

  #backslash(): void {
    const text = this.#text;
    const start = this.#position;
    const next = text.charCodeAt(start + 1);
    if (this.#preprocess && (next === 10 || (next === 13 && text.charCodeAt(start + 2) === 10))) {
      this.#position = start + (next === 10 ? 2 : 3);
      this.#lineStart = this.#position;
      this.#line++;
      this.#spaced = true;
      return;
    }
    if (next === 0x40) return this.#push("parameter", start + 2); // \@
    if (next === 0x28 && text.charCodeAt(start + 2) === 0x29) return this.#push("parameter", start + 3); // \()
    let end = start + 1;
    while (end < text.length && isNamePart(text.charCodeAt(end))) end++;
    this.#push(end > start + 1 ? "parameter" : "bad", Math.max(end, start + 1));
  }

  #percent(): void {
    const text = this.#text;
    let end = this.#position + 2;
    while (end < text.length && isNamePart(text.charCodeAt(end))) end++;
    // An operand cannot follow an operand without an operator, so a name behind a number or name is the modulus.
    const previous = this.#tokens.at(-1);
    const operator = previous === undefined || previous.kind === "punctuation" || previous.kind === "identifier";
    if (operator && /^\s*\(/.test(text.slice(end, end + 8)) && previous?.text !== ")") {
      return this.#push("relocation", end);
    }
    this.#push("punctuation", this.#position + 1);
  }

  #number(): void {
    const text = this.#text;
    const start = this.#position;
    let end = start + 1;
    while (end < text.length && isNamePart(text.charCodeAt(end))) end++;
    const word = text.slice(start, end);
    if (/^0[xX][0-9a-fA-F]+$/.test(word) || /^0[bB][01]+$/.test(word)) {
      return this.#push("integer", end, BigInt(word.toLowerCase()));
    }
    if (/^\d+$/.test(word)) {
      const octal = word.length > 1 && word[0] === "0";
      if (octal && /[89]/.test(word)) return this.#push("bad", end);
      return this.#push("integer", end, BigInt(octal ? `0o${word}` : word));
    }
    if (/^\d+[fb]$/.test(word)) return this.#push("local", end);
    const float = /^(\d+\.\d*([eE][+-]?\d+)?|\d+[eE][+-]?\d+)/.exec(text.slice(start, start + 64));
    if (float) return this.#push("float", start + float[0].length);
    this.#push("bad", end);
  }

  #string(): void {
    const text = this.#text;
    let end = this.#position + 1;
    while (end < text.length) {
      const code = text.charCodeAt(end);
      if (code === 10) break;
      if (code === 0x22) return this.#push("string", end + 1);
      end += code === 0x5c && text.charCodeAt(end + 1) !== 10 ? 2 : 1;
    }
    this.#push("bad", Math.min(end, text.length));
  }

  /** `'a`, `'a'`, `'\n'`: GNU `as` lets the closing quote go. */
  #character(): void {
    const text = this.#text;
    const start = this.#position;
    let end = start + 1;
    let value: number | undefined = text.codePointAt(end);
    if (value === undefined || value === 10) return this.#push("bad", start + 1);
    if (value === 0x5c) {
      const escaped = readEscape(text, end);
      value = escaped.value;
      end = escaped.end;
    } else {
      end += value > 0xffff ? 2 : 1;
    }
    if (text.charCodeAt(end) === 0x27) end++;
    this.#push("integer", end, BigInt(value));
  }
}

const ESCAPES: Record<string, number> = { b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, "\\": 0x5c, '"': 0x22, "'": 0x27 };

/** The escape at `position` (a backslash): its byte and where it ends. An unknown one stands for its letter. */
function readEscape(text: string, position: number): { value: number; end: number } {
  const letter = text[position + 1] ?? "";
  const simple = ESCAPES[letter];
  if (simple !== undefined) return { value: simple, end: position + 2 };
  const octal = /^[0-7]{1,3}/.exec(text.slice(position + 1, position + 4));
  if (octal) return { value: Number.parseInt(octal[0], 8) & 0xff, end: position + 1 + octal[0].length };
  const hex = /^[xX]([0-9a-fA-F]+)/.exec(text.slice(position + 1, position + 20));
  if (hex) return { value: Number.parseInt(hex[1].slice(-2), 16), end: position + 1 + hex[0].length };
  return { value: letter === "" ? 0x5c : letter.charCodeAt(0), end: position + 2 };
}

const UTF8 = new TextEncoder();

/** The bytes of a string token: escapes resolved, everything else in UTF-8. */
export function stringBytes(token: Token): Uint8Array {
  const text = token.text.slice(1, -1);
  if (!text.includes("\\")) return UTF8.encode(text);
  const bytes: number[] = [];
  let position = 0;
  while (position < text.length) {
    const backslash = text.indexOf("\\", position);
    const end = backslash < 0 ? text.length : backslash;
    if (end > position) for (const byte of UTF8.encode(text.slice(position, end))) bytes.push(byte);
    if (backslash < 0) break;
    const escaped = readEscape(text, backslash);
    bytes.push(escaped.value);
    position = escaped.end;
  }
  return Uint8Array.from(bytes);
}

/** The text of a string token, for names of files and sections. */
export function stringText(token: Token): string {
  return new TextDecoder().decode(stringBytes(token));
}
