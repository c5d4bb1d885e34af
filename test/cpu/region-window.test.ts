import assert from "node:assert/strict";
import { test } from "node:test";
import type { PhysicalAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Turn } from "../../src/cpu/hart.ts";
import { type DataPort, OracleReading } from "../../src/cpu/oracle-reading.ts";
import { decode } from "../../src/isa/decode.ts";
import { effectsOf } from "../../src/isa/effects.ts";
import { parseEncoding } from "../../src/isa/encoding.ts";
import { COMPRESSED, INSTRUCTIONS } from "../../src/isa/table.ts";
import { randomWord } from "../isa/random-words.ts";
import { Guest, SMALL } from "../machine/guests.ts";
import { alike, guest, loop } from "./hot-guest.ts";

/** HINDCAST_SEED=123 repeats one seed of the random programs. */
const SEED = process.env.HINDCAST_SEED;
const FIRST = Number(SEED ?? 1);
const PROGRAMS = SEED !== undefined ? 1 : process.env.HINDCAST_NIGHTLY !== undefined ? 2000 : 12;

const RAM = 0x8000_0000n;
const PAGE = 4096;
const RAM_END = RAM + BigInt(SMALL.memoryBytes);

function li(register: string, value: bigint): string {
  return `li ${register}, ${BigInt.asIntN(64, value)}`;
}

test("over the whole table: sums that effects name are what is accessed and what is written to rd", () => {
  const prng = new Prng(4);
  const seen = new Set<string>();
  for (const { encoding } of [...INSTRUCTIONS, ...COMPRESSED]) {
    for (let round = 0; round < 40; round++) {
      const decoded = decode(randomWord(parseEncoding(encoding), prng));
      if (decoded === undefined) continue;
      const { mnemonic } = decoded.instruction;
      const { address, result, memory, order } = effectsOf(decoded.instruction);
      const reserves = order.some(({ what }) => what === "reservation");
      if ((memory === "load" || memory === "store") && !reserves) assert.equal(address, "rs1 + imm", mnemonic);
      else assert.equal(address, undefined, mnemonic);
      const registers = Array.from({ length: 32 }, (_, register) => (register === 0 ? 0n : prng.next64()));
      const sums = {
        "rs1 + imm": BigInt.asUintN(64, registers[decoded.rs1] + BigInt(decoded.imm)),
        "rs1 + rs2": BigInt.asUintN(64, registers[decoded.rs1] + registers[decoded.rs2]),
      };
      const accessed: bigint[] = [];
      const port = {
        read: (at: bigint) => {
          accessed.push(at);
          return 0n;
        },
        write: (at: bigint) => {
          accessed.push(at);
        },
      } as unknown as DataPort;
      let written: bigint | undefined;
      const hart = {
        pc: 0n,
        register: (register: number) => registers[register],
        setRegister: (register: number, value: bigint) => {
          if (register !== 0) written = BigInt.asUintN(64, value);
        },
        floatRegister: () => 0n,
        setFloatRegister: () => {},
        markFloatDirty: () => {},
        fcsr: 0,
      };
      const turn = { hart, csrs: { get: () => 3n << 13n, set: () => {}, read: () => 0n } } as unknown as Turn;
      if (address === undefined && result === undefined) continue;
      new OracleReading(turn, port, 2).execute(decoded);
      if (address !== undefined) assert.deepEqual(accessed, [sums[address]], mnemonic);
      if (result !== undefined && decoded.rd !== 0) assert.equal(written, sums[result], mnemonic);
      seen.add(`${address} ${result}`);
    }
  }
  assert.deepEqual([...seen].sort(), ["rs1 + imm undefined", "undefined rs1 + imm", "undefined rs1 + rs2"]);
});

test("the first and last bytes of RAM are RAM, what lies across its ends or a multiple of 2^32 from it is not", () => {
  const near = [
    RAM_END,
    RAM_END - 1n,
    RAM_END - 4n,
    RAM_END - 8n,
    RAM_END - 2048n,
    RAM_END + 8n,
    RAM - 8n,
    RAM - 2048n,
  ];
  const everywhere = [...near, 0n, RAM + (1n << 32n), RAM_END - 8n - (1n << 32n), RAM + (1n << 63n)];
  // Each access has a loop of its own: behind a fault, the interpreter executes what is left of a round.
  const accesses = [
    ...["ld t1, 0(s0)", "lbu t1, -1(s0)", "sb s2, -1(s0)", "sd t1, -8(s0)", "lw t2, -4(s0)", "lhu t2, 2046(s0)"],
    ...["sd s2, -16(s0)", "sd t2, 8(s0)", "ld t1, -2048(s0)", "sw t1, 2044(s0)", "sh t1, -1(s0)", "sb s2, 0(s0)"],
    ...["amoadd.w t2, t1, (s0)", "lr.d t1, (s0)\nsc.d t2, t1, (s0)", "sd s2, -16(s0)\nsd s2, -8(s0)\nsb s2, 0(s0)"],
    ...["mv s1, s0\naddi s1, s1, 8\nlb t1, -9(s1)\nld t1, -16(s1)\nsd t1, -12(s1)", "ld t1, -8(s0)\nld t1, -4(s0)"],
  ];
  const routine = accesses.map((access) => loop(4, access)).join("\n");
  const body = everywhere.map((base) => `la s0, data + 16\ncall accesses\n${li("s0", base)}\ncall accesses`).join("\n");
  alike(guest(`${body}\nj halt\naccesses:\n${routine}\nret`), 20_000);
});

