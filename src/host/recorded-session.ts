import type { Program } from "../assembler/program.ts";
import { UserError } from "../base/errors.ts";
import type { EngineChoice, MachineConfiguration } from "../machine/configuration.ts";
import type { DiskImage } from "../machine/disks.ts";
import { Machine } from "../machine/machine.ts";
import type { Image } from "../machine/machine-interface.ts";
import { decodeImage, encodeImage } from "../replay/recorded-image.ts";
import type { RecordedImage } from "../replay/recording-message.ts";
import { RecordingReader } from "../replay/recording-reader.ts";
import { sha256 } from "../replay/sha256.ts";
import { Timeline } from "../replay/timeline.ts";
import { recordedDisks } from "./disk-files.ts";
import { timelineOptions } from "./live-session.ts";
import { DISK, type FileSource, type LoadedProgram, loadProgram } from "./program-files.ts";
import { FileByteSource } from "./recording-source.ts";
import { ZSTD } from "./zstd.ts";

/** A recording opened for travel. */
export interface RecordedSession {
  readonly machine: Machine;
  readonly timeline: Timeline;
  readonly reader: RecordingReader;
  /** With symbols and lines; missing when the recording has only what was in memory. */
  readonly program: Program | undefined;
  readonly sources: ReadonlyMap<string, Uint8Array>;
  /** Sentences about what is missing or was found damaged. */
  readonly warnings: readonly string[];
  close(): void;
}

/** Throws a UserError when the file is no recording, is one of another version, or cannot be replayed. */
export function openRecording(path: string, engine?: EngineChoice): RecordedSession {
  const source = new FileByteSource(path);
  try {
    const reader = new RecordingReader(source, ZSTD);
    const warnings = [...reader.warnings];
    const { image, program, sources } = restoreProgram(reader, warnings);
    const { configuration, images } = reader.header;
    const machine = new Machine(configuration, engine, diskImages(images, configuration));
    machine.load(image);
    const timeline = Timeline.open(machine, reader, timelineOptions(engine));
    return { machine, timeline, reader, program, sources, warnings, close: () => source.close() };
  } catch (error) {
    source.close();
    throw error;
  }
}

function diskImages(images: readonly RecordedImage[], configuration: MachineConfiguration): DiskImage[] {
  const disks = recordedDisks(images);
  if (disks.length === configuration.disks.length) return disks;
  throw new UserError("recording-disk", "The recording does not have an image for each of its disks.");
}

/** What was in memory at reset, and the program with its symbols, from what the recording holds. */
function restoreProgram(reader: RecordingReader, warnings: string[]) {
  const { images, configuration } = reader.header;
  const main = images.find(({ role }) => role === "program");
  if (main === undefined) throw new UserError("recording-program", "The recording does not say which program it ran.");
  const memory = images.find(({ role }) => role === "memory");
  const image = memory?.bytes === undefined ? undefined : decodeImage(memory.bytes);
  const loaded = reload(main, images, configuration.memoryBytes, image, warnings);
  const sources = new Map(loaded?.sources);
  for (const { role, name, bytes } of images) if (role === "source" && bytes !== undefined) sources.set(name, bytes);
  return { image: image ?? loaded!.program, program: loaded?.program, sources };
}

/**
 * The program as it was loaded for the recording. When the recording holds memory as well, a program that cannot be
 * had any more, or that now gives something else, costs its symbols and lines only.
 */
function reload(
  main: RecordedImage,
  images: readonly RecordedImage[],
  memoryBytes: number,
  image: Image | undefined,
  warnings: string[],
): LoadedProgram | undefined {
  try {
    const loaded = loadProgram(main.name, new RecordedFiles(main, images), memoryBytes);
    if (image === undefined || sameBytes(encodeImage(loaded.program), encodeImage(image))) return loaded;
    warnings.push("The program assembles to something else than was recorded: it is shown without symbols and lines.");
  } catch (error) {
    if (!(error instanceof UserError) || image === undefined) throw error;
    warnings.push(`The program is shown without symbols and lines: ${error.message}`);
  }
  return undefined;
}

/** The files of a run: those that the recording holds, and from the disk only the very same. */
class RecordedFiles implements FileSource {
  readonly #main: RecordedImage;
  readonly #images: readonly RecordedImage[];

  constructor(main: RecordedImage, images: readonly RecordedImage[]) {
    this.#main = main;
    this.#images = images.filter(({ role }) => role !== "memory" && role !== "disk");
  }

  read(path: string): Uint8Array {
    const image = path === this.#main.name ? this.#main : this.#images.find(({ name }) => name === path);
    if (image === undefined) throw new UserError("file-not-found", `The recording does not hold ${path}.`);
    if (image.bytes !== undefined) return image.bytes;
    const bytes = DISK.read(path);
    if (sha256(bytes) === image.sha256) return bytes;
    throw new UserError(
      "image-changed",
      `${path} has changed since it was recorded, and the recording does not hold it: put the recorded one back.`,
    );
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
