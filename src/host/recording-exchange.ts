import { createHash, randomUUID } from "node:crypto";
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { StorageType } from "@nats-io/jetstream";
import { type ObjectStore, Objm } from "@nats-io/obj";
import { UserError } from "../base/errors.ts";
import { type Nats, natsError } from "./nats-connection.ts";
import { RECORDING_EXTENSION } from "./recording-place.ts";
import { RECORDINGS, type RecordingKey } from "./segment-queue.ts";
import { withSystemErrors } from "./system-errors.ts";

/** A recording stays at the server for so long after a query has put it there, for the next one. */
const KEPT_MS = 24 * 3_600_000;
/** One that is older than this is put there anew, so that it does not go in the midst of a query. */
const FRESH_MS = KEPT_MS / 2;
/** What a worker keeps of recordings that it has fetched, the ones that were used last. */
const MOST_CACHE_BYTES = 8 * 1024 * 1024 * 1024;
/** A file that is being fetched for so long belongs to a worker that was killed. */
const STALE_PART_MS = 24 * 3_600_000;
const PART_EXTENSION = ".part";

/** SHA-256 of the first bytes of a file, in hexadecimal. */
export async function fileHash(path: string, sizeBytes: number): Promise<string> {
  const hash = createHash("sha256");
  if (sizeBytes > 0) for await (const piece of createReadStream(path, { end: sizeBytes - 1 })) hash.update(piece);
  return hash.digest("hex");
}

/** Puts a recording where workers find it by its content, unless it is there. `onUpload` hears when it has to be sent. */
export async function offerRecording(nats: Nats, key: RecordingKey, onUpload: () => void): Promise<void> {
  const store = await openStore(nats);
  const known = await store.info(key.sha256);
  const isThere = known !== null && !known.deleted && known.size === key.sizeBytes;
  if (isThere && Date.now() - Date.parse(known.mtime) < FRESH_MS) return;
  onUpload();
  const file = createReadStream(key.path, { end: key.sizeBytes - 1 });
  await store.put({ name: key.sha256 }, Readable.toWeb(file) as ReadableStream<Uint8Array>);
}

/** Recordings as files of this computer: where the query has it, or fetched. */
export class RecordingCache {
  readonly #folder: string;
  readonly #found = new Map<string, Promise<string>>();

  /** The folder is shared by all workers of a user. */
  constructor(folder: string = join(cacheFolder(), "recordings")) {
    this.#folder = folder;
  }

  /** Path of a file with that content. `onFetch` hears when it has to be fetched. */
  find(nats: Nats, key: RecordingKey, onFetch: () => void): Promise<string> {
    const known = this.#found.get(key.sha256);
    if (known !== undefined) return known;
    const found = this.#find(nats, key, onFetch);
    this.#found.set(key.sha256, found);
    // What could not be had may be there the next time.
    found.catch(() => this.#found.delete(key.sha256));
    return found;
  }

  async #find(nats: Nats, key: RecordingKey, onFetch: () => void): Promise<string> {
    if (await isSame(key.path, key)) return key.path;
    const path = join(this.#folder, `${key.sha256}${RECORDING_EXTENSION}`);
    if (await isSame(path, key)) {
      const now = new Date();
      utimesSync(path, now, now);
      return path;
    }
    onFetch();
    withSystemErrors("cache-unwritable", `write to ${this.#folder}`, () =>
      mkdirSync(this.#folder, { recursive: true }),
    );
    this.#makeRoom(key.sizeBytes);
    await fetchTo(path, await openStore(nats), key);
    return path;
  }

  #makeRoom(bytes: number): void {
    const files = readdirSync(this.#folder).flatMap((name) => {
      const path = join(this.#folder, name);
      const status = statSync(path, { throwIfNoEntry: false });
      return status === undefined ? [] : [{ path, size: status.size, usedMs: status.mtimeMs }];
    });
    const isStale = ({ path, usedMs }: (typeof files)[number]) =>
      path.endsWith(PART_EXTENSION) && usedMs < Date.now() - STALE_PART_MS;
    let room = MOST_CACHE_BYTES - bytes;
    for (const file of files.sort((a, b) => b.usedMs - a.usedMs)) {
      room -= file.size;
      const isWhole = file.path.endsWith(RECORDING_EXTENSION);
      if (isStale(file) || (isWhole && room < 0)) rmSync(file.path, { force: true });
    }
  }
}

/** Written aside, verified, and then there as a whole. */
async function fetchTo(path: string, store: ObjectStore, { sha256, sizeBytes }: RecordingKey): Promise<void> {
  const object = await store.get(sha256);
  if (object === null) {
    throw new UserError(
      "recording-not-offered",
      `The NATS server does not hold the recording ${sha256.slice(0, 12)}….`,
    );
  }
  const part = `${path}.${randomUUID()}${PART_EXTENSION}`;
  try {
    const got = await withFile(part, async (write) => {
      const hash = createHash("sha256");
      for await (const piece of object.data) {
        hash.update(piece);
        write(piece);
      }
      return hash.digest("hex");
    });
    // The library says null and means undefined as well.
    if ((await object.error) || got !== sha256 || statSync(part).size !== sizeBytes) {
      throw new UserError(
        "recording-damaged",
        `The recording came from the NATS server as something else than was sent.`,
      );
    }
    renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
}

async function withFile<T>(path: string, act: (write: (bytes: Uint8Array) => void) => Promise<T>): Promise<T> {
  const fd = withSystemErrors("cache-unwritable", `write ${path}`, () => openSync(path, "wx"));
  try {
    return await act((bytes) => {
      for (let done = 0; done < bytes.length; ) {
        done += withSystemErrors("cache-unwritable", `write ${path}`, () => writeSync(fd, bytes, done));
      }
    });
  } finally {
    closeSync(fd);
  }
}

async function isSame(path: string, { sha256, sizeBytes }: RecordingKey): Promise<boolean> {
  if (!existsSync(path) || statSync(path).size !== sizeBytes) return false;
  try {
    return (await fileHash(path, sizeBytes)) === sha256;
  } catch {
    // Not for us to read: it can be fetched.
    return false;
  }
}

async function openStore(nats: Nats): Promise<ObjectStore> {
  try {
    // Makes it unless it is there.
    return await new Objm(nats.stream).create(RECORDINGS, { storage: StorageType.File, ttl: KEPT_MS * 1e6 });
  } catch (error) {
    throw natsError(error, nats.server);
  }
}

function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "hindcast");
}
