import { UserError } from "../base/errors.ts";

/** Text of a log point with its `{expressions}` compiled. */
export type LogMessage<At> = (at: At) => string;

/**
 * Compiles a log message. `{expression}` stands for its value, `{{` and `}}` for braces. An expression that cannot be
 * evaluated at a hit shows why in its place: one bad moment should not silence a log.
 */
export function compileLogMessage<At>(
  text: string,
  compile: (expression: string) => (at: At) => string,
): LogMessage<At> {
  const parts: LogMessage<At>[] = [];
  const pattern = /\{\{|\}\}|\{([^{}]*)\}|[^{}]+|[{}]/g;
  for (const [whole, expression] of text.matchAll(pattern)) {
    if (whole === "{{" || whole === "}}") parts.push(() => whole[0]);
    else if (expression === undefined) parts.push(() => whole);
    else parts.push(forgiving(compile(expression)));
  }
  return (at) => parts.map((part) => part(at)).join("");
}

function forgiving<At>(evaluate: (at: At) => string): LogMessage<At> {
  return (at) => {
    try {
      return evaluate(at);
    } catch (error) {
      if (error instanceof UserError) return `<${error.message}>`;
      throw error;
    }
  };
}
