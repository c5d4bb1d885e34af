/** Bytes of small ELF files, field by field, for tests. Everything is right unless a test overrides it. */

export interface BuiltSection {
  readonly name: string;
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly flags?: number;
  readonly address?: bigint;
  readonly link?: number;
  readonly entrySize?: number;
}

export interface BuiltSegment {
  readonly address: bigint;
  readonly physicalAddress?: bigint;
  readonly bytes: Uint8Array;
  readonly memoryBytes?: bigint;
  readonly flags?: number;
  readonly type?: number;
  /** Overrides where the bytes are said to be. */
  readonly offset?: bigint;
  readonly fileBytes?: bigint;
}

export interface BuiltElf {
  readonly entry?: bigint;
  readonly type?: number;
  readonly machine?: number;
  readonly elfClass?: number;
  readonly data?: number;
  readonly flags?: number;
  readonly segments?: readonly BuiltSegment[];
  readonly sections?: readonly BuiltSection[];
  readonly programHeaderBytes?: number;
  readonly sectionHeaderBytes?: number;
}

export const RAM = 0x8000_0000n;
export const READ_EXECUTE = 5;
export const SHT = { progbits: 1, symtab: 2, strtab: 3, nobits: 8, attributes: 0x7000_0003 } as const;

/** Little-endian values one after the other; text gets its zero byte. */
export class Bytes {
  readonly list: number[] = [];

  u8(...values: number[]): this {
    for (const value of values) this.list.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value, value >> 8);
  }

  u32(value: number): this {
    return this.u8(value, value >> 8, value >> 16, value >> 24);
  }

  u64(value: bigint): this {
    for (let i = 0n; i < 8n; i++) this.list.push(Number((value >> (i * 8n)) & 0xffn));
    return this;
  }

  uleb(value: number): this {
    let left = value;
    do {
      const more = left >= 0x80;
      this.u8((left & 0x7f) | (more ? 0x80 : 0));
      left = Math.floor(left / 0x80);
    } while (left > 0);
    return this;
  }

  sleb(value: number): this {
    let left = value;
    for (;;) {
      const byte = left & 0x7f;
      left >>= 7;
      const done = (left === 0 && (byte & 0x40) === 0) || (left === -1 && (byte & 0x40) !== 0);
      this.u8(done ? byte : byte | 0x80);
      if (done) return this;
    }
  }

  text(value: string): this {
    return this.raw(new TextEncoder().encode(`${value}\0`));
  }

  raw(bytes: Iterable<number>): this {
    for (const byte of bytes) this.list.push(byte);
    return this;
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.list);
  }
}

/** `nop; ret`, which is a program of sorts. */
export const CODE = new Bytes().u32(0x0000_0013).u32(0x0000_8067).bytes;
export const ONE_SEGMENT: BuiltSegment = { address: RAM, bytes: CODE, flags: READ_EXECUTE };

export function buildElf(elf: BuiltElf = {}): Uint8Array {
  const segments = elf.segments ?? [ONE_SEGMENT];
  const strings = new Bytes().u8(0);
  const nameOffsets = [...(elf.sections ?? []), { name: ".shstrtab" }].map(({ name }) => {
    const at = strings.list.length;
    strings.text(name);
    return at;
  });
  const sections: readonly BuiltSection[] = [
    ...(elf.sections ?? []),
    { name: ".shstrtab", type: SHT.strtab, bytes: strings.bytes },
  ];
  const hasSections = elf.sections !== undefined;
  const headers = 64 + segments.length * 56;
  const places: number[] = [];
  let at = headers;
  for (const { bytes } of [...segments, ...(hasSections ? sections : [])]) {
    places.push(at);
    at += bytes.length;
  }
  const sectionHeaders = at;
  const out = new Bytes();
  out.u8(0x7f, 0x45, 0x4c, 0x46, elf.elfClass ?? 2, elf.data ?? 1, 1, 0).u64(0n);
  out
    .u16(elf.type ?? 2)
    .u16(elf.machine ?? 243)
    .u32(1);
  out
    .u64(elf.entry ?? RAM)
    .u64(64n)
    .u64(hasSections ? BigInt(sectionHeaders) : 0n);
  out.u32(elf.flags ?? 1).u16(64);
  out.u16(elf.programHeaderBytes ?? 56).u16(segments.length);
  out.u16(elf.sectionHeaderBytes ?? 64).u16(hasSections ? sections.length + 1 : 0);
  out.u16(hasSections ? sections.length : 0);
  segments.forEach((segment, index) => {
    const { address, bytes } = segment;
    out.u32(segment.type ?? 1).u32(segment.flags ?? READ_EXECUTE);
    out.u64(segment.offset ?? BigInt(places[index]));
    out.u64(address).u64(segment.physicalAddress ?? address);
    out.u64(segment.fileBytes ?? BigInt(bytes.length)).u64(segment.memoryBytes ?? BigInt(bytes.length));
    out.u64(4096n);
  });
  for (const { bytes } of segments) out.raw(bytes);
  if (!hasSections) return out.bytes;
  for (const { bytes } of sections) out.raw(bytes);
  out.raw(new Uint8Array(64));
  sections.forEach((section, index) => {
    out.u32(nameOffsets[index]).u32(section.type);
    out.u64(BigInt(section.flags ?? 0)).u64(section.address ?? 0n);
    out.u64(BigInt(places[segments.length + index])).u64(BigInt(section.bytes.length));
    out
      .u32(section.link ?? 0)
      .u32(0)
      .u64(1n);
    out.u64(BigInt(section.entrySize ?? 0));
  });
  return out.bytes;
}

export interface BuiltSymbol {
  readonly name: string;
  readonly value: bigint;
  readonly size?: number;
  readonly type?: number;
  readonly binding?: number;
  readonly section?: number;
}

/** `.symtab` and `.strtab`, which stand at this position of the section list (0 is the first after the null section). */
export function symbolSections(symbols: readonly BuiltSymbol[], position: number): BuiltSection[] {
  const strings = new Bytes().u8(0);
  const table = new Bytes().raw(new Uint8Array(24));
  for (const { name, value, size, type, binding, section } of symbols) {
    table.u32(strings.list.length);
    table.u8(((binding ?? 1) << 4) | (type ?? 2), 0).u16(section ?? 1);
    table.u64(value).u64(BigInt(size ?? 0));
    strings.text(name);
  }
  return [
    { name: ".symtab", type: SHT.symtab, bytes: table.bytes, link: position + 2, entrySize: 24 },
    { name: ".strtab", type: SHT.strtab, bytes: strings.bytes },
  ];
}
