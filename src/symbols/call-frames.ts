import { ByteReader, OutOfData } from "./byte-reader.ts";
import { readUnitLength } from "./dwarf-forms.ts";
import type { UnwindSection } from "./elf.ts";

/** How to find a register of the caller (DWARF 5, section 6.4.1). */
export type RegisterRule =
  | { readonly kind: "same" }
  | { readonly kind: "undefined" }
  /** Saved in memory at CFA + offset. */
  | { readonly kind: "saved"; readonly offset: bigint }
  /** The value is CFA + offset. */
  | { readonly kind: "value"; readonly offset: bigint }
  | { readonly kind: "register"; readonly register: number };

export interface FrameRules {
  /** The canonical frame address is this register plus the offset: the caller's stack pointer at the call. */
  readonly cfa: { readonly register: number; readonly offset: bigint };
  /** Registers that are not mentioned keep their value. */
  readonly registers: ReadonlyMap<number, RegisterRule>;
  readonly returnAddressRegister: number;
  /** First address of the code that the description covers: the function's entry. */
  readonly start: bigint;
  readonly end: bigint;
}

interface CommonInformation {
  readonly codeAlignment: bigint;
  readonly dataAlignment: bigint;
  readonly returnAddressRegister: number;
  readonly pointerEncoding: number;
  readonly hasAugmentationData: boolean;
  readonly instructions: Uint8Array;
}

interface Description {
  readonly start: bigint;
  readonly end: bigint;
  readonly common: CommonInformation;
  readonly instructions: Uint8Array;
}

/** Entries read at most; a Linux kernel has about a hundred thousand. */
const MOST_DESCRIPTIONS = 1_000_000;
/** A remember_state may be repeated for every byte of hostile data; compilers nest one or two. */
const MOST_REMEMBERED_STATES = 64;

/**
 * Call-frame information of .debug_frame and .eh_frame: for an address inside a function, where the caller's registers
 * are. Damaged entries are left out; rules given by DWARF expressions are not evaluated and count as no information.
 */
export class CallFrames {
  readonly #descriptions: Description[] = [];

  constructor(sections: readonly UnwindSection[]) {
    for (const section of sections) {
      try {
        new SectionReader(section, this.#descriptions).read();
      } catch (error) {
        if (!(error instanceof OutOfData)) throw error;
      }
    }
    this.#descriptions.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  }

  rulesAt(address: bigint): FrameRules | undefined {
    const description = this.#find(address);
    if (description === undefined) return undefined;
    try {
      return new RuleMachine(description, address).run();
    } catch (error) {
      if (error instanceof OutOfData || error instanceof NotUnderstood) return undefined;
      throw error;
    }
  }

  /** Extent of the function around an address, when it is described. */
  extentAt(address: bigint): { readonly start: bigint; readonly end: bigint } | undefined {
    return this.#find(address);
  }

  #find(address: bigint): Description | undefined {
    let low = 0;
    let high = this.#descriptions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#descriptions[middle].start <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.#descriptions[low - 1];
    return found !== undefined && address < found.end ? found : undefined;
  }
}

/** Something valid that this reader does not evaluate. */
class NotUnderstood extends Error {}

// DW_EH_PE pointer encodings (LSB, "DWARF Exception Header Encoding").
const PE_OMIT = 0xff;
const PE_PCREL = 0x10;

class SectionReader {
  readonly #section: UnwindSection;
  readonly #out: Description[];
  readonly #commons = new Map<number, CommonInformation | undefined>();

  constructor(section: UnwindSection, out: Description[]) {
    this.#section = section;
    this.#out = out;
  }

  read(): void {
    const reader = new ByteReader(this.#section.bytes);
    while (reader.remaining > 0 && this.#out.length < MOST_DESCRIPTIONS) {
      const { offsetBytes, unit } = readUnitLength(reader);
      // A zero length ends .eh_frame; padding in .debug_frame looks the same and is passed over.
      if (unit.remaining === 0) continue;
      try {
        this.#readEntry(unit, offsetBytes);
      } catch (error) {
        if (!(error instanceof OutOfData)) throw error;
      }
    }
  }

  #readEntry(unit: ByteReader, offsetBytes: 4 | 8): void {
    const idOffset = unit.offset;
    const id = offsetBytes === 8 ? unit.size64() : unit.u32();
    const eh = this.#section.kind === "eh_frame";
    // An entry with the id of a CIE is one; CIEs are read when a description refers to them.
    if (eh ? id === 0 : id === 0xffff_ffff || id === Number.POSITIVE_INFINITY) return;
    const common = this.#common(eh ? idOffset - id : id);
    if (common === undefined) return;
    const start = this.#pointer(unit, common.pointerEncoding, true);
    const length = this.#pointer(unit, common.pointerEncoding, false);
    if (common.hasAugmentationData) unit.skip(unit.ulebNumber());
    if (length === 0n) return;
    this.#out.push({ start, end: start + length, common, instructions: rest(unit) });
  }

