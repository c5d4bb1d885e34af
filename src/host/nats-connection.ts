import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from "@nats-io/jetstream";
import {
  type Authenticator,
  AuthorizationError,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  PermissionViolationError,
  type TlsOptions,
} from "@nats-io/transport-node";
import { UserError } from "../base/errors.ts";
import { systemReason, withSystemErrors } from "./system-errors.ts";

/** Where a NATS server is and how one gets in. */
export interface NatsOptions {
  /** `nats://host:4222`, `nats://user:password@host`, `nats://token@host`, `tls://host`; several with commas between. */
  readonly url: string;
  /** File with a user's JWT and key, as `nsc` writes it. */
  readonly credentials?: string;
  /** File with an nkey's seed. */
  readonly nkey?: string;
  /** File with certificates of the authority that the server's is signed by. */
  readonly authority?: string;
  /** Files of our own certificate and of its key. */
  readonly certificate?: string;
  readonly key?: string;
  /** Another computer's server may be spoken to in the clear. */
  readonly isInsecure?: boolean;
  /** A member of a pair: it looks for a server that is away more often, and notices sooner that it is. */
  readonly quick?: boolean;
}

const CONNECT_TIMEOUT_MS = 5000;
const RECONNECT_WAIT_MS = 500;
const QUICK_WAIT_MS = 100;
const QUICK_JITTER_MS = 50;
/** A host that the network has lost hears nothing more of it, not even that. */
const QUICK_PING_MS = 1_000;
const QUICK_PINGS = 3;
const QUICK_ANSWER_MS = 1_000;
/** A server that is started anew is back within seconds; one that stays away for so long is not coming. */
const MOST_AWAY_MS = 120_000;
/** A request is tried so often, some seconds each: a server that is started anew is back by then. */
const MOST_TRIES = 10;
const RETRY_MS = 200;

const QUICK = {
  reconnectJitter: QUICK_JITTER_MS,
  reconnectJitterTLS: QUICK_JITTER_MS,
  pingInterval: QUICK_PING_MS,
  maxPingOut: QUICK_PINGS,
};

/** A connection to a NATS server that has JetStream. */
export interface Nats {
  readonly connection: NatsConnection;
  readonly stream: JetStreamClient;
  readonly manager: JetStreamManager;
  /** The server as it may be shown: without credentials. */
  readonly server: string;
  /** It runs on this computer. */
  readonly isLocal: boolean;
}

/** Hears a sentence. */
export type Say = (sentence: string, isTrouble: boolean) => void;

/** Throws a UserError: no server, not let in, no JetStream. */
export async function connectNats(options: NatsOptions, name: string): Promise<Nats> {
  const { servers, user, pass, token, isTls } = parseUrl(options.url);
  const server = servers.join(",");
  const isEncrypted = isTls || options.authority !== undefined || options.certificate !== undefined;
  if (!isEncrypted && options.isInsecure !== true) refuseInTheClear(servers);
  const tls = isEncrypted ? { tls: certificatesOf(options) } : {};
  const authenticator = authenticatorOf(options);
  const waitMs = options.quick === true ? QUICK_WAIT_MS : RECONNECT_WAIT_MS;
  const ofConnection: ConnectionOptions = {
    servers,
    name,
    timeout: CONNECT_TIMEOUT_MS,
    reconnectTimeWait: waitMs,
    maxReconnectAttempts: (servers.length * MOST_AWAY_MS) / waitMs,
    ...(options.quick === true ? QUICK : {}),
    ...(token === undefined ? {} : { token }),
    ...(user === undefined ? {} : { user, pass }),
    ...tls,
    ...(authenticator === undefined ? {} : { authenticator }),
    // The server on this computer may know others, elsewhere.
    ignoreClusterUpdates: !isEncrypted && options.isInsecure !== true,
  };
  let connection: NatsConnection;
  try {
    connection = await connect(ofConnection);
  } catch (error) {
    throw unreachable(server, error);
  }
  try {
    const manager = await jetstreamManager(connection);
    const known = { connection, server, isLocal: servers.every(isOfLoopback) };
    if (options.quick !== true) return { ...known, manager, stream: jetstream(connection) };
    // A question that was lost with the connection is asked again soon.
    const stream = jetstream(connection, { timeout: QUICK_ANSWER_MS });
    return { ...known, manager: await stream.jetstreamManager(), stream };
  } catch (error) {
    await connection.close();
    throw natsError(error, server);
  }
}

/** Says when the connection is lost and when it is back, until it is closed. */
export async function followStatus({ connection, server }: Nats, say: Say): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === "disconnect") say(`The connection to ${server} is lost; trying to get it back.`, true);
    else if (type === "reconnect") say(`Connected to ${server} again.`, true);
  }
}

/** Tries again while the server is away for a moment. */
export async function attempt<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await act();
    } catch (error) {
      if (tries === MOST_TRIES || (error as Error).name === "ClosedConnectionError") throw error;
      await sleep(RETRY_MS * tries);
    }
  }
}

