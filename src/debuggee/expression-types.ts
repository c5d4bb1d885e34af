/** Types of values: integers of four sizes, floating point, pointers to them, and addresses without a type, as labels are. */
export type ValueType = IntegerType | FloatType | PointerType | AddressType;

export interface IntegerType {
  readonly kind: "integer";
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
}

/** An IEEE 754 number; its bits are those of memory. */
export interface FloatType {
  readonly kind: "float";
  readonly size: 4 | 8;
}

export interface PointerType {
  readonly kind: "pointer";
  readonly to: ValueType;
  /** The address is meant as it is on the bus, not in the hart's address space. */
  readonly physical?: boolean;
}

/** An address as assembly knows it: adding to it adds bytes. `size` is that of the symbol behind it; 0 is unknown. */
export interface AddressType {
  readonly kind: "address";
  readonly size: number;
  /** As of a pointer. */
  readonly physical?: boolean;
}

const integer = (size: IntegerType["size"], signed: boolean): IntegerType => ({ kind: "integer", size, signed });

export const U64 = integer(8, false);
export const I64 = integer(8, true);
export const ADDRESS: AddressType = { kind: "address", size: 0 };
export const PHYSICAL: AddressType = { kind: "address", size: 0, physical: true };
export const F32: FloatType = { kind: "float", size: 4 };
export const F64: FloatType = { kind: "float", size: 8 };

const NAMED: Readonly<Record<string, IntegerType | FloatType>> = {
  f32: F32,
  f64: F64,
  float: F32,
  double: F64,
  u8: integer(1, false),
  u16: integer(2, false),
  u32: integer(4, false),
  u64: U64,
  i8: integer(1, true),
  i16: integer(2, true),
  i32: integer(4, true),
  i64: I64,
  char: integer(1, false),
  short: integer(2, true),
  int: integer(4, true),
  unsigned: integer(4, false),
  long: I64,
  size_t: U64,
  uintptr_t: U64,
  intptr_t: I64,
  uint8_t: integer(1, false),
  uint16_t: integer(2, false),
  uint32_t: integer(4, false),
  uint64_t: U64,
  int8_t: integer(1, true),
  int16_t: integer(2, true),
  int32_t: integer(4, true),
  int64_t: I64,
};

export function namedType(name: string): IntegerType | FloatType | undefined {
  return Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
}

export function unsignedOfSize(size: number): IntegerType {
  return size === 1 || size === 2 || size === 4 ? integer(size, false) : U64;
}

/** Bytes that a value takes in memory. */
export function sizeOf(type: ValueType): 1 | 2 | 4 | 8 {
  return type.kind === "integer" || type.kind === "float" ? type.size : 8;
}

export function isSigned(type: ValueType): boolean {
  return type.kind === "integer" && type.signed;
}

/** The address is meant as it is on the bus. */
export function isPhysical(type: ValueType): boolean {
  return (type.kind === "pointer" || type.kind === "address") && type.physical === true;
}

/** What stands at such an address. Behind a label it is as wide as the symbol, if that is a width, else 64 bits. */
export function pointee(type: ValueType): ValueType {
  if (type.kind === "pointer") return type.to;
  return type.kind === "address" ? unsignedOfSize(type.size) : U64;
}

/** The bits of a value, cut to its type and extended to 64 bits again; always unsigned. */
export function normalize(type: ValueType, bits: bigint): bigint {
  if (type.kind === "float") return BigInt.asUintN(type.size * 8, bits);
  if (type.kind !== "integer" || type.size === 8) return BigInt.asUintN(64, bits);
  const width = type.size * 8;
  return type.signed ? BigInt.asUintN(64, BigInt.asIntN(width, bits)) : BigInt.asUintN(width, bits);
}

/** The number that the bits stand for. */
export function numberOf(type: ValueType, bits: bigint): bigint {
  return isSigned(type) ? BigInt.asIntN(64, bits) : bits;
}

export function typeName(type: ValueType): string {
  if (type.kind === "float") return `f${type.size * 8}`;
  const where = isPhysical(type) ? "physical " : "";
  if (type.kind === "pointer") return `${where}${typeName(type.to)}*`;
  if (type.kind === "address") return `${where}address`;
  return `${type.signed ? "i" : "u"}${type.size * 8}`;
}
