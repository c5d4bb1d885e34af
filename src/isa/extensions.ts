import { errors } from "./errors.ts";

/**
 * Extensions by their names in ISA strings. A hart of this machine can have those of SINGLE_LETTER, MULTI_LETTER and
 * TRANSLATION; the other lists say what else a name can mean.
 */

/** Single letters in canonical order. */
export const SINGLE_LETTER = ["i", "m", "a", "f", "d", "c"] as const;

/** The others in canonical order: by the letter behind the z in the order of the single letters, then by alphabet. */
export const MULTI_LETTER = [
  "zicbom",
  "zicbop",
  "zicboz",
  "zicntr",
  "zicond",
  "zicsr",
  "zifencei",
  "zihintntl",
  "zihintpause",
  "zihpm",
  "zawrs",
  "zba",
  "zbb",
  "zbc",
  "zbs",
  "sstc",
  "svade",
  "svadu",
  "svinval",
  "svnapot",
  "svpbmt",
] as const;

/** Address translation, each with those before it. Not part of what software is told: satp can be asked. */
export const TRANSLATION = ["sv39", "sv48", "sv57"] as const;

export type ExtensionName =
  | (typeof SINGLE_LETTER)[number]
  | (typeof MULTI_LETTER)[number]
  | (typeof TRANSLATION)[number];

/**
 * What a machine with privilege modes and counters always has, whether the string says so or not. With Svadu beside
 * Svade, software has to ask for the bits that the hart then sets (menvcfg.ADUE).
 */
export const ALWAYS: readonly ExtensionName[] = ["i", "zicsr", "zicntr", "zihpm", "svade"];

/** What exists on harts with supervisor mode only. */
export const OF_SUPERVISOR_MODE: ReadonlySet<string> = new Set([
  "sstc",
  "svade",
  "svadu",
  "svinval",
  "svnapot",
  "svpbmt",
  ...TRANSLATION,
]);

/** Names that stand for several. */
export const GROUPS: ReadonlyMap<string, readonly ExtensionName[]> = new Map([
  ["g", ["i", "m", "a", "f", "d", "zicsr", "zifencei"]],
  ["b", ["zba", "zbb", "zbs"]],
]);

/** What an extension cannot do without. */
export const REQUIRES: Readonly<Partial<Record<ExtensionName, readonly ExtensionName[]>>> = {
  d: ["f"],
  f: ["zicsr"],
  sv48: ["sv39"],
  sv57: ["sv48"],
};

/** Names of parts of an extension, which compilers write beside the whole: with the whole they say nothing new. */
export const PARTS: ReadonlyMap<string, readonly ExtensionName[]> = new Map([
  ["zmmul", ["m"]],
  ["zaamo", ["a"]],
  ["zalrsc", ["a"]],
  ["zca", ["c"]],
  ["zcd", ["c", "d"]],
]);

/** Names for how this machine behaves anyway. */
const PROPERTIES = new Set(
  [
    "za64rs za128rs zic64b ziccamoa ziccif zicclsm ziccrse zkt",
    "sm1p11 sm1p12 ss1p11 ss1p12 ssccptr sscounterenw sstvala sstvecd svbare",
  ].flatMap((line) => line.split(" ")),
);

/** Extensions that exist and that no hart of this machine has. */
const ELSEWHERE = new Set(
  [
    "e h j k l n p q t v",
    "zabha zacas zalasr zama16b zfa zfbfmin zfh zfhmin zfinx zdinx zhinx zhinxmin zcb zce zcf zcmop zcmp zcmt zclsd",
    "zbkb zbkc zbkx zk zkn zknd zkne zknh zkr zks zksed zksh zicfilp zicfiss zilsd zimop ztso",
    "zvbb zvbc zve32f zve32x zve64d zve64f zve64x zvfbfmin zvfbfwma zvfh zvfhmin zvkb zvkg zvkn zvknc zvkned zvkng",
    "zvknha zvknhb zvks zvksc zvksed zvksg zvksh zvkt",
    "sdtrig smaia smcdeleg smcntrpmf smcsrind smctr smdbltrp smepmp smmpm smnpm smrnmi smstateen",
    "sha shcounterenw shgatpa shtvala shvsatpa shvstvala shvstvecd",
    "ssaia ssccfg sscofpmf sscsrind ssctr ssdbltrp ssnpm sspm ssstateen ssstrict ssu64xl supm svrsw60t59b svvptc",
  ].flatMap((line) => line.split(" ")),
);

/** Sets of extensions that the profiles name. Zfhmin, which the profiles of 2022 want too, no hart has. */
const RVA20U64 = "rv64imafdc_zicsr_zicntr_ziccif_ziccrse_ziccamoa_za128rs_zicclsm";
const RVA20S64 = `${RVA20U64}_zifencei_ss1p11_svbare_sv39_svade_ssccptr_sstvecd_sstvala`;
const RVA22U64 = `${RVA20U64}_zihpm_zihintpause_zba_zbb_zbs_zic64b_zicbom_zicbop_zicboz_zkt`;
const RVA22S64 = `${RVA22U64}_zifencei_ss1p12_svbare_sv39_svade_ssccptr_sstvecd_sstvala_sscounterenw_svpbmt_svinval`;

/** ISA strings that have a name. */
export const PROFILES: ReadonlyMap<string, string> = new Map([
  ["max", `rv64${SINGLE_LETTER.join("")}_${MULTI_LETTER.join("_")}_sv57`],
  ["rva20u64", RVA20U64],
  ["rva20s64", RVA20S64],
  ["rva22u64", RVA22U64],
  ["rva22s64", RVA22S64],
]);

const SUPPORTED: ReadonlySet<string> = new Set([...SINGLE_LETTER, ...MULTI_LETTER, ...TRANSLATION]);

/** What a hart needs to have all that a name means; nothing for a mere property. Throws when no hart has it. */
export function meaningOf(name: string, isa: string): readonly ExtensionName[] {
  const several = GROUPS.get(name) ?? PARTS.get(name);
  if (several !== undefined) return several;
  if (SUPPORTED.has(name)) return [name as ExtensionName];
  if (PROPERTIES.has(name)) return [];
  throw ELSEWHERE.has(name) || /^zvl\d+b$/.test(name) ? errors.absent(isa, name) : errors.unknown(isa, name);
}

/** Whether a name with digits at its end is one as it stands: in `sv39` they are no version. */
export function isName(name: string): boolean {
  return SUPPORTED.has(name) || PROPERTIES.has(name) || ELSEWHERE.has(name) || GROUPS.has(name) || PARTS.has(name);
}
