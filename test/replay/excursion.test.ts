import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AssertionFailure } from "../../src/base/assert.ts";
import type { EngineChoice } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { Checkpoint } from "../../src/machine/machine-interface.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { problemOf } from "../../src/replay/check.ts";
import { Excursions } from "../../src/replay/excursion.ts";
import { TWO_SPACES } from "../debuggee/kernel-guest.ts";
import { Guest, SMALL } from "../machine/guests.ts";
import { checkedProgram, runChecks } from "./checks.ts";

const ENGINES: readonly EngineChoice[] = ["translator", "interpreter", "oracle"];

/** A loop over a counter in memory, with a block in it; `BODY` is the block, `s0` the counter, `s1` its address. */
function loop(body: string, more = ""): string {
  return `
_start:
        la   sp, stack_top
        la   s1, counter
        li   s2, 40
round:
        ld   s0, 0(s1)
        addi s0, s0, 1
        sd   s0, 0(s1)
        hindcast_replay_only 1f
        ${body}
        hindcast_end
1:
        bne  s0, s2, round
        li   t0, 0x100000
        li   t1, 0x5555
        sw   t1, 0(t0)
2:      j    2b
${more}
        .data
        .balign 8
counter: .dword 0
words:  .dword 0, 0
format: .asciz "counter %d, %s"
text:   .asciz "as text"
        .balign 4096
        .space 4096
stack_top:
`;
}

/** A log of the counter and of a text. */
const LOG = `
        la   a0, format
        la   a1, words
        sd   s0, 0(a1)
        la   t0, text
        sd   t0, 8(a1)
        hindcast_log
`;

/** What a guest does with no checks at all. */
function plain(source: string, engine: EngineChoice): { instant: number; digest: string; output: string } {
  const guest = new Guest(checkedProgram(source), engine);
  guest.run();
  return { instant: guest.machine.instant, digest: guest.machine.digest(), output: guest.output };
}

/** The outcomes of a guest's checks, which have not disturbed it by a bit. */
function undisturbed(source: string, engine: EngineChoice, options: Parameters<typeof runChecks>[1] = {}) {
  const without = plain(source, engine);
  const run = runChecks(source, { engine, ...options });
  const { machine, output } = run.guest;
  assert.deepEqual({ instant: machine.instant, digest: machine.digest(), output }, without);
  assert.deepEqual(run.excursions.changedUnseen(), []);
  return run;
}

