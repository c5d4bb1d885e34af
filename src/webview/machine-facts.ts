import { code, element } from "./elements.ts";
import type { AddressSpace, CsrFacts, CsrTable, DeviceFacts, HartFacts, MemoryRegion } from "./messages.ts";

/** Draws what needs no state of its own: harts, CSRs, the memory map, devices. */

const PRIVILEGES = { M: "machine mode", S: "supervisor mode", U: "user mode" } as const;

/** What tells one hart from the others is left out where there is one only. */
export function hartCard(hart: HartFacts, selected: boolean, alone: boolean): HTMLElement {
  const { id, symbol, place, privilege, waiting, stopped, turn, space, pending, pc } = hart;
  const states = [
    waiting ? element("span.chip", { title: "The hart stands at wfi" }, "waiting") : undefined,
    turn && !waiting && !alone ? element("span.chip", { title: "The next step is this hart's" }, "next") : undefined,
  ];
  const name = element("span.hart-name", {}, `hart ${id}`);
  if (stopped && !alone) name.append(element("span.here", { title: "The last stop was about this hart" }, " ●"));
  return element(
    "div.hart",
    { role: "option", "aria-selected": String(selected), tabindex: selected ? "0" : "-1", "data-hart": String(id) },
    element(
      "div.hart-head",
      {},
      name,
      element(`span.mode.${privilege}`, { title: PRIVILEGES[privilege] }, privilege),
      ...states,
    ),
    element("div.hart-pc", { title: `pc ${pc}` }, code(symbol)),
    // Where there is neither place nor symbol the address has been said.
    place === undefined && symbol === pc ? undefined : element("div.muted", {}, place ?? pc),
    space === undefined ? undefined : element("div.muted.wraps", { title: `satp ${space.satp}` }, spaceText(space)),
    ...pending.map((interrupt) => element("div.pending", {}, interrupt)),
  );
}

export function spaceText({ scheme, root, asid }: AddressSpace): string {
  return scheme === "bare" ? "bare: no translation" : `${scheme} · ASID ${asid} · root ${root}`;
}

/** CSRs of one hart. `changed` are those that differ from the last stop; `open` those that show their fields. */
export function csrView(
  { groups, protection }: CsrTable,
  { filter, open, changed, toggle }: CsrViewOptions,
): HTMLElement[] {
  const sections = groups.map(({ name, csrs }) => {
    const isProtection = /protection/i.test(name);
    const shown = csrs.filter((csr) => passes(csr, filter) && (filter !== "" || !(isProtection && isZero(csr))));
    const ranges = isProtection && filter === "" ? protection.map(protectionRow) : [];
    const hidden =
      name === "Counters" && filter === "" ? shown.filter((csr) => /hpm/.test(csr.name) && isZero(csr)) : [];
    const rows = shown
      .filter((csr) => !hidden.includes(csr))
      .flatMap((csr) => csrRows(csr, open.has(csr.name), changed.has(csr.name), toggle));
    if (rows.length + ranges.length === 0 && filter !== "") return undefined;
    const none =
      rows.length + ranges.length === 0
        ? [element("p.hint", {}, isProtection ? "No entry is on." : "All are zero.")]
        : [];
    const more = hidden.length === 0 ? [] : [element("p.hint", {}, `${hidden.length} event counters are zero.`)];
    return element(
      "section.group",
      {},
      element("h3", {}, name),
      ...ranges,
      ...none,
      element("div.csrs", {}, ...rows),
      ...more,
    );
  });
  const found = sections.filter((section) => section !== undefined);
  return found.length > 0 ? found : [element("p.hint", {}, "No CSR or field has this in its name or meaning.")];
}

export interface CsrViewOptions {
  /** In lower case; empty shows all. */
  readonly filter: string;
  readonly open: ReadonlySet<string>;
  readonly changed: ReadonlySet<string>;
  toggle(name: string): void;
}

function isZero({ value }: CsrFacts): boolean {
  return BigInt(value) === 0n;
}

function passes({ name, meaning, description, fields }: CsrFacts, filter: string): boolean {
  return [name, meaning, description, ...fields.map((field) => field.name)].some((text) =>
    text.toLowerCase().includes(filter),
  );
}

function csrRows(csr: CsrFacts, isOpen: boolean, isChanged: boolean, toggle: (name: string) => void): HTMLElement[] {
  const { name, value, meaning, description, fields } = csr;
  const expands = fields.length > 0;
  const row = element(
    `button.csr${isChanged ? ".changed" : ""}`,
    {
      type: "button",
      title: `${description}${isChanged ? " Changed since the last stop." : ""}`,
      "aria-expanded": expands ? String(isOpen) : undefined,
      "data-csr": name,
    },
    element("span.twisty", { "aria-hidden": "true" }, expands ? (isOpen ? "▾" : "▸") : ""),
    element("span.name", {}, name),
    code(value),
    element("span.meaning", {}, meaning),
  );
  if (expands) row.addEventListener("click", () => toggle(name));
  if (!isOpen) return [row];
  const details = fields.map((field) =>
    element(
      "div.field",
      { title: field.description },
      element("span.bits", {}, field.bits),
      element("span.name", {}, field.name),
      code(field.value),
      element("span.meaning", {}, field.meaning ?? ""),
      element("span.muted", {}, field.description),
    ),
  );
  return [row, element("div.fields", {}, ...details)];
}

function protectionRow(entry: CsrTable["protection"][number]): HTMLElement {
  const isEmpty = BigInt(entry.last) < BigInt(entry.start);
  return element(
    "div.protection",
    {},
    element("span.name", {}, `entry ${entry.entry}`),
    code(isEmpty ? "no address" : `${entry.start} – ${entry.last}`),
    code(entry.permissions),
    element("span.meaning", {}, [entry.mode, ...(entry.locked ? ["locked"] : [])].join(", ")),
  );
}

export function memoryView(regions: readonly MemoryRegion[]): HTMLElement {
  const rows = regions.map(({ start, end, name, kind, detail }) =>
    element(
      `div.region.${kind}`,
      {},
      element("span.sign", { "aria-hidden": "true" }),
      code(end === undefined ? `from ${start}` : `${start} – 0x${(BigInt(end) - 1n).toString(16)}`),
      element("span.name", {}, name),
      element("span.muted", {}, detail),
    ),
  );
  return element("div.regions", {}, ...rows);
}

export function deviceView(devices: readonly DeviceFacts[]): HTMLElement {
  const cards = devices.map(({ name, address, registers }) => {
    const rows = registers.map((register) =>
      element(
        "div.row",
        {},
        element("span.name", {}, register.name),
        element("span.value", { title: register.value }, code(valueText(register.value))),
      ),
    );
    const none = rows.length === 0 ? [element("p.hint", {}, "It has no registers of its own.")] : [];
    return element(
      "section.device-card",
      {},
      element("h3", {}, name, " ", element("span.address.muted", {}, code(address))),
      ...none,
      ...rows,
    );
  });
  return element("div.devices", {}, ...cards);
}

/** Many devices hold tables of zeros: what is alike is told once. */
function valueText(value: string): string {
  const words = value.split(" ");
  if (words.length > 4 && words.every((word) => word === words[0])) return `${words[0]} × ${words.length}`;
  return value === "" ? "empty" : value;
}
