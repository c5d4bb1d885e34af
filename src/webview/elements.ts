type Child = Node | string | undefined;

/** An element with a class, attributes and children: `element("td.value", { title }, text)`. */
export function element(
  kind: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): HTMLElement {
  const [tag, ...classes] = kind.split(".");
  const made = document.createElement(tag);
  if (classes.length > 0) made.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** Text in the editor's font, for addresses and values. */
export function code(text: string, title?: string): HTMLElement {
  return element("code", { title }, text);
}

const PAGE_ENTRY_BYTES = 8;

/** Makes an entry of a page table the subject of the workbench's menus: who wrote it (`webview/context` in package.json). */
export function asPageEntry(shown: HTMLElement, name: string, physicalAddress: string): HTMLElement {
  const memory = { name, address: `phys:${physicalAddress}`, length: PAGE_ENTRY_BYTES };
  const context = { webviewSection: "memory", preventDefaultContextMenuItems: true, ...memory };
  shown.dataset.vscodeContext = JSON.stringify(context);
  return shown;
}

/** The flags of a page table entry, each at its place: what is not set stays to be seen as missing. */
export function flagChips(flags: readonly string[]): HTMLElement {
  const chips = FLAGS.map(([flag, meaning]) => {
    const set = flags.includes(flag);
    return element(
      set ? "span.flag.set" : "span.flag",
      { title: `${flag}: ${meaning}${set ? "" : ", not set"}` },
      flag,
    );
  });
  const spoken = flags.length === 0 ? "no flags" : `flags ${flags.join(" ")}`;
  return element("span.flags", { role: "img", "aria-label": spoken }, ...chips);
}

/** In the order in which people read permissions. */
const FLAGS = [
  ["V", "valid"],
  ["R", "readable"],
  ["W", "writable"],
  ["X", "executable"],
  ["U", "for user mode"],
  ["G", "global, in all address spaces"],
  ["A", "accessed"],
  ["D", "dirty, was written"],
] as const;

/** `4 KiB`, `2 MiB`, `1 GiB`. */
export function sizeText(bytes: bigint): string {
  let size = bytes;
  let unit = 0;
  for (; size >= 1024n && size % 1024n === 0n && unit + 1 < UNITS.length; unit++) size /= 1024n;
  return `${size.toLocaleString("en-US")} ${UNITS[unit]}`;
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function hexOf(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}
