/** A text and how tightly it holds together, so that parentheses stand only where they are needed. */
export interface Expression {
  readonly text: string;
  readonly binding: number;
  /** Set for a known immediate: its value. */
  readonly distance?: number;
  /** Set for a known pc: the text of an address so far away. */
  readonly address?: (distance: number) => string;
  /** The opposite condition, where it has a form of its own. */
  readonly negation?: string;
}

// From loose to tight. Mixed operators get parentheses more often than C would ask for: nobody remembers C's rules.
export const CHOICE = 0;
export const COMPARISON = 1;
export const BITWISE = 2;
export const SUM = 3;
export const ATOM = 5;

export function atom(text: string): Expression {
  return { text, binding: ATOM };
}

export function group(expression: Expression, looserThan: number): string {
  return expression.binding < looserThan ? `(${expression.text})` : expression.text;
}

export function binary(a: Expression, operator: string, b: Expression, binding: number): Expression {
  const looserThan = binding === BITWISE ? ATOM : binding + 1;
  return { text: `${group(a, looserThan)} ${operator} ${group(b, looserThan)}`, binding };
}

/** A sum, with what is known already computed: `sp - 16`, and nothing for + 0. */
export function sum(a: Expression, b: Expression): Expression {
  if (a.address !== undefined && b.distance !== undefined) return atom(a.address(b.distance));
  if (b.text === "0") return a;
  if (a.text === "0") return b;
  if (b.text.startsWith("-")) return { text: `${group(a, SUM)} - ${b.text.slice(1)}`, binding: SUM };
  return { text: `${group(a, SUM)} + ${group(b, SUM + 1)}`, binding: SUM };
}
