import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import test, { after } from "node:test";
import { nkeys } from "@nats-io/transport-node";
import { assertRefused, end, file, folder, start } from "../cli/command.ts";
import { NatsServer } from "./nats-server.ts";

/** Certificates of an authority of our own: for a server called localhost, and for a client. */
function certificates(): Record<"authority" | "server" | "serverKey" | "client" | "clientKey", string> {
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...key, "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem");
  for (const [name, subject] of [
    ["server", "localhost"],
    ["client", "member"],
  ] as const) {
    const alternative = ["-addext", "subjectAltName=DNS:localhost"];
    const request = ["req", "-x509", ...key, "-subj", `/CN=${subject}`, ...alternative];
    const of = ["-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.pem", "-CAkey", "ca.key"];
    openssl(...request, ...of, "-keyout", `${name}.key`, "-out", `${name}.pem`);
  }
  return {
    ...{ authority: path("ca.pem"), server: path("server.pem"), serverKey: path("server.key") },
    ...{ client: path("client.pem"), clientKey: path("client.key") },
  };
}

const PROGRAM = file(
  "hello.s",
  `
_start:
  li s0, 0x10000000
  li t1, '!'
  sb t1, 0(s0)
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
  j .
`,
);
const paths = certificates();
const TLS = `tls { cert_file: "${paths.server}", key_file: "${paths.serverKey}"`;

function seedOf(name: string, pair: ReturnType<typeof nkeys.createUser>): string {
  return file(name, `${new TextDecoder().decode(pair.getSeed())}\n`);
}

/** Both members of a pair come through with these flags. */
async function assertPaired(...flags: string[]): Promise<void> {
  const primary = start("lockstep", PROGRAM, "--role", "primary", ...flags);
  const secondary = start("lockstep", "--role", "secondary", ...flags);
  for (const child of [primary, secondary]) after(() => child.kill("SIGKILL"));
  const [first, second] = await Promise.all([end(primary), end(secondary)]);
  assert.deepEqual([first.exitCode, second.exitCode, first.stdout], [0, 0, "!"], first.stderr + second.stderr);
}

const role = ["lockstep", "--role", "secondary"];

test("over TLS, with the key of an nkey: a pair; without one of the two, or with another, nothing", async () => {
  const user = nkeys.createUser();
  const authorization = `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`;
  const server = await NatsServer.start(["-js"], `${TLS} }\n${authorization}\n`);
  const url = ["--nats", `tls://localhost:${server.port}`];
  const [seed, authority] = [
    ["--nats-nkey", seedOf("user.nk", user)],
    ["--nats-ca", paths.authority],
  ];
  await assertPaired(...url, ...seed, ...authority);
  await assertRefused([...role, ...url, ...seed], 3, "nats-unreachable", /self-signed certificate|unable to verify/);
  await assertRefused([...role, ...url, ...authority], 3, "nats-authorization", /does not accept these credentials/);
  const other = ["--nats-nkey", seedOf("other.nk", nkeys.createUser())];
  await assertRefused([...role, ...url, ...other, ...authority], 3, "nats-authorization", /does not accept/);
  const none = ["--nats-nkey", file("none.nk", "no seed\n")];
  await assertRefused([...role, ...url, ...none], 3, "nats-credentials", /holds no seed of a user's nkey/);
  const missing = ["--nats-ca", "none.pem"];
  await assertRefused([...role, ...url, ...missing], 3, "nats-authority", /read none\.pem/);
});

test("a server that asks for certificates gets ours; one without TLS is not spoken to as if it had", async () => {
  const server = await NatsServer.start(["-js"], `${TLS}, ca_file: "${paths.authority}", verify: true }\n`);
  const url = ["--nats", `tls://localhost:${server.port}`, "--nats-ca", paths.authority];
  const certificate = ["--nats-cert", paths.client, "--nats-key", paths.clientKey];
  await assertPaired(...url, ...certificate);
  const { exitCode } = await end(start(...role, ...url));
  assert.equal(exitCode, 3);
  await assertRefused([...role, ...url, "--nats-cert", paths.client], 2, "nats-certificate", /--nats-key together/);
  const bare = await NatsServer.start();
  const clear = ["--nats", `tls://localhost:${bare.port}`, "--nats-ca", paths.authority];
  await assertRefused([...role, ...clear], 3, "nats-unreachable", /does not support 'tls'/);
});

/** A claim as `nsc` makes them, signed by `issuer`. */
function jwt(issuer: ReturnType<typeof nkeys.createUser>, subject: string, name: string, nats: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claim = { jti: name, iat: 1_700_000_000, iss: issuer.getPublicKey(), name, sub: subject };
  const text = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part({ ...claim, nats: { ...nats, version: 2 } })}`;
  return `${text}.${Buffer.from(issuer.sign(new TextEncoder().encode(text))).toString("base64url")}`;
}

test("credentials of an account, as nsc writes them, let a pair in", async () => {
  const [operator, account, system, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ];
  const all = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const accounts = [
    [account, "pairs", { ...all, ...storage }],
    [system, "system", all],
  ] as const;
  const preload = accounts.map(([key, name, limits]) => {
    const claim = jwt(operator, key.getPublicKey(), name, { type: "account", limits });
    return `${key.getPublicKey()}: ${claim}`;
  });
  const server = await NatsServer.start(
    ["-js"],
    `operator: ${jwt(operator, operator.getPublicKey(), "operator", { type: "operator" })}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: {\n${preload.join("\n")}\n}\n`,
  );
  const claim = jwt(account, user.getPublicKey(), "member", { type: "user", subs: -1, data: -1, payload: -1 });
  const seed = new TextDecoder().decode(user.getSeed());
  const creds = file(
    "member.creds",
    `-----BEGIN NATS USER JWT-----\n${claim}\n------END NATS USER JWT------\n
-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
  );
  await assertPaired("--nats", server.url, "--nats-creds", creds);
  await assertRefused([...role, "--nats", server.url], 3, "nats-authorization", /does not accept/);
  const both = ["--nats-creds", creds, "--nats-nkey", creds];
  await assertRefused([...role, "--nats", server.url, ...both], 2, "nats-credentials", /not both/);
});

test("another computer's server is not spoken to in the clear, unless the user says so", async () => {
  for (const url of ["nats://192.0.2.7", "192.0.2.7:4222", "nats://127.0.0.1,nats://queue.example"]) {
    await assertRefused([...role, "--nats", url], 2, "nats-insecure", /in the clear: use tls:\/\/, or --nats-insecure/);
  }
  await assertRefused(
    ["worker", "--nats", "nats://queue.example"],
    2,
    "nats-insecure",
    /queue\.example:4222 is another/,
  );
  // Nobody is there; what matters is that it is tried.
  const child = start(...role, "--nats", "nats://localhost.invalid:1", "--nats-insecure");
  const ended = end(child);
  await once(child, "exit");
  const { stderr } = await ended;
  assert.match(stderr, /No NATS server can be reached at localhost\.invalid:1/);
});
