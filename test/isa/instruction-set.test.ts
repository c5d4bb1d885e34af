import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { decode } from "../../src/isa/decode.ts";
import { MULTI_LETTER, PROFILES, SINGLE_LETTER } from "../../src/isa/extensions.ts";
import { isaNames, type PrivilegeModes, parseInstructionSet } from "../../src/isa/instruction-set.ts";
import { FULL_ISA } from "../../src/machine/configuration.ts";

/** What is written, and the canonical string, for a hart with these modes. */
const STRINGS: readonly (readonly [string, PrivilegeModes, string])[] = [
  ["rv64i", "m", "rv64i_zicntr_zicsr_zihpm"],
  ["rv64imac_zicsr_zifencei", "m", "rv64imac_zicntr_zicsr_zifencei_zihpm"],
  ["RV64IMAC", "mu", "rv64imac_zicntr_zicsr_zihpm"],
  ["rv64g", "m", "rv64imafd_zicntr_zicsr_zifencei_zihpm"],
  ["rv64gc", "msu", "rv64imafdc_zicntr_zicsr_zifencei_zihpm_svade"],
  ["rv64id", "m", "rv64ifd_zicntr_zicsr_zihpm"],
  ["rv64icam", "m", "rv64imac_zicntr_zicsr_zihpm"],
  ["rv64ib", "m", "rv64i_zicntr_zicsr_zihpm_zba_zbb_zbs"],
  ["rv64i_zbs_zawrs_zba1p0", "m", "rv64i_zicntr_zicsr_zihpm_zawrs_zba_zbs"],
  ["rv64izbb", "m", "rv64i_zicntr_zicsr_zihpm_zbb"],
  ["rv64i2p1_m2p0_a2p1_c2p0_zicsr2p0_zmmul1p0_zaamo1p0_zca1p0", "m", "rv64imac_zicntr_zicsr_zihpm"],
  ["rv64i_sv48_sstc_svinval", "msu", "rv64i_zicntr_zicsr_zihpm_sstc_svade_svinval"],
  ["rv64i_sv48_sstc_svinval", "mu", "rv64i_zicntr_zicsr_zihpm"],
  ["rva20u64_zbc", "m", "rv64imafdc_zicntr_zicsr_zihpm_zbc"],
];

test("ISA strings and profiles become canonical strings", () => {
  for (const [text, modes, canonical] of STRINGS) {
    const set = parseInstructionSet(text, modes);
    assert.equal(set.isaString, canonical, text);
    // What the device tree says is read as what it says.
    assert.equal(parseInstructionSet(set.isaString, modes).isaString, canonical, text);
    assert.equal(set.extensions.length, new Set(set.extensions).size, text);
  }
});

test("every profile is one, the greatest has all that the others have", () => {
  const most = parseInstructionSet("max", "msu");
  assert.deepEqual(most.extensions, [...SINGLE_LETTER, ...MULTI_LETTER]);
  for (const name of [...PROFILES.keys(), FULL_ISA]) {
    const missing = parseInstructionSet(name, "msu").extensions.filter((extension) => !most.has(extension));
    assert.deepEqual(missing, [], name);
  }
  const profile = parseInstructionSet("rva22s64", "msu");
  assert.ok(profile.has("zba") && profile.has("svpbmt") && profile.has("zifencei"));
  assert.ok(!parseInstructionSet("rva22u64", "msu").has("svpbmt"));
});

test("translation schemes: all that are not excluded, each with the smaller ones", () => {
  const schemes = (isa: string) => {
    const set = parseInstructionSet(isa, "msu");
    return (["sv39", "sv48", "sv57"] as const).filter((name) => set.has(name));
  };
  assert.deepEqual(schemes("rv64gc"), ["sv39", "sv48", "sv57"]);
  assert.deepEqual(schemes("rv64gc_sv48"), ["sv39", "sv48"]);
  assert.deepEqual(schemes("rva20s64"), ["sv39"]);
  assert.deepEqual(schemes("max"), ["sv39", "sv48", "sv57"]);
});

