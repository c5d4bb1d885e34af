/** Pages that the guests fill, of a gibibyte. */
export const FILLED_PAGES = 166_912;

const DRAW = `
  slli t1, s1, 13
  xor  s1, s1, t1
  srli t1, s1, 7
  xor  s1, s1, t1
  slli t1, s1, 17
  xor  s1, s1, t1
`;

/** Fills its memory, lets some time pass, so that its recording may be as large, and then stirs a word of some pages again and again. */
export const STIRRING = `
  .equ PAGES, ${FILLED_PAGES}
_start:
  la   s0, heap
  li   s1, 88172645463325252
  li   s2, PAGES * 64
  mv   t0, s0
1:
  ${DRAW}
  sd   s1, 0(t0)
  sd   s2, 8(t0)
  sd   s2, 16(t0)
  sd   s1, 24(t0)
  sd   s2, 32(t0)
  sd   s2, 40(t0)
  sd   s2, 48(t0)
  sd   s2, 56(t0)
  addi t0, t0, 64
  addi s2, s2, -1
  bnez s2, 1b
  li   t2, 3000000000
2:
  addi t2, t2, -1
  bnez t2, 2b
  li   s3, 12
3:
  li   s2, 10000
4:
  ${DRAW}
  li   t1, PAGES
  remu t1, s1, t1
  slli t1, t1, 12
  add  t1, t1, s0
  ld   t2, 0(t1)
  add  s1, s1, t2
  sd   s1, 0(t1)
  li   t2, 10000
5:
  addi t2, t2, -1
  bnez t2, 5b
  addi s2, s2, -1
  bnez s2, 4b
  addi s3, s3, -1
  bnez s3, 3b
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
6:
  j    6b
  .balign 4096
heap:
`;

/** Fills its memory, then works in sixteen mebibytes of it for ever and says something now and then. */
export const WORKING = `
  .equ PAGES, ${FILLED_PAGES}
_start:
  la   s0, heap
  mv   a0, s0
  li   a1, PAGES
1:
  sd   a0, 0(a0)
  li   t0, 4096
  add  a0, a0, t0
  addi a1, a1, -1
  bnez a1, 1b
  li   s1, 88172645463325252
  li   s2, 0x10000000
  li   s3, 0
2:
  ${DRAW}
  li   t1, 4096
  remu t1, s1, t1
  slli t1, t1, 12
  add  t1, t1, s0
  sd   s1, 8(t1)
  li   t2, 50000
3:
  addi t2, t2, -1
  bnez t2, 3b
  addi s3, s3, 1
  li   t2, 100
  remu t2, s3, t2
  bnez t2, 2b
  li   t0, 'a'
  sb   t0, 0(s2)
  j    2b
  .balign 4096
heap:
`;
