import assert from "node:assert/strict";
import test from "node:test";
import { readElf } from "../../src/symbols/elf.ts";
import { serve, serveRecording } from "./served.ts";

const GUEST = ".globl _start\n_start: li t0, 0x100000\n li t1, 0x5555\n sw t1, 0(t0)\nhalt: j halt\n";

const hex = (text: string) => Buffer.from(text).toString("hex");

test("a client without a program gets it from the recording, as an ELF with symbols and lines", async () => {
  const { client } = await serveRecording(GUEST);
  const name = (await client.ask("qXfer:exec-file:read:1:0,1000")).slice(1);
  assert.match(name, /^\/.*guest\.s$/);
  assert.equal(await client.ask("vFile:setfs:0"), "F0");
  const open = await client.ask(`vFile:open:${hex(name)},0,1c0`);
  assert.equal(open, "F1");
  const stat = await client.ask("vFile:fstat:1");
  assert.match(stat, /^F40;/);
  const size = Number(Buffer.from(stat.slice(4), "latin1").readBigUInt64BE(28));
  let file = "";
  for (;;) {
    const [all, count] = /^F([0-9a-f]+);/.exec(await client.ask(`vFile:pread:1,100,${file.length.toString(16)}`)) ?? [];
    assert.ok(all !== undefined && count !== undefined);
    if (count === "0") break;
    const again = await client.ask(`vFile:pread:1,100,${file.length.toString(16)}`);
    file += again.slice(all.length);
  }
  assert.equal(file.length, size);
  const program = readElf(Buffer.from(file, "latin1"), name);
  assert.equal(program.entry, 0x8000_0000n);
  assert.ok(program.symbols.some((symbol) => symbol.name === "halt"));
  assert.ok(program.lines.length > 0);
  assert.equal(await client.ask("vFile:close:1"), "F0");
  assert.equal(await client.ask("vFile:close:1"), "F-1,9");
  assert.equal(await client.ask("vFile:pread:1,100,0"), "F-1,9");
  assert.equal(await client.ask("vFile:fstat:zz"), "F-1,9");
});

test("no other file of this computer can be read, and none written", async () => {
  const { client } = await serveRecording(GUEST);
  const name = (await client.ask("qXfer:exec-file:read::0,1000")).slice(1);
  assert.equal(await client.ask(`vFile:open:${hex("/etc/passwd")},0,0`), "F-1,2");
  assert.equal(await client.ask(`vFile:open:${hex(`${name}/../guest.s`)},0,0`), "F-1,2");
  assert.equal(await client.ask(`vFile:open:${hex(name)},1,0`), "F-1,1e");
  assert.equal(await client.ask("vFile:open:zz,0,0"), "F-1,16");
  assert.equal(await client.ask("vFile:open:"), "F-1,16");
  assert.equal(await client.ask(`vFile:unlink:${hex(name)}`), "");
  assert.equal(await client.ask(`vFile:pwrite:1,0,x`), "");
  assert.equal(await client.ask(`vFile:open:${hex(name)},0,0`), "F1");
  assert.equal(await client.ask("vFile:pread:1,zz,0"), "F-1,16");
  assert.equal(await client.ask("vFile:pread:1,10,fffffff"), "F0;");
});

test("where nothing is known of the program there is no such file", async () => {
  const { client } = await serve(GUEST);
  assert.equal(await client.ask("qXfer:exec-file:read:1:0,1000"), "");
  assert.equal(await client.ask(`vFile:open:${hex("")},0,0`), "F-1,2");
});
