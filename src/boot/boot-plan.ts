import type { Program } from "../assembler/program.ts";
import { assert } from "../base/assert.ts";
import { virtualAddress } from "../base/brand.ts";
import { ByteWriter } from "../base/byte-cursor.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import type { Image } from "../machine/machine-interface.ts";
import { RAM_BASE } from "../machine/memory-map.ts";
import { boardDeviceTree, chosenProperties, type HartDescription } from "./device-tree.ts";
import { errors, type Span } from "./errors.ts";
import { type DeviceTree, decodeDeviceTree, encodeDeviceTree, withProperties } from "./flattened-device-tree.ts";
import { kernelImage } from "./kernel-image.ts";
import { FIRMWARE_BYTES, sbiFirmware } from "./sbi-firmware.ts";

/** Something to place in memory: an ELF or assembled program, or bytes without addresses of their own. */
export type Loadable =
  | { readonly name: string; readonly program: Program }
  | { readonly name: string; readonly bytes: Uint8Array };

/** What the user named; files are read, unpacked, and ELFs taken apart. */
export interface BootRequest {
  readonly configuration: MachineConfiguration;
  readonly hart: HartDescription;
  /** What firmware starts in supervisor mode, or what runs in machine mode when there is none. */
  readonly kernel: Loadable;
  /** "none": the harts begin in the kernel. */
  readonly firmware: "none" | "sbi" | Loadable;
  readonly initrd?: { readonly name: string; readonly bytes: Uint8Array };
  readonly commandLine?: string;
  /** A device tree blob instead of the generated one. */
  readonly deviceTree?: { readonly name: string; readonly bytes: Uint8Array };
}

export interface BootPlan {
  readonly image: Image;
  /** By how much the symbols of the kernel and of the user's firmware lie higher than they are linked. */
  readonly shifts: { readonly kernel: number; readonly firmware: number };
  /** The built-in firmware with its symbols and lines, when it is used. */
  readonly firmware: Program | undefined;
  /** Its sources, by the paths of its line table. */
  readonly firmwareSources: ReadonlyMap<string, string>;
}

type Segments = Image["segments"];

/** Where firmware expects a kernel that does not say where it wants to lie (OpenSBI's fw_jump, QEMU). */
export const KERNEL_BASE = RAM_BASE + 2 * 2 ** 20;
/** Kernels map a device tree by pages of this size; QEMU aligns it so. */
const TREE_ALIGNMENT = 2 * 2 ** 20;
/** Nor does QEMU place it above 3 GiB. */
const TREE_LIMIT = 3 * 2 ** 30;
/** OpenSBI makes the tree longer where it lies. */
const TREE_ROOM_BYTES = 64 * 2 ** 10;
const PAGE_BYTES = 4096;

/** struct fw_dynamic_info (OpenSBI, docs/firmware/fw_dynamic.md), which lies in front of the tree. */
const DYNAMIC_MAGIC = 0x4942_534fn;
const DYNAMIC_VERSION = 2n;
const SUPERVISOR_MODE = 1n;
const DYNAMIC_INFO_BYTES = 64;

