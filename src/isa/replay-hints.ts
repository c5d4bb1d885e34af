/**
 * HINTs by which a guest marks what is executed in replay only (guest/include/hindcast.h): `slti x0, x0, imm`. The
 * unprivileged manual (table of RV32I HINT instructions) designates slti with rd=x0 for custom use: it does nothing on
 * any RISC-V machine, and nothing on this one unless somebody asks for checks.
 */
const REPLAY_HINTS = {
  /** A block begins; behind it is the jump that skips it. */
  block: 0x481,
  /** The innermost block ends. */
  end: 0x482,
  /** `li rd, 0` follows: a check finds 1 in rd. */
  inReplay: 0x483,
  /** a0: a format in memory, a1: its arguments there, eight bytes each. */
  log: 0x484,
  /** As `log`: the check has failed. */
  fail: 0x485,
} as const;

export type ReplayHint = keyof typeof REPLAY_HINTS;

/** The low halfword of every such HINT: all of slti, rd and rs1. */
export const REPLAY_HINT_LOW = 0x2013;

const BY_WORD: ReadonlyMap<number, ReplayHint> = new Map(
  Object.entries(REPLAY_HINTS).map(([name, imm]) => [replayHintWord(imm), name as ReplayHint]),
);

/** Which of the HINTs an instruction word is. */
export function replayHint(word: number): ReplayHint | undefined {
  return BY_WORD.get(word >>> 0);
}

function replayHintWord(imm: number): number {
  return ((imm << 20) | REPLAY_HINT_LOW) >>> 0;
}
