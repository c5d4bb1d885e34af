/** `branch 2 “fixed” of instant 5,000` */
export function branchName(branch: { readonly id: number; readonly name?: string; readonly origin: number }): string {
  const { id, name, origin } = branch;
  const named = name === undefined ? "" : ` “${name}”`;
  return `branch ${id}${named} of instant ${origin.toLocaleString("en-US")}`;
}
