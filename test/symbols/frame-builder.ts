import { Bytes } from "./elf-builder.ts";

export interface BuiltFrame {
  readonly start: bigint;
  readonly length: number;
  /** Call-frame instructions of the function. */
  readonly instructions?: readonly number[];
  /** Those of the common entry; by default the CFA is sp. */
  readonly common?: readonly number[];
  readonly version?: number;
  readonly augmentation?: string;
}

/** `DW_CFA_def_cfa sp, 0` */
const CFA_IS_SP = [0x0c, 2, 0];

/** A .debug_frame of one common entry and one function. Code alignment 1, data alignment -4, return address in ra. */
export function frameSection(frame: BuiltFrame): Uint8Array {
  const version = frame.version ?? 3;
  const common = new Bytes()
    .u32(0xffff_ffff)
    .u8(version)
    .text(frame.augmentation ?? "");
  if (version === 4) common.u8(8, 0);
  common
    .uleb(1)
    .sleb(-4)
    .uleb(1)
    .raw(frame.common ?? CFA_IS_SP);
  const entry = new Bytes()
    .u32(0)
    .u64(frame.start)
    .u64(BigInt(frame.length))
    .raw(frame.instructions ?? []);
  return new Bytes().u32(common.list.length).raw(common.list).u32(entry.list.length).raw(entry.list).bytes;
}
