import assert from "node:assert/strict";
import test from "node:test";
import type { VirtualAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type { BreakpointSpec, DebuggeeEvent, Stopped } from "../../src/debuggee/protocol.ts";
import {
  DEFAULT_CONFIGURATION,
  type EngineChoice,
  type MachineConfiguration,
} from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { StopConditions } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { WORKER } from "../machine/guests.ts";
import { finish, program, texts } from "./harness.ts";

/** A supervisor that works through the same address in two spaces; the page behind it is mapped and never touched. */
const TWO_SPACES = `
_start:
  li   t0, -1
  csrw pmpaddr0, t0
  li   t0, 0x1f
  csrw pmpcfg0, t0
  la   a0, root1
  la   a1, middle1
  la   a2, leaf1
  la   a3, page1
  call build
  la   a0, root2
  la   a1, middle2
  la   a2, leaf2
  la   a3, page2
  call build
  la   s1, root1
  la   s3, root2
  srli s1, s1, 12
  srli s3, s3, 12
  li   t1, 8 << 60
  or   s1, s1, t1
  or   s3, s3, t1
  xor  s3, s1, s3
  csrw satp, s1
  la   t0, loop
  csrw mepc, t0
  li   t0, 0x1000
  csrc mstatus, t0
  li   t0, 0x800
  csrs mstatus, t0
  li   s0, 0x40000000
  la   sp, page1 + 64
  li   s2, 20
  li   s4, 300
  mret
loop:
  ld   t0, 0(s0)
  addi t0, t0, 1
  sd   t0, 0(s0)
  andi t1, t0, 255
  add  a0, a0, t1
  sd   t1, 8(s0)
  addi s2, s2, -1
  bnez s2, loop
  li   s2, 20
  csrr t1, satp
  xor  t1, t1, s3
  csrw satp, t1
  sfence.vma
  addi s4, s4, -1
  bnez s4, loop
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
1: j   1b
build:
  srli t0, a1, 2
  ori  t0, t0, 1
  sd   t0, 8(a0)
  li   t0, 0xc7
  sd   t0, 0(a0)
  li   t0, 0x200000cf
  sd   t0, 16(a0)
  srli t0, a2, 2
  ori  t0, t0, 1
  sd   t0, 0(a1)
  srli t0, a3, 2
  ori  t0, t0, 0xc7
  sd   t0, 0(a2)
  # Readable, and not accessed yet.
  addi t0, t0, 0x400 - 0xc7 + 3
  sd   t0, 8(a2)
  ret
  .data
  .balign 4096
root1:   .space 4096
middle1: .space 4096
leaf1:   .space 4096
root2:   .space 4096
middle2: .space 4096
leaf2:   .space 4096
page1:   .dword 7
  .space 4088
  .dword 3, 2, 1
  .space 4072
page2:   .dword 100000
  .space 4088
  .dword 5, 6, 7
  .space 4072
`;

/** Stops at every breakpoint, so that whoever set it decides: what the machine's own filters must agree with. */
class UnfilteredMachine extends Machine {
  override setStops({ breakpoints, watches, exceptions }: StopConditions): void {
    super.setStops({ breakpoints, watches, exceptions });
  }
}

const FIRST_SEED = Number(process.env.HINDCAST_SEED ?? 1);
const SEEDS = Number(process.env.HINDCAST_SEEDS ?? 3);
const MOTIONS = 14;
const LONGEST_RUN = 50_000;

interface Side {
  readonly machine: Machine;
  readonly debuggee: Debuggee;
  readonly events: DebuggeeEvent[];
}

function side(source: string, board: Partial<MachineConfiguration>, engine: EngineChoice, filtered: boolean): Side {
  const loaded = program(source);
  const configuration = { ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, ...board };
  const machine = filtered ? new Machine(configuration, engine) : new UnfilteredMachine(configuration, engine);
  machine.load(loaded);
  const timeline = Timeline.record(machine, undefined, { spacingSteps: 10_000, nearSteps: 64, sliceSteps: 3000 });
  const events: DebuggeeEvent[] = [];
  const debuggee = new Debuggee({
    timeline,
    history: timeline.history,
    programs: [loaded],
    sourceTexts: new Map(),
    emit: (event) => events.push(event),
  });
  return { machine, debuggee, events };
}

/** Addresses of instructions that the guest executes. */
function executed(source: string, board: Partial<MachineConfiguration>): VirtualAddress[] {
  const { machine } = side(source, board, "interpreter", true);
  const addresses = new Set<VirtualAddress>();
  while (machine.instant < 20_000) {
    addresses.add(machine.harts[0].pc);
    machine.run((machine.instant + (machine.instant < 2000 ? 1 : 37)) as never, { departing: true });
  }
  return [...addresses];
}

function randomSpecs(prng: Prng, addresses: readonly VirtualAddress[]): BreakpointSpec[] {
  return Array.from({ length: 1 + prng.below(4) }, (_, id) => ({
    id,
    at: { kind: "instruction", address: prng.pick(addresses) },
    ...(prng.below(4) > 0 && {
      condition: prng.pick([
        ...["a0 == 3", "t0 == 17", "s2 % 7 == 3", "(t0 & 31) == 5", "instant % 100 == 3", "s3 > 40", "priv == U"],
        ...["*(u64*)sp == 5", "*(u8*)s1 & 1", "*(u32*)0x80001000 != 0", "phys(*(u16*)pc) & 2", "t1 / t2 == 3"],
        ...[
          "mtime % 64 == 1",
          "mscratch == 0",
          "satp & 3",
          "fcsr",
          "*(u64*)0x40000000 % 9 == 2",
          "*(u64*)0x40001000 == 5",
          "(*(u64*)0x40001008 & 2) && t1 == 3",
          "hart == 0 && t0 < 9",
        ],
      ]),
    }),
    ...(prng.below(3) === 0 && {
      hitCondition: prng.pick(["5", ">= 30", "% 16", "< 4", "== 100", "> 1000", "% 333", "1000000"]),
    }),
    // A backward search keeps the first 10,000 lines of a log that it comes to: there must not be more.
    ...(id < 2 && prng.below(2) === 0 && { logMessage: "{t0,d} at {pc}" }),
  }));
}

/** One motion, the same on both sides. */
function move({ debuggee, machine }: Side, choice: number, place: number): Stopped | undefined {
  if (choice < 5) return finish(debuggee.resume());
  if (choice < 8) return finish(debuggee.reverseContinue());
  if (choice < 9) return finish(debuggee.step("over", "forward", "instruction", 0));
  if (choice < 10) return finish(debuggee.step("over", "backward", "instruction", 0));
  finish(debuggee.seek(place % (machine.instant + 1)));
  return undefined;
}

const show = (value: unknown) => JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part));

