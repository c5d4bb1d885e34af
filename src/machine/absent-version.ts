import { assert } from "../base/assert.ts";
import type { LatentWork } from "./latent-work.ts";
import type { PageSource, PageVersion } from "./machine-interface.ts";
import type { PageStore } from "./residency.ts";

/** A page, or a block of a disk, whose contents are elsewhere until somebody needs them; or of which they may be so some time. */
export class AbsentVersion implements PageVersion {
  #hash: bigint | ((bytes: Uint8Array) => bigint);
  readonly #page: number;
  #source: PageSource | undefined;
  #bytes: Uint8Array | undefined;
  /** It is in a store that keeps it: what is fetched is not kept here too. */
  #isStored = false;

  /** Without the hash, how it follows from the contents. */
  constructor(page: number, hash: bigint | ((bytes: Uint8Array) => bigint), source: PageSource | undefined) {
    this.#page = page;
    this.#hash = hash;
    this.#source = source;
  }

  /** Contents that are in a store. */
  static stored(page: number, hash: bigint, source: PageSource): AbsentVersion {
    const version = new AbsentVersion(page, hash, source);
    version.#isStored = true;
    return version;
  }

  /** Where it is not known, the contents must be here. */
  get hash(): bigint {
    if (typeof this.#hash !== "bigint") this.#hash = this.#hash(this.bytes);
    return this.#hash;
  }

  /** However long it takes: whoever asks must know that they are here, or that they can be waited for. */
  get bytes(): Uint8Array {
    const bytes = this.fetch() ?? this.#source?.readNow?.(this.#page);
    if (bytes === undefined && this.failure !== undefined) throw this.failure;
    assert(bytes !== undefined, `page ${this.#page} has not arrived yet`);
    return bytes;
  }

  /** Where they come from, if they are not kept here. */
  get source(): PageSource | undefined {
    return this.#source;
  }

  /** Where they are not here, they can be waited for. */
  get canWait(): boolean {
    return this.#source?.readNow !== undefined;
  }

  /** Why they cannot be had, and never will. */
  get failure(): Error | undefined {
    return this.#source?.failure;
  }

  /** Begins to fetch them, if that takes time, and says what it takes. */
  request(): LatentWork {
    if (this.failure !== undefined) throw this.failure;
    if (this.#bytes === undefined) this.#source?.request?.(this.#page);
    return this.#source?.work ?? "recording-read";
  }

  /** They can be had at once. */
  get isHere(): boolean {
    return this.#bytes !== undefined || this.#source?.has?.(this.#page) === true;
  }

  /** It has them in memory by itself. */
  get isHeld(): boolean {
    return this.#bytes !== undefined || this.#keeps;
  }

  /** Undefined: they cannot be had now. */
  fetch(): Uint8Array | undefined {
    if (this.#bytes !== undefined) return this.#bytes;
    const bytes = this.#source?.read(this.#page);
    if (this.#keeps) this.#bytes = bytes;
    return bytes;
  }

  /** Nobody else has what is fetched. */
  get #keeps(): boolean {
    return !this.#isStored && this.#source?.has === undefined;
  }

  /** Whoever shares this version, checkpoints for one, has them from the store from now on. */
  putAway(store: PageStore): void {
    if (this.#bytes === undefined) return;
    this.#source = store.put(this.#bytes, this.hash);
    this.#isStored = true;
    this.#bytes = undefined;
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
