import type { Program } from "../assembler/program.ts";
import { parseSymbolChoice } from "../base/boot-choice.ts";
import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { sameBytes } from "../base/same-bytes.ts";
import { KERNEL_BASE } from "../boot/boot-plan.ts";
import { assembleFirmware } from "../boot/sbi-firmware.ts";
import type { ExecutableFile } from "../debuggee/protocol.ts";
import type { CacheGroupChoice, EngineChoice, MachineConfiguration } from "../machine/configuration.ts";
import type { DiskImage } from "../machine/disks.ts";
import { Machine } from "../machine/machine.ts";
import type { Image } from "../machine/machine-interface.ts";
import { RAM_BASE } from "../machine/memory-map.ts";
import { decodeImage, imageBytes } from "../replay/recorded-image.ts";
import type { RecordedImage } from "../replay/recording-message.ts";
import { RecordingReader } from "../replay/recording-reader.ts";
import { sha256 } from "../replay/sha256.ts";
import { Timeline, type TimelineOptions } from "../replay/timeline.ts";
import { shiftProgram } from "../symbols/shift.ts";
import { BookmarkFile } from "./bookmark-file.ts";
import { recordedSymbols } from "./boot-files.ts";
import { makeCompileThread, startCompileThread } from "./compile-thread.ts";
import { recordedDisks } from "./disk-files.ts";
import { executableOf } from "./executable-file.ts";
import { timelineOptions } from "./live-session.ts";
import { DISK, type FileSource, type LoadedProgram, loadProgram } from "./program-files.ts";
import { recordedImages } from "./recorded-images.ts";
import { holderOf, recordingWarnings } from "./recording-lock.ts";
import { FileByteSource } from "./recording-source.ts";
import { HostResidency, type ResidencyChoice } from "./residency.ts";
import type { SearchSubject } from "./search-protocol.ts";
import { sourceTexts } from "./source-files.ts";
import { threadMs } from "./thread-clock.ts";
import { AdaptiveTurns } from "./turn-length.ts";
import { ZSTD } from "./zstd.ts";

/** A recording opened for travel. */
export interface RecordedSession {
  readonly machine: Machine;
  readonly timeline: Timeline;
  readonly reader: RecordingReader;
  /** With symbols and lines; none when the recording has only what was in memory. */
  readonly programs: readonly Program[];
  readonly sources: ReadonlyMap<string, Uint8Array>;
  /** The program or kernel as an ELF, if it has symbols and can still be had. */
  readonly executable: () => ExecutableFile | undefined;
  /** Sentences about what is missing or was found damaged. */
  readonly warnings: readonly string[];
  /** Where pages are that the machine does not keep; absent: it keeps all. */
  readonly residency: HostResidency | undefined;
  close(): void;
}

export interface OpeningOptions extends ResidencyChoice {
  readonly engine?: EngineChoice | undefined;
  readonly cacheGroup?: CacheGroupChoice | undefined;
  /** Somebody will go to and fro in it: what makes that fast is started at once. */
  readonly travels?: boolean;
  /** Hears what the file says before there is a machine. */
  readonly onRead?: (reader: RecordingReader) => void;
}

/** Throws a UserError when the file is no recording, is one of another version, or cannot be replayed. */
export function openRecording(path: string, options: OpeningOptions = {}): RecordedSession {
  return open(path, options, (reader) => {
    const kept = new BookmarkFile(path, reader);
    const warnings = kept.warning === undefined ? [] : [kept.warning];
    return { bookmarks: kept.merge(reader.bookmarks), bookmarkKeeper: kept, warnings };
  });
}

/**
 * One more machine for a recording that somebody has open, or is recording: nothing is written, and bookmarks are not
 * asked for. `end` is how far the run is known, `ended` what it ended by there; a file that is still being written may say less,
 * where nothing happened since.
 */
export function openForSearch({ path, end, ended, engine, cacheGroup }: SearchSubject): RecordedSession {
  const known = { knownEnd: end as Instant, knownReason: ended };
  return open(path, { engine, cacheGroup, ...known }, () => ({ bookmarks: [], warnings: [] }));
}

type Opening = OpeningOptions & Pick<TimelineOptions, "knownEnd" | "knownReason">;

type Bookmarks = Pick<TimelineOptions, "bookmarks" | "bookmarkKeeper"> & { readonly warnings: readonly string[] };