const GUESTS: readonly { name: string; source: string; board: Partial<MachineConfiguration> }[] = [
  { name: "a worker", source: WORKER.replace("li   s0, 400", "li   s0, 60"), board: { modes: "m" } },
  { name: "two address spaces", source: TWO_SPACES, board: {} },
];

for (const { name, source, board } of GUESTS) {
  for (const engine of ["interpreter", "translator"] as const) {
    test(`${name}, ${engine}: the machine's filters change no stop, no count and no line of a log`, () => {
      const addresses = executed(source, board);
      let breakpoints = 0;
      for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
        const prng = new Prng(seed);
        const sides = [side(source, board, "interpreter", false), side(source, board, engine, true)];
        for (let motion = 0; motion < MOTIONS; motion++) {
          if (prng.below(3) === 0 || motion === 0) {
            const specs = randomSpecs(prng, addresses);
            for (const { debuggee } of sides) debuggee.setBreakpoints({ kind: "instruction" }, specs);
          }
          const exceptions = prng.pick([[], [], [2, 13]]);
          for (const { debuggee } of sides) debuggee.setExceptionStops(exceptions);
          const choice = prng.below(11);
          const place = prng.below(LONGEST_RUN);
          const stops = sides.map((one) => show(move(one, choice, place)));
          if (stops[0]?.includes("breakpoint")) breakpoints++;
          const where = `seed ${seed}, motion ${motion}`;
          assert.equal(stops[1], stops[0], where);
          assert.equal(sides[1].machine.instant, sides[0].machine.instant, where);
          assert.deepEqual(texts(sides[1].events), texts(sides[0].events), where);
          assert.equal(sides[1].machine.digest(), sides[0].machine.digest(), where);
        }
      }
      assert.ok(breakpoints >= SEEDS, `${breakpoints} stops at breakpoints`);
    });
  }
}
