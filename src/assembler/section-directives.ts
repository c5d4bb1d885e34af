import { type Handler, misuse, numberOf, parts, wordOf } from "./directive-operands.ts";
import type { SectionFlags } from "./section.ts";
import { defaultFlags, type Session } from "./session.ts";
import type { Statement, Token } from "./source.ts";

function named(name: string): Handler {
  return (session, statement) => {
    if (statement.operands.length > 0) {
      const number = numberOf(session, statement.operands, statement, { min: 0, max: 0 });
      if (number === undefined) return;
    }
    session.enter(session.sectionNamed(name, undefined));
  };
}

function section(session: Session, statement: Statement): void {
  const target = sectionOf(session, statement, parts(statement));
  if (target !== undefined) session.enter(target);
}

/** `.section name, "flags", @type, …` */
function sectionOf(session: Session, statement: Statement, operands: (readonly Token[])[]) {
  const [nameTokens, flagTokens, typeTokens] = operands;
  const name = wordOf(nameTokens);
  if (name === undefined) {
    misuse(session, statement, "a section needs a name");
    return undefined;
  }
  if (flagTokens === undefined) return session.sectionNamed(name, undefined);
  const letters = wordOf(flagTokens) ?? "";
  const unknown = [...letters].find((letter) => !"awxMSGTRo?eE0123456789".includes(letter));
  if (flagTokens[0]?.kind !== "string" || unknown !== undefined) {
    misuse(session, statement, 'the flags of a section are a string of letters like "ax" or "aw"');
    return undefined;
  }
  const type = wordOf(typeTokens)?.replace(/^[@%]/, "");
  const standard = defaultFlags(name);
  const flags: SectionFlags = {
    allocated: letters.includes("a"),
    writable: letters.includes("w"),
    executable: letters.includes("x"),
    noBits: type === undefined ? standard.noBits : type === "nobits",
  };
  const known = session.sections.get(name);
  const made = session.sectionNamed(name, flags);
  if (known !== undefined && letters !== "" && !sameFlags(known.flags, flags) && !known.empty) {
    session.diagnostics.warning(statement.name!, `${name} exists already with other flags; they stay`);
  } else if (known?.empty && letters !== "" && !standard.allocated) {
    // Entered before by its bare name, which says nothing about it.
    known.flags = flags;
  }
  return made;
}

function sameFlags(a: SectionFlags, b: SectionFlags): boolean {
  return (
    a.allocated === b.allocated && a.writable === b.writable && a.executable === b.executable && a.noBits === b.noBits
  );
}

function pushSection(session: Session, statement: Statement): void {
  const saved = { section: session.section, previous: session.previousSection };
  const target = sectionOf(session, statement, parts(statement));
  if (target === undefined) return;
  session.sectionStack.push(saved);
  session.enter(target);
}

function popSection(session: Session, statement: Statement): void {
  const saved = session.sectionStack.pop();
  if (saved === undefined) return misuse(session, statement, "`.popsection` without a `.pushsection`");
  session.section = saved.section;
  session.previousSection = saved.previous;
}

function previous(session: Session): void {
  session.enter(session.previousSection);
}

export const SECTION_DIRECTIVES: Readonly<Record<string, Handler>> = {
  ".text": named(".text"),
  ".data": named(".data"),
  ".bss": named(".bss"),
  ".rodata": named(".rodata"),
  ".sdata": named(".sdata"),
  ".sbss": named(".sbss"),
  ".section": section,
  ".pushsection": pushSection,
  ".popsection": popSection,
  ".previous": previous,
};