function open(
  path: string,
  { engine, cacheGroup, travels = false, onRead, residentBytes, asyncPages, pageInLatencyMs, ...known }: Opening,
  bookmarksOf: (reader: RecordingReader) => Bookmarks,
): RecordedSession {
  const writer = holderOf(path);
  const source = new FileByteSource(path);
  try {
    const reader = new RecordingReader(source, ZSTD);
    onRead?.(reader);
    const warnings = recordingWarnings(reader, writer);
    const { configuration } = reader.header;
    const images = recordedImages(path, reader.header);
    const { image, programs, sources, executable } = restorePrograms(images, configuration, warnings);
    const residency = HostResidency.of({ residentBytes, asyncPages, pageInLatencyMs }, configuration);
    const makeCompiler = travels ? startCompileThread : makeCompileThread;
    const machine = new Machine(
      ...([configuration, engine, diskImages(images, configuration), cacheGroup] as const),
      residency?.metered(makeCompiler) ?? makeCompiler,
      residency?.residency,
    );
    machine.load(image);
    const { warnings: ofBookmarks, ...bookmarks } = bookmarksOf(reader);
    warnings.push(...ofBookmarks);
    // Of branches.
    const turns = new AdaptiveTurns(() => performance.now(), undefined, threadMs);
    const timeline = Timeline.open(machine, reader, {
      ...{ ...timelineOptions(engine), ...bookmarks, turns, ...known },
      ...(residency && { pages: residency }),
    });
    const close = () => {
      source.close();
      void residency?.close();
    };
    return { machine, timeline, reader, programs, sources, executable, warnings, residency, close };
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

/** What was in memory at reset, and the programs with their symbols, from what the recording holds. */
function restorePrograms(images: readonly RecordedImage[], configuration: MachineConfiguration, warnings: string[]) {
  const main = images.find(({ role }) => role === "program");
  if (main === undefined) throw new UserError("recording-program", "The recording does not say which program it ran.");
  const files = new RecordedFiles(images);
  const memory = images.find(({ role }) => role === "memory");
  const memoryBytes = memory && imageBytes(memory, ZSTD);
  const image = memoryBytes && decodeImage(memoryBytes, (index) => files.at(index));
  const loaded = reload(main.name, files, configuration.memoryBytes, image, warnings);
  const sources = new Map(loaded?.sources);
  for (const { role, name, bytes } of images) if (role === "source" && bytes !== undefined) sources.set(name, bytes);
  const programs = [
    ...(loaded === undefined ? [] : [loaded.program]),
    ...firmwarePrograms(sources, image),
    ...images.flatMap(({ role, name }) => (role === "symbols" ? symbolPrograms(name, files, warnings) : [])),
  ];
  const executable = () => (loaded === undefined ? undefined : executableOf(main.name, loaded));
  return { image: image ?? loaded!.program, programs, sources, executable };
}

/**
 * The program as it was loaded for the recording. When the recording holds memory as well, a program that cannot be
 * had any more, or that now gives something else, costs its symbols and lines only.
 */
function reload(
  path: string,
  files: FileSource,
  memoryBytes: number,
  image: Image | undefined,
  warnings: string[],
): LoadedProgram | undefined {
  try {
    for (const base of [RAM_BASE, KERNEL_BASE]) {
      const loaded = loadProgram(path, files, { memoryBytes, base });
      // A raw image has neither symbols nor lines that could be wrong; where it lay is the memory's to say.
      const isElsewhere = loaded.isRaw && image !== undefined && !liesIn(image, loaded.program);
      if (isElsewhere && base === RAM_BASE) continue;
      if (image === undefined || loaded.isRaw) return loaded;
      const program = programIn(image, loaded.program);
      if (program !== undefined) return { ...loaded, program };
    }
    warnings.push("The program assembles to something else than was recorded: it is shown without symbols and lines.");
  } catch (error) {
    if (!(error instanceof UserError) || image === undefined) throw error;
    warnings.push(`The program is shown without symbols and lines: ${error.message}`);
  }
  return undefined;
}

/**
 * The program as memory at reset holds it; undefined when it holds something else. What is linked for address 0 lies
 * higher (src/boot/boot-plan.ts), and so do its symbols, unless they are virtual addresses of their own.
 */
function programIn(image: Image, program: Program): Program | undefined {
  const isThere = (shift: number) =>
    program.segments.every((segment) =>
      image.segments.some(
        ({ bytes, physicalAddress }) =>
          physicalAddress === segment.physicalAddress + shift && sameBytes(bytes, segment.bytes),
      ),
    );
  const shift = [0, RAM_BASE, KERNEL_BASE].find(isThere);
  if (shift === undefined) return undefined;
  const isIdentical = program.segments.every(({ physicalAddress, virtualAddress: v }) => v === BigInt(physicalAddress));
  return isIdentical ? shiftProgram(program, BigInt(shift)) : program;
}

/** Whether the program's bytes are in memory at reset where it says. */
function liesIn(image: Image, program: Program): boolean {
  return program.segments.every(({ physicalAddress, bytes }) =>
    image.segments.some((at) => at.physicalAddress === physicalAddress && sameBytes(at.bytes, bytes)),
  );
}

/** The built-in firmware, when it was used: assembled from the sources that the recording holds. */
function firmwarePrograms(sources: ReadonlyMap<string, Uint8Array>, image: Image | undefined): Program[] {
  const firmware = assembleFirmware(sourceTexts(sources));
  const program = firmware && image && programIn(image, firmware.program);
  return program === undefined ? [] : [program];
}

function symbolPrograms(name: string, files: FileSource, warnings: string[]): Program[] {
  try {
    const loaded = recordedSymbols(name, files);
    return loaded === undefined ? [] : [loaded.program];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    warnings.push(`The symbols of ${name} are not there: ${error.message}`);
    return [];
  }
}

/** The files of a run: those that the recording holds, and from the disk only the very same. */
class RecordedFiles implements FileSource {
  readonly #images: readonly RecordedImage[];
  readonly #sources: ReadonlySet<string>;

  constructor(images: readonly RecordedImage[]) {
    this.#images = images;
    this.#sources = new Set(images.flatMap(({ role, name }) => (role === "source" ? [name] : [])));
  }

  has(path: string): boolean {
    return this.#sources.has(path);
  }

  read(path: string): Uint8Array {
    const index = this.#images.findIndex(({ name, role }) => name === path && role !== "memory" && role !== "disk");
    if (index < 0) throw new UserError("file-not-found", `The recording does not hold ${path}.`);
    return this.at(index)!;
  }

  /** The image of that number; undefined when there is none. */
  at(index: number): Uint8Array | undefined {
    const image = this.#images[index];
    if (image === undefined) return undefined;
    const held = imageBytes(image, ZSTD);
    if (held !== undefined) return held;
    const { path } = parseSymbolChoice(image.name) ?? { path: image.name };
    const bytes = DISK.read(image.role === "symbols" ? path : image.name);
    if (sha256(bytes) === image.sha256) return bytes;
    throw new UserError(
      "image-changed",
      `${image.name} has changed since it was recorded, and the recording does not hold it: put the recorded one back.`,
    );
  }
}
