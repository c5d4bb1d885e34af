/**
 * What a breakpoint may ask of the hart that comes to it, as data: an expression over its registers and memory whose meaning
 * is fixed, so that it can become WebAssembly (condition-code.ts). Integers have 64 bits and wrap; floating-point
 * numbers are doubles. Whatever cannot be answered (division by zero, memory that is not there) makes the whole condition
 * unanswered, and whoever asked finds out why in another way.
 */
export type Condition = IntegerTerm;

export type IntegerTerm =
  | { readonly kind: "constant"; readonly value: bigint }
  /** x0 to x31. */
  | { readonly kind: "register"; readonly register: number }
  /** The 64 bits of f0 to f31. */
  | { readonly kind: "float-bits"; readonly register: number }
  /** As an M-mode read would see it. */
  | { readonly kind: "csr"; readonly number: number }
  /** "time": mtime. */
  | { readonly kind: "pc" | "instant" | "time" | "hart" | "privilege" }
  /** Memory as the hart's loads see it now, or by physical address; without any trace. */
  | {
      readonly kind: "load";
      readonly address: IntegerTerm;
      readonly size: 1 | 2 | 4 | 8;
      readonly signed: boolean;
      readonly physical: boolean;
    }
  | {
      readonly kind: "binary";
      readonly operator: IntegerOperator;
      readonly left: IntegerTerm;
      readonly right: IntegerTerm;
    }
  /** 1 or 0. */
  | {
      readonly kind: "compare";
      readonly operator: Comparison;
      readonly signed: boolean;
      readonly left: IntegerTerm;
      readonly right: IntegerTerm;
    }
  | {
      readonly kind: "compare-floats";
      readonly operator: Comparison;
      readonly left: FloatTerm;
      readonly right: FloatTerm;
    }
  /** The low `size` bytes, extended. */
  | { readonly kind: "extend"; readonly size: 1 | 2 | 4; readonly signed: boolean; readonly operand: IntegerTerm }
  /** Towards zero; what is beyond the range becomes its end, NaN becomes 0. */
  | { readonly kind: "truncate"; readonly signed: boolean; readonly operand: FloatTerm }
  /** Only one of the two is looked at. A condition holds when it is not 0. */
  | {
      readonly kind: "choose";
      readonly condition: IntegerTerm;
      readonly ifTrue: IntegerTerm;
      readonly ifFalse: IntegerTerm;
    };

/** Shifts take any unsigned distance: beyond 63 nothing is left but the sign. */
export type IntegerOperator =
  | ("add" | "subtract" | "multiply" | "and" | "or" | "xor")
  | ("divide-signed" | "divide-unsigned" | "remainder-signed" | "remainder-unsigned")
  | ("shift-left" | "shift-right-signed" | "shift-right-unsigned");

export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

export type FloatTerm =
  | { readonly kind: "float-constant"; readonly value: number }
  /** "natural": a single where one is boxed, else a double. */
  | { readonly kind: "float-register"; readonly register: number; readonly view: "natural" | "single" | "double" }
  | {
      readonly kind: "float-load";
      readonly address: IntegerTerm;
      readonly size: 4 | 8;
      readonly physical: boolean;
    }
  | { readonly kind: "convert"; readonly signed: boolean; readonly operand: IntegerTerm }
  | { readonly kind: "round-to-single"; readonly operand: FloatTerm }
  | { readonly kind: "negate"; readonly operand: FloatTerm }
  | {
      readonly kind: "float-binary";
      readonly operator: "add" | "subtract" | "multiply" | "divide";
      readonly left: FloatTerm;
      readonly right: FloatTerm;
    }
  | {
      readonly kind: "choose-float";
      readonly condition: IntegerTerm;
      readonly ifTrue: FloatTerm;
      readonly ifFalse: FloatTerm;
    };

/** Counts the hits of a breakpoint, for whoever cares for some of them only. */
export interface HitCounter {
  /** So many hits from an instant on need not be shown when they come. */
  toSkip(instant: number): number;
  /** Hits that were not shown, by instant, in order. */
  skipped(instants: Float64Array): void;
}

/**
 * Which arrivals at an address are hits that somebody must see: those for which the condition holds or is unanswered, less
 * those that the counter skips. The engine may show more than that, and never less.
 */
export interface HitFilter {
  /** Absent: always. */
  readonly condition?: Condition;
  readonly counter?: HitCounter;
}
