import { errors } from "./errors.ts";

/**
 * What the arguments of a request must look like. A name that ends in `?` may be absent; `[shape]` is an array. Only what the adapter reads is named: the rest is the client's affair.
 */
export type Shape = Leaf | readonly [Shape] | { readonly [name: string]: Shape };
type Leaf = "string" | "integer" | "number" | "boolean" | "address" | "memory" | "access type";

const LEAVES: Record<Leaf, { what: string; test(value: unknown): boolean }> = {
  string: { what: "a string", test: (value) => typeof value === "string" },
  integer: { what: "a whole number", test: (value) => Number.isSafeInteger(value) },
  number: { what: "a number", test: (value) => typeof value === "number" && Number.isFinite(value) },
  boolean: { what: "true or false", test: (value) => typeof value === "boolean" },
  "access type": { what: "read, write or readWrite", test: (value) => /^(read|write|readWrite)$/.test(String(value)) },
  address: { what: "an address, like 0x80001000", test: (value) => typeof value === "string" && isAddress(value) },
  memory: {
    what: "an address, like 0x80001000 or phys:0x80001000",
    test: (value) => typeof value === "string" && isAddress(value.trim().replace(/^phys:/i, "")),
  },
};

function isAddress(text: string): boolean {
  return /^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text.trim());
}

/** Throws a UserError that names the first field that is not as it must be. */
export function checkShape(command: string, value: unknown, shape: Shape): void {
  const wrong = findWrong("arguments", value, shape);
  if (wrong !== undefined) throw errors.badRequest(command, wrong);
}

function findWrong(path: string, value: unknown, shape: Shape): string | undefined {
  if (typeof shape === "string") {
    const leaf = LEAVES[shape];
    return leaf.test(value) ? undefined : `${path} must be ${leaf.what}`;
  }
  if (isArrayShape(shape)) {
    if (!Array.isArray(value)) return `${path} must be an array`;
    for (const [index, element] of value.entries()) {
      const wrong = findWrong(`${path}[${index}]`, element, shape[0]);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return `${path} must be an object`;
  for (const [key, field] of Object.entries(shape)) {
    const optional = key.endsWith("?");
    const name = optional ? key.slice(0, -1) : key;
    const member = (value as Record<string, unknown>)[name];
    if (optional && member === undefined) continue;
    const wrong = findWrong(path === "arguments" ? name : `${path}.${name}`, member, field);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function isArrayShape(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

/** A copy without members that are null: some clients write null for what is absent. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]));
}