  #common(offset: number): CommonInformation | undefined {
    if (!this.#commons.has(offset)) {
      // Entered before reading, so that damage is met once.
      this.#commons.set(offset, undefined);
      this.#commons.set(offset, this.#readCommon(offset));
    }
    return this.#commons.get(offset);
  }

  #readCommon(offset: number): CommonInformation | undefined {
    const { offsetBytes, unit } = readUnitLength(new ByteReader(this.#section.bytes, offset));
    const id = offsetBytes === 8 ? unit.size64() : unit.u32();
    const eh = this.#section.kind === "eh_frame";
    if (eh ? id !== 0 : id !== 0xffff_ffff && id !== Number.POSITIVE_INFINITY) return undefined;
    const version = unit.u8();
    if (version !== 1 && version !== 3 && version !== 4) return undefined;
    const augmentation = unit.text();
    let addressBytes = 8;
    if (version === 4) {
      addressBytes = unit.u8();
      unit.skip(1);
    }
    if (addressBytes !== 8) return undefined;
    const codeAlignment = unit.uleb();
    const dataAlignment = unit.sleb();
    const returnAddressRegister = version === 1 ? unit.u8() : unit.ulebNumber();
    let pointerEncoding = 0;
    if (augmentation.startsWith("z")) {
      const data = unit.take(unit.ulebNumber());
      for (const letter of augmentation.slice(1)) {
        if (letter === "R") pointerEncoding = data.u8();
        else if (letter === "L") data.skip(1);
        else if (letter === "P") this.#pointer(data, data.u8(), true);
        else if (letter !== "S") break;
      }
    } else if (augmentation !== "") return undefined;
    return {
      codeAlignment,
      dataAlignment,
      returnAddressRegister,
      pointerEncoding,
      hasAugmentationData: augmentation.startsWith("z"),
      instructions: rest(unit),
    };
  }

  #pointer(reader: ByteReader, encoding: number, applied: boolean): bigint {
    if (encoding === PE_OMIT) return 0n;
    const at = this.#section.address + BigInt(reader.offset);
    const value = encodedValue(reader, encoding & 0xf);
    const application = encoding & 0x70;
    if (!applied || application === 0) return BigInt.asUintN(64, value);
    // Relative to text, data or function: nothing that a linker makes for RISC-V.
    if (application !== PE_PCREL) throw new OutOfData(reader.offset);
    return BigInt.asUintN(64, value + at);
  }
}

function encodedValue(reader: ByteReader, format: number): bigint {
  switch (format) {
    case 0x0:
    case 0x4:
      return reader.u64();
    case 0x1:
      return reader.uleb();
    case 0x2:
      return BigInt(reader.u16());
    case 0x3:
      return BigInt(reader.u32());
    case 0x9:
      return reader.sleb();
    case 0xa:
      return BigInt.asIntN(16, BigInt(reader.u16()));
    case 0xb:
      return BigInt(reader.i32());
    case 0xc:
      return BigInt.asIntN(64, reader.u64());
    default:
      throw new OutOfData(reader.offset);
  }
}

function rest(unit: ByteReader): Uint8Array {
  return unit.bytes.subarray(unit.offset, unit.end);
}

// DW_CFA opcodes (DWARF 5, table 7.29). The first three hold an operand in their low six bits.
const CFA_ADVANCE_LOC = 1;
const CFA_OFFSET = 2;
const CFA_RESTORE = 3;

interface RuleState {
  cfaRegister: number;
  cfaOffset: bigint;
  registers: Map<number, RegisterRule>;
}

/** Runs call-frame instructions up to an address (DWARF 5, section 6.4.3). */
class RuleMachine {
  readonly #description: Description;
  readonly #target: bigint;
  #location: bigint;
  #state: RuleState = { cfaRegister: 2, cfaOffset: 0n, registers: new Map() };
  #initial: ReadonlyMap<number, RegisterRule> = new Map();
  readonly #remembered: RuleState[] = [];

  constructor(description: Description, target: bigint) {
    this.#description = description;
    this.#target = target;
    this.#location = description.start;
  }

