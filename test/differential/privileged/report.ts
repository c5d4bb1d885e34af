import { abiName } from "../../../src/isa/registers.ts";
import * as plan from "./memory-plan.ts";

// What the harness prints of a case when it prints everything: its log, page-table entries, memory.

/** In harness.S's order. */
const SEGMENT_CSRS = [
  ...["mstatus", "sstatus", "medeleg", "mideleg", "mie", "sie", "mip", "sip", "mtvec", "stvec", "mscratch", "sscratch"],
  ...["mepc", "sepc", "mcause", "scause", "mtval", "stval", "satp", "mcounteren", "scounteren", "menvcfg", "senvcfg"],
  ...["stimecmp", "pmpcfg0", "pmpcfg2", ...Array.from({ length: 16 }, (_, entry) => `pmpaddr${entry}`)],
];
const RECORD_TRAP = 1;
const RECORD_SUPERVISOR_TRAP = 2;
const RECORD_SEGMENT = 3;
const RECORD_LOST = 4;
const RECORD_FLOAT_SEGMENT = 5;
const TRAP_FIELDS = ["kind", "cause", "epc", "tval", "mstatus"];
const FLOAT_FIELDS = ["fcsr", ...Array.from({ length: 32 }, (_, register) => `f${register}`)];
const SEGMENT_WORDS = 1 + 31 + SEGMENT_CSRS.length;
const WINDOW_WORDS = (plan.WINDOW_BYTES / 8) * (plan.POOL_PAGES + 1);

/** Names the words of one case's report. */
export function labels(words: readonly string[]): string[] {
  const names = ["words of the log"];
  const end = 1 + Number.parseInt(words[0] ?? "0", 16);
  let trap = 0;
  let segment = 0;
  while (names.length < end) {
    const kind = Number.parseInt(words[names.length].slice(-2), 16);
    if (kind === RECORD_LOST) names.push(`segment ${segment} lost`);
    else if (kind === RECORD_SEGMENT || kind === RECORD_FLOAT_SEGMENT) {
      names.push(`segment ${segment} end`);
      for (let register = 1; register < 32; register++) names.push(`segment ${segment} ${abiName(register)}`);
      names.push(...SEGMENT_CSRS.map((csr) => `segment ${segment} ${csr}`));
      if (kind === RECORD_FLOAT_SEGMENT) names.push(...FLOAT_FIELDS.map((field) => `segment ${segment} ${field}`));
      segment++;
    } else {
      names.push(...TRAP_FIELDS.map((field) => `segment ${segment} trap ${trap} ${field}`));
      trap++;
    }
  }
  const entries = words.length - names.length - WINDOW_WORDS;
  for (let entry = 0; entry < entries; entry++) names.push(`page table entry ${entry}`);
  for (let word = 0; word < WINDOW_WORDS; word++) {
    const boundary = Math.floor((word * 8) / plan.WINDOW_BYTES);
    const offset = ((word * 8) % plan.WINDOW_BYTES) - plan.WINDOW_BYTES / 2;
    names.push(`memory 0x${(plan.POOL + boundary * plan.PAGE + offset).toString(16)}`);
  }
  return names;
}

/** The causes of all traps in the reports of several cases, one behind the other; `entries` of each case are reported. */
export function causesTaken(
  words: readonly string[],
  entries: readonly number[],
): { readonly machine: ReadonlySet<bigint>; readonly supervisor: ReadonlySet<bigint> } {
  const machine = new Set<bigint>();
  const supervisor = new Set<bigint>();
  let at = 0;
  for (const count of entries) {
    const end = at + 1 + Number.parseInt(words[at], 16);
    at++;
    while (at < end) {
      const kind = Number.parseInt(words[at].slice(-2), 16);
      if (kind === RECORD_TRAP || kind === RECORD_SUPERVISOR_TRAP) {
        (kind === RECORD_TRAP ? machine : supervisor).add(BigInt(`0x${words[at + 1]}`));
        at += TRAP_FIELDS.length;
      } else if (kind === RECORD_LOST) at++;
      else at += SEGMENT_WORDS + (kind === RECORD_FLOAT_SEGMENT ? FLOAT_FIELDS.length : 0);
    }
    at = end + count + WINDOW_WORDS;
  }
  return { machine, supervisor };
}
