import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import type { DiskChoice } from "../base/disk-choice.ts";
import { UserError } from "../base/errors.ts";
import type { DiskConfiguration } from "../machine/configuration.ts";
import type { DiskImage } from "../machine/disks.ts";
import { DiskPacker, PackedDisk, PIECE_BYTES } from "../replay/packed-disk.ts";
import type { RecordedImage } from "../replay/recording-message.ts";
import { systemReason } from "./system-errors.ts";
import { ZSTD } from "./zstd.ts";

/** A disk's image is an attachment of the recording, which has at most 1 GiB (docs/recording-format.md). */
const MOST_EMBEDDED_BYTES = 1023 * 2 ** 20;
/** Blocks of a file that are kept in memory: 16 MiB. */
const MOST_KEPT = 256;
const SECTOR_BYTES = 512;
/** Begins the name of a disk that was all zero: a recording holds nothing more of it. */
const BLANK = "blank:";

/** The disks of a machine that is about to run. */
export interface OpenedDisks {
  readonly configurations: readonly DiskConfiguration[];
  readonly images: readonly DiskImage[];
  /** What the recording says of them, and holds; empty when nothing is to be recorded. */
  readonly recorded: readonly RecordedImage[];
}

/**
 * Opens what the user chose. To be recorded, files are read as a whole: the machine then runs on the copy that the
 * recording gets, unless it is to name the file only. Throws a UserError for what cannot be a disk.
 */
export function openDisks(choices: readonly DiskChoice[], record: boolean): OpenedDisks {
  const opened = choices.map((choice) => openDisk(choice, record));
  return {
    configurations: opened.map(({ configuration }) => configuration),
    images: opened.map(({ image }) => image),
    recorded: opened.flatMap(({ recorded }) => (recorded === undefined ? [] : [recorded])),
  };
}

/** The images of a recording's disks: those that it holds, else the very files that it names. */
export function recordedDisks(images: readonly RecordedImage[]): DiskImage[] {
  return images
    .filter(({ role }) => role === "disk")
    .map(({ name, sizeBytes, bytes, sha256: hash }) => {
      if (name.startsWith(BLANK)) return new BlankDisk(sizeBytes);
      if (bytes !== undefined) return new PackedDisk(bytes, sizeBytes, ZSTD);
      const file = new FileDisk(name);
      if (file.sizeBytes === sizeBytes && file.hash() === hash) return file;
      throw new UserError(
        "image-changed",
        `${name} has changed since it was recorded as a disk, and the recording does not hold it: put the recorded one back.`,
      );
    });
}

interface OpenedDisk {
  readonly configuration: DiskConfiguration;
  readonly image: DiskImage;
  readonly recorded: RecordedImage | undefined;
}

function openDisk(choice: DiskChoice, record: boolean): OpenedDisk {
  const { readOnly } = choice;
  if ("blankBytes" in choice) {
    const { blankBytes: sizeBytes } = choice;
    const name = `${BLANK}${sizeBytes}`;
    const recorded = { role: "disk", name, sizeBytes, sha256: "", bytes: undefined } as const;
    return { configuration: { sizeBytes, readOnly }, image: new BlankDisk(sizeBytes), recorded };
  }
  const name = resolve(choice.path);
  const file = new FileDisk(name);
  const { sizeBytes } = file;
  const configuration = { sizeBytes: Math.ceil(sizeBytes / SECTOR_BYTES) * SECTOR_BYTES, readOnly };
  if (!record) return { configuration, image: file, recorded: undefined };
  if (choice.external) {
    const recorded = { role: "disk", name, sizeBytes, sha256: file.hash(), bytes: undefined } as const;
    return { configuration, image: file, recorded };
  }
  const recorded = pack(file, name);
  return { configuration, image: new PackedDisk(recorded.bytes!, sizeBytes, ZSTD), recorded };
}

