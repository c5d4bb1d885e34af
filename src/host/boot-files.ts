import { resolve } from "node:path";
import type { Program } from "../assembler/program.ts";
import { type BootChoice, parseSymbolChoice, type SymbolChoice, symbolChoiceText } from "../base/boot-choice.ts";
import { UserError } from "../base/errors.ts";
import { KERNEL_BASE, type Loadable, planBoot } from "../boot/boot-plan.ts";
import { describeHart } from "../boot/hart-description.ts";
import type { ExecutableFile } from "../debuggee/protocol.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import type { Image } from "../machine/machine-interface.ts";
import { RAM_BASE } from "../machine/memory-map.ts";
import { encodeImage, packedImage, recordedImage } from "../replay/recorded-image.ts";
import type { RecordedImage } from "../replay/recording-message.ts";
import { shiftProgram } from "../symbols/shift.ts";
import { isSymbolList, readSymbolList } from "../symbols/symbol-list.ts";
import { executableOf } from "./executable-file.ts";
import { DISK, type FileSource, type LoadedProgram, loadProgram } from "./program-files.ts";
import { sourcesOf } from "./source-files.ts";
import { ZSTD } from "./zstd.ts";

/** What a run is about: a program in machine mode, or a kernel with firmware. */
export interface RunChoice extends BootChoice {
  readonly program?: string;
}

/** Everything that lies in memory at reset, and what is known about it. */
export interface LoadedBoot {
  /** The program's or kernel's path, as the user gave it. */
  readonly path: string;
  readonly image: Image;
  /** The program or kernel first, then the firmware and whatever else has symbols. */
  readonly programs: readonly Program[];
  /** Sources to show, by the paths of the line tables. */
  readonly sources: ReadonlyMap<string, Uint8Array>;
  readonly warnings: readonly string[];
  /** The program or kernel as an ELF, if it has symbols. */
  readonly executable: () => ExecutableFile | undefined;
  /** What a recording has to hold. */
  readonly recorded: readonly RecordedImage[];
}

/** What the user wants to run. Throws a UserError unless it is exactly one thing. */
export function subjectOf({ program, kernel }: RunChoice): string {
  if (program !== undefined && kernel !== undefined) {
    throw new UserError("boot-both", "Give either a program or a kernel: one would lie in the other's place.", 2);
  }
  const path = program ?? kernel;
  if (path === undefined)
    throw new UserError("boot-nothing", "There is nothing to run: give a program or a kernel.", 2);
  return path;
}

/** Whether supervisor mode runs it, under firmware. */
export function hasFirmware({ kernel, bios }: RunChoice): boolean {
  return (bios ?? (kernel === undefined ? "none" : "sbi")) !== "none";
}

/** Reads all files and lays out memory. Throws a UserError when one of them cannot be used, or they do not fit together. */
export function loadBoot(choice: RunChoice, configuration: MachineConfiguration): LoadedBoot {
  const path = subjectOf(choice);
  const { memoryBytes } = configuration;
  const base = hasFirmware(choice) ? KERNEL_BASE : RAM_BASE;
  const main = loadProgram(path, DISK, { memoryBytes, base });
  const bios = choice.bios ?? "sbi";
  const firmware =
    !hasFirmware(choice) || bios === "sbi"
      ? undefined
      : loadProgram(bios, DISK, { memoryBytes, positionIndependent: true });
  const initrd = choice.initrd === undefined ? undefined : readBytes(choice.initrd);
  const plan = planBoot({
    configuration,
    hart: describeHart(configuration),
    kernel: loadable(path, main),
    firmware: !hasFirmware(choice) ? "none" : firmware === undefined ? "sbi" : loadable(bios, firmware),
    ...(initrd === undefined ? {} : { initrd }),
    ...(choice.append === undefined ? {} : { commandLine: choice.append }),
    ...(choice.dtb === undefined ? {} : { deviceTree: readBytes(choice.dtb) }),
  });
  const firmwareSymbols: SymbolChoice | undefined =
    firmware === undefined || firmware.isRaw ? undefined : { path: bios, offset: BigInt(plan.shifts.firmware) };
  const symbolFiles = [...(firmwareSymbols === undefined ? [] : [firmwareSymbols]), ...(choice.symbolFiles ?? [])];
  const symbols = symbolFiles.map((file) => loadSymbols(file, DISK));
  const sources = new Map(sourcesOf(main));
  for (const [name, text] of plan.firmwareSources) sources.set(name, new TextEncoder().encode(text));
  for (const loaded of symbols) for (const [name, bytes] of sourcesOf(loaded)) sources.set(name, bytes);
  const files: RecordedFile[] = [
    { role: "program", name: resolve(path), bytes: main.bytes },
    ...(firmware === undefined ? [] : [{ role: "file" as const, name: resolve(bios), bytes: firmware.bytes }]),
    ...(initrd === undefined ? [] : [{ role: "file" as const, name: resolve(initrd.name), bytes: initrd.bytes }]),
    ...symbols.map(({ bytes }, index) => {
      const { path: file, offset } = symbolFiles[index];
      return { role: "symbols" as const, name: symbolChoiceText({ path: resolve(file), offset }), bytes };
    }),
  ];
  return {
    path,
    image: plan.image,
    programs: [
      shiftProgram(main.program, BigInt(plan.shifts.kernel)),
      ...(plan.firmware === undefined ? [] : [plan.firmware]),
      ...symbols.map(({ program }) => program),
    ],
    sources,
    executable: executableLater(resolve(path), main),
    warnings: [...main.warnings, ...symbols.flatMap(({ warnings }) => warnings)],
    get recorded() {
      return recordedImages(plan.image, files, sources);
    },
  };
}

