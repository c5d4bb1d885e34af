import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { boardDeviceTree } from "../../src/boot/device-tree.ts";
import {
  cells,
  type DeviceTreeNode,
  decodeDeviceTree,
  encodeDeviceTree,
  findNode,
  PRESENT,
  texts,
  wideCells,
  withProperties,
} from "../../src/boot/flattened-device-tree.ts";
import { Board } from "../../src/machine/board.ts";
import { configuration, HART, MEGABYTE } from "./support.ts";

const BOARD = boardDeviceTree(configuration({ harts: 2, seed: 7 }), HART, {
  commandLine: "console=ttyS0",
  initrd: { first: 0x8300_0000, bytes: 0x1234 },
  firmwareBytes: 0x1_0000,
});

function property(root: DeviceTreeNode, path: string, name: string): Uint8Array | undefined {
  return findNode(root, path)?.properties[name];
}

test("a tree survives being written and read", () => {
  const tree = { ...BOARD, reservations: [{ address: 0x8000_0000, sizeBytes: 0x1000 }] };
  assert.deepEqual(decodeDeviceTree(encodeDeviceTree(tree), "tree"), tree);
});

test("the blob has the layout of version 17", () => {
  const blob = encodeDeviceTree({
    root: { name: "", properties: { compatible: texts("a"), x: cells(1) }, children: [] },
    reservations: [],
  });
  const view = new DataView(blob.buffer);
  const words = Array.from({ length: 10 }, (_, index) => view.getUint32(index * 4));
  // Header, one reservation of zeros, structure (2 + 3 + 1 + 3 + 1 + 2 words), strings "compatible" and "x".
  assert.deepEqual(words, [0xd00dfeed, 117, 56, 104, 40, 17, 16, 0, 13, 48]);
});

test("bytes behind the blob are let be, NOPs are passed over", () => {
  const root = { name: "", properties: { a: PRESENT }, children: [] };
  const blob = encodeDeviceTree({ root, reservations: [] });
  assert.deepEqual(decodeDeviceTree(Uint8Array.from([...blob, 1, 2, 3]), "tree").root, root);
});

test("a damaged blob is refused by its name, whatever is wrong with it", () => {
  const blob = encodeDeviceTree(BOARD);
  const random = new Prng(3);
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    const damaged = blob.slice(0, round % 2 === 0 ? blob.length : random.below(blob.length));
    for (let change = 0; change < 3 && damaged.length > 0; change++) {
      damaged[random.below(Math.min(damaged.length, 400))] = random.below(256);
    }
    try {
      decodeDeviceTree(damaged, "board.dtb");
    } catch (error) {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, /^board\.dtb is /);
      refused++;
    }
  }
  assert.ok(refused > 1000);
});

for (const [what, change, message] of [
  ["text", () => new TextEncoder().encode('/dts-v1/; / { compatible = "riscv-virtio"; };'), /not a device tree blob/],
  ["a short file", () => new Uint8Array(8), /not a device tree blob/],
  ["another version", (blob: Uint8Array) => blob.with(23, 3), /version 3/],
  ["a cut", (blob: Uint8Array) => blob.subarray(0, blob.length - 1), /cut off/],
] as const) {
  test(`${what} is no device tree`, () => {
    assert.throws(() => decodeDeviceTree(change(encodeDeviceTree(BOARD)), "x.dtb"), { code: "device-tree", message });
  });
}

test("properties are added at the root's children, which are made when they are not there", () => {
  const root: DeviceTreeNode = {
    name: "",
    properties: {},
    children: [{ name: "chosen", properties: { a: cells(1) }, children: [] }],
  };
  const changed = withProperties(root, ["chosen"], { b: cells(2) });
  assert.deepEqual(findNode(changed, "/chosen")?.properties, { a: cells(1), b: cells(2) });
  const made = withProperties(root, ["other", "deeper"], { b: cells(2) });
  assert.deepEqual(findNode(made, "/other/deeper")?.properties, { b: cells(2) });
  assert.deepEqual(findNode(root, "/chosen")?.properties, { a: cells(1) });
});

test("the tree names memory, harts, what was chosen, and the firmware's memory", () => {
  const { root } = BOARD;
  assert.deepEqual(property(root, "/memory@80000000", "reg"), wideCells(0x8000_0000, 64 * MEGABYTE));
  assert.deepEqual(property(root, "/cpus/cpu@1", "riscv,isa"), texts(HART.isaString));
  assert.deepEqual(property(root, "/cpus/cpu@1", "riscv,isa-extensions"), texts(...HART.extensions));
  assert.deepEqual(property(root, "/cpus/cpu@0", "riscv,cboz-block-size"), cells(64));
  assert.equal(property(root, "/cpus/cpu@0", "riscv,cbop-block-size"), undefined);
  assert.equal(findNode(root, "/cpus/cpu@2"), undefined);
  assert.deepEqual(property(root, "/chosen", "bootargs"), texts("console=ttyS0"));
  assert.deepEqual(property(root, "/chosen", "linux,initrd-end"), wideCells(0x8300_1234));
  assert.deepEqual(property(root, "/reserved-memory/mmode_resv0@80000000", "reg"), wideCells(0x8000_0000, 0x1_0000));
  const quiet = boardDeviceTree(configuration(), HART).root;
  assert.equal(findNode(quiet, "/reserved-memory"), undefined);
  assert.equal(property(quiet, "/chosen", "bootargs"), undefined);
});

test("rng-seed follows from the machine's seed", () => {
  const seedOf = (seed: number) => property(boardDeviceTree(configuration({ seed }), HART).root, "/chosen", "rng-seed");
  assert.equal(seedOf(1)?.length, 32);
  assert.deepEqual(seedOf(1), seedOf(1));
  assert.notDeepEqual(seedOf(1), seedOf(2));
});

test("every device of the board has its node, where the board has it", () => {
  const context = {
    time: () => 0n,
    setTime: () => {},
    attention: () => {},
    memory: { contains: () => false, read: () => undefined, write: () => false },
  };
  const { devices } = new Board(configuration(), [], context, { console: () => {}, network: () => {} });
  const addresses = findNode(BOARD.root, "/soc")!.children.map(({ name }) => Number.parseInt(name.split("@")[1], 16));
  assert.ok(devices.length > 3);
  for (const { name, base, sizeBytes } of devices)
    if (sizeBytes > 0) assert.ok(addresses.includes(base), `${name} at ${base.toString(16)}`);
});
