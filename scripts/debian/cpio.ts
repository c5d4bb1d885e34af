/** A file of an initramfs: type and permissions as in stat's st_mode. */
export interface ArchiveEntry {
  readonly name: string;
  readonly mode: number;
  /** A file's contents, or where a symbolic link leads. */
  readonly contents?: Uint8Array;
  /** Major and minor number of a device. */
  readonly device?: readonly [number, number];
}

export const FOLDER = 0o040755;
export const EXECUTABLE = 0o100755;
export const FILE = 0o100644;
export const LINK = 0o120777;
export const CHARACTER_DEVICE = 0o020600;

const TRAILER = "TRAILER!!!";

/**
 * A cpio archive of format "newc" (Linux: Documentation/driver-api/early-userspace/buffer-format.rst). The same entries
 * give the same bytes: there are no times in it, and everything belongs to root.
 */
export function cpioArchive(entries: readonly ArchiveEntry[]): Buffer {
  const parts: Buffer[] = [];
  [...entries, { name: TRAILER, mode: 0 }].forEach(({ name, mode, contents = new Uint8Array(0), device }, index) => {
    const fields = [
      index + 1,
      mode,
      0, // owner
      0, // group
      1, // links
      0, // time
      contents.length,
      0, // device that the file is on
      0,
      ...(device ?? [0, 0]),
      name.length + 1,
      0, // checksum, unused in this format
    ];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`;
    parts.push(padded(Buffer.from(header, "latin1")), padded(Buffer.from(contents)));
  });
  return Buffer.concat(parts);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
