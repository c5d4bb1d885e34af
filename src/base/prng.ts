/**
 * Seeded pseudo-random numbers (sfc32, Chris Doty-Humphrey's "Small Fast Counting" generator): the only source of
 * chance in the machine and in the tests, so that a seed repeats a run.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) | 0;
    this.#c = 0x9e37_79b9 | 0;
    this.#counter = 1;
    // Neighbouring seeds give unrelated streams only after the state has been mixed.
    for (let round = 0; round < 15; round++) this.next32();
  }

  /** An unsigned 32-bit integer. */
  next32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** The generator's state; `restore` goes on from there. */
  save(): number[] {
    return [this.#a, this.#b, this.#c, this.#counter];
  }

  restore(state: readonly number[]): void {
    [this.#a, this.#b, this.#c, this.#counter] = state;
  }

  /** An unsigned 64-bit integer. */
  next64(): bigint {
    return (BigInt(this.next32()) << 32n) | BigInt(this.next32());
  }

  /** An integer in [0, limit), limit at most 2^32. */
  below(limit: number): number {
    return Math.floor((this.next32() / 0x1_0000_0000) * limit);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }
}