/** Lays out memory as the harts find it at reset. Throws a UserError when something does not fit together. */
export function planBoot(request: BootRequest): BootPlan {
  const { configuration, firmware: choice } = request;
  if (choice !== "none" && configuration.modes !== "msu") throw errors.modes();
  if (choice === "sbi" && !request.hart.extensions.includes("a")) throw errors.atomics();
  if (choice === "sbi" && !request.hart.extensions.includes("zifencei")) throw errors.instructionFence();
  const builtIn = choice === "sbi" ? sbiFirmware() : undefined;
  const firmware = firmwareParts(choice, builtIn?.program);
  const kernel = placeKernel(request.kernel, firmware === undefined ? RAM_BASE : KERNEL_BASE);
  const layout = new Layout(configuration.memoryBytes);
  if (firmware !== undefined) layout.add(firmware.name, firmware.segments);
  layout.add(request.kernel.name, kernel.segments);

  const room = new TreeRoom(configuration.memoryBytes);
  // The tree says where the initrd lies, and the initrd lies below the tree: whose size its addresses do not change.
  const sizeBytes = tree(request, 0).length;
  const treeAddress = room.place(sizeBytes);
  const initrdAddress = room.placeBelow(treeAddress - DYNAMIC_INFO_BYTES, request.initrd?.bytes.length ?? 0);
  const blob = tree(request, initrdAddress);
  assert(blob.length === sizeBytes, "the device tree's size depends on addresses");
  if (request.initrd !== undefined) {
    const { name, bytes } = request.initrd;
    if (initrdAddress < RAM_BASE) {
      throw errors.doesNotFit({ name, first: RAM_BASE, bytes: bytes.length }, configuration.memoryBytes);
    }
    layout.add(name, [segment(initrdAddress, bytes)]);
  }

  const described = new ByteWriter();
  if (firmware !== undefined) described.bytes(dynamicInfo(kernel.entry));
  const informationAddress = treeAddress - described.length;
  described.bytes(blob);
  const treeSegments = [segment(informationAddress, described.take())];
  // A program in machine mode that needs all of the memory does without; a kernel cannot.
  const hasTree = choice !== "none" || layout.hasRoomFor(treeSegments);
  if (hasTree) layout.add("the device tree", treeSegments);
  return {
    image: {
      entry: virtualAddress(BigInt(firmware?.entry ?? kernel.entry)),
      ...(hasTree ? { argument: BigInt(treeAddress) } : {}),
      ...(firmware === undefined ? {} : { information: BigInt(informationAddress) }),
      segments: layout.segments,
    },
    shifts: { kernel: kernel.shift, firmware: firmware?.shift ?? 0 },
    firmware: builtIn?.program,
    firmwareSources: builtIn?.sources ?? new Map(),
  };
}

interface Placed {
  readonly entry: number;
  /** By how much its symbols lie higher than they are linked. */
  readonly shift: number;
  readonly segments: Segments;
}

function firmwareParts(
  choice: BootRequest["firmware"],
  builtIn: Program | undefined,
): (Placed & { readonly name: string }) | undefined {
  if (choice === "none") return undefined;
  if (builtIn !== undefined) {
    // Its memory is more than what it is loaded with: nothing else may lie there.
    const end = RAM_BASE + FIRMWARE_BYTES;
    const last = builtIn.segments[builtIn.segments.length - 1];
    const segments: Segments = [...builtIn.segments.slice(0, -1), { ...last, memoryBytes: end - last.physicalAddress }];
    return { name: "the built-in firmware", entry: Number(builtIn.entry), shift: 0, segments };
  }
  const loadable = choice as Loadable;
  return { name: loadable.name, ...place(loadable, RAM_BASE) };
}

/** An ELF where it is linked, a kernel image where its header says, anything else at `base`. */
function placeKernel(kernel: Loadable, base: number): Placed {
  if ("program" in kernel) return place(kernel, base);
  const header = kernelImage(kernel.bytes, kernel.name);
  if (header === undefined) return place(kernel, base);
  const address = RAM_BASE + header.textOffset;
  const memoryBytes = Math.max(header.sizeBytes, kernel.bytes.length);
  return { entry: address, shift: 0, segments: [{ physicalAddress: address, bytes: kernel.bytes, memoryBytes }] };
}

/**
 * Position-independent programs, and kernels whose physical addresses count from the beginning of memory, are linked for
 * address 0: they are placed at `base`.
 */
function place(what: Loadable, base: number): Placed {
  if ("bytes" in what) return { entry: base, shift: 0, segments: [segment(base, what.bytes)] };
  const { entry, segments } = what.program;
  const isFromZero = segments.some(({ physicalAddress, memoryBytes }) => physicalAddress === 0 && memoryBytes > 0);
  const shift = isFromZero ? base : 0;
  const isIdentical = segments.every(({ physicalAddress, virtualAddress: v }) => v === BigInt(physicalAddress));
  return {
    // The ELF reader has made it a physical one.
    entry: Number(entry) + shift,
    shift: isIdentical ? shift : 0,
    segments: segments.map((one) => ({ ...one, physicalAddress: one.physicalAddress + shift })),
  };
}

function segment(physicalAddress: number, bytes: Uint8Array): Segments[number] {
  return { physicalAddress, bytes, memoryBytes: bytes.length };
}

/** What is where in memory, and nothing twice. */
class Layout {
  readonly segments: Segments[number][] = [];
  readonly #spans: Span[] = [];
  readonly #memoryBytes: number;

