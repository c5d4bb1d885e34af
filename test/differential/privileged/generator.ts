import type { Prng } from "../../../src/base/prng.ts";
import * as control from "../random/control-units.ts";
import type { Emitter } from "../random/emitter.ts";
import { arithmetic } from "../random/plain-units.ts";
import * as accesses from "./access-units.ts";
import { type AddressSpace, buildAddressSpace } from "./address-space.ts";
import * as csrs from "./csr-units.ts";
import * as floats from "./float-units.ts";
import * as plan from "./memory-plan.ts";
import * as modes from "./mode-units.ts";
import { type PageTables, SCHEMES, weighted } from "./page-tables.ts";
import { PrivilegedWriter } from "./privileged-writer.ts";
import * as remaps from "./remap-units.ts";
import { describeSegment, MACHINE, randomSegment, SERVICES, type Service, segmentWords } from "./segment.ts";

type Unit = (writer: PrivilegedWriter, block: control.Block) => void;

/** Units that may be repeated and skipped: after them the hart is in the mode that it was in. */
const SIMPLE: readonly (readonly [number, Unit])[] = [
  [50, arithmetic],
  [90, accesses.access],
  [60, csrs.csr],
  [25, accesses.call],
  [12, accesses.changeFunction],
  [8, csrs.someFence],
  [15, modes.exception],
  [8, accesses.reservation],
  [15, floats.float],
];

const UNITS: readonly (readonly [number, Unit])[] = [
  ...SIMPLE,
  [10, control.condition],
  [8, control.loop],
  [8, control.call],
  [25, modes.trapReturn],
  [8, modes.wait],
  [8, accesses.otherHome],
  [20, remaps.remap],
  [20, (writer) => writer.mode === MACHINE && accesses.modifiedPrivilege(writer)],
];

/** A segment is cut short when the code is about to leave its place. */
const SEGMENT_ROOM_BYTES = 0x800;
const MOST_SEGMENTS = 8;

/** What the hart of a batch has. */
export interface Has {
  readonly pbmt: boolean;
  readonly float: boolean;
}

export interface PrivilegedCase {
  readonly registers: readonly bigint[];
  readonly service: Service;
  /** What the harness needs to know of each segment, in its order. */
  readonly segments: readonly (readonly bigint[])[];
  readonly notes: readonly string[];
}

/** Writes one random case: page tables, and segments of code that begin in some mode under some settings. */
export function generatePrivilegedCase(
  prng: Prng,
  emitter: Emitter,
  tables: PageTables,
  slot: number,
  has: Has,
): PrivilegedCase {
  const service = prng.pick(SERVICES);
  const spaces: AddressSpace[] = [];
  for (let later = prng.below(2); later >= 0; later--) {
    const asid = 1 + later + prng.below(1000) * 4;
    spaces.push(buildAddressSpace(prng, tables, slot, prng.pick(SCHEMES), asid, later));
  }
  const { ofAreas } = tables;
  const writer = new PrivilegedWriter(prng, emitter, service, spaces, has.float);
  const registers = Array.from({ length: 32 }, () => writer.value());
  const notes = [...tables.notes, `supervisor handlers ask by exception ${service}`];
  const segments: (readonly bigint[])[] = [];
  const wanted = 2 + prng.below(MOST_SEGMENTS - 1);
  while (segments.length < wanted && roomIn(emitter, slot) > SEGMENT_ROOM_BYTES) {
    const segment = randomSegment(prng, service, spaces, slot, ofAreas, has.pbmt);
    writer.begin(segment);
    const entry = writer.home(segment.mode);
    writeUnits(writer, slot);
    const end = emitter.here - slot;
    writer.emit("ecall", {});
    segments.push(segmentWords(segment, entry, end));
    notes.push(describeSegment(segment, entry));
  }
  return { registers, service, segments, notes };
}

function writeUnits(writer: PrivilegedWriter, slot: number): void {
  const { prng, emitter } = writer;
  const block = (units: number) => {
    for (let unit = 0; unit < units; unit++) weighted(prng, SIMPLE)(writer, block);
  };
  for (let units = 4 + prng.below(24); units > 0 && roomIn(emitter, slot) > SEGMENT_ROOM_BYTES; units--) {
    weighted(prng, UNITS)(writer, block);
  }
}

function roomIn(emitter: Emitter, slot: number): number {
  return slot + plan.CODE_BYTES - emitter.here;
}
