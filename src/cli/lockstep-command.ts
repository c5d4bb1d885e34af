import { UserError } from "../base/errors.ts";
import type { Answer, Context } from "./context.ts";
import type { LockstepChoice } from "./lockstep.ts";

/** A pair in this command, or one machine of a pair whose other one is elsewhere. */
export async function lockstepCommand(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const choice = options as LockstepChoice;
  if (choice.role !== undefined) {
    return (await import("./lockstep-role.ts")).lockstepRole(context, args[0], choice);
  }
  if (choice.nats !== undefined) {
    throw new UserError("usage", "--nats is for one machine of a pair: say which with --role.", 2);
  }
  return (await import("./lockstep.ts")).lockstep(context, args, options);
}
