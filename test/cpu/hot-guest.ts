import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import type { MachineEvent } from "../../src/machine/inlet.ts";
import { Guest, ScriptedInlet } from "../machine/guests.ts";
import { lateCompiler } from "../machine/late-compiler.ts";

const HANDLER = `
  .balign 4
handler:
  csrr t3, mcause
  add  s11, s11, t3
  csrr t3, mepc
  lhu  t4, 0(t3)
  andi t4, t4, 3
  addi t4, t4, -3
  addi t3, t3, 2
  bnez t4, 1f
  addi t3, t3, 2
1:
  csrw mepc, t3
  mret
`;

/** A guest whose hot code does what each test is about; s2 counts rounds down. */
export function guest(body: string, data = ""): string {
  return `
  .option arch, +zba, +zbb
_start:
  la   t0, handler
  csrw mtvec, t0
  li   t0, 1 << 13
  csrs mstatus, t0
  la   s0, data
  la   sp, stack
${body}
halt:
  j    halt
${HANDLER}
  .data
  .balign 4096
data:
  .space 4096
${data}
  .space 4096
stack:
  .space 8
`;
}

/**
 * Runs a guest on the interpreter, on the translator, and on one whose regions are made elsewhere, by random slices: the states must
 * always be the same.
 */
export function alike(source: string, steps: number, events: (guest: Guest) => MachineEvent[] = () => []): Guest {
  const prng = new Prng(steps);
  const guests = (["interpreter", "translator", "late"] as const).map((engine) => {
    const late = engine === "late";
    const compiler = late ? lateCompiler(steps) : undefined;
    const made = new Guest(source, late ? "translator" : engine, {}, [], "on", compiler);
    made.machine.inlet = new ScriptedInlet(events(made));
    return made;
  });
  const [interpreter, translator] = guests;
  while (interpreter.machine.instant < steps) {
    const until = Math.min(steps, interpreter.machine.instant + 1 + prng.below(prng.pick([3, 60, 2000])));
    const stops = guests.map((one) => one.run(until).kind);
    assert.deepEqual(stops, ["reached", "reached", "reached"], `stops before ${until}`);
    const [expected, ...found] = guests.map(({ machine }) => machine.harts[0].pc.toString(16));
    assert.deepEqual(found, [expected, expected], `pc at ${until}`);
    const [state, ...states] = guests.map(({ machine }) => machine.digest());
    assert.deepEqual(states, [state, state], `states at ${until}, pc ${expected}`);
  }
  return translator;
}

export function loop(rounds: number, body: string): string {
  return `li s2, ${rounds}\n1:\n${body}\naddi s2, s2, -1\nbnez s2, 1b\n`;
}
