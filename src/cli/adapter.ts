import { nodeEnvironment, serveSocket, serveStdio } from "../adapter/main.ts";
import { openPair } from "../host/debugged-pair.ts";
import { startDebuggee } from "../host/node-debuggee.ts";
import { type Answer, type Context, OK } from "./context.ts";
import { Interruption } from "./interruption.ts";

/** The debug adapter alone: over stdio for one session, or on a port for any number, until it is interrupted. */
export async function adapter(
  context: Context,
  _args: readonly string[],
  options: Readonly<{ port?: number }>,
): Promise<Answer> {
  const environment = nodeEnvironment(startDebuggee, openPair);
  if (options.port === undefined) {
    const exitCode = await serveStdio(environment);
    return { exitCode, json: {} };
  }
  const asked = Promise.withResolvers<void>();
  const interruption = new Interruption(asked.resolve);
  const server = await serveSocket(environment, options.port, (sentence) => context.voice.warn(sentence));
  context.voice.line(`Debug adapter listening on ${server.host}:${server.port}; Ctrl-C ends it.`);
  await asked.promise;
  await server.close();
  interruption.release();
  return { exitCode: OK, json: { host: server.host, port: server.port } };
}
