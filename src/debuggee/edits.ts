import type { PhysicalAddress, VirtualAddress } from "../base/brand.ts";
import { fieldMask } from "../isa/csrs.ts";
import { REGISTERS } from "../isa/registers.ts";
import type { Edit } from "../machine/inlet.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import { errors } from "./errors.ts";
import type { Place, Value } from "./expression.ts";
import { boxSingle, convert } from "./expression-floats.ts";
import { F64, U64, type ValueType } from "./expression-types.ts";
import type { UnwoundFrame } from "./frames.ts";

const PAGE_BYTES = 4096n;
const SP = 2;
const A0 = 10;

/** What the user wants changed, as edits of the machine. Throws a UserError for what cannot be changed. */
export class Edits {
  readonly #machine: MachineLike;

  constructor(machine: MachineLike) {
    this.#machine = machine;
  }

  /** Puts a value into the place of another. A number that does not fit the place is cut to it, as C does. */
  assign(target: Value & { readonly place: Place }, source: Value, hart: number): Edit[] {
    const { place } = target;
    const bits = BigInt.asUintN(64, convert(typeFor(target, source), source.type, source.bits));
    switch (place.kind) {
      case "register":
        if (place.register === 0) throw errors.readOnly("zero");
        return [{ target: "register", hart, register: place.register, value: bits }];
      case "float-register": {
        const single = target.type.kind === "float" && target.type.size === 4;
        return [{ target: "float-register", hart, register: place.register, value: single ? boxSingle(bits) : bits }];
      }
      case "pc":
        return [{ target: "pc", hart, value: bits }];
      case "csr": {
        const { csr, field } = place;
        if (csr.number >> 10 === 3) throw errors.readOnly(csr.name);
        if (field?.access === "read-only") throw errors.readOnly(`${csr.name}.${field.name}`);
        const old = this.#machine.harts[hart].csr(csr.number) ?? 0n;
        const mask = field === undefined ? 0n : fieldMask(field);
        const value = field === undefined ? bits : (old & ~mask) | ((bits << BigInt(field.low)) & mask);
        return [{ target: "csr", hart, csr: csr.number, value: BigInt.asUintN(64, value) }];
      }
      case "memory": {
        const { address, size, physical } = place;
        const bytes = Uint8Array.from({ length: size }, (_, i) => Number((bits >> BigInt(i * 8)) & 0xffn));
        return this.memory(address, bytes, physical === true ? "physical" : hart);
      }
    }
  }

  /** As if the current function returned to its caller. What the caller keeps in registers is put back as far as it is known. */
  returnTo(caller: UnwoundFrame | undefined, hart: number, result: bigint | undefined): Edit[] {
    if (caller === undefined || caller.interrupted || caller.sp === undefined) throw errors.noReturn();
    const view = this.#machine.harts[hart];
    const edits: Edit[] = [];
    for (const { number: register, savedBy } of REGISTERS) {
      const value = register === SP ? caller.sp : savedBy === "callee" ? caller.register(register) : undefined;
      if (value !== undefined && value !== view.register(register))
        edits.push({ target: "register", hart, register, value });
    }
    if (result !== undefined) edits.push({ target: "register", hart, register: A0, value: BigInt.asUintN(64, result) });
    return [...edits, { target: "pc", hart, value: caller.pc }];
  }

  /** One edit for each page: neighbours in an address space need not be neighbours in memory. */
  memory(address: bigint, bytes: Uint8Array, space: number | "physical"): Edit[] {
    const edits: Edit[] = [];
    for (let done = 0; done < bytes.length; ) {
      const at = BigInt.asUintN(64, address + BigInt(done));
      const length = Math.min(bytes.length - done, Number(PAGE_BYTES - (at % PAGE_BYTES)));
      const physical =
        space === "physical" ? Number(at) : this.#machine.translate(at as VirtualAddress, space).physicalAddress;
      const isMemory =
        physical !== undefined &&
        Number.isSafeInteger(physical) &&
        this.#machine.peekPhysical(physical as PhysicalAddress, length).every((byte) => byte !== undefined);
      if (!isMemory) throw errors.unwritable(address, bytes.length);
      edits.push({
        target: "memory",
        address: physical as PhysicalAddress,
        bytes: bytes.slice(done, done + length),
      });
      done += length;
    }
    return edits;
  }
}

/** `fa0 = 1.5` keeps what the register seems to hold; a register of integers takes the number. */
function typeFor({ type, place }: Value, source: Value): ValueType {
  if (place?.kind === "float-register" && place.view === "bits") return source.type.kind === "float" ? F64 : U64;
  return type;
}
