import { assert } from "../base/assert.ts";
import { ByteWriter } from "../base/byte-cursor.ts";
import { errors } from "./errors.ts";

/** A node of a device tree. Property values are bytes: the helpers below make them from what they mean. */
export interface DeviceTreeNode {
  /** `cpu@0`; the root's is empty. */
  readonly name: string;
  readonly properties: Readonly<Record<string, Uint8Array>>;
  readonly children: readonly DeviceTreeNode[];
}

/** Memory that whoever reads the tree must leave alone. */
export interface MemoryReservation {
  readonly address: number;
  readonly sizeBytes: number;
}

export interface DeviceTree {
  readonly root: DeviceTreeNode;
  readonly reservations: readonly MemoryReservation[];
}

/** Devicetree specification 0.4, chapter 5. */
const MAGIC = 0xd00dfeed;
const VERSION = 17;
const LAST_COMPATIBLE_VERSION = 16;
const HEADER_BYTES = 40;
const RESERVATION_BYTES = 16;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROPERTY = 3;
const NOP = 4;
const END = 9;

/** No tree of a real board is nearly as deep or large; a damaged one may say anything. */
const MAX_DEPTH = 64;
const MAX_TREE_BYTES = 2 * 2 ** 20;

/** 32-bit cells. */
export function cells(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint32(index * 4, value >>> 0);
  });
  return bytes;
}

/** Numbers of two cells each: addresses and sizes below a node with `#address-cells` and `#size-cells` of two. */
export function wideCells(...values: readonly number[]): Uint8Array {
  return cells(...values.flatMap((value) => [Math.floor(value / 2 ** 32), value]));
}

/** One text or a list of them, each ended by a zero byte. */
export function texts(...values: readonly string[]): Uint8Array {
  return new TextEncoder().encode(values.map((value) => `${value}\0`).join(""));
}

/** A property that says something by being there. */
export const PRESENT: Uint8Array = new Uint8Array(0);

/** The tree as a blob of version 17, with nothing behind it. */
export function encodeDeviceTree({ root, reservations }: DeviceTree): Uint8Array<ArrayBuffer> {
  const strings = new StringBlock();
  const structure = new BigEndianWriter();
  writeNode(root, structure, strings);
  structure.u32(END);
  const map = new BigEndianWriter();
  for (const { address, sizeBytes } of [...reservations, { address: 0, sizeBytes: 0 }]) {
    map.bytes(wideCells(address, sizeBytes));
  }
  const structureOffset = HEADER_BYTES + map.length;
  const stringsOffset = structureOffset + structure.length;
  const header = new BigEndianWriter();
  const size = stringsOffset + strings.bytes.length;
  for (const word of [MAGIC, size, structureOffset, stringsOffset, HEADER_BYTES, VERSION, LAST_COMPATIBLE_VERSION]) {
    header.u32(word);
  }
  header.u32(0); // the boot hart
  header.u32(strings.bytes.length);
  header.u32(structure.length);
  const whole = new BigEndianWriter();
  for (const part of [header, map, structure, strings]) whole.bytes(part.take());
  return whole.take();
}

function writeNode(node: DeviceTreeNode, structure: BigEndianWriter, strings: StringBlock): void {
  structure.u32(BEGIN_NODE);
  structure.bytes(texts(node.name));
  structure.align();
  for (const [name, value] of Object.entries(node.properties)) {
    structure.u32(PROPERTY);
    structure.u32(value.length);
    structure.u32(strings.offsetOf(name));
    structure.bytes(value);
    structure.align();
  }
  for (const child of node.children) writeNode(child, structure, strings);
  structure.u32(END_NODE);
}

class BigEndianWriter {
  readonly #writer = new ByteWriter();

  get length(): number {
    return this.#writer.length;
  }

  u32(value: number): void {
    this.#writer.bytes(cells(value));
  }

  bytes(values: Uint8Array): void {
    this.#writer.bytes(values);
  }

  align(): void {
    while (this.#writer.length % 4 !== 0) this.#writer.u8(0);
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#writer.take();
  }
}

/** Names of properties, each once. */
class StringBlock {
  readonly #offsets = new Map<string, number>();
  #text = "";

  offsetOf(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.#text.length;
    this.#offsets.set(name, offset);
    this.#text += `${name}\0`;
    return offset;
  }

