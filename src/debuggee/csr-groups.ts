import { INTERRUPT_CAUSES } from "../isa/causes.ts";
import { CSRS, type Csr, csrPrivilege, type DecodedCsrField, decodeCsr } from "../isa/csrs.ts";
import type { HartView } from "../machine/machine-interface.ts";
import type { ProtectionReport } from "./machine-protocol.ts";

/** CSRs in the order and with the words that views show them in. */

export interface CsrGroupPlan {
  readonly name: string;
  includes(csr: Csr): boolean;
}

const COUNTER = /^(m?hpm(counter|event)\d+|m?cycle|m?instret|time|mcountinhibit)$/;
const PROTECTION = /^pmp(cfg|addr)\d+$/;

export const PROTECTION_GROUP = "Physical memory protection";

/** The first group that includes a CSR has it. */
const GROUPS: readonly CsrGroupPlan[] = [
  { name: "Counters", includes: ({ name }) => COUNTER.test(name) },
  { name: PROTECTION_GROUP, includes: ({ name }) => PROTECTION.test(name) },
  { name: "Floating point", includes: ({ extension }) => extension === "F" },
  { name: "Machine", includes: ({ number }) => csrPrivilege(number) === "machine" },
  { name: "Supervisor", includes: ({ number }) => csrPrivilege(number) === "supervisor" },
  { name: "Other", includes: () => true },
];

/** As people look for them. */
const SHOWN_ORDER = ["Machine", "Supervisor", "Floating point", "Counters", PROTECTION_GROUP, "Other"];

/** Of a register with many fields as many are named beside its value as fit a line. */
const LONGEST_SUMMARY = 72;

/** The CSRs that a hart has, group by group; groups without any are left out. */
export function csrGroups(
  has: (number: number) => boolean,
): { readonly name: string; readonly csrs: readonly Csr[] }[] {
  const members = new Map<string, Csr[]>(SHOWN_ORDER.map((name) => [name, []]));
  for (const csr of CSRS) {
    if (!has(csr.number)) continue;
    const group = GROUPS.find((candidate) => candidate.includes(csr));
    if (group !== undefined) members.get(group.name)?.push(csr);
  }
  return [...members].flatMap(([name, csrs]) => (csrs.length === 0 ? [] : [{ name, csrs }]));
}

/** What a CSR's value says in a few words: a trap's cause, or the fields that are not zero, the highest first. */
export function csrSummary(csr: Csr, value: bigint): string {
  const fields = decodeCsr(csr, value);
  const cause = fields.find(({ name, meaning }) => name === "Code" && meaning !== undefined);
  if (cause?.meaning !== undefined) return cause.meaning;
  const words: string[] = [];
  let length = 0;
  for (const field of fields) {
    const word = fieldWord(field);
    if (word === undefined) continue;
    length += word.length + 1;
    if (length > LONGEST_SUMMARY) return [...words, "…"].join(" ");
    words.push(word);
  }
  return words.join(" ");
}

/** Undefined for what is not worth a word: zeros, and fields that are the number itself. */
function fieldWord({ name, high, low, value, meaning }: DecodedCsrField): string | undefined {
  if (value === 0n || name === "BASE" || name === "value") return undefined;
  if (high === low) return name;
  return `${name}=${meaning ?? (value > 9n && high - low > 8 ? `0x${value.toString(16)}` : value)}`;
}

/** "Machine timer interrupt (not enabled)": what is pending, with what keeps it from being taken. */
export function pendingInterrupts(hart: HartView): string[] {
  const pending = hart.csr(MIP) ?? 0n;
  const enabled = hart.csr(MIE) ?? 0n;
  return INTERRUPT_CAUSES.filter(({ code }) => (pending >> BigInt(code)) & 1n).map(({ code, name }) =>
    (enabled >> BigInt(code)) & 1n ? name : `${name} (not enabled)`,
  );
}

const MIP = 0x344;
const MIE = 0x304;

// Privileged manual section 3.7.1, "Physical Memory Protection CSRs".
const PMPCFG0 = 0x3a0;
const PMPADDR0 = 0x3b0;
const ENTRIES = 64;
const MODES = ["OFF", "TOR", "NA4", "NAPOT"] as const;
const LAST_ADDRESS = (1n << 56n) - 1n;

/** The entries that are on, as ranges. Entries are tried in this order, and the first that matches decides. */
export function protections(hart: Pick<HartView, "csr">): ProtectionReport[] {
  const found: ProtectionReport[] = [];
  for (let entry = 0; entry < ENTRIES; entry++) {
    // A hart with 64-bit registers has the even configuration registers, eight entries in each.
    const configuration = hart.csr(PMPCFG0 + 2 * Math.floor(entry / 8));
    const address = hart.csr(PMPADDR0 + entry);
    if (configuration === undefined || address === undefined) continue;
    const byte = Number((configuration >> BigInt(8 * (entry % 8))) & 0xffn);
    const mode = MODES[(byte >> 3) & 3];
    if (mode === "OFF") continue;
    const before = entry === 0 ? 0n : (hart.csr(PMPADDR0 + entry - 1) ?? 0n);
    const permissions = `${byte & 1 ? "R" : "-"}${byte & 2 ? "W" : "-"}${byte & 4 ? "X" : "-"}`;
    found.push({ entry, mode, ...range(mode, address, before), permissions, locked: (byte & 0x80) !== 0 });
  }
  return found;
}

function range(mode: "TOR" | "NA4" | "NAPOT", address: bigint, before: bigint): { start: bigint; last: bigint } {
  if (mode === "TOR") return { start: before << 2n, last: (address << 2n) - 1n };
  if (mode === "NA4") return { start: address << 2n, last: (address << 2n) + 3n };
  let ones = 0n;
  while ((address >> ones) & 1n) ones++;
  const bytes = 8n << ones;
  const start = (address << 2n) & ~(bytes - 1n);
  return { start, last: start + bytes - 1n > LAST_ADDRESS ? LAST_ADDRESS : start + bytes - 1n };
}

/** `0x80000000 to 0x801fffff  R-X, NAPOT, locked` */
export function protectionText({ start, last, permissions, mode, locked }: ProtectionReport): string {
  if (last < start) return `no address  ${permissions}, ${mode}`;
  return `0x${start.toString(16)} to 0x${last.toString(16)}  ${permissions}, ${mode}${locked ? ", locked" : ""}`;
}
