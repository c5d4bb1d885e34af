import { knownMnemonics } from "./forms.ts";

/** Longer words are no mnemonics with a slip in them. */
const LONGEST_WORD = 16;

/** Finds what somebody may have meant; remembers answers, for what stands in a loop is asked a million times. */
export class Suggestions {
  readonly #answers = new Map<string, string | undefined>();

  /** A mnemonic one slip of the fingers away. */
  mnemonic(word: string): string | undefined {
    return this.#nearest(word, knownMnemonics);
  }

  /** A name out of `candidates`, which must be the same at every call for names that look alike. */
  directive(word: string, candidates: () => Iterable<string>): string | undefined {
    return this.#nearest(word, candidates);
  }

  #nearest(word: string, candidates: () => Iterable<string>): string | undefined {
    if (word.length > LONGEST_WORD) return undefined;
    if (!this.#answers.has(word)) this.#answers.set(word, nearest(word, candidates()));
    return this.#answers.get(word);
  }
}

/** The candidate with the smallest edit distance, if that is small for the word's length. */
function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const limit = word.length <= 2 ? 0 : word.length <= 3 ? 1 : 2;
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + cost));
    }
    row = next;
  }
  return row[b.length];
}
