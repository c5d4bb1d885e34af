import { UserError } from "../base/errors.ts";
import type { BindingConditionArguments, BindingConditionBody } from "./custom-protocol.ts";
import type { Debuggee } from "./environment.ts";

/** What an earlier binding has put in front of the user's own condition. */
const BINDING = /^priv == [MSU](?: && satp == 0x[0-9a-f]+)?(?: && |$)/;

/**
 * DAP knows no address spaces, so a breakpoint is bound by its condition: that the hart is in the privilege mode, and
 * the address space, in which it is now. The user's own condition stays, and a binding of before is replaced.
 */
export async function bindingCondition(
  debuggee: Debuggee,
  { to, condition }: BindingConditionArguments,
  hart: number,
): Promise<BindingConditionBody> {
  if (to !== "privilege" && to !== "space") {
    throw new UserError("bad-request", "hindcast/bindingCondition binds to “privilege” or “space”.");
  }
  const report = (await debuggee.machine()).harts[hart];
  const own = (condition ?? "").trim().replace(BINDING, "");
  const binding = [`priv == ${report.privilege}`];
  if (to === "space" && report.space !== undefined) binding.push(`satp == 0x${report.space.satp.toString(16)}`);
  return { condition: [...binding, ...(own === "" ? [] : [grouped(own)])].join(" && ") };
}

/** A condition with an "or" or a choice in it would otherwise fall apart. */
function grouped(condition: string): string {
  return /\|\||\?/.test(condition) && !/^\([^()]*\)$/.test(condition) ? `(${condition})` : condition;
}
