import { McapConstants } from "@mcap/core";
import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import { DamagedFile, MAGIC_BYTES, type McapInput, type McapRecord } from "./mcap-input.ts";
import { type PairHeader, RECORDING_VERSION, type RecordedImage, type RecordingHeader } from "./recording-message.ts";
import {
  attachmentName,
  CHANNEL_IDS,
  HEADER_METADATA,
  MESSAGE_ENCODING,
  metadataCheck,
  TOPICS,
} from "./recording-writer.ts";

const { Opcode } = McapConstants;

export interface Prologue {
  readonly header: RecordingHeader;
  /** Where the chunks begin. */
  readonly end: number;
}

/**
 * Reads what a recording says before anything happened. Without all of it there is no machine to replay on, so
 * whatever is wrong here is a UserError.
 */
export function readPrologue(input: McapInput): Prologue {
  if (input.sizeBytes === 0) throw new UserError("recording-empty", "The recording is empty.");
  if (!input.magicAt(0)) throw notARecording(input.name);
  try {
    return readRecords(input);
  } catch (error) {
    if (!(error instanceof DamagedFile)) throw error;
    throw new UserError("recording-damaged", `The recording is damaged at byte ${error.offset}: ${error.message}.`);
  }
}

function readRecords(input: McapInput): Prologue {
  let offset = MAGIC_BYTES;
  const next = (opcode: number): McapRecord => {
    const place = input.placeAt(offset);
    if (place === undefined) throw tornHeader();
    if (place.opcode !== opcode) throw new DamagedFile(offset, `record ${place.opcode} instead of ${opcode}`);
    offset = place.offset + place.length;
    return input.record(place);
  };
  const header = next(Opcode.HEADER);
  if (header.type !== "Header" || header.profile !== "hindcast") throw notARecording(input.name);
  const at = offset;
  const metadata = next(Opcode.METADATA);
  if (metadata.type !== "Metadata" || metadata.name !== HEADER_METADATA) throw new DamagedFile(at, "no header");
  const values = metadata.metadata;
  checkVersion(values.get("formatVersion"), values.get("tool"), at);
  if (values.get("check") !== metadataCheck(values)) throw new DamagedFile(at, "the checksum of the header is wrong");
  for (const topic of TOPICS) {
    const channel = next(Opcode.CHANNEL);
    const expected = channel.type === "Channel" && channel.id === CHANNEL_IDS[topic] && channel.topic === topic;
    if (!expected) throw new DamagedFile(offset, `no channel ${topic}`);
  }
  const configuration = parseConfiguration(values.get("configuration"), at);
  const images = parseImages(values.get("images"), at).map((image, index): RecordedImage => {
    if (!image.embedded) return { ...image, bytes: undefined };
    const place = offset;
    return readImage(input, image, attachmentName(index, image.name), next(Opcode.ATTACHMENT), place);
  });
  const start = parseStart(values.get("start"), at);
  const lockstep = parsePair(values.get("lockstep"), at);
  return {
    header: { tool: values.get("tool") ?? "", configuration, images, ...{ ...start, ...lockstep } },
    end: offset,
  };
}

/** Channels of every recording, for the reader of chunks. */
export function recordingChannels() {
  return TOPICS.map((topic) => {
    return { id: CHANNEL_IDS[topic], schemaId: 0, topic, messageEncoding: MESSAGE_ENCODING, metadata: new Map() };
  });
}

function checkVersion(version: string | undefined, tool: string | undefined, offset: number): void {
  if (version === undefined || !/^\d{1,9}$/.test(version)) throw new DamagedFile(offset, "no format version");
  if (Number(version) === RECORDING_VERSION) return;
  throw new UserError(
    "recording-version",
    `The recording has format version ${version} (written by ${tool ?? "an unknown tool"}), ` +
      `and this Hindcast reads version ${RECORDING_VERSION}: open it with the Hindcast that wrote it.`,
  );
}

function parseStart(text: string | undefined, at: number): Pick<RecordingHeader, "start"> {
  if (text === undefined) return {};
  const { instant, digest } = parseJson(text, at) as Record<string, unknown>;
  const valid = Number.isSafeInteger(instant) && (instant as number) >= 0 && typeof digest === "string";
  if (!valid) throw new DamagedFile(at, "an impossible start");
  return { start: { instant: instant as Instant, digest: digest as string } };
}

