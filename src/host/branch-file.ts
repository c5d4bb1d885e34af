import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import packageDescription from "../../package.json" with { type: "json" };
import { UserError } from "../base/errors.ts";
import type { RecordingHeader } from "../replay/recording-message.ts";
import { readHeader, recordedImages } from "./recorded-images.ts";
import { RecordingFile } from "./recording-file.ts";

/**
 * Begins a recording of the same machine and images as `recording`, for one of its branches. Throws a UserError when it
 * would replace that one, or cannot be written.
 */
export function createBranchFile(path: string, recording: string, onRoom: () => void): RecordingFile {
  if (placeOf(path) === placeOf(recording)) {
    throw new UserError(
      "branch-is-recording",
      "A branch cannot replace the recording that it left: choose another file.",
      2,
    );
  }
  return RecordingFile.create(path, headerOf(recording), onRoom);
}

/**
 * Read anew: what is embedded goes with the header to the thread that writes. The branch of a member of a pair is a run of its
 * own, and no part of the pair.
 */
function headerOf(recording: string): RecordingHeader {
  const header = readHeader(recording);
  const { lockstep: _, ...alone } = header;
  return { ...alone, images: recordedImages(recording, header), tool: `hindcast ${packageDescription.version}` };
}

function placeOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}
