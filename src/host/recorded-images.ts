import { dirname, join } from "node:path";
import { UserError } from "../base/errors.ts";
import { McapInput } from "../replay/mcap-input.ts";
import type { RecordedImage, RecordingHeader } from "../replay/recording-message.ts";
import { readPrologue, recordingChannels } from "../replay/recording-prologue.ts";
import { FileByteSource } from "./recording-source.ts";
import { ZSTD } from "./zstd.ts";

/** What a recording says before anything happened. */
export function readHeader(path: string): RecordingHeader {
  const source = new FileByteSource(path);
  try {
    return readPrologue(new McapInput(source, ZSTD, recordingChannels())).header;
  } finally {
    source.close();
  }
}

/** The images of a recording: a later stretch of a pair's member has them in the first one's file, beside it. */
export function recordedImages(path: string, { images, lockstep }: RecordingHeader): readonly RecordedImage[] {
  const { imagesIn } = lockstep ?? {};
  if (imagesIn === undefined) return images;
  const holder = join(dirname(path), imagesIn);
  const held = headerAt(holder).images;
  return images.map((image, index): RecordedImage => {
    if (image.bytes !== undefined) return image;
    const same = held[index];
    if (same?.sha256 === image.sha256 && same.role === image.role) return same;
    throw new UserError("pair-images", `${holder} is of another run: it does not hold what ${path} began with.`);
  });
}

function headerAt(holder: string): RecordingHeader {
  try {
    return readHeader(holder);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const reason = error.message.replace(/\.$/, "");
    throw new UserError("pair-images", `What the run began with is in ${holder}, which cannot be read: ${reason}.`);
  }
}