  run(): FrameRules {
    const { common, instructions, start, end } = this.#description;
    this.#execute(new ByteReader(common.instructions));
    this.#initial = new Map(this.#state.registers);
    this.#execute(new ByteReader(instructions));
    return {
      cfa: { register: this.#state.cfaRegister, offset: this.#state.cfaOffset },
      registers: this.#state.registers,
      returnAddressRegister: common.returnAddressRegister,
      start,
      end,
    };
  }

  #execute(reader: ByteReader): void {
    while (reader.remaining > 0) {
      const opcode = reader.u8();
      const operand = opcode & 0x3f;
      let past = false;
      switch (opcode >> 6) {
        case CFA_ADVANCE_LOC:
          past = this.#advance(BigInt(operand));
          break;
        case CFA_OFFSET:
          this.#set(operand, { kind: "saved", offset: this.#factored(reader.uleb()) });
          break;
        case CFA_RESTORE:
          this.#restore(operand);
          break;
        default:
          past = this.#extended(operand, reader);
      }
      if (past) return;
    }
  }

  /** True when the target lies before the new location: the rules so far are its rules. */
  #advance(delta: bigint): boolean {
    this.#location += delta * this.#description.common.codeAlignment;
    return this.#location > this.#target;
  }

  #factored(value: bigint): bigint {
    return value * this.#description.common.dataAlignment;
  }

  #set(register: number, rule: RegisterRule): void {
    this.#state.registers.set(register, rule);
  }

  #restore(register: number): void {
    const rule = this.#initial.get(register);
    if (rule === undefined) this.#state.registers.delete(register);
    else this.#state.registers.set(register, rule);
  }

  #extended(opcode: number, reader: ByteReader): boolean {
    const state = this.#state;
    switch (opcode) {
      case 0x00: // nop
        return false;
      case 0x01: // set_loc
        this.#location = reader.u64();
        return this.#location > this.#target;
      case 0x02: // advance_loc1
        return this.#advance(BigInt(reader.u8()));
      case 0x03: // advance_loc2
        return this.#advance(BigInt(reader.u16()));
      case 0x04: // advance_loc4
        return this.#advance(BigInt(reader.u32()));
      case 0x05: // offset_extended
        this.#set(reader.ulebNumber(), { kind: "saved", offset: this.#factored(reader.uleb()) });
        return false;
      case 0x06: // restore_extended
        this.#restore(reader.ulebNumber());
        return false;
      case 0x07: // undefined
        this.#set(reader.ulebNumber(), { kind: "undefined" });
        return false;
      case 0x08: // same_value
        this.#set(reader.ulebNumber(), { kind: "same" });
        return false;
      case 0x09: // register
        this.#set(reader.ulebNumber(), { kind: "register", register: reader.ulebNumber() });
        return false;
      case 0x0a: // remember_state
        if (this.#remembered.length >= MOST_REMEMBERED_STATES) throw new NotUnderstood();
        this.#remembered.push({ ...state, registers: new Map(state.registers) });
        return false;
      case 0x0b: {
        // restore_state: the CFA is restored as well.
        const remembered = this.#remembered.pop();
        if (remembered === undefined) throw new NotUnderstood();
        this.#state = remembered;
        return false;
      }
      case 0x0c: // def_cfa
        state.cfaRegister = reader.ulebNumber();
        state.cfaOffset = reader.uleb();
        return false;
      case 0x0d: // def_cfa_register
        state.cfaRegister = reader.ulebNumber();
        return false;
      case 0x0e: // def_cfa_offset
        state.cfaOffset = reader.uleb();
        return false;
      case 0x11: // offset_extended_sf
        this.#set(reader.ulebNumber(), { kind: "saved", offset: this.#factored(reader.sleb()) });
        return false;
      case 0x12: // def_cfa_sf
        state.cfaRegister = reader.ulebNumber();
        state.cfaOffset = this.#factored(reader.sleb());
        return false;
      case 0x13: // def_cfa_offset_sf
        state.cfaOffset = this.#factored(reader.sleb());
        return false;
      case 0x14: // val_offset
        this.#set(reader.ulebNumber(), { kind: "value", offset: this.#factored(reader.uleb()) });
        return false;
      case 0x15: // val_offset_sf
        this.#set(reader.ulebNumber(), { kind: "value", offset: this.#factored(reader.sleb()) });
        return false;
      case 0x2e: // GNU_args_size
        reader.uleb();
        return false;
      default:
        // Expressions (0x0f, 0x10, 0x16) and what vendors add.
        throw new NotUnderstood();
    }
  }
}
