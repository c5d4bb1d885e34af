import type { UserError } from "../base/errors.ts";
import { AssemblyFailure, type SourceMessage, sourceMessageText } from "../host/assembly-files.ts";
import type { Answer, Context } from "./context.ts";

/** Lines shown of a source that is wrong all over; the JSON line has all of them. */
const MOST_SHOWN = 50;

/** Errors and warnings as compilers print them, so that editors can jump there. */
export function reportSource(context: Context, messages: readonly SourceMessage[]): void {
  for (const message of messages.slice(0, MOST_SHOWN)) context.voice.line(sourceMessageText(message));
  if (messages.length > MOST_SHOWN) context.voice.line(`… and ${messages.length - MOST_SHOWN} more`);
}

/** A source that does not assemble, whichever command was to run it. */
export function answerToAssembly(context: Context, error: UserError): Answer {
  const messages = error instanceof AssemblyFailure ? error.messages : [];
  reportSource(context, messages);
  const { code, message, exitCode } = error;
  return { exitCode, json: { errors: messages, error: { code, message } } };
}
