import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import packageDescription from "../../package.json" with { type: "json" };
import { UserError } from "../base/errors.ts";
import { McapInput } from "../replay/mcap-input.ts";
import type { RecordingHeader } from "../replay/recording-message.ts";
import { readPrologue, recordingChannels } from "../replay/recording-prologue.ts";
import { RecordingFile } from "./recording-file.ts";
import { FileByteSource } from "./recording-source.ts";
import { ZSTD } from "./zstd.ts";

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

/** Read anew: what is embedded goes with the header to the thread that writes. */
function headerOf(recording: string): RecordingHeader {
  const source = new FileByteSource(recording);
  try {
    const { header } = readPrologue(new McapInput(source, ZSTD, recordingChannels()));
    return { ...header, tool: `hindcast ${packageDescription.version}` };
  } finally {
    source.close();
  }
}

function placeOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}
