import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { boardDeviceTree } from "../../src/boot/device-tree.ts";
import { type DeviceTreeNode, decodeDeviceTree, encodeDeviceTree } from "../../src/boot/flattened-device-tree.ts";
import { configuration, HART } from "../boot/support.ts";
import { temporaryPath } from "./cross-compiler.ts";

/** What QEMU's board has and ours has not. */
const ELSEWHERE = ["/pmu", "/fw-cfg@", "/flash@", "/platform-bus@", "/soc/pci@"];
/** What ours has and QEMU's has not: docs/async-pages.md. */
const HERE = ["/soc/async-pages@"];
/** What is another on every machine, or says whose board it is. */
const INDIVIDUAL = ["model", "rng-seed", "riscv,isa", "riscv,isa-base", "riscv,isa-extensions", "mmu-type"];
/** QEMU counts source 0 as well, which does not exist, or does not, by version. */
const COUNTED_DIFFERENTLY = "riscv,ndev";
/** Whose values are phandles: alone, or each with a number behind it. */
const REFERENCES = ["interrupt-parent", "regmap", "cpu"];
const REFERENCES_WITH_NUMBER = "interrupts-extended";

const HARTS = 2;

function ourBlob(): Uint8Array {
  return encodeDeviceTree(boardDeviceTree(configuration({ harts: HARTS }), HART));
}

/** Every property of every node, by path; phandles replaced by what they name. */
function flatten(root: DeviceTreeNode): Map<string, string> {
  const names = new Map<number, string>();
  const walk = (node: DeviceTreeNode, path: string, visit: (node: DeviceTreeNode, path: string) => void) => {
    visit(node, path);
    for (const child of node.children) walk(child, `${path}/${child.name}`, visit);
  };
  const words = (value: Uint8Array) =>
    Array.from({ length: value.length / 4 }, (_, index) => new DataView(value.buffer).getUint32(index * 4));
  walk(root, "", (node, path) => {
    if (node.properties.phandle !== undefined) names.set(words(node.properties.phandle)[0], path);
  });
  const flat = new Map<string, string>();
  walk(root, "", (node, path) => {
    flat.set(path, "node");
    for (const [name, value] of Object.entries(node.properties)) {
      if (name === "phandle" || name === "linux,phandle" || INDIVIDUAL.includes(name) || /-block-size$/.test(name))
        continue;
      if (name === COUNTED_DIFFERENTLY) continue;
      const isReference = (index: number) =>
        REFERENCES.includes(name) || (name === REFERENCES_WITH_NUMBER && index % 2 === 0);
      const text =
        REFERENCES.includes(name) || name === REFERENCES_WITH_NUMBER
          ? words(value)
              .map((word, index) => (isReference(index) ? names.get(word) : word))
              .join(" ")
          : Buffer.from(value).toString("hex");
      flat.set(`${path} ${name}`, text);
    }
  });
  return flat;
}

test("the board's tree is that of QEMU's virt, property by property", () => {
  const path = temporaryPath("virt.dtb");
  execFileSync("qemu-system-riscv64", ["-machine", `virt,dumpdtb=${path}`, "-smp", String(HARTS), "-m", "64M"], {
    stdio: "ignore",
  });
  const qemu = flatten(decodeDeviceTree(readFileSync(path), "QEMU's tree").root);
  rmSync(path);
  const ours = flatten(decodeDeviceTree(ourBlob(), "our tree").root);
  for (const key of qemu.keys()) if (ELSEWHERE.some((start) => key.startsWith(start))) qemu.delete(key);
  for (const start of HERE)
    assert.ok(ours.has(`${start}102000`) && ![...qemu.keys()].some((key) => key.startsWith(start)));
  for (const key of ours.keys()) if (HERE.some((start) => key.startsWith(start))) ours.delete(key);
  const sorted = (map: Map<string, string>) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
  assert.ok(qemu.size > 60);
  assert.deepEqual(sorted(ours), sorted(qemu));
});

test("dtc reads the tree without an error", () => {
  const path = temporaryPath("ours.dtb");
  writeFileSync(path, ourBlob());
  const source = execFileSync("dtc", ["-I", "dtb", "-O", "dts", path], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  rmSync(path);
  assert.match(source, /virtio_mmio@10008000/);
});