  get bytes(): Uint8Array {
    return new TextEncoder().encode(this.#text);
  }

  take(): Uint8Array {
    return this.bytes;
  }
}

/** Reads a blob; a UserError that names `file` when it is not one, or is damaged. Bytes behind it are let be. */
export function decodeDeviceTree(bytes: Uint8Array, file: string): DeviceTree {
  if (bytes.length < HEADER_BYTES) throw errors.notATree(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (index: number) => view.getUint32(index * 4);
  if (word(0) !== MAGIC) throw errors.notATree(file);
  if (word(5) < LAST_COMPATIBLE_VERSION || word(6) > VERSION) throw errors.treeVersion(file, word(5));
  const size = word(1);
  if (size > bytes.length) throw errors.treeDamaged(file, "it is cut off");
  if (size > MAX_TREE_BYTES) throw errors.treeDamaged(file, `it is larger than ${MAX_TREE_BYTES} bytes`);
  const blob = bytes.subarray(0, size);
  const reservations = readReservations(blob, word(4), file);
  const root = new StructureReader(blob, word(2), word(3), file).root();
  return { root, reservations };
}

function readReservations(blob: Uint8Array, start: number, file: string): MemoryReservation[] {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const list: MemoryReservation[] = [];
  for (let offset = start; ; offset += RESERVATION_BYTES) {
    if (offset + RESERVATION_BYTES > blob.length) throw errors.treeDamaged(file, "its memory reservations do not end");
    const [address, sizeBytes] = [view.getBigUint64(offset), view.getBigUint64(offset + 8)].map(Number);
    if (address === 0 && sizeBytes === 0) return list;
    list.push({ address, sizeBytes });
  }
}

class StructureReader {
  readonly #blob: Uint8Array;
  readonly #view: DataView;
  readonly #strings: number;
  readonly #file: string;
  #offset: number;

  constructor(blob: Uint8Array, structure: number, strings: number, file: string) {
    this.#blob = blob;
    this.#view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
    this.#offset = structure;
    this.#strings = strings;
    this.#file = file;
  }

  root(): DeviceTreeNode {
    if (this.#token() !== BEGIN_NODE) throw this.#damaged("it does not begin with a node");
    const root = this.#node(0);
    if (this.#token() !== END) throw this.#damaged("something follows its root");
    return root;
  }

  #node(depth: number): DeviceTreeNode {
    if (depth > MAX_DEPTH) throw this.#damaged(`its nodes are more than ${MAX_DEPTH} deep`);
    const name = this.#text(this.#offset);
    this.#skip(name.length + 1);
    const properties: Record<string, Uint8Array> = {};
    const children: DeviceTreeNode[] = [];
    for (;;) {
      const token = this.#token();
      if (token === END_NODE) return { name, properties, children };
      if (token === BEGIN_NODE) children.push(this.#node(depth + 1));
      else if (token === PROPERTY) this.#property(properties);
      else throw this.#damaged(`there is no token ${token}`);
    }
  }

  #property(into: Record<string, Uint8Array>): void {
    const length = this.#word();
    const name = this.#text(this.#strings + this.#word());
    const start = this.#offset;
    this.#skip(length);
    // A copy that is its own: `slice` of Node's buffers is none.
    into[name] = new Uint8Array(this.#blob.subarray(start, start + length));
  }

  #token(): number {
    for (;;) {
      const token = this.#word();
      if (token !== NOP) return token;
    }
  }

  #word(): number {
    const start = this.#offset;
    this.#skip(4);
    return this.#view.getUint32(start);
  }

  #skip(length: number): void {
    if (this.#offset + length > this.#blob.length) throw this.#damaged("it ends in the middle");
    this.#offset += Math.ceil(length / 4) * 4;
  }

  #text(start: number): string {
    const end = this.#blob.indexOf(0, start);
    if (start > this.#blob.length || end < 0) throw this.#damaged("a name does not end");
    return String.fromCharCode(...this.#blob.subarray(start, end));
  }

  #damaged(why: string) {
    return errors.treeDamaged(this.#file, why);
  }
}

/** The node at a path like `/cpus/cpu@0`; undefined when there is none. */
export function findNode(root: DeviceTreeNode, path: string): DeviceTreeNode | undefined {
  let node: DeviceTreeNode | undefined = root;
  for (const name of path.split("/").filter((part) => part !== "")) {
    node = node?.children.find((child) => child.name === name);
  }
  return node;
}

/** The tree with a node's properties changed or added; the node and those above it are made when they are not there. */
export function withProperties(
  node: DeviceTreeNode,
  path: readonly string[],
  properties: Readonly<Record<string, Uint8Array>>,
): DeviceTreeNode {
  const [name, ...rest] = path;
  if (name === undefined) return { ...node, properties: { ...node.properties, ...properties } };
  assert(name !== "", "a node without a name below the root");
  const old = node.children.find((child) => child.name === name);
  const child = withProperties(old ?? { name, properties: {}, children: [] }, rest, properties);
  const children = old === undefined ? [...node.children, child] : node.children.map((c) => (c === old ? child : c));
  return { ...node, children };
}
