import { assert } from "../base/assert.ts";
import type { LatentWork } from "./latent-work.ts";
import type { PageSource, PageVersion } from "./machine-interface.ts";

/** A page, or a block of a disk, whose contents are elsewhere until somebody needs them. */
export class AbsentVersion implements PageVersion {
  #hash: bigint | ((bytes: Uint8Array) => bigint);
  readonly #page: number;
  readonly source: PageSource;
  #bytes: Uint8Array | undefined;

  /** Without the hash, how it follows from the contents. */
  constructor(page: number, hash: bigint | ((bytes: Uint8Array) => bigint), source: PageSource) {
    this.#page = page;
    this.#hash = hash;
    this.source = source;
  }

  /** Where it is not known, the contents must be here. */
  get hash(): bigint {
    if (typeof this.#hash !== "bigint") this.#hash = this.#hash(this.bytes);
    return this.#hash;
  }

  /** Whoever asks must know that they are here. */
  get bytes(): Uint8Array {
    const bytes = this.fetch();
    if (bytes === undefined && this.source.failure !== undefined) throw this.source.failure;
    assert(bytes !== undefined, `page ${this.#page} has not arrived yet`);
    return bytes;
  }

  /** Why they cannot be had, and never will. */
  get failure(): Error | undefined {
    return this.source.failure;
  }

  /** Begins to fetch them, if that takes time, and says what it takes. */
  request(): LatentWork {
    if (this.source.failure !== undefined) throw this.source.failure;
    if (this.#bytes === undefined) this.source.request?.(this.#page);
    return this.source.work ?? "recording-read";
  }

  /** However long it takes. */
  fetchNow(): Uint8Array {
    return this.fetch() ?? this.source.readNow?.(this.#page) ?? this.bytes;
  }

  /** They can be had at once. */
  get isHere(): boolean {
    return this.#bytes !== undefined || this.source.has?.(this.#page) === true;
  }

  /** It has them in memory by itself. */
  get isHeld(): boolean {
    return this.#bytes !== undefined || this.source.has === undefined;
  }

  /** Undefined: they cannot be had now. */
  fetch(): Uint8Array | undefined {
    if (this.#bytes !== undefined) return this.#bytes;
    const bytes = this.source.read(this.#page);
    if (this.source.has === undefined) this.#bytes = bytes;
    return bytes;
  }
}

/** The bytes of a version; undefined: they are absent and cannot be had now. */
export function fetchVersion(version: PageVersion): Uint8Array | undefined {
  return version instanceof AbsentVersion ? version.fetch() : version.bytes;
}

/** Whether the contents of a version have not been fetched. */
export function isAway(version: PageVersion | undefined): version is AbsentVersion {
  return version instanceof AbsentVersion && !version.isHere;
}

/** Thrown by what a device reads or writes, and caught by who asked the device (DeviceMemory): a page that it needs is absent. */
export class AbsentPage {
  readonly page: number;

  constructor(page: number) {
    this.page = page;
  }
}