test("code that reads RAM's first bytes in a loop, and below", () => {
  const reads = ["lbu t1, 0(s0)", "ld t2, -8(s0)", "lw t2, -4(s0)", "ld t1, -4(s0)", "lh t1, 2047(s0)"];
  const body = [RAM, RAM + 4n, RAM + 8n].map((base) => `${li("s0", base)}\n${loop(20, reads.join("\n"))}`).join("\n");
  alike(guest(body), 3000);
});

test("what was found out moves with its address, and holds where all ways to a place agree", () => {
  const agree = (first: string, second: string) =>
    `la s0, data\nandi t5, s2, 1\nbeqz t5, 3f\n${first}\nj 4f\n3:\n${second}\n4:\nld t1, 8(s0)`;
  const [good, bad] = ["ld t1, 8(s0)", li("s0", RAM_END)];
  const bodies = [
    `${li("s0", RAM_END - 2048n)}\nld t1, 0(s0)\naddi s1, s0, 2047\naddi s1, s1, 1\nld t1, 0(s1)`,
    ...[agree(good, bad), agree(bad, good)],
    `la s0, data\nld t1, 8(s0)\nsd t1, 8(s0)\nandi t5, s2, 1\nbeqz t5, 3f\n${bad}\n3:\nsd t1, 0(s0)\nld t2, 8(s0)`,
    `la s0, data\nld t1, 8(s0)\nmv s1, s0\n${bad}\nmv s3, s1\nsd t1, 8(s3)\nmv s1, s0\nsd t1, 8(s1)`,
  ];
  alike(guest(bodies.map((body) => loop(16, body)).join("\n")), 3000);
});

/**
 * Accesses with few bases that are moved, copied and given new values between them, in a graph of blocks. The same code
 * sees addresses of many pages, at their edges and at those of RAM.
 */
function randomProgram(prng: Prng): string {
  const below = (limit: number) => prng.below(limit);
  const bases = ["s0", "s1", "a0"];
  const base = () => prng.pick(bases);
  const distance = () => prng.pick([0, 0, 8, 8, 16, -8, -16, 1, -1, 4, 40, 2040, 2047, -2048, -2040]);
  const places = Array.from({ length: 32 }, () => {
    const page = prng.pick([...Array(12).keys()]) * PAGE;
    if (below(10) > 0) return `pages + ${page + prng.pick([0, 8, 2048, 2056, 3000, 4088, 4092])}`;
    const far = [RAM_END, RAM_END - 8n, RAM_END + 8n, RAM - 8n, RAM + (1n << 32n), 0n, RAM_END - 2048n];
    return `${prng.pick(far)}`;
  });
  const access = (): string => {
    const at = `${distance()}(${base()})`;
    return prng.pick([
      `${prng.pick(["lb", "lhu", "lw", "ld", "ld"])} t${below(3)}, ${at}`,
      `${prng.pick(["sb", "sh", "sw", "sd", "sd"])} s2, ${at}`,
      `${prng.pick(["sb", "sh", "sw", "sd", "sd"])} s3, ${at}`,
      `amoadd.d t0, s2, (${base()})`,
    ]);
  };
  const fresh = () => {
    const shift = 20 + below(30);
    return `srli t5, s3, ${shift}\nandi t5, t5, 31 << 3\nadd t5, t5, s5\nld ${base()}, 0(t5)`;
  };
  let skipped = 0;
  const skip = (what: string) => {
    const label = `skip${skipped++}`;
    return `srli t6, s3, ${20 + below(30)}\nandi t6, t6, 1\nbnez t6, ${label}\n${what}\n${label}:`;
  };
  const move = (): string =>
    prng.pick([
      `addi ${base()}, ${base()}, ${distance()}`,
      ...[`mv ${base()}, ${base()}`, `add ${base()}, ${base()}, zero`, `xor ${base()}, ${base()}, zero`],
      ...[fresh(), fresh(), skip(access()), skip(fresh()), skip(`addi ${base()}, ${base()}, ${distance()}`)],
    ]);
  const blocks = 3 + below(4);
  const lines = ["la s5, table", "li s3, 1234567", "li s4, 0x5851f42d4c957f2d", "li s2, 100000", ...bases.map(fresh)];
  for (let block = 0; block < blocks; block++) {
    lines.push(`block${block}:`);
    for (let count = below(18); count > 0; count--) lines.push(below(3) === 0 ? move() : access());
    lines.push("mul s3, s3, s4", "addi s3, s3, 77", "addi s2, s2, -1");
    lines.push(`srli t6, s3, ${30 + below(20)}`, "andi t6, t6, 1", `bnez t6, block${below(blocks)}`);
  }
  lines.push(`j block${below(blocks)}`);
  const data = `table:\n${places.map((place) => `.dword ${place}`).join("\n")}\n.balign 4096\npages: .space ${13 * PAGE}`;
  return guest(lines.join("\n"), data);
}

