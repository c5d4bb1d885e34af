import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeDeviceTree,
  encodeDeviceTree,
  findNode,
  texts,
  wideCells,
} from "../../src/boot/flattened-device-tree.ts";
import { FIRMWARE_BYTES, sbiFirmware } from "../../src/boot/sbi-firmware.ts";
import type { Image } from "../../src/machine/machine-interface.ts";
import { configuration, elf, HART, imageFile, MEGABYTE, plan } from "./support.ts";

const BASE = 0x8000_0000;

function at(image: Image, address: number): Image["segments"][number] | undefined {
  return image.segments.find(
    ({ physicalAddress: first, memoryBytes }) => first <= address && address < first + memoryBytes,
  );
}

function treeOf(image: Image) {
  const address = Number(image.argument);
  const segment = at(image, address)!;
  return decodeDeviceTree(segment.bytes.subarray(address - segment.physicalAddress), "tree");
}

function information(image: Image): bigint[] {
  const address = Number(image.information);
  const { bytes, physicalAddress } = at(image, address)!;
  const view = new DataView(bytes.buffer, bytes.byteOffset + address - physicalAddress);
  return [0, 8, 16, 24].map((offset) => view.getBigUint64(offset, true));
}

test("the built-in firmware lies in front, the kernel at 2 MiB, the tree high and aligned", () => {
  const { image, firmware } = plan();
  assert.equal(image.entry, BigInt(BASE));
  assert.equal(firmware?.entry, image.entry);
  assert.equal(at(image, BASE + 2 * MEGABYTE)?.bytes[0], 1);
  assert.equal(Number(image.argument), BASE + 62 * MEGABYTE);
  assert.deepEqual(information(image), [0x4942_534fn, 2n, BigInt(BASE + 2 * MEGABYTE), 1n]);
  assert.deepEqual(
    findNode(treeOf(image).root, "/reserved-memory/mmode_resv0@80000000")?.properties.reg,
    wideCells(BASE, FIRMWARE_BYTES),
  );
});

test("the initrd lies below the tree, on a page, and the tree says where", () => {
  const { image } = plan({ initrd: { name: "initrd", bytes: new Uint8Array(5000).fill(7) }, commandLine: "quiet" });
  const chosen = findNode(treeOf(image).root, "/chosen")!.properties;
  const first = 0x83df_e000;
  assert.deepEqual(chosen["linux,initrd-start"], wideCells(first));
  assert.deepEqual(chosen["linux,initrd-end"], wideCells(first + 5000));
  assert.deepEqual(chosen.bootargs, texts("quiet"));
  assert.equal(at(image, first)?.bytes[0], 7);
  assert.ok(first + 5000 <= Number(image.information));
});

test("a kernel image lies where its header says and gets the memory that it asks for", () => {
  const bytes = imageFile({ textOffset: 0x40_0000, sizeBytes: 0x10_0000 });
  const { image } = plan({ kernel: { name: "Image", bytes } });
  assert.deepEqual(at(image, BASE + 0x40_0000), { physicalAddress: BASE + 0x40_0000, bytes, memoryBytes: 0x10_0000 });
  assert.equal(information(image)[2], BigInt(BASE + 0x40_0000));
});

test("an ELF kernel begins at its entry, and lies at its physical addresses", () => {
  const virtual = 0xffff_ffff_8000_0000n;
  const high = elf(BASE + 0x20_0000, 64, virtual, 0x8020_0008n);
  assert.equal(information(plan({ kernel: { name: "vmlinux", program: high } }).image)[2], 0x8020_0008n);
  // Linux links with physical addresses that count from the beginning of memory.
  const { image, shifts } = plan({ kernel: { name: "vmlinux", program: elf(0, 64, virtual, 8n) } });
  assert.equal(information(image)[2], 0x8020_0008n);
  assert.deepEqual(shifts, { kernel: 0, firmware: 0 });
});

test("without firmware the harts begin in the kernel, in front of memory", () => {
  const { image, firmware } = plan({ firmware: "none" });
  assert.equal(image.entry, BigInt(BASE));
  assert.equal(image.information, undefined);
  assert.equal(firmware, undefined);
  assert.equal(findNode(treeOf(image).root, "/reserved-memory"), undefined);
});

test("the user's firmware lies in front; position-independent code, and its symbols, move there", () => {
  const raw = plan({ firmware: { name: "fw.bin", bytes: new Uint8Array(64).fill(9) } });
  assert.equal(at(raw.image, BASE)?.bytes[0], 9);
  const { image, shifts } = plan({ firmware: { name: "fw.elf", program: elf(0, 64, 0n, 4n) } });
  assert.equal(image.entry, BigInt(BASE + 4));
  assert.deepEqual(shifts, { kernel: 0, firmware: BASE });
});