for (const engine of ENGINES) {
  describe(`engine ${engine}`, () => {
    test("a block sees the state, says what it finds, and leaves nothing behind", () => {
      const body = `${LOG}
        sd   zero, 0(s1)
        li   s0, 0
        li   s2, 0
        csrw mscratch, s1`;
      const { outcomes, excursions } = undisturbed(loop(body), engine);
      assert.equal(outcomes.length, 40);
      assert.equal(excursions.verified, 40);
      outcomes.forEach(({ logs, end }, index) => {
        assert.deepEqual(logs, [`counter ${index + 1}, as text`]);
        assert.deepEqual(end, { kind: "passed" });
      });
    });

    test("a check that fails is over, and names the instant at which it began", () => {
      const body = `
        li   t0, 7
        bne  s0, t0, 3f
        la   a0, text
        hindcast_fail
        sd   zero, 0(zero)
3:`;
      const { outcomes, guest } = undisturbed(loop(body), engine);
      const failed = outcomes.filter(({ end }) => end.kind === "failed");
      assert.deepEqual(
        failed.map(({ end }) => end),
        [{ kind: "failed", message: "as text" }],
      );
      assert.equal(failed[0], outcomes[6]);
      assert.equal(failed[0].pc, BigInt(guest.at("round")) + 6n);
    });

    test("blocks nest, also through a function that has one", () => {
      const body = `
        ${LOG}
        call inner
        hindcast_replay_only 3f
        ${LOG}
        hindcast_end
3:
        ${LOG}`;
      const inner = `
inner:
        hindcast_replay_only 1f
        ${LOG}
        hindcast_end
1:      ret`;
      const { outcomes } = undisturbed(loop(body, inner), engine);
      assert.equal(outcomes.length, 40);
      for (const { logs, end } of outcomes) assert.deepEqual([logs.length, end.kind], [4, "passed"]);
    });

    for (const [depth, end] of [
      [64, "passed"],
      [65, "nested"],
    ] as const) {
      test(`a check that calls its own function, ${depth} blocks deep`, () => {
        const source = `
_start:
        la   sp, stack
        li   a0, 0
        call recur
        li   t0, 0x100000
        li   t1, 0x5555
        sw   t1, 0(t0)
2:      j    2b
recur:
        hindcast_replay_only 1f
        addi sp, sp, -16
        sd   ra, 0(sp)
        addi a0, a0, 1
        li   t0, ${depth}
        bge  a0, t0, 2f
        call recur
2:      ld   ra, 0(sp)
        addi sp, sp, 16
        hindcast_end
1:      ret
        .data
        .balign 16
        .space 2048
stack:
`;
        const { outcomes } = undisturbed(source, engine);
        assert.deepEqual(
          outcomes.map((outcome) => outcome.end.kind),
          [end],
        );
      });
    }

    test("lines of a check that are not kept are counted", () => {
      const body = `${LOG}
        li   s3, 1001
3:      hindcast_log
        addi s3, s3, -1
        bnez s3, 3b`;
      const [{ logs, droppedLogs, end }] = undisturbed(loop(body), engine).outcomes;
      assert.deepEqual([logs.length, droppedLogs, end.kind], [1000, 2, "passed"]);
    });

    test("hindcast_in_replay is 1 in a check and 0 elsewhere, whatever the guest does", () => {
      const source = loop(
        `
        call ask
        bnez a0, 3f
        la   a0, text
        hindcast_fail
3:`,
        `
ask:
        hindcast_in_replay a0
        ret
before:
        mv   s5, ra
        call ask
        sd   a0, 8(s1)
        mv   ra, s5
        ret`,
      ).replace("hindcast_replay_only", "call before\n hindcast_replay_only");
      const { outcomes, guest } = undisturbed(source, engine);
      assert.equal(outcomes.length, 40);
      for (const { end } of outcomes) assert.equal(end.kind, "passed");
      assert.equal(guest.word(guest.at("words")), 0n);
    });

    const ENDS: readonly (readonly [name: string, body: string, problem: RegExp])[] = [
      ["traps", "ld t0, 0(zero)", /^load access fault in the check, at .*, mtval 0x0$/i],
      ["calls its environment", "ecall", /^environment call from M-mode in the check/i],
      ["jumps to nowhere", "jr zero", /^instruction access fault in the check/i],
      ["reads a device", "li t0, 0x10000005\n lbu t1, 0(t0)", /reads from a device \(.*uart.*, address 0x10000005\)/i],
      ["writes to a device", "li t0, 0x10000000\n sb t1, 0(t0)", /writes to a device .*0x10000000/],
      ["ends the machine", "li t0, 0x100000\n li t1, 0x5555\n sw t1, 0(t0)", /writes to a device .*0x100000/],
      ["adds to a device", "li t0, 0x2000000\n amoadd.w t1, s0, (t0)", /a device .*0x2000000/],
      ["loops for ever", "3: j 3b", /^the check has not ended after 5,000 steps; it was at /],
      ["waits", "wfi", /^the check waits for an interrupt/],
      [
        "goes back to where it began",
        "j round",
        /^the check came round to its own beginning: its end \(hindcast_end\) is missing/,
      ],
      ["comes round higher in the stack", "addi sp, sp, 16\n j round", /^the check came round to its own beginning/],
      ["goes ever deeper", "addi sp, sp, -16\n j round", /^the check has more than 64 blocks open: it calls itself/],
      ["returns from its function", "addi sp, sp, 16\n3: j 3b", /^the check left the function/],
    ];
    for (const [name, body, problem] of ENDS) {
      test(`a block that ${name}`, () => {
        const { outcomes, excursions } = undisturbed(loop(`sd s2, 0(s1)\n ${body}`), engine, { mostSteps: 5000 });
        assert.equal(outcomes.length, 40);
        assert.equal(excursions.verified, 40);
        for (const { end } of outcomes) assert.match(problemOf(end, String) ?? "", problem);
      });
    }

    test("a HINT without a jump behind it is a HINT", () => {
      const { outcomes } = undisturbed(loop("").replace("hindcast_replay_only 1f", "slti x0, x0, 0x481"), engine);
      assert.deepEqual(outcomes, []);
    });

    test("log and fail outside of a block speak at the step that executes them", () => {
      const source = loop("").replace("hindcast_replay_only 1f", `${LOG}\n hindcast_fail`);
      const { outcomes, excursions } = undisturbed(source, engine);
      assert.equal(outcomes.length, 80);
      assert.deepEqual(outcomes[2].logs, ["counter 2, as text"]);
      assert.deepEqual(outcomes[3].end, { kind: "failed", message: "counter 2, as text" });
      assert.equal(excursions.verified, 0);
    });
  });
}

