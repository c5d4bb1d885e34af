import type { Prng } from "../../src/base/prng.ts";
import { type Encoding, encode, type Field, fieldRange, fits } from "../../src/isa/encoding.ts";

/** A value that the field can hold, its ends more often than chance would have it. */
function randomFieldValue(field: Field, prng: Prng): number {
  const { min, max, step } = fieldRange(field);
  for (;;) {
    const ends = [min, max, 0, step, -step, min + step, max - step];
    const count = (max - min) / step + 1;
    const value = prng.below(4) === 0 ? prng.pick(ends) : min + prng.below(count) * step;
    if (fits(field, value)) return value;
  }
}

/** Random values for all fields of an encoding, by name. */
export function randomFields(encoding: Encoding, prng: Prng): Record<string, number> {
  return Object.fromEntries(encoding.fields.map((field) => [field.name, randomFieldValue(field, prng)]));
}

/** A random word of an instruction. */
export function randomWord(encoding: Encoding, prng: Prng): number {
  return encode(encoding, randomFields(encoding, prng));
}