test("random accesses around few bases: what was found out about one says nothing wrong of another", () => {
  for (let seed = FIRST; seed < FIRST + PROGRAMS; seed++) {
    try {
      const prng = new Prng(seed);
      const source = randomProgram(prng);
      const guests = (["interpreter", "translator"] as const).map((engine) => new Guest(source, engine));
      for (let until = 0; until < 5000; ) {
        until += 1 + prng.below(prng.pick([10, 100, 400]));
        for (const one of guests) one.run(until);
        const [expected, found] = guests.map(({ machine }) => machine.digest());
        assert.equal(found, expected, `at ${until}`);
        // A page that was saved must be noticed again when it is stored to.
        if (prng.below(2) === 0) for (const { machine } of guests) machine.checkpoint();
      }
    } catch (error) {
      throw new Error(`HINDCAST_SEED=${seed}`, { cause: error });
    }
  }
});

test("with a watch, a lent privilege, or a lock on a page, accesses of hot code are what they are in cold code", () => {
  // With translation, RAM is a gigabyte lower, and nothing is where it was.
  const [page, elsewhere] = [0x8000_0000n >> 12n, 0xc000_0000n >> 12n];
  const table = `
  .balign 4096
table:
  .dword 0
  .dword ${(page << 10n) | 0xdfn}
  .dword ${(elsewhere << 10n) | 0xdfn}
`;
  const routine = `
routine:
${loop(12, "ld t1, 0(s0)\nadd s3, s3, t1\nsd s3, 0(s0)\nsb s3, 9(s0)\nlw t2, 4(s1)")}
  ret
`;
  const body = `
  li   t0, -1
  csrw pmpaddr0, t0
  li   t0, 0x1f
  csrw pmpcfg0, t0
  la   t0, table
  srli t0, t0, 12
  li   t1, 8 << 60
  or   s5, t0, t1
  li   s6, 6
again:
  la   s0, data
  mv   s1, s0
  call routine
  csrw satp, s5
  call routine
  li   t0, (1 << 17) | (1 << 11)
  csrs mstatus, t0
  call routine
  li   t1, 1 << 30
  sub  s0, s0, t1
  call routine
  li   t1, 1 << 31
  add  s1, s1, t1
  call routine
  li   t0, 3 << 11
  csrc mstatus, t0
  call routine
  li   t0, 1 << 17
  csrc mstatus, t0
  call routine
  csrw satp, zero
  la   s0, data
  mv   s1, s0
  call routine
  addi s6, s6, -1
  bnez s6, again
  la   t0, data
  srli t0, t0, 2
  csrw pmpaddr1, t0
  addi t0, t0, 4
  csrw pmpaddr2, t0
  li   t0, 0x1f891f
  csrw pmpcfg0, t0
  call routine
  call routine
  j    halt
${routine}
`;
  alike(guest(body, table), 8000);
});

test("watches that come and go while a loop runs hit as they do in the interpreter, and a checkpoint sees each store", () => {
  const source = guest(loop(4000, "ld t1, 0(s0)\nadd s3, s3, t1\nsd s3, 0(s0)\nsd s3, 2040(s0)"));
  const guests = (["interpreter", "translator"] as const).map((engine) => new Guest(source, engine));
  const prng = new Prng(11);
  let hits = 0;
  let checkpoint = guests.map(({ machine }) => machine.checkpoint());
  for (let turn = 0; turn < 120; turn++) {
    const kind = prng.below(5);
    const access = prng.pick(["read", "write", "readWrite"] as const);
    const distance = BigInt(prng.pick([0, 4, 2040, 3000]));
    const stops = guests.map((one, index) => {
      if (kind === 0) {
        const address = Number(one.at("data") + distance) as PhysicalAddress;
        one.stops({ watches: [{ address, length: 4, access }] });
      } else if (kind === 1) one.stops({});
      else if (kind === 2) checkpoint[index] = one.machine.checkpoint();
      else if (kind === 3) one.machine.restore(checkpoint[index]);
      return one.step(1 + ((turn * 37) % 190));
    });
    assert.deepEqual(stops[1], stops[0], `turn ${turn}`);
    if (stops[0].kind === "watch") hits++;
    assert.equal(guests[1].machine.digest(), guests[0].machine.digest(), `turn ${turn}`);
  }
  assert.ok(hits > 20);
  // Pages restored from a checkpoint are those that were stored to since.
  checkpoint = guests.map(({ machine }) => machine.checkpoint());
  for (const one of guests) one.stops({});
  const before = guests[0].machine.digest();
  for (const [index, one] of guests.entries()) {
    one.step(500);
    one.machine.restore(checkpoint[index]);
    assert.equal(one.machine.digest(), before);
    assert.equal(one.word(one.at("data")), guests[0].word(guests[0].at("data")));
  }
});