for (const [mode, previous] of [
  ["user", 0],
  ["supervisor", 0x800],
] as const) {
  test(`a block in ${mode} mode runs in that mode`, () => {
    const source = loop(`${LOG}
        ${mode === "user" ? "csrr t0, sscratch" : "csrr t0, mscratch"}`).replace(
      "round:",
      `li   t0, -1
        csrw pmpaddr0, t0
        li   t0, 0x1f
        csrw pmpcfg0, t0
        li   t0, 0x1800
        csrc mstatus, t0
        li   t0, ${previous}
        csrs mstatus, t0
        la   t0, round
        csrw mepc, t0
        mret
round:`,
    );
    for (const engine of ENGINES) {
      const { outcomes, excursions } = undisturbed(source, engine);
      assert.equal(excursions.verified, 40);
      for (const { logs, end } of outcomes) {
        assert.equal(logs.length, 1);
        assert.match(problemOf(end, String) ?? "", /^Illegal instruction in the check/);
      }
    }
  });
}

test("blocks in user and supervisor mode, in two address spaces, and one that changes to the other", () => {
  const source = TWO_SPACES.replace(
    /user_code:\n.*\.space {2}512/,
    `user_code:
        addi    s8, s8, 1
        hindcast_replay_only 1f
        la      a0, user_format
        la      a1, user_words
        sd      s8, 0(a1)
        hindcast_log
        li      t0, 0x80000000
        ld      t0, 0(t0)               # the kernel's
        hindcast_end
1:      ecall
        j       user_code
user_format: .asciz "user %d"
        .balign 8
user_words: .dword 0
        .space 256`,
  )
    .replace(
      "2:      sfence.vma",
      `2:
        hindcast_replay_only 1f
        csrw    satp, s2
        csrr    t0, satp
        la      a0, format
        la      a1, words
        sd      t0, 0(a1)
        hindcast_log
        hindcast_end
1:      sfence.vma`,
    )
    .concat('        .data\n        .balign 8\nwords: .dword 0\nformat: .asciz "space %lx"\n');
  for (const engine of ENGINES) {
    const { outcomes, guest, excursions } = undisturbed(source, engine);
    const inUser = outcomes.filter(({ pc }) => pc < 0x8000_0000n);
    const inKernel = outcomes.filter(({ pc }) => pc >= 0x8000_0000n);
    assert.equal(inUser.length, 12);
    assert.equal(inKernel.length, 11);
    assert.equal(excursions.verified, 23);
    for (const { end } of inUser) assert.match(problemOf(end, String) ?? "", /^Load page fault in the check/);
    assert.deepEqual(new Set(inUser.flatMap(({ logs }) => logs)).size, 12, "the spaces take turns with one counter");
    const second = (1n << 63n) | (guest.at("root2") >> 12n);
    for (const { end, logs } of inKernel)
      assert.deepEqual([end.kind, logs], ["passed", [`space ${second.toString(16)}`]]);
  }
});

test("a HINT across two pages is recognised", () => {
  // The block begins two bytes before the end of a page.
  const source = loop(LOG).replace(
    "hindcast_replay_only 1f",
    `j 3f
        .balign 4096
        .space 4094
3:
        hindcast_replay_only 1f`,
  );
  for (const engine of ENGINES) {
    const { outcomes } = undisturbed(source, engine);
    assert.equal(outcomes.length, 40);
    assert.equal(outcomes[0].pc & 0xfffn, 0xffen);
  }
});

test("interrupts that are pending wait until the check is over", () => {
  // The timer is due all the time: taken between the steps of the run, never between those of a block.
  const source = loop(`
        la   t0, handler_ran
        ld   t1, 0(t0)
        li   t2, 200
3:      addi t2, t2, -1
        bnez t2, 3b
        csrsi mstatus, 8
        nop
        ld   t2, 0(t0)
        beq  t1, t2, 4f
        la   a0, text
        hindcast_fail
4:`)
    .replace(
      "la   s1, counter",
      `la   s1, counter
        la   t0, handler
        csrw mtvec, t0
        li   t0, 0x02004000
        sd   zero, 0(t0)
        li   t0, 128
        csrw mie, t0
        csrsi mstatus, 8`,
    )
    .replace("round:", "round:\n li t0, 300\n5: addi t0, t0, -1\n bnez t0, 5b")
    .replace(
      "        .data",
      `
        .balign 4
handler:
        csrw mscratch, t0
        sd   t1, -8(sp)
        la   t0, handler_ran
        ld   t1, 0(t0)
        addi t1, t1, 1
        sd   t1, 0(t0)
        li   t0, 0x0200bff8
        ld   t0, 0(t0)
        addi t0, t0, 1
        li   t1, 0x02004000
        sd   t0, 0(t1)
        ld   t1, -8(sp)
        csrr t0, mscratch
        mret
        .data
        .balign 8
handler_ran: .dword 0`,
    );
  for (const engine of ENGINES) {
    const { outcomes, guest } = undisturbed(source, engine);
    assert.ok(outcomes.length >= 40);
    for (const { end } of outcomes) assert.equal(end.kind, "passed");
    assert.ok(guest.word(guest.at("handler_ran")) > 10n);
  }
});

