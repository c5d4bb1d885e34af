import type { Prng } from "../../../src/base/prng.ts";
import type { Emitter } from "../random/emitter.ts";
import { ProgramWriter, RA, ZERO } from "../random/program-writer.ts";
import type { AddressSpace } from "./address-space.ts";
import * as plan from "./memory-plan.ts";
import type { Area, Content } from "./page-tables.ts";
import { MACHINE, type Mode, type Segment, type Service, USER } from "./segment.ts";

/** Writes the segments of a case that runs in several modes. ra always says where to go on when a jump fails. */
export class PrivilegedWriter extends ProgramWriter {
  readonly service: Service;
  readonly spaces: readonly AddressSpace[];
  segment!: Segment;
  /** The mode that the hart is in here, unless something before has trapped or was skipped. */
  mode: Mode = MACHINE;
  /** Machine mode has been left within the segment: what it alone may do no longer holds. */
  left = false;

  readonly hasFloat: boolean;

  constructor(prng: Prng, emitter: Emitter, service: Service, spaces: readonly AddressSpace[], hasFloat: boolean) {
    super(prng, emitter, [RA]);
    this.hasFloat = hasFloat;
    this.service = service;
    this.spaces = spaces;
  }

  begin(segment: Segment): void {
    this.segment = segment;
    this.mode = segment.mode;
    this.left = false;
  }

  /** Where `mode` finds the code that is emitted next. */
  home(mode = this.mode): bigint {
    const distance = mode === USER && this.segment.translated ? plan.USER_DISTANCE : 0;
    return BigInt(this.emitter.here + distance);
  }

  area(...contents: readonly Content[]): Area | undefined {
    // Mostly of the address space that the segment begins in.
    const spaces = this.oneIn(4) ? this.spaces : this.spaces.filter(({ satp }) => satp === this.segment.satp);
    const areas = spaces.flatMap((space) => space.areas);
    const suitable = areas.filter(({ content }) => contents.length === 0 || contents.includes(content));
    return suitable.length === 0 ? undefined : this.prng.pick(suitable);
  }

  /** A register that holds an address, or anything. */
  holdingConstant(value: bigint, action: (register: number) => void): void {
    const register = this.lasting();
    this.holding([register], () => {
      this.constant(register, value);
      action(register);
    });
  }

  /** Points ra to what `jump` leaves behind it: where a jump that fails goes on. Gives the register with the address. */
  jumpingBehind(jump: () => void): void {
    const { emitter } = this;
    const from = emitter.here;
    this.emit("auipc", { rd: RA, imm: 0 });
    const addition = emitter.emitUnfinished("addi", { rd: RA, rs1: RA });
    jump();
    emitter.patchImmediate(addition, emitter.here - from);
  }

  raw(word: number): void {
    this.emitter.raw(word >>> 0, 4);
  }

  /** csrw */
  writeCsr(csr: number, register: number): void {
    this.emit("csrrw", { rd: ZERO, csr, rs1: register });
  }
}
