/** Ends the benchmark when an option names something that is not there. */
export function checkNames(option: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  console.error(`${option} does not know ${unknown.join(" and ")}. There are ${known.join(", ")}.`);
  process.exit(2);
}
