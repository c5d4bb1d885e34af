import assert from "node:assert/strict";
import test from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { MachineReplica } from "../../src/lockstep/machine-replica.ts";
import type { ReplicaInput } from "../../src/lockstep/replica.ts";
import type { Inlet, MachineEvent } from "../../src/machine/inlet.ts";
import type { Checkpoint, MachineLike } from "../../src/machine/machine-interface.ts";
import type { MachineStop } from "../../src/machine/stop.ts";

/** A machine that needs a page for every event, and holds what it was given until that is there. */
class Holding {
  readonly harts = [{ waiting: false }];
  readonly absentPages = { count: 1 };
  readonly taken: { readonly kind: string; readonly instant: number }[] = [];
  inlet!: Inlet;
  instant = 5 as Instant;
  pageIsHere = false;
  #held: MachineEvent | undefined;

  run(until: Instant): MachineStop {
    for (;;) {
      const event: MachineEvent | undefined = this.#held ?? this.inlet.take(this.instant);
      this.#held = undefined;
      if (event !== undefined && !this.pageIsHere) {
        this.#held = event;
        return { kind: "absent", page: 3 };
      }
      if (event !== undefined) this.taken.push({ kind: event.kind, instant: this.instant });
      else if (this.instant >= until) return { kind: "reached" };
      else this.instant = (this.instant + 1) as Instant;
    }
  }

  checkpoint(): Checkpoint {
    return { instant: this.instant } as Checkpoint;
  }
}

function input(number: number): ReplicaInput {
  return { number, event: { kind: "console-input", bytes: Uint8Array.of(number) } };
}

function holding(): { readonly machine: Holding; readonly replica: MachineReplica } {
  const machine = new Holding();
  return { machine, replica: new MachineReplica(machine as unknown as MachineLike) };
}

test("what came at the instant of an input that is held for a page takes effect there as well", () => {
  const { machine, replica } = holding();
  for (const number of [0, 1]) replica.schedule(5, input(number));
  assert.deepEqual(replica.run(5), { kind: "absent", page: 3 });
  assert.equal(replica.isWhole, false);
  machine.pageIsHere = true;
  assert.deepEqual(replica.run(5), { kind: "reached" });
  assert.equal(replica.isWhole, true);
  assert.deepEqual(
    machine.taken.map(({ instant }) => instant),
    [5, 5],
  );
});

test("what comes behind the decision of an instant's interrupts is for the next one, also where a page is absent", () => {
  const { machine, replica } = holding();
  assert.deepEqual(replica.run(5), { kind: "reached" });
  replica.queue(input(0));
  machine.pageIsHere = true;
  replica.run(6);
  assert.deepEqual(machine.taken, [{ kind: "console-input", instant: 6 }]);
});

test("what the guest is told of a page comes behind the decision of an instant's interrupts, and before all else", () => {
  const { machine, replica } = holding();
  assert.deepEqual(replica.run(5), { kind: "reached" });
  machine.pageIsHere = true;
  const notice = { kind: "page-not-ready", hart: 0, address: 0n, token: 1, page: 3, work: "remote-fetch" } as const;
  replica.queue(input(0));
  replica.schedule(5, { number: undefined, event: notice });
  replica.run(6);
  assert.deepEqual(machine.taken, [
    { kind: "page-not-ready", instant: 5 },
    { kind: "console-input", instant: 6 },
  ]);
});

test("a state that is saved has the input that was held for a page that has come", () => {
  const { machine, replica } = holding();
  replica.schedule(5, input(0));
  replica.run(5);
  machine.pageIsHere = true;
  replica.snapshot();
  assert.equal(machine.taken.length, 1);
});