function pack(file: FileDisk, name: string): RecordedImage {
  const hash = createHash("sha256");
  const packer = new DiskPacker(ZSTD);
  for (let offset = 0; offset < file.sizeBytes; offset += PIECE_BYTES) {
    const piece = file.read(offset, Math.min(PIECE_BYTES, file.sizeBytes - offset));
    hash.update(piece);
    packer.add(piece);
    if (packer.packedBytes > MOST_EMBEDDED_BYTES) throw tooLarge(name);
  }
  const bytes = packer.finish();
  const packed = { sizeBytes: bytes.length, sha256: ZSTD.sha256!(bytes) };
  return { role: "disk", name, sizeBytes: file.sizeBytes, sha256: hash.digest("hex"), bytes, packed };
}

/** A disk that is all zero. */
class BlankDisk implements DiskImage {
  readonly sizeBytes: number;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  read(_offset: number, length: number): Uint8Array {
    return new Uint8Array(length);
  }
}

/**
 * An image file, read where the guest looks. It is not kept open, so that nobody has to close it, and must stay as it is:
 * a run on a file that changes meanwhile could never be repeated, so it ends with a sentence that says so.
 */
class FileDisk implements DiskImage {
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #stamp: string;
  readonly #kept = new Map<number, Uint8Array>();

  constructor(path: string) {
    this.#path = path;
    const { sizeBytes, stamp } = this.#open((fd) => {
      const status = fstatSync(fd);
      if (!status.isFile()) throw new UserError("disk-not-file", `${path} is not a file: name a disk image.`);
      if (status.size === 0) throw new UserError("disk-empty", `${path} is empty: name a disk image, or blank:64M.`);
      return { sizeBytes: status.size, stamp: stampOf(status) };
    });
    this.sizeBytes = sizeBytes;
    this.#stamp = stamp;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.sizeBytes - offset)));
    for (let done = 0; done < bytes.length; ) {
      const piece = this.#piece(Math.floor((offset + done) / PIECE_BYTES));
      const from = (offset + done) % PIECE_BYTES;
      const size = Math.min(PIECE_BYTES - from, bytes.length - done);
      bytes.set(piece.subarray(from, from + size), done);
      done += size;
    }
    return bytes;
  }

  hash(): string {
    const hash = createHash("sha256");
    for (let offset = 0; offset < this.sizeBytes; offset += PIECE_BYTES) hash.update(this.read(offset, PIECE_BYTES));
    return hash.digest("hex");
  }

  #piece(index: number): Uint8Array {
    const kept = this.#kept.get(index);
    if (kept !== undefined) {
      // Last in the order of the map is what was used last.
      this.#kept.delete(index);
      this.#kept.set(index, kept);
      return kept;
    }
    const offset = index * PIECE_BYTES;
    const piece = new Uint8Array(Math.min(PIECE_BYTES, this.sizeBytes - offset));
    this.#open((fd) => {
      if (stampOf(fstatSync(fd)) !== this.#stamp) throw this.#changed();
      for (let done = 0; done < piece.length; ) {
        const count = readSync(fd, piece, done, piece.length - done, offset + done);
        if (count === 0) throw this.#changed();
        done += count;
      }
    });
    if (this.#kept.size >= MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(index, piece);
    return piece;
  }

  #open<Result>(act: (fd: number) => Result): Result {
    let fd: number | undefined;
    try {
      fd = openSync(this.#path, "r");
      return act(fd);
    } catch (error) {
      if (error instanceof UserError) throw error;
      const code = (error as NodeJS.ErrnoException).code === "ENOENT" ? "file-not-found" : "file-unreadable";
      throw new UserError(code, `cannot read the disk image ${this.#path}: ${systemReason(error)}.`);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  #changed(): UserError {
    return new UserError(
      "disk-changed",
      `The disk image ${this.#path} was changed while the machine ran on it: begin again, and leave it alone meanwhile.`,
    );
  }
}

function stampOf({ ino, size, mtimeMs }: { ino: number; size: number; mtimeMs: number }): string {
  return `${ino} ${size} ${mtimeMs}`;
}

function tooLarge(name: string): UserError {
  return new UserError(
    "disk-too-large",
    `${name} is too large to be part of a recording, even compressed: add “,external” to leave it where it is.`,
  );
}