/** What went wrong at the server, as a sentence; anything else as it is. */
export function natsError(error: unknown, server: string): unknown {
  if (error instanceof UserError) return error;
  const causes = [error, ...(error instanceof Error ? [error.cause] : [])];
  // The library does not export its class.
  if (causes.some((cause) => cause instanceof Error && cause.name === "JetStreamNotEnabled")) {
    return new UserError("nats-jetstream", `The NATS server at ${server} runs without JetStream: start it with -js.`);
  }
  if (causes.some((cause) => cause instanceof PermissionViolationError)) {
    return new UserError(
      "nats-permission",
      `The NATS server at ${server} does not let this user at it: ${messageOf(error)}.`,
    );
  }
  if (error instanceof JetStreamApiError) {
    return new UserError("nats-refused", `The NATS server at ${server} refused: ${messageOf(error)}.`);
  }
  return error;
}

/** The connection has ended: nobody has closed it, and the server did not come back. */
export function connectionLost(server: string): UserError {
  const seconds = MOST_AWAY_MS / 1000;
  return new UserError(
    "nats-lost",
    `The connection to the NATS server at ${server} was lost, and could not be had again within ${seconds} s.`,
  );
}

function unreachable(server: string, error: unknown): UserError {
  const causes = [error, ...(error instanceof Error ? [error.cause] : [])];
  if (causes.some((cause) => cause instanceof AuthorizationError)) {
    return new UserError("nats-authorization", `The NATS server at ${server} does not accept these credentials.`);
  }
  return new UserError(
    "nats-unreachable",
    `No NATS server can be reached at ${server} (${messageOf(error)}): is it running, and is the address right?`,
  );
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\.$/, "");
}

interface ParsedUrl {
  readonly servers: string[];
  readonly user: string | undefined;
  readonly pass: string | undefined;
  readonly token: string | undefined;
  readonly isTls: boolean;
}

const DEFAULT_PORT = "4222";

/** The library takes credentials apart from the address, so that they are in no message of its own. */
function parseUrl(text: string): ParsedUrl {
  const urls = text.split(",").map((part) => {
    const whole = part.includes("://") ? part : `nats://${part}`;
    const url = URL.canParse(whole) ? new URL(whole) : undefined;
    if (url === undefined || !/^(?:nats|tls):$/.test(url.protocol) || url.hostname === "") {
      const shown = part.replace(/[^/]*@/, "");
      throw new UserError("nats-url", `"${shown}" is no address of a NATS server: give nats://HOST:PORT.`, 2);
    }
    return url;
  });
  const [{ username, password }] = urls;
  const [user, pass] = [username, password].map(decodeURIComponent);
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || DEFAULT_PORT}`),
    user: user !== "" && pass !== "" ? user : undefined,
    pass: user !== "" && pass !== "" ? pass : undefined,
    token: user !== "" && pass === "" ? user : undefined,
    isTls: urls.some(({ protocol }) => protocol === "tls:"),
  };
}

/** What goes over a network is authentic and secret, or the user has said that it need not be. */
function refuseInTheClear(servers: readonly string[]): void {
  const remote = servers.find((server) => !isOfLoopback(server));
  if (remote === undefined) return;
  throw new UserError(
    "nats-insecure",
    `${remote} is another computer, and nats:// would speak to it in the clear: use tls://, or --nats-insecure on a network that you trust.`,
    2,
  );
}

function isOfLoopback(server: string): boolean {
  return isLoopback(server.replace(/:\d+$/, ""));
}

function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "");
  return name === "localhost" || name === "::1" || (isIPv4(name) && name.startsWith("127."));
}

function certificatesOf({ authority, certificate, key }: NatsOptions): TlsOptions {
  if ((certificate === undefined) !== (key === undefined)) {
    throw new UserError(
      "nats-certificate",
      "A certificate needs its key: give --nats-cert and --nats-key together.",
      2,
    );
  }
  return {
    ...(authority === undefined ? {} : { ca: readText("nats-authority", authority) }),
    ...(certificate === undefined ? {} : { cert: readText("nats-certificate", certificate) }),
    ...(key === undefined ? {} : { key: readText("nats-key", key) }),
  };
}

function readText(code: string, path: string): string {
  return withSystemErrors(code, `read ${path}`, () => readFileSync(path, "utf8"));
}

function authenticatorOf({ credentials, nkey }: NatsOptions): Authenticator | undefined {
  if (credentials !== undefined && nkey !== undefined) {
    throw new UserError("nats-credentials", "Credentials are a .creds file or an nkey, not both.", 2);
  }
  if (credentials !== undefined) return authenticate(credentials, (bytes) => credsAuthenticator(bytes));
  if (nkey === undefined) return undefined;
  return authenticate(nkey, (bytes) => nkeyAuthenticator(seedOf(bytes)));
}

/** Seeds begin with SU; what stands around one in its file does not matter. */
function seedOf(bytes: Uint8Array): Uint8Array {
  const seed = /\bSU[A-Z2-7]{56}\b/.exec(new TextDecoder().decode(bytes));
  if (seed === null) throw new Error("it holds no seed of a user's nkey");
  return new TextEncoder().encode(seed[0]);
}

function authenticate(path: string, make: (bytes: Uint8Array) => Authenticator): Authenticator {
  try {
    return make(new Uint8Array(readFileSync(path)));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === undefined ? messageOf(error) : systemReason(error);
    throw new UserError("nats-credentials", `${path} cannot be used as credentials: ${reason}.`);
  }
}
