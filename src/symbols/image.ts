import type { Program } from "../assembler/program.ts";
import { virtualAddress } from "../base/brand.ts";
import { errors } from "./errors.ts";

/** The highest address, exclusive, that a raw image may reach; beyond it numbers are not exact. */
const ADDRESS_LIMIT = 2 ** 53;

/** A raw image: bytes that are placed at `address` and started there. Whether memory is there is the machine's to say. */
export function readImage(bytes: Uint8Array, name: string, address: bigint): Program {
  if (bytes.length === 0) throw errors.empty(name);
  if (address < 0n || address + BigInt(bytes.length) > BigInt(ADDRESS_LIMIT)) throw errors.imageAddress(name, address);
  return {
    name,
    entry: virtualAddress(address),
    segments: [
      {
        physicalAddress: Number(address),
        virtualAddress: virtualAddress(address),
        bytes,
        memoryBytes: bytes.length,
        executable: true,
        writable: true,
      },
    ],
    symbols: [],
    lines: [],
    files: [],
  };
}
