/** From where to where marks follow each other, ascending: of bytes that are 1 or 0. However many there are, no look at each. */
export function* runsOf(marks: Uint8Array): Iterable<readonly [from: number, to: number]> {
  for (let from = marks.indexOf(1); from >= 0; ) {
    const end = marks.indexOf(0, from);
    yield [from, end < 0 ? marks.length : end];
    from = end < 0 ? -1 : marks.indexOf(1, end);
  }
}