function parsePair(text: string | undefined, at: number): Pick<RecordingHeader, "lockstep"> {
  if (text === undefined) return {};
  const value = parseJson(text, at) as Record<string, unknown>;
  const { pair, member, role, stretch, timeMs, said, from, imagesIn } = value;
  const valid =
    isText(pair) &&
    isText(member) &&
    (role === "primary" || role === "secondary") &&
    isCount(stretch) &&
    Number.isFinite(timeMs) &&
    Array.isArray(said) &&
    said.every((count) => count === 0 || isCount(count)) &&
    (from === undefined || isText((from as Record<string, unknown>)?.member)) &&
    (imagesIn === undefined || isText(imagesIn));
  if (!valid) throw new DamagedFile(at, "an impossible lockstep header");
  return { lockstep: value as unknown as PairHeader };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

type ImageEntry = Omit<RecordedImage, "bytes"> & { readonly embedded: boolean };

function readImage(
  input: McapInput,
  entry: ImageEntry,
  name: string,
  record: McapRecord,
  offset: number,
): RecordedImage {
  const { role, sizeBytes, packed } = entry;
  const expected = packed ?? entry;
  if (record.type !== "Attachment" || record.name !== name || record.data.length !== expected.sizeBytes) {
    throw new DamagedFile(offset, `not the image ${name}`);
  }
  // A copy: the parser's buffer holds more than the image.
  const bytes = record.data.slice();
  const hash = input.hash(bytes);
  if (hash !== expected.sha256)
    throw new DamagedFile(offset, `the image ${name} does not have the content hash it should`);
  return {
    role,
    name: entry.name,
    sizeBytes,
    sha256: entry.sha256,
    bytes,
    ...(packed === undefined ? {} : { packed }),
  };
}

function parseConfiguration(text: string | undefined, offset: number): MachineConfiguration {
  const value = parseJson(text, offset);
  const { memoryBytes, harts, isa, seed, clock } = value as Record<string, unknown>;
  const valid =
    isCount(memoryBytes) &&
    memoryBytes % 4096 === 0 &&
    isCount(harts) &&
    typeof isa === "string" &&
    Number.isSafeInteger(seed) &&
    (clock === "virtual" || clock === "paced") &&
    isBoard(value as Record<string, unknown>);
  if (!valid) throw new DamagedFile(offset, "an impossible machine configuration");
  // Members that this version does not know are kept: machines compare configurations as a whole.
  return value as unknown as MachineConfiguration;
}

/** What the devices are made from. */
function isBoard({ startTime, disks, network, virtio, console }: Record<string, unknown>): boolean {
  return (
    (isCount(startTime) || startTime === 0) &&
    Array.isArray(disks) &&
    disks.every((disk) => isCount(disk?.sizeBytes) && typeof disk.readOnly === "boolean") &&
    typeof network === "boolean" &&
    (virtio === "modern" || virtio === "legacy") &&
    (console === "uart" || console === "virtio")
  );
}

function parseImages(text: string | undefined, offset: number): ImageEntry[] {
  const value = parseJson(text, offset);
  if (!Array.isArray(value)) throw new DamagedFile(offset, "an impossible list of images");
  return value.map((entry: Record<string, unknown>): ImageEntry => {
    const { role, name, sizeBytes, sha256: hash, embedded, packed } = entry ?? {};
    const valid =
      isRole(role) &&
      typeof name === "string" &&
      (isCount(sizeBytes) || sizeBytes === 0) &&
      typeof hash === "string" &&
      typeof embedded === "boolean" &&
      (packed === undefined || isPacked(packed));
    if (!valid) throw new DamagedFile(offset, "an impossible list of images");
    return { role, name, sizeBytes: sizeBytes as number, sha256: hash, embedded, packed };
  });
}

const ROLES = ["program", "source", "memory", "file", "symbols", "disk"] as const satisfies RecordedImage["role"][];

function isRole(value: unknown): value is RecordedImage["role"] {
  return ROLES.some((role) => role === value);
}

function isPacked(value: unknown): value is NonNullable<RecordedImage["packed"]> {
  const { sizeBytes, sha256: hash } = (value ?? {}) as Record<string, unknown>;
  return isCount(sizeBytes) && typeof hash === "string";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function parseJson(text: string | undefined, offset: number): object {
  try {
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new DamagedFile(offset, "a header that is not JSON");
}

function notARecording(name = "The file"): UserError {
  return new UserError("recording-not", `${name} is not a Hindcast recording.`);
}

function tornHeader(): UserError {
  return new UserError(
    "recording-torn-header",
    "The recording ends before the machine and its program are described: nothing of the run can be replayed.",
  );
}
