import { test } from "node:test";
import { alike, guest, loop } from "./hot-guest.ts";

// While mstatus.MPRV is set, what accesses sstatus is TypeScript, and the region must hear what it has changed.
const FIELDS = `
  li   t0, (1 << 17) | (3 << 11)
  csrs mstatus, t0
  li   t1, 3 << 13
  li   t3, 1 << 13
`;

test("floating point that is switched off within a region is off, while mstatus.MPRV is set", () => {
  const body = loop(
    200,
    `
    csrs sstatus, t1
    andi t2, s2, 31
    bnez t2, 3f
    csrc sstatus, t1
3:
    fadd.d fa0, fa1, fa2`,
  );
  alike(guest(FIELDS + body), 4000);
});

test("the state of floating point becomes dirty again within a region, while mstatus.MPRV is set", () => {
  const body = loop(
    200,
    `
    csrs sstatus, t1
    fadd.d fa0, fa1, fa2
    csrc sstatus, t1
    csrs sstatus, t3
    fadd.d fa0, fa1, fa2
    csrr s7, sstatus
    add  s6, s6, s7`,
  );
  alike(guest(FIELDS + body), 4000);
});

// After many settings of the PMP the cache group forgets all contexts; the next one may get the table that is in force.
for (let rounds = 253; rounds < 258; rounds++) {
  test(`the PMP forbids an access within a region, after ${rounds} settings`, () => {
    const body = loop(
      rounds,
      `
      addi s3, s3, 64
      addi t2, s2, -1
      snez t2, t2
      mul  t3, t2, s1
      add  s4, t3, s3
      ld   t1, 0(s0)
      csrw pmpaddr0, s4
      ld   t1, 8(s0)`,
    );
    const source = guest(`
      li   t0, 15
      csrw pmpcfg0, t0
      la   s1, data + 4096
      srli s1, s1, 2
      csrw pmpaddr0, s1
      li   t0, 3 << 11
      csrc mstatus, t0
      li   t0, 1 << 17
      csrs mstatus, t0
      la   s0, data
      li   s3, 0
      ${body}`);
    alike(source, 11 * rounds + 40);
  });
}
