/** The same clock in all threads, in ms; it never goes back. */
export function steadyMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
