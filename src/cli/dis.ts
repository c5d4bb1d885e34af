import { DISK, loadProgram } from "../host/program-files.ts";
import { DEFAULT_CONFIGURATION } from "../machine/configuration.ts";
import { type Answer, type Context, OK } from "./context.ts";
import { listProgram } from "./listing.ts";
import { Places, shownPath } from "./places.ts";
import { SourceText } from "./source-text.ts";

/** Column of the text: eight digits of address, four bytes, blanks between. */
const ADDRESS_WIDTH = 16;
const BYTES_WIDTH = 11;

/** Disassembles the code of a program. */
export async function dis(context: Context, [path]: readonly string[]): Promise<Answer> {
  const { program, sources, warnings } = loadProgram(path, DISK, { memoryBytes: DEFAULT_CONFIGURATION.memoryBytes });
  for (const warning of warnings) context.voice.warn(warning);
  const places = new Places([program]);
  const instructions: object[] = [];
  const text = new SourceText(sources);
  let shownLine = "";
  for (const listed of listProgram(program, places)) {
    if (context.stdout.closed) break;
    if (listed === "skipped") {
      if (!context.json) await context.stdout.line("    ...");
      continue;
    }
    if (context.json) {
      const { address: _, labels, ...plain } = listed;
      instructions.push({ ...plain, labels });
      continue;
    }
    for (const label of listed.labels) await context.stdout.line(`\n${label}:`);
    if (listed.source !== null) {
      const { path: file, line } = listed.source;
      const here = `${shownPath(file)}:${line}`;
      const source = text.line(file, line)?.trim();
      if (here !== shownLine) await context.stdout.line(`# ${here}${source === undefined ? "" : `: ${source}`}`);
      shownLine = here;
    }
    const address = listed.address
      .toString(16)
      .padStart(8, "0")
      .padStart(listed.address > 0xffff_ffffn ? ADDRESS_WIDTH : 8);
    await context.stdout.line(`${address}:  ${listed.bytes.padEnd(BYTES_WIDTH)}  ${listed.text}`);
  }
  return { exitCode: OK, json: { entry: program.entry, errors: [], instructions } };
}
