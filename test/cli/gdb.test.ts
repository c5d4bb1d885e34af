import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { RemoteClient } from "../gdb/remote-client.ts";
import { assertRefused, end, file, folder, hindcast, hindcastJson, lastLine, start } from "./command.ts";

const PROGRAM = file("ends.s", ".globl _start\n_start: li t0, 0x100000\n li t1, 0x5555\n sw t1, 0(t0)\nhalt: j halt\n");

test("on a port: one client after another, until Ctrl-C; the program is recorded", async () => {
  const recording = join(folder, "served.hindcast");
  const child = start("gdb", "--port", "0", PROGRAM, "-o", recording, "--json");
  const [line] = (await once(child.stderr.setEncoding("utf8"), "data")) as [string];
  const port = Number(/^gdb server listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
  for (const expected of ["80000000", "8000000a"]) {
    const client = await RemoteClient.connect(port);
    await client.begin();
    const pc = (await client.ask("p20")).match(/../g)?.reverse().join("");
    assert.equal(pc, expected.padStart(16, "0"), "the second one finds what the first one has left");
    assert.match(await client.ask("c"), /^T05replaylog:end/);
    assert.match(await client.ask("bs"), /^T05thread:1;/);
    assert.equal(await client.ask("D"), "OK");
    assert.equal(await client.next(), "closed");
  }
  child.kill("SIGINT");
  const ended = await end(child);
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.deepEqual(lastLine(ended).json, { host: "127.0.0.1", port, recording, live: true });
  assert.equal((await hindcast("replay", recording)).exitCode, 0);
});

test("over stdin and stdout, until the client is gone", async () => {
  const child = start("gdb", "--stdio", PROGRAM, "-o", join(folder, "piped.hindcast"));
  child.stdin.write("+$qC#b4");
  let answer = "";
  for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    answer += text;
    if (answer.endsWith("#c5")) break;
  }
  assert.equal(answer, "+$QC1#c5");
  child.stdin.end();
  assert.equal((await end(child)).exitCode, 0);
});

test("over stdin and stdout, until it is told to end: the recording is complete", async () => {
  const recording = join(folder, "terminated.hindcast");
  const loop = file("loop.s", ".globl _start\n_start: j _start\n");
  const child = start("gdb", "--stdio", loop, "-o", recording, "--json");
  child.stdin.write("+$c#63");
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  const ended = await end(child);
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.equal((await hindcastJson("info", recording)).json.complete, true);
});

test("what cannot be served is refused", async () => {
  await assertRefused(["gdb", PROGRAM], 2, "gdb-where", /--port N, or --stdio/);
  await assertRefused(["gdb", "--port", "0", "--stdio", PROGRAM], 2, "gdb-where", /either --port or --stdio\./);
  await assertRefused(
    ["gdb", "--port", "0"],
    2,
    "gdb-what",
    /nothing to debug: give a recording, a program or a kernel/,
  );
  await assertRefused(
    ["gdb", "--port", "0", "--kernel", PROGRAM, PROGRAM],
    2,
    "boot-both",
    /either a program or a kernel/,
  );
  await assertRefused(["gdb", "--port", "0", join(folder, "none.elf")], 3, "file-not-found", /no such file/);
  const cut = file("cut.hindcast", Buffer.from("894d434150300d0a", "hex"));
  assert.equal((await hindcast("gdb", "--port", "0", cut)).exitCode, 3);
  const recording = join(folder, "recorded.hindcast");
  assert.equal((await hindcast("record", PROGRAM, "-o", recording)).exitCode, 0);
  await assertRefused(["gdb", "--port", "0", recording, "--harts", "2"], 2, "gdb-recording", /leave --harts out/);
  const occupied = createServer();
  await new Promise<void>((resolve) => occupied.listen(0, "127.0.0.1", resolve));
  const { port } = occupied.address() as { port: number };
  await assertRefused(["gdb", "--port", String(port), recording], 3, "port-busy", /in use by another program/);
  occupied.close();
});
