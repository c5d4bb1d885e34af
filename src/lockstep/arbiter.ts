/** Who may speak. Without a secondary the primary is alone, and need not ask anybody. */
export interface Tenure {
  /** Raised with every change. */
  readonly term: number;
  readonly primary: string;
  readonly secondary: string | undefined;
}

/** The third party that decides who lives: one record that can be changed by test-and-set only. */
export interface Arbiter {
  read(answer: (tenure: Tenure) => void): void;
  /**
   * Writes `next` if the record's term is `expected`, and answers with the record as it stands then. The answer may come
   * later, or never: whoever asks again sees by the record whether the first attempt had won.
   */
  testAndSet(expected: number, next: Tenure, answer: (tenure: Tenure) => void): void;
}

/** An arbiter in the memory of one process. */
export class LocalArbiter implements Arbiter {
  #tenure: Tenure;

  constructor(tenure: Tenure) {
    this.#tenure = tenure;
  }

  get tenure(): Tenure {
    return this.#tenure;
  }

  read(answer: (tenure: Tenure) => void): void {
    answer(this.#tenure);
  }

  testAndSet(expected: number, next: Tenure, answer: (tenure: Tenure) => void): void {
    if (this.#tenure.term === expected) this.#tenure = next;
    answer(this.#tenure);
  }
}