/** Made apart from everything else that was read: what is asked for much later keeps no more alive than it needs. */
function executableLater(path: string, main: LoadedProgram): LoadedBoot["executable"] {
  // A raw image is none, and may have tens of megabytes.
  return main.isRaw ? () => undefined : () => executableOf(path, main);
}

/** An ELF, an assembly source or a list of symbols, where its code really is. */
function loadSymbols({ path, offset }: SymbolChoice, files: FileSource): LoadedProgram {
  const bytes = files.read(path);
  const loaded = isSymbolList(bytes)
    ? { program: readSymbolList(bytes, path), bytes, isRaw: false, sources: new Map(), assembled: false, warnings: [] }
    : loadProgram(path, files, { memoryBytes: MOST_SYMBOL_BYTES, positionIndependent: true });
  if (loaded.isRaw) {
    throw new UserError(
      "symbols-none",
      `${path} has no symbols: name an ELF, or a list such as nm and System.map have.`,
    );
  }
  return { ...loaded, program: shiftProgram(loaded.program, offset) };
}

/** A kernel with all of its debug information. */
const MOST_SYMBOL_BYTES = 2 ** 30;

/** The symbols that a recording names in an image of that role. */
export function recordedSymbols(name: string, files: FileSource): LoadedProgram | undefined {
  const choice = parseSymbolChoice(name);
  return (
    choice &&
    loadSymbols(choice, {
      read: (path) => files.read(path === choice.path ? name : path),
      has: (path) => files.has(path),
    })
  );
}

interface RecordedFile {
  readonly role: RecordedImage["role"];
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Everything that the run can be repeated from on another computer, and its sources, to be read there. */
function recordedImages(
  image: Image,
  files: readonly RecordedFile[],
  sources: ReadonlyMap<string, Uint8Array>,
): RecordedImage[] {
  const [main] = files;
  return [
    ...files.map(({ role, name, bytes }) => packedImage(role, name, bytes, ZSTD)),
    // Another version may assemble to other encodings or make another device tree: the recording holds what this one made.
    packedImage(
      "memory",
      main.name,
      encodeImage(
        image,
        files.map(({ bytes }) => bytes),
      ),
      ZSTD,
    ),
    ...[...sources].filter(([name]) => name !== main.name).map(([name, bytes]) => recordedImage("source", name, bytes)),
  ];
}

function loadable(name: string, { program, bytes, isRaw }: LoadedProgram): Loadable {
  return isRaw ? { name, bytes } : { name, program };
}

function readBytes(path: string): { name: string; bytes: Uint8Array } {
  const bytes = DISK.read(path);
  if (bytes.length === 0) throw new UserError("file-empty", `${path} is empty.`);
  return { name: path, bytes };
}
