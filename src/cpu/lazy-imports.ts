/**
 * A structure of function indices as another module sees it: each index is what `importOf` makes of it, once somebody asks
 * for it. So a module imports what it calls, and nothing else.
 */
export function importing<T extends object>(functions: T, importOf: (index: number) => number): T {
  return new Proxy(functions, {
    get(target, key): unknown {
      const value: unknown = Reflect.get(target, key);
      if (typeof value === "number") return importOf(value);
      return typeof value === "object" && value !== null ? importing(value, importOf) : value;
    },
  });
}
