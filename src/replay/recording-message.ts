import type { Instant } from "../base/brand.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import type { MachineEvent } from "../machine/inlet.ts";
import type { Digest } from "../machine/machine-interface.ts";
import type { MachineStop } from "../machine/stop.ts";

/** Raised with every change of docs/recording-format.md. Recordings of other versions are refused by name. */
export const RECORDING_VERSION = 5;

/** What a recording says before anything happened: enough to build the machine again, on another computer too. */
export interface RecordingHeader {
  /** Name and version of what records, `hindcast 0.1.0`. */
  readonly tool: string;
  /** Holds the seed as well. */
  readonly configuration: MachineConfiguration;
  readonly images: readonly RecordedImage[];
  /** The run begins with another state than that of reset: the file's first checkpoint. Absent: reset. */
  readonly start?: RecordedStart;
  /** It is that of a member of a lockstep pair. */
  readonly lockstep?: PairHeader;
}

export interface RecordedStart {
  readonly instant: Instant;
  readonly digest: Digest;
}

/** Of a run that a member of a lockstep pair made. */
export interface PairHeader {
  /** Names the pair: hex digits. */
  readonly pair: string;
  /** Letters, in the order in which the members came. */
  readonly member: string;
  readonly role: "primary" | "secondary";
  /** Counts from 1: a member that is given another state goes on in a recording of its own. */
  readonly stretch: number;
  /** Host time, milliseconds since the pair's beginning. For display alone. */
  readonly timeMs: number;
  /** How much the member had said when the stretch began, by device. */
  readonly said: readonly number[];
  /** Whose state it begins with, and why; absent: reset. */
  readonly from?: { readonly member: string; readonly why: "resynchronise" | "join" | "fall-back" };
  /** File beside this one that holds the images of the run; absent: this one does. */
  readonly imagesIn?: string;
}

/** Something the run began with, by content hash and, unless the user said otherwise, embedded. */
export interface RecordedImage {
  /**
   * "program": the program or kernel that was launched. "source": a file that it was assembled or compiled from.
   * "memory": what was placed in memory at reset (`encodeImage`). "file": something that it holds besides the program.
   * "symbols": a file whose symbols are shown, its name with an offset (`SymbolChoice`).
   * "disk": what a disk holds at instant 0, in the order of the disks.
   */
  readonly role: "program" | "source" | "memory" | "file" | "symbols" | "disk";
  /** The path that the user or the line table gives it. */
  readonly name: string;
  readonly sizeBytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
  /** Undefined: not embedded. */
  readonly bytes: Uint8Array | undefined;
  /** Of `bytes`, when they are not the image itself but what it was packed into. */
  readonly packed?: { readonly sizeBytes: number; readonly sha256: string };
}

/**
 * What the recorder says to the writer, in order of instant (bookmarks apart, which may lie in the past). Plain data,
 * each array in a buffer of its own, so that it crosses to another thread by transfer (`transferList`).
 */
export type RecordingMessage =
  | { readonly kind: "event"; readonly event: MachineEvent }
  /** Console bytes; `deltas` has, for each byte but the first, the steps since the one before, as varints. */
  | { readonly kind: "output"; readonly instant: Instant; readonly bytes: Uint8Array; readonly deltas: Uint8Array }
  /** A frame that the guest's card sent. */
  | { readonly kind: "frame"; readonly instant: Instant; readonly frame: Uint8Array }
  /** Pages of the checkpoint that follows: 4096 bytes for each number in `pages`, which ascend. */
  | { readonly kind: "pages"; readonly instant: Instant; readonly pages: Uint32Array; readonly bytes: Uint8Array }
  | {
      readonly kind: "checkpoint";
      readonly instant: Instant;
      readonly state: Uint8Array;
      /** Pages that have become zero since the previous checkpoint, ascending. */
      readonly zeroPages: Uint32Array;
      /** Pages of RAM that were written since then and have the same contents as before, ascending; undefined: any may have been. */
      readonly rewrittenPages: Uint32Array | undefined;
      /** Events, console bytes and frames sent that came before. */
      readonly events: number;
      readonly outputBytes: number;
      readonly framesSent: number;
    }
  | { readonly kind: "digest"; readonly instant: Instant; readonly digest: Digest; readonly events: number }
  | { readonly kind: "bookmark"; readonly instant: Instant; readonly name: string }
  /** What a member of a pair saw of the protocol up to `instant`; encoded by who records pairs. */
  | { readonly kind: "lockstep"; readonly instant: Instant; readonly bytes: Uint8Array }
  /** Nothing follows. `reason` is undefined when the user ended the recording while the guest could have gone on. */
  | { readonly kind: "end"; readonly instant: Instant; readonly reason: MachineStop | undefined };