test("a program in machine mode that fills memory does without a tree", () => {
  const program = elf(BASE, 64 * 1024);
  const small = configuration({ memoryBytes: 64 * 1024, modes: "m" });
  const { image } = plan({ configuration: small, kernel: { name: "small", program }, firmware: "none" });
  assert.equal(image.argument, undefined);
  const half = plan({ configuration: small, kernel: { name: "half", program: elf(BASE, 4096) }, firmware: "none" });
  assert.equal(Number(half.image.argument) % 4096, 0);
});

test("a user's tree stays as it is, but for what is asked for beside it", () => {
  const root = { name: "", properties: { model: texts("mine") }, children: [] };
  const bytes = encodeDeviceTree({ root, reservations: [{ address: BASE, sizeBytes: 1 }] });
  const deviceTree = { name: "my.dtb", bytes };
  assert.deepEqual(treeOf(plan({ deviceTree, firmware: "none" }).image), decodeDeviceTree(bytes, "my.dtb"));
  const asked = treeOf(plan({ deviceTree, commandLine: "x" }).image);
  assert.deepEqual(findNode(asked.root, "/chosen")?.properties, { bootargs: texts("x") });
  assert.deepEqual(asked.reservations, [
    { address: BASE, sizeBytes: 1 },
    { address: BASE, sizeBytes: FIRMWARE_BYTES },
  ]);
});

const sized = (sizeBytes: number) => ({ name: "big", bytes: imageFile({ sizeBytes }) });
for (const [what, changes, code, message] of [
  ["harts without supervisor mode", { configuration: configuration({ modes: "mu" }) }, "boot-modes", /msu/],
  ["harts without atomics", { hart: { ...HART, extensions: ["i"] } }, "boot-isa", /extension A/],
  ["harts without fence.i", { hart: { ...HART, extensions: ["i", "a"] } }, "boot-isa", /extension Zifencei/],
  [
    "a kernel larger than memory",
    { kernel: sized(64 * MEGABYTE) },
    "image-outside-memory",
    /big occupies 0x80200000 .* memory is 0x80000000 to 0x83ffffff: give the machine more memory/,
  ],
  ["a kernel over the tree", { kernel: sized(61 * MEGABYTE) }, "boot-overlap", /big .* and the device tree/],
  [
    "an initrd that reaches into the kernel",
    { kernel: sized(40 * MEGABYTE), initrd: { name: "initrd", bytes: new Uint8Array(30 * MEGABYTE) } },
    "boot-overlap",
    /big .* and initrd .*more memory/,
  ],
  [
    "an initrd larger than memory",
    { initrd: { name: "initrd", bytes: new Uint8Array(65 * MEGABYTE) } },
    "image-outside-memory",
    /initrd occupies .*more memory/,
  ],
  [
    "a kernel over the firmware",
    { kernel: { name: "low", program: elf(BASE, 16) } },
    "boot-overlap",
    /the built-in firmware .* and low/,
  ],
  [
    "a kernel outside memory",
    { kernel: { name: "k", program: elf(0x1000, 16) } },
    "image-outside-memory",
    /k occupies 0x1000 to .*link it/,
  ],
  [
    "a big-endian kernel",
    { kernel: { name: "be", bytes: imageFile({ flags: 1n }) } },
    "boot-kernel",
    /be is a big-endian/,
  ],
  [
    "a kernel that is cut off",
    { kernel: { name: "cut", bytes: imageFile({ length: 8191, sectionEnd: 8192 }) } },
    "boot-kernel",
    /cut is cut off: it has 8191 bytes, and its last section ends at 8192/,
  ],
  [
    "a kernel that is cut off in its headers",
    { kernel: { name: "cut", bytes: imageFile({ length: 127, sectionEnd: 8192 }) } },
    "boot-kernel",
    /cut is cut off/,
  ],
  ["no device tree", { deviceTree: { name: "x.dts", bytes: new Uint8Array(99) } }, "device-tree", /x\.dts is not/],
] as const) {
  test(`refused: ${what}`, () => {
    assert.throws(() => plan(changes), { code, message });
  });
}

test("the firmware assembles into its memory and says what the board says", () => {
  const { program, sources } = sbiFirmware();
  for (const { physicalAddress: first, memoryBytes } of program.segments) {
    assert.ok(first >= BASE && first + memoryBytes <= BASE + FIRMWARE_BYTES);
  }
  for (const file of program.files) assert.ok(sources.has(file), file);
  const [, bytes] = /FIRMWARE_BYTES, (\w+)/.exec(sources.get("hindcast-sbi/definitions.s")!)!;
  assert.equal(Number(bytes), FIRMWARE_BYTES);
  // Names that no kernel has: breakpoints on functions are set by name alone.
  for (const { name } of program.symbols) assert.match(name, /^(fw_|__|_?end$|_e\w+$|\$)/);
});