test("misa holds the letters and the modes", () => {
  assert.equal(parseInstructionSet("rv64imac", "m").misa, 0x8000_0000_0000_1105n);
  assert.equal(parseInstructionSet("rv64imac", "mu").misa, 0x8000_0000_0010_1105n);
  assert.equal(parseInstructionSet(FULL_ISA, "msu").misa, 0x8000_0000_0014_112dn);
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["", /“” is no instruction set: write an ISA string/],
  ["x86", /“x86” is no instruction set/],
  ["rv64", /is no instruction set/],
  ["rv64i_", /is no instruction set/],
  ["rv64i__zba", /is no instruction set/],
  ["rv64i_zba!", /is no instruction set/],
  ["rva23", /is no instruction set/],
  ["rv32imac", /rv32imac is not supported: the harts have 64-bit registers/],
  ["rv32", /64-bit registers/],
  ["rv64mac", /lacks its base: write rv64i/],
  ["rv64e", /no hart of this machine has the extension e\. Leave it out/],
  ["rv64gcv", /has the extension v/],
  ["rv64gc_zfh", /has the extension zfh/],
  ["rv64gc_zvl128b1p0", /has the extension zvl128b/],
  ["rv64gc_h", /has the extension h/],
  ["rv64gcq", /has the extension q/],
  ["rv64gcy", /there is no extension “y”/],
  ["rv64gc_zbx", /there is no extension “zbx”/],
  ["rv64gc_xthead", /there is no extension “xthead”/],
  ["rv64gcsu", /there is no extension “su”/],
  ["rv64gc_constructor", /there is no extension “constructor”/],
  ["rv64i_zmmul", /have zmmul as a part of m only\. Write m/],
  ["rv64i_f_c_zcd", /have zcd as a part of d only/],
];

test("what does not exist, or exists elsewhere, is refused with a sentence that names it", () => {
  for (const [text, message] of REFUSED) {
    assert.throws(
      () => parseInstructionSet(text, "msu"),
      (error: unknown) => error instanceof UserError && error.exitCode === 2 && message.test(error.message),
      `${text} wants ${message}`,
    );
  }
});

test("names are taken from a string without asking whether they exist", () => {
  assert.deepEqual(isaNames("rv64i2p1m_v_zvl128b1p0_xfoo2"), ["i", "m", "v", "zvl128b", "xfoo"]);
  assert.deepEqual(isaNames("rv64imac_sv39_ss1p12_za64rs"), ["i", "m", "a", "c", "sv39", "ss1p12", "za64rs"]);
  assert.equal(isaNames("rv32i"), undefined);
});

/** A word, and the sets of extensions of which a hart needs one. */
const WORDS: readonly (readonly [string, number, string, string])[] = [
  ["addi", 0x0000_0013, "rv64i", ""],
  ["mul", 0x02c5_8533, "rv64im", "rv64iac"],
  ["c.nop", 0x0001, "rv64ic", "rv64ima"],
  ["amoadd.w", 0x06b6_252f, "rv64ia", "rv64imc"],
  ["andn", 0x40c5_f533, "rv64i_zbb", "rv64imac_zba_zbs"],
  ["sh1add", 0x20c5_a533, "rv64i_zba", "rv64imac_zbb"],
  ["bset", 0x28b5_1533, "rv64i_zbs", "rv64i_zba_zbb"],
  ["clmul", 0x0ac5_9533, "rv64i_zbc", "rv64ib"],
  ["czero.eqz", 0x0ec5_d533, "rv64i_zicond", "rv64gc"],
  ["fence.i", 0x0000_100f, "rv64g", "rv64i"],
  ["cbo.clean", 0x0015_200f, "rv64i_zicbom", "rv64i_zicboz"],
  ["cbo.zero", 0x0045_200f, "rv64i_zicboz", "rv64i_zicbom"],
  ["wrs.nto", 0x00d0_0073, "rv64i_zawrs", "rv64i"],
  ["prefetch.r, a HINT", 0x0215_6013, "rv64i", ""],
  ["pause, a HINT", 0x0100_000f, "rv64i", ""],
  ["sret", 0x1020_0073, "rv64i", ""],
  ["sinval.vma", 0x16b5_0073, "rv64i_svinval", "rv64gc"],
];

test("a hart has the instructions of its extensions and no others", () => {
  for (const [what, word, having, lacking] of WORDS) {
    const decoded = decode(word)!;
    assert.ok(parseInstructionSet(having, "msu").executes(decoded), what);
    if (lacking !== "") assert.ok(!parseInstructionSet(lacking, "msu").executes(decoded), what);
    assert.ok(parseInstructionSet("max", "msu").executes(decoded), what);
  }
});

test("supervisor instructions need supervisor mode", () => {
  for (const word of [0x1020_0073, 0x1205_0073, 0x16b5_0073, 0x1800_0073]) {
    for (const modes of ["m", "mu"] as const) {
      assert.ok(!parseInstructionSet("max", modes).executes(decode(word)!), word.toString(16));
    }
  }
  assert.ok(parseInstructionSet("rv64i", "m").executes(decode(0x3020_0073)!), "mret");
});
