import { assert } from "../base/assert.ts";
import type { PageSource, PageVersion } from "./machine-interface.ts";

/** A page, or a block of a disk, whose contents are elsewhere until somebody needs them. Its hash is known. */
export class AbsentVersion implements PageVersion {
  readonly hash: bigint;
  readonly #page: number;
  readonly #source: PageSource;
  #bytes: Uint8Array | undefined;

  constructor(page: number, hash: bigint, source: PageSource) {
    this.#page = page;
    this.hash = hash;
    this.#source = source;
  }

  /** Whoever asks must know that they are here. */
  get bytes(): Uint8Array {
    const bytes = this.fetch();
    assert(bytes !== undefined, `page ${this.#page} has not arrived yet`);
    return bytes;
  }

  /** They have been fetched. */
  get isHere(): boolean {
    return this.#bytes !== undefined;
  }

  /** Undefined: they cannot be had now. */
  fetch(): Uint8Array | undefined {
    this.#bytes ??= this.#source.read(this.#page);
    return this.#bytes;
  }
}

/** The bytes of a version; undefined: they are absent and cannot be had now. */
export function fetchVersion(version: PageVersion): Uint8Array | undefined {
  return version instanceof AbsentVersion ? version.fetch() : version.bytes;
}

/** Thrown by what a device reads or writes, and caught by who asked the device (DeviceMemory): a page that it needs is absent. */
export class AbsentPage {
  readonly page: number;

  constructor(page: number) {
    this.page = page;
  }
}
