import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageDescription from "../../package.json" with { type: "json" };
import type { Voice } from "./voice.ts";

/** Where reports of faults go: `bugs` of package.json, when the package has it. */
function reportAddress(): string {
  const { bugs } = packageDescription as { bugs?: { url?: string } };
  return bugs?.url ?? "to where you got Hindcast from";
}

/**
 * A fault of Hindcast itself: says so in two sentences and puts what a developer needs (never the guest's data) into
 * a file that the user can look through before sending it.
 */
export function reportFault(voice: Voice, error: unknown): { message: string; report: string | undefined } {
  const fault = error instanceof Error ? error : new Error(String(error));
  const report = writeReport(fault);
  voice.fail(`this is a fault of Hindcast itself, not yours: ${fault.message}`);
  const attachment = report === undefined ? fault.stack : `with the file ${report}`;
  voice.warn(`please report it ${reportAddress()}, ${attachment}. A recording that was being made is kept.`);
  return { message: fault.message, report };
}

function writeReport(fault: Error): string | undefined {
  const path = join(tmpdir(), `hindcast-fault-${process.pid}.txt`);
  const cause = fault.cause instanceof Error ? `\ncaused by ${fault.cause.stack}` : "";
  const text = [
    `hindcast ${packageDescription.version}, node ${process.version}, ${process.platform} ${process.arch}`,
    `arguments: ${JSON.stringify(process.argv.slice(2))}`,
    "",
    `${fault.stack ?? fault.message}${cause}`,
    "",
  ].join("\n");
  try {
    writeFileSync(path, text);
    return path;
  } catch {
    // The fault itself must still be told.
    return undefined;
  }
}