test("with several harts, the one that came to the block runs it, and the others stand still", () => {
  const source = `
_start:
        la   sp, stack_top
        csrr s3, mhartid
        slli t0, s3, 9
        sub  sp, sp, t0
        la   s1, counter
        li   s2, 300
round:
        amoadd.d s0, s2, (s1)
        hindcast_replay_only 1f
        la   a0, format
        addi a1, sp, -16
        sd   s3, 0(a1)
        li   t0, 0
        ld   t1, 0(s1)
        li   t2, 30000         # longer than a turn
3:      addi t2, t2, -1
        bnez t2, 3b
        ld   t3, 0(s1)
        sub  t3, t3, t1
        sd   t3, 8(a1)
        hindcast_log
        hindcast_end
1:
        addi s2, s2, -1
        bnez s2, round
        la   t0, counter
        addi t0, t0, 8
        li   t1, 1
        amoadd.d t1, t1, (t0)
        li   t2, 2
        beq  t1, t2, 3f
2:      wfi
        j    2b
3:      li   t0, 0x100000
        li   t1, 0x5555
        sw   t1, 0(t0)
        j    2b
        .data
        .balign 8
counter: .dword 0, 0
format: .asciz "hart %d saw %d"
        .balign 4096
        .space 4096
stack_top:
`;
  const configuration = { harts: 3 };
  const without = new Guest(checkedProgram(source), "translator", configuration);
  without.run();
  const { guest, outcomes, excursions } = runChecks(source, { engine: "translator", configuration });
  assert.deepEqual(
    [guest.machine.instant, guest.machine.digest()],
    [without.machine.instant, without.machine.digest()],
  );
  assert.equal(outcomes.length, 900);
  assert.equal(excursions.verified, 900);
  for (const { hart, logs } of outcomes) assert.deepEqual(logs, [`hart ${hart} saw 0`]);
  assert.deepEqual(new Set(outcomes.map(({ hart }) => hart)), new Set([0, 1, 2]));
});

/** Puts a register wrong at the first restore: what a device or a hart whose state is incomplete would do. */
class LeakingMachine extends Machine {
  leak: "register" | "memory" = "register";

  override restore(checkpoint: Checkpoint): void {
    super.restore(checkpoint);
    const edit =
      this.leak === "register"
        ? ({ target: "register", hart: 0, register: 20, value: 1n } as const)
        : ({ target: "memory", address: 0x8000_8000 as never, bytes: Uint8Array.of(1) } as const);
    const { inlet } = this;
    const queue = [{ kind: "edit" as const, instant: this.instant, edit }];
    this.inlet = { take: () => queue.shift(), horizon: () => Number.POSITIVE_INFINITY };
    this.run(this.instant, { departing: true });
    this.inlet = inlet;
  }
}

for (const leak of ["register", "memory"] as const) {
  test(`a ${leak} that is not restored is found out`, () => {
    const machine = new LeakingMachine(SMALL);
    machine.leak = leak;
    machine.load(checkedProgram(loop(LOG)));
    machine.setStops({ ...NO_STOPS, replayHints: true });
    machine.run(1000 as never, { departing: false });
    const excursions = new Excursions(machine);
    assert.throws(
      () => excursions.compiledHere(),
      (error) => {
        assert.ok(error instanceof AssertionFailure);
        assert.match(error.message, /^a check at instant \d+ left another state: digest [0-9a-f]{32} before it/);
        return true;
      },
    );
    assert.equal(excursions.verified, 0);
  });
}

test("a byte that changed behind the digest's back is found by looking at all of them", () => {
  const { guest, excursions } = runChecks(loop(LOG));
  assert.deepEqual(excursions.changedUnseen(), []);
  // No store of a guest can do this: it goes round everything that notes stores.
  const { machine } = guest;
  const page = machine.checkpoint().pages.get(0);
  assert.ok(page !== undefined);
  (page as { hash: bigint }).hash ^= 1n;
  assert.deepEqual(excursions.changedUnseen(), [0]);
});
