import type { AdapterEnvironment } from "./environment.ts";
import { FramingError, frame, MessageReader } from "./framing.ts";
import { partnerElsewhere, Relay } from "./relay.ts";
import { HindcastSession } from "./session.ts";
import { flushed, type Transport } from "./transport.ts";

/** The client reads too slowly when more than this waits to be sent; what can be left out then is. */
const CONGESTION_BYTES = 1024 * 1024;
/** `initialize`, of which one is repeated elsewhere; what more comes before a launch is refused. */
const MOST_SAID = 1;
/** A client that has not taken even this is not reading at all: better to end its session than to run out of memory. */
const BACKLOG_LIMIT_BYTES = 256 * 1024 * 1024;

type Message = Parameters<HindcastSession["handleMessage"]>[0];

/**
 * Serves one session over a transport, to its end: by `disconnect`, by a lost client, or by input that is not DAP. The
 * recording is closed in every case before this resolves.
 *
 * @returns a sentence when the connection had to be given up, undefined when it ended in good order.
 */
export async function serveSession(environment: AdapterEnvironment, transport: Transport): Promise<string | undefined> {
  const { input, output } = transport;
  const session = new HindcastSession(environment, () => output.writableLength > CONGESTION_BYTES);
  const handle = (message: Message) => session.handleMessage(message);
  const said: Message[] = [];
  let relay: Relay | undefined;
  let onRelayed: () => void = () => {};
  const reader = new MessageReader((received) => {
    const message = received as unknown as Message;
    if (relay !== undefined) return relay.send(message);
    const address = partnerElsewhere(environment, message);
    if (address === undefined) {
      // All that comes before a launch.
      if (said.length < MOST_SAID) said.push(message);
      return handle(message);
    }
    relay = new Relay(said);
    relay.send(message);
    void relay.run(environment.connect!(address), output).then((wasThere) => {
      if (wasThere) return onRelayed();
      relay = undefined;
      handle(message);
    });
  });
  const problem = await new Promise<string | undefined>((resolve) => {
    // Writing to a client that has gone gives an error on the stream; that the client has gone is seen at the input too.
    output.on("error", () => resolve(undefined));
    input.on("error", () => resolve(undefined));
    input.on("end", () => resolve(reader.unfinished ? "The client's connection ended within a message." : undefined));
    input.on("close", () => resolve(undefined));
    session.onDidSendMessage((message) => {
      if (output.writableLength > BACKLOG_LIMIT_BYTES) resolve("The client does not read what it is sent.");
      else if (output.writable) output.write(frame(message));
    });
    input.on("data", (bytes: Uint8Array) => {
      try {
        reader.push(bytes);
      } catch (error) {
        resolve(error instanceof FramingError ? error.message : String(error));
      }
    });
    void session.disconnected.then(() => resolve(undefined));
    onRelayed = () => resolve(undefined);
  });
  input.removeAllListeners("data");
  input.on("data", () => {});
  relay?.close();
  if (problem !== undefined) session.say(problem);
  await session.lost();
  await flushed(output);
  transport.close();
  return problem;
}
