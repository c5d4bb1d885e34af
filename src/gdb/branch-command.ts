import { branchName } from "../base/branch-name.ts";
import { readCount } from "../base/instant-text.ts";
import { errors } from "./errors.ts";
import type { Target } from "./target.ts";

export const MOVED = "gdb still shows what it knew: `maintenance flush register-cache` makes it look again.";

export const BRANCH_USAGE =
  "branch [list|start [without-input]|go ID|recording|discard [ID]|compare [INSTANT]|keep NAME|save FILE]";

/** `monitor branch …`: what to answer. */
export async function branchCommand(target: Target, words: readonly string[]): Promise<string> {
  const { debuggee } = target;
  const [what = "list", ...rest] = words;
  switch (what) {
    case "list":
      return list(target);
    case "start": {
      if (rest.length > 1 || (rest.length === 1 && rest[0] !== "without-input")) throw errors.usage(BRANCH_USAGE);
      const branch = await debuggee.startBranch(rest.length === 0);
      target.takeUntold();
      return `${capital(branchName(branch))} has begun; the recording stays as it is.`;
    }
    case "go":
      return moved(target, () => debuggee.switchBranch(numberOf(rest)));
    case "recording":
      return moved(target, () => debuggee.switchBranch(0));
    case "discard":
      return moved(target, () => debuggee.discardBranch(rest.length === 0 ? undefined : numberOf(rest)));
    case "keep":
      if (rest.length === 0) throw errors.usage(BRANCH_USAGE);
      return `${capital(branchName(await debuggee.keepBranch(rest.join(" "))))} is kept.`;
    case "compare": {
      const at = rest.length === 0 ? undefined : numberOf(rest);
      const { lines } = await debuggee.compareBranch(at === undefined ? {} : { at });
      return lines.join("\n");
    }
    case "save":
      if (rest.length === 0) throw errors.usage(BRANCH_USAGE);
      await debuggee.saveBranch(rest.join(" "));
      return `Saved as ${rest.join(" ")}.`;
    default:
      throw errors.usage(BRANCH_USAGE);
  }
}

async function list({ debuggee }: Target): Promise<string> {
  const { current, branches } = await debuggee.branches();
  const lines = branches.map((branch) => {
    const mark = branch.id === current ? "*" : " ";
    const edits = branch.edits === 1 ? "1 edit" : `${branch.edits} edits`;
    return `${mark} ${branchName(branch)}, up to ${branch.end.toLocaleString("en-US")}, ${edits}`;
  });
  if (lines.length === 0) return "There are no branches. An edit in the past starts one.";
  return [`${current === 0 ? "*" : " "} the recording`, ...lines].join("\n");
}

async function moved(target: Target, how: () => ReturnType<Target["seek"]>): Promise<string> {
  const { description } = await target.switchRun(how);
  return `${description}\n${MOVED}`;
}

function numberOf(words: readonly string[]): number {
  const number = words.length === 1 ? readCount(words[0]) : undefined;
  if (number === undefined) throw errors.usage(BRANCH_USAGE);
  return number;
}

function capital(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}
