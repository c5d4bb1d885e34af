import type { Prng } from "../../../src/base/prng.ts";
import * as plan from "./memory-plan.ts";
import {
  A,
  type Area,
  type Content,
  D,
  G,
  leaf,
  napotLeaf,
  type PageTables,
  pageBytes,
  pointer,
  R,
  randomLeaf,
  type Scheme,
  U,
  V,
  W,
  X,
} from "./page-tables.ts";

/** A tree of page tables: what every one has, so that the harness can go on, and areas that are random. */
export interface AddressSpace {
  readonly scheme: Scheme;
  readonly satp: bigint;
  readonly areas: readonly Area[];
  /** Addresses of the pointers that lead to areas only. */
  readonly pointers: readonly number[];
}

const SATP_MODE_SHIFT = 60n;
const SATP_ASID_SHIFT = 44n;

/** Root indices of Sv39 that lead to areas: physical addresses of that size are nowhere on both machines. */
const FIRST_GIGABYTE = 64;
const GIGABYTES = 512;

export function buildAddressSpace(
  prng: Prng,
  tables: PageTables,
  slot: number,
  scheme: Scheme,
  asid: number,
  later: number,
): AddressSpace {
  const root = tables.allocate();
  const global = () => (prng.below(3) === 0 ? G : 0n);
  const system = (flags: bigint) => V | A | D | flags | global();
  const slotPage = slot - (slot % plan.MEGAPAGE);
  const harness = plan.BATCH - (plan.BATCH % plan.MEGAPAGE);
  tables.map(root, scheme, harness, harness, 1, system(R | W | X));
  tables.map(root, scheme, slotPage, slotPage, 1, system(R | W | X));
  if (prng.below(3) === 0) {
    for (let page = slot; page < slot + plan.CODE_BYTES; page += plan.PAGE) {
      tables.map(root, scheme, page + plan.USER_DISTANCE, page, 0, system(R | X | U));
    }
  } else tables.map(root, scheme, slotPage + plan.USER_DISTANCE, slotPage, 1, system(R | X | U));

  const firstOfAreas = tables.next;
  const pointersOfSystem = tables.pointers.length;
  const areas: Area[] = [];
  const wanted = 4 + prng.below(6);
  let prefix: bigint | undefined;
  while (areas.length < wanted && tables.hasRoom(later)) {
    // Neighbours share tables, as those of programs do.
    if (prefix === undefined || prng.below(3) === 0) prefix = randomAddress(prng, scheme);
    addAreas(prng, tables, root, scheme, prefix, areas);
  }
  for (let table = firstOfAreas; table < tables.next; table += plan.PAGE) tables.ofAreas.push(table);
  const satp =
    (scheme.mode << SATP_MODE_SHIFT) | (BigInt(asid) << SATP_ASID_SHIFT) | BigInt(Math.floor(root / plan.PAGE));
  tables.notes.push(`${scheme.name} satp 0x${satp.toString(16)}`);
  for (const { address, content, entry } of areas) {
    const value = entry === undefined ? "none" : tables.read(entry.address).toString(16);
    const where = entry === undefined ? "" : `at ${entry.address.toString(16)} level ${entry.level}`;
    tables.notes.push(`  ${address.toString(16)}: ${content}, entry ${value} ${where}`);
  }
  return { scheme, satp, areas, pointers: tables.pointers.slice(pointersOfSystem) };
}

/** A canonical address, of 1 GiB, that is none of a device or of RAM when it is taken as physical. */
function randomAddress(prng: Prng, { levels }: Scheme): bigint {
  const bits = 12 + 9 * levels;
  const gigabyte = BigInt(FIRST_GIGABYTE + prng.below(GIGABYTES - FIRST_GIGABYTE));
  const above = prng.next64() & ((1n << BigInt(bits - 39)) - 1n);
  const address = ((above << 9n) | gigabyte) << 30n;
  return BigInt.asUintN(64, BigInt.asIntN(bits, address));
}

const VARIANTS = ["pair", "pair", "pair", "superpage", "superpage", "napot", "broken", "strange"] as const;