/** Where the recorder leaves its messages: the writer itself, or a post box to the writer's thread. */
export interface RecordingSink {
  post(message: RecordingMessage): void;
  /** Bytes posted and not yet written. The recorder holds the machine while there are too many. */
  readonly backlogBytes: number;
}

/** Buffers of a message that may be transferred to another thread: nobody here looks at them again. */
export function transferList(message: RecordingMessage): ArrayBuffer[] {
  switch (message.kind) {
    case "output":
      return [message.bytes.buffer as ArrayBuffer, message.deltas.buffer as ArrayBuffer];
    case "lockstep":
      return [message.bytes.buffer as ArrayBuffer];
    case "pages":
      return [message.pages.buffer as ArrayBuffer, message.bytes.buffer as ArrayBuffer];
    case "checkpoint":
      return [message.zeroPages, message.rewrittenPages].flatMap((pages) => (pages?.buffer as ArrayBuffer) ?? []);
    default:
      return [];
  }
}

/** What a message weighs in a backlog, in bytes, about. */
export function messageBytes(message: RecordingMessage): number {
  switch (message.kind) {
    case "output":
      return message.bytes.length + message.deltas.length + 32;
    case "pages":
      return message.bytes.length + message.pages.length * 4;
    case "checkpoint":
      return message.state.length + (message.zeroPages.length + (message.rewrittenPages?.length ?? 0)) * 4;
    case "frame":
      return message.frame.length + 32;
    case "lockstep":
      return message.bytes.length + 32;
    case "event":
      return eventBytes(message.event);
    default:
      return 64;
  }
}

function eventBytes(event: MachineEvent): number {
  if (event.kind === "console-input") return event.bytes.length + 32;
  return event.kind === "network-input" ? event.frame.length + 32 : 64;
}

/** What the host computes for a recording: a (de)compressor of chunks, node:zlib's zstd or another in a browser. */
export interface ChunkCodec {
  compress(bytes: Uint8Array): Uint8Array;
  /** Throws when the bytes are damaged or give more than `sizeBytes`. */
  decompress(bytes: Uint8Array, sizeBytes: number): Uint8Array;
  /** SHA-256 in 64 hex digits, where the host has a faster one than `sha256.ts`: a disk may have a gibibyte. */
  sha256?(bytes: Uint8Array): string;
  /** CRC-32 of IEEE 802.3, where the host has a faster one than the library. */
  crc32?(bytes: Uint8Array): number;
}

/**
 * Where a recording is appended. `bytes` is valid during the call only. Throws when it cannot write (a full disk); what
 * was written before stays.
 */
export interface ByteSink {
  write(bytes: Uint8Array): void;
}

/** A file to read at random, synchronously: motions are generators and cannot wait for promises. */
export interface ByteSource {
  /** What users know it by. */
  readonly name?: string;
  readonly sizeBytes: number;
  /** Fewer bytes than asked for at the end of the file only. `room`, if it is large enough, may be what they are read into. */
  read(offset: number, length: number, room?: Uint8Array): Uint8Array;
}
