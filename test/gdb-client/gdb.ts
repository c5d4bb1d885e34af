import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { compileGuest } from "../differential/cross-compiler.ts";

const MAIN = resolve(import.meta.dirname, "../../src/cli/main.ts");
/** A gdb that has not come to an end by then hangs. */
const DEADLINE_MS = 120_000;

/** The ledger of guest/gdb, as C programs are debugged. */
export const LEDGER = compileGuest("ledger", "O0", { folder: "gdb", floatingPoint: true }).path;

export function hindcast(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

/** The command behind `target remote |`. */
export function piped(...args: string[]): string {
  return ["|", process.execPath, MAIN, "gdb", "--stdio", "--quiet", ...args].join(" ");
}

/**
 * What Debian's gdb says to each command, without what depends on this machine: paths of sources. A command that fails
 * does not end the session. `program` is what gdb is started with; null: nothing.
 */
export async function gdb(
  target: string,
  commands: readonly string[],
  program: string | null = LEDGER,
): Promise<Map<string, string>> {
  const before = ["set pagination off", "set confirm off", "set width 0", `target remote ${target}`];
  // A mark in front of each command tells which words are whose.
  const marked = commands.flatMap((command, index) => [`echo \\n@@${index}\\n`, command]);
  // What gdb says when it is done is nobody's answer.
  const executed = [...before, ...marked, `echo \\n@@${commands.length}\\n`].flatMap((command) => ["-ex", command]);
  const args = ["-nx", "-batch", ...executed, ...(program === null ? [] : [program])];
  // One pipe for what it says on stdout and on stderr: two would be read in any order.
  const joined = ["-c", 'exec "$@" 2>&1', "sh", "gdb-multiarch", ...args];
  const child = spawn("sh", joined, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  await once(child, "close");
  clearTimeout(timer);
  const parts = text.replaceAll(/\S*\/(guest\/)/g, "$1").split(/^@@(\d+)\n/m);
  const answers = new Map([["target remote", parts[0].trim()]]);
  commands.forEach((command, index) => {
    const at = parts.indexOf(String(index));
    // The same command several times: numbered from the second on.
    let name = command;
    for (let times = 2; answers.has(name); times++) name = `${command} #${times}`;
    answers.set(name, at < 0 ? `(gdb ended before: ${text.slice(-500)})` : parts[at + 1].trim());
  });
  return answers;
}