function addAreas(prng: Prng, tables: PageTables, root: number, scheme: Scheme, prefix: bigint, areas: Area[]): void {
  const megabytes = prefix + BigInt(prng.below(4)) * BigInt(plan.MEGAPAGE);
  switch (prng.pick(VARIANTS)) {
    case "pair": {
      const first = megabytes + BigInt(prng.below(510) * plan.PAGE);
      const contents: readonly Content[] =
        prng.below(4) === 0 ? ["functions", "functions"] : [poolContent(prng), poolContent(prng)];
      contents.forEach((content, index) => {
        const address = first + BigInt(index * plan.PAGE);
        const entry = tables.entryAddress(root, scheme, address, 0);
        if (entry === undefined || tables.read(entry) !== 0n) return;
        tables.write(entry, randomLeaf(prng, content, 0));
        const straddles = content === contents[1] && content !== "nowhere" && content !== "strongbox";
        areas.push({ address, content, straddles, entry: { address: entry, level: 0 } });
      });
      return;
    }
    case "superpage": {
      const level = 1 + prng.below(scheme.levels - 1);
      // The whole root entry for the largest; the 1 GiB prefix leaves room below it for the others.
      const base = level === 1 ? megabytes : prefix - (prefix % BigInt(pageBytes(level)));
      if (level > 2 && base === 0n) return;
      const entry = tables.entryAddress(root, scheme, base, level);
      if (entry === undefined || tables.read(entry) !== 0n) return;
      const content = prng.below(4) === 0 ? "functions" : "pool";
      tables.write(entry, randomLeaf(prng, content, level));
      const page = prng.below(content === "pool" ? plan.POOL_PAGES - 1 : plan.FUNCTION_PAGES - 1);
      const physical = (content === "pool" ? plan.POOL : plan.FUNCTIONS) + page * plan.PAGE;
      const address = BigInt.asUintN(64, base + BigInt(physical % pageBytes(level)));
      areas.push({ address, content, straddles: true, entry: { address: entry, level } });
      return;
    }
    case "napot": {
      const first = megabytes + BigInt(prng.below(32) * 0x1_0000);
      const value = napotLeaf(prng);
      for (let page = 0; page < 16; page++) {
        const entry = tables.entryAddress(root, scheme, first + BigInt(page * plan.PAGE), 0);
        if (entry === undefined || tables.read(entry) !== 0n) return;
        tables.write(entry, value);
      }
      for (let count = 0; count < 2; count++) {
        areas.push({ address: first + BigInt(prng.below(15) * plan.PAGE), content: "pool", straddles: true });
      }
      return;
    }
    case "broken": {
      // A pointer that is none.
      const level = 1 + prng.below(2);
      const address = prefix + BigInt(prng.below(512)) * BigInt(pageBytes(Math.min(level, 1)));
      const entry = tables.entryAddress(root, scheme, address, level);
      if (entry === undefined || tables.read(entry) !== 0n) return;
      const spoiled = prng.pick([U, A, D, 1n << 61n, 1n << 62n, 1n << 63n, 0n]);
      const next = tables.allocate();
      for (let index = 0; index < 512; index++)
        tables.write(next + index * 8, leaf(plan.POOL, V | R | W | X | A | D | U));
      for (let index = 0; index < 512; index++) tables.watched.delete(next + index * 8);
      tables.write(entry, spoiled === 0n ? pointer(next) & ~V : pointer(next) | spoiled);
      areas.push({ address, content: "pool", straddles: true });
      return;
    }
    default: {
      // An address that is not sign-extended, and one that nothing maps.
      const known = areas.findLast(({ entry }) => entry !== undefined);
      if (known === undefined) return;
      const bit = BigInt(12 + 9 * scheme.levels - 1 + prng.below(65 - 12 - 9 * scheme.levels));
      const address = prng.below(2) === 0 ? known.address ^ (1n << bit) : known.address ^ (1n << 29n);
      // A superpage may reach that far, but memory does not.
      areas.push({ address, content: "nowhere", straddles: false });
    }
  }
}

function poolContent(prng: Prng): Content {
  const choice = prng.below(10);
  if (choice === 0) return "nowhere";
  return choice === 1 ? "strongbox" : "pool";
}