  constructor(memoryBytes: number) {
    this.#memoryBytes = memoryBytes;
  }

  hasRoomFor(segments: Segments): boolean {
    return segments.every(({ physicalAddress: first, memoryBytes: bytes }) => {
      const span = { name: "", first, bytes };
      return this.#isInMemory(span) && !this.#spans.some((other) => overlap(other, span));
    });
  }

  add(name: string, segments: Segments): void {
    const spans = segments
      .filter(({ memoryBytes }) => memoryBytes > 0)
      .map(({ physicalAddress: first, memoryBytes: bytes }): Span => ({ name, first, bytes }));
    for (const span of spans) {
      if (span.first < RAM_BASE) throw errors.outside(span, this.#memoryBytes);
      if (!this.#isInMemory(span)) throw errors.doesNotFit(span, this.#memoryBytes);
      // Segments of one program may overlap: that was its linker's doing.
      const other = this.#spans.find((present) => overlap(present, span));
      if (other !== undefined) throw errors.overlap(other, span);
    }
    this.#spans.push(...spans);
    this.segments.push(...segments);
  }

  #isInMemory({ first, bytes }: Span): boolean {
    return first >= RAM_BASE && first + bytes <= RAM_BASE + this.#memoryBytes;
  }
}

function overlap(a: Span, b: Span): boolean {
  return a.first < b.first + b.bytes && b.first < a.first + a.bytes;
}

/** The upper end of memory, from which the device tree and the initrd are placed downwards. */
class TreeRoom {
  readonly #end: number;

  constructor(memoryBytes: number) {
    this.#end = Math.min(RAM_BASE + memoryBytes, TREE_LIMIT);
  }

  place(sizeBytes: number): number {
    const generous = alignDown(this.#end - sizeBytes - TREE_ROOM_BYTES, TREE_ALIGNMENT);
    if (generous > RAM_BASE) return generous;
    // A small memory: as high as it goes.
    return alignDown(this.#end - sizeBytes, PAGE_BYTES);
  }

  placeBelow(limit: number, sizeBytes: number): number {
    return alignDown(limit - sizeBytes, PAGE_BYTES);
  }
}

function alignDown(address: number, alignment: number): number {
  return Math.floor(address / alignment) * alignment;
}

function dynamicInfo(kernelEntry: number): Uint8Array {
  const writer = new ByteWriter();
  for (const word of [DYNAMIC_MAGIC, DYNAMIC_VERSION, BigInt(kernelEntry), SUPERVISOR_MODE, 0n, 0n]) writer.big64(word);
  writer.bytes(new Uint8Array(DYNAMIC_INFO_BYTES - writer.length));
  return writer.take();
}

/** The blob that the harts are given: generated, or the user's own with what the command line adds. */
function tree(request: BootRequest, initrdAddress: number): Uint8Array {
  const { configuration, hart, deviceTree, initrd, commandLine, firmware } = request;
  const firmwareBytes = firmware === "sbi" ? FIRMWARE_BYTES : undefined;
  const chosen = {
    ...(commandLine === undefined ? {} : { commandLine }),
    ...(initrd === undefined ? {} : { initrd: { first: initrdAddress, bytes: initrd.bytes.length } }),
    ...(firmwareBytes === undefined ? {} : { firmwareBytes }),
  };
  if (deviceTree === undefined) return encodeDeviceTree(boardDeviceTree(configuration, hart, chosen));
  return completeTree(decodeDeviceTree(deviceTree.bytes, deviceTree.name), chosen);
}

/** A user's tree says what it said; added is what the user asks for beside it, and the firmware's memory is kept from the kernel. */
function completeTree(
  { root, reservations }: DeviceTree,
  chosen: Parameters<typeof chosenProperties>[1] & { readonly firmwareBytes?: number },
): Uint8Array {
  const { "rng-seed": _seed, ...properties } = chosenProperties(0, chosen);
  const isAsked = Object.keys(properties).length > 0;
  const { firmwareBytes } = chosen;
  return encodeDeviceTree({
    root: isAsked ? withProperties(root, ["chosen"], properties) : root,
    reservations:
      firmwareBytes === undefined ? reservations : [...reservations, { address: RAM_BASE, sizeBytes: firmwareBytes }],
  });
}
