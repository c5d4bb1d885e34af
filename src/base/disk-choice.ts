/** A disk as the user asks for it, on the command line and in launch.json alike. Plain data. */
export type DiskChoice = (
  | {
      /** An image file. It is only read. */
      readonly path: string;
      /** The recording names the file and its hash, and does not hold what is in it. */
      readonly external: boolean;
    }
  /** An empty disk. */
  | { readonly blankBytes: number }
) & { readonly readOnly: boolean };

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
const SECTOR_BYTES = 512;

/** `FILE`, `FILE,readonly`, `FILE,external`, both; or `blank:64M`. Undefined: none of these. Paths stay as they are. */
export function parseDiskChoice(text: string): DiskChoice | undefined {
  const options = new Set<string>();
  let rest = text.trim();
  for (let match = OPTION.exec(rest); match !== null; match = OPTION.exec(rest)) {
    options.add(match[1]);
    rest = rest.slice(0, match.index);
  }
  const readOnly = options.has("readonly");
  const external = options.has("external");
  const blank = /^blank:(.*)$/s.exec(rest);
  if (blank === null) return rest === "" ? undefined : { path: rest, external, readOnly };
  const size = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(blank[1]);
  if (size === null || external) return undefined;
  const blankBytes = Number(size[1]) * UNITS[size[2].toUpperCase()];
  return blankBytes > 0 && blankBytes % SECTOR_BYTES === 0 ? { blankBytes, readOnly } : undefined;
}

const OPTION = /,(readonly|external)$/;

/** What to write instead, the end of a sentence. */
export const DISK_CHOICE_FORMS =
  "FILE, optionally followed by “,readonly” or “,external”, or blank:SIZE with a size like 64M in sectors of 512 bytes";
