import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { wordFromHex, wordToHex } from "../../src/gdb/packets.ts";
import { serveSocket } from "../../src/gdb/server.ts";
import type { Target } from "../../src/gdb/target.ts";
import { RemoteClient } from "./remote-client.ts";
import { MEMORY_BYTES, serve, serveRecording, serveRecordingOf } from "./served.ts";

/** Counts to ten in memory, prints a digit each time, and ends with exit code 7. Each instruction has four bytes. */
const COUNTING = `
  .option norvc
  .globl _start
_start:
  la   a0, counter
  li   a1, 0x10000000
  li   a2, 10
again:
  ld   t0, 0(a0)
  addi t0, t0, 1
  sd   t0, 0(a0)
  addi t1, t0, 47
  sb   t1, 0(a1)
  bne  t0, a2, again
  li   a3, 0x100000
  li   a4, 0x73333
  sw   a4, 0(a3)
end: j end
  .bss
  .balign 8
counter: .space 8
`;
const FOREVER = ".globl _start\n_start: j _start\n";
/** The same, once it has said that it runs. */
const RUNNING = ".globl _start\n_start: li t0, 0x10000000\n li t1, '*'\n sb t1, 0(t0)\n1: j 1b\n";
/** a0 holds the address of memory that is not there. */
const FAULTING = ".globl _start\n_start: li a0, 0x1000\n ld a1, 0(a0)\n";

/** Where the program's counter lies, from the registers behind `la`. */
async function counterOf(client: RemoteClient): Promise<bigint> {
  for (let i = 0; i < 2; i++) assert.match(await client.ask("vCont;s:1"), /^T05/);
  return wordFromHex(await client.ask("pa"))!;
}

const instantOf = async (client: RemoteClient) => Number(/Instant (\d+)/.exec(await client.command("instant"))?.[1]);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("registers and memory, one by one and together", async () => {
  const { client } = await serve(COUNTING);
  const all = await client.ask("g");
  assert.equal(all.length, 65 * 16, "x0-x31, pc, f0-f31");
  assert.equal(wordFromHex(all.slice(32 * 16, 33 * 16)), 0x8000_0000n);
  assert.equal(wordFromHex(await client.ask("p20")), 0x8000_0000n);
  assert.equal(await client.ask("Pb=2a00000000000000"), "OK");
  assert.equal(await client.ask("pb"), "2a00000000000000");
  assert.equal(await client.ask(`p${(65 + 0x301).toString(16)}`), wordToHex(0x8000_0000_0014_112dn), "misa");
  assert.equal(await client.ask(`P${(65 + 0x340).toString(16)}=0100000000000080`), "OK");
  assert.equal(await client.ask(`p${(65 + 0x340).toString(16)}`), "0100000000000080", "mscratch");
  assert.equal(await client.ask("p1041"), wordToHex(3n), "machine mode");
  assert.match(await client.ask("P1041=0000000000000000"), /^E\.The privilege mode cannot be written/);
  // Of what `g` gave, changed in two places.
  const changed = `${all.slice(0, 5 * 16)}${wordToHex(5n)}${wordToHex(6n)}${all.slice(7 * 16)}`;
  assert.equal(await client.ask(`G${changed}`), "OK");
  assert.equal((await client.ask("g")).slice(5 * 16, 7 * 16), wordToHex(5n) + wordToHex(6n));
  assert.equal(await client.ask("M80001000,4:deadbeef"), "OK");
  assert.equal(await client.ask("X80001004,3:a}\x03b"), "OK", "a#b");
  assert.equal(await client.ask("X80001004,0:"), "OK", "the question whether X is known");
  assert.equal(await client.ask("m80001000,8"), "deadbeef61236200");
  const end = 0x8000_0000 + MEMORY_BYTES;
  assert.equal(await client.ask(`m${(end - 2).toString(16)},8`), "0000", "up to where memory ends");
  assert.equal(await client.ask("m0,8"), "E0e");
  assert.match(await client.ask("M0,1:00"), /^E\.There is no memory to write/);
});

test("breakpoints and steps in both directions; the ends of the run", async () => {
  const { client } = await serve(COUNTING);
  await counterOf(client);
  assert.equal(await client.ask("Z0,80000010,4"), "OK");
  assert.match(await client.ask("vCont;c"), /^T05swbreak:;thread:1;20:1000008000/);
  assert.equal(await client.ask("Z1,80000024,4"), "OK");
  assert.match(await client.ask("c"), /^T05hwbreak:;thread:1;20:240000800/);
  assert.match(await client.ask("bs"), /^T05thread:1;20:200000800/);
  assert.match(await client.ask("bc"), /^T05swbreak:;thread:1;20:100000800/);
  assert.equal(await client.ask("z0,80000010,4"), "OK");
  assert.equal(await client.ask("z1,80000024,4"), "OK");
  client.send("bc");
  const start = await client.answer();
  assert.match(start.reply, /^T05replaylog:begin;thread:1;/);
  assert.match(start.console, /The recording begins here, at instant 0/);
  assert.match(await client.ask("bs"), /^T05replaylog:begin;/);
  // Everything is passed again, and told again.
  client.send("c");
  const end = await client.answer();
  assert.match(end.reply, /^T05replaylog:end;thread:1;/);
  assert.match(end.console, /^0123456789The guest ended with exit code 7/);
  assert.equal(await client.ask("c"), "W07");
});

test("a range is stepped in one go", async () => {
  const { client } = await serve(COUNTING);
  await counterOf(client);
  const before = await instantOf(client);
  assert.match(await client.ask("vCont;r80000008,80000020:1"), /^T05thread:1;20:200000800/);
  assert.ok((await instantOf(client)) > before + 4);
  assert.equal(await client.ask("vCont;r80000008:1"), "E16");
});

test("watchpoints stop on the near side of the access, in both directions", async () => {
  const { client } = await serve(COUNTING);
  const counter = (await counterOf(client)).toString(16);
  const value = () => client.ask(`m${counter},1`);
  assert.equal(await client.ask(`Z2,${counter},8`), "OK");
  const watch = new RegExp(`^T05watch:${counter};thread:1;20:180000800`);
  assert.match(await client.ask("c"), watch);
  assert.equal(await value(), "00", "not yet written");
  // As gdb goes on: over the access without the watchpoint, then with it.
  const over = async (step: string) => {
    assert.equal(await client.ask(`z2,${counter},8`), "OK");
    assert.match(await client.ask(step), /^T05thread/);
    assert.equal(await client.ask(`Z2,${counter},8`), "OK");
  };
  await over("vCont;s:1");
  assert.equal(await value(), "01");
  assert.match(await client.ask("c"), watch);
  await over("vCont;s:1");
  assert.equal(await value(), "02");
  assert.match(await client.ask("bc"), new RegExp(`^T05watch:${counter};thread:1;20:1c0000800`), "behind the access");
  assert.equal(await value(), "02", "not yet taken back");
  await over("bs");
  assert.equal(await value(), "01");
  // A single step back over an access finds it as well, one over anything else does not.
  assert.match(await client.ask("bs"), /^T05thread:1;20:140000800/);
  for (let i = 0; i < 4; i++) assert.match(await client.ask("bs"), /^T05thread/);
  const instant = await instantOf(client);
  assert.match(await client.ask("bs"), new RegExp(`^T05watch:${counter};thread:1;20:1c0000800`));
  assert.equal(await instantOf(client), instant);
  assert.equal(await value(), "01");
  assert.equal(await client.ask(`z2,${counter},8`), "OK");
  assert.equal(await client.ask(`Z3,${counter},8`), "OK");
  assert.match(await client.ask("c"), /^T05rwatch:/);
  assert.equal(await client.ask(`z3,${counter},8`), "OK");
  assert.equal(await client.ask(`Z4,${counter},8`), "OK");
  assert.match(await client.ask("c"), /^T05awatch:/);
});

test("Ctrl-C, also one that comes with the request that it is to end", async () => {
  const { client } = await serve(FOREVER);
  client.send("c");
  await wait(200);
  client.raw("\x03");
  assert.match((await client.answer()).reply, /^T02thread:1;/);
  client.raw("$c#63\x03");
  assert.match((await client.answer()).reply, /^T02thread:1;/);
  client.raw("\x03");
  assert.equal(await client.ask("qC"), "QC1", "one that comes too late is ignored");
});

test("a trap that nobody handles is a signal", async () => {
  const { client } = await serve(FAULTING);
  client.send("c");
  const { reply, console } = await client.answer();
  assert.match(reply, /^T0bthread:1;/);
  assert.match(console, /Load access fault/);
});

test("harts are threads", async () => {
  const { client } = await serve(COUNTING, 2);
  assert.equal(await client.ask("qfThreadInfo"), "m1,2");
  assert.equal(await client.ask("qsThreadInfo"), "l");
  assert.equal(await client.ask("T2"), "OK");
  assert.equal(await client.ask("T3"), "E03");
  assert.equal(await client.ask("Hg3"), "E03");
  assert.equal(await client.ask("Hg2"), "OK");
  assert.equal(await client.ask(`p${(65 + 0xf14).toString(16)}`), wordToHex(1n), "mhartid");
  assert.equal(await client.ask("Hg1"), "OK");
  assert.equal(await client.ask(`p${(65 + 0xf14).toString(16)}`), wordToHex(0n));
  assert.equal(Buffer.from(await client.ask("qThreadExtraInfo,1"), "hex").toString(), "M mode");
  assert.match(await client.ask("qXfer:threads:read::0,1000"), /^l.*<thread id="2" core="1" name="hart 1">M mode/s);
  assert.match(await client.ask("vCont;s:2;c"), /thread:2;/, "the other one has its turns meanwhile");
  assert.equal(await client.ask("vCont;s:5"), "E03");
});

test("documents in pieces; their end is told", async () => {
  const { client } = await serve(COUNTING);
  let xml = "";
  for (let mark = "m"; mark === "m"; ) {
    const reply = await client.ask(`qXfer:features:read:target.xml:${xml.length.toString(16)},300`);
    mark = reply[0];
    xml += reply.slice(1);
  }
  assert.match(xml, /<\/target>\s*$/);
  assert.match(xml, /<reg name="fp" bitsize="64" regnum="8" type="data_ptr"\/>/);
  assert.match(xml, /<reg name="mepc" bitsize="64" regnum="898" type="code_ptr" group="csr" save-restore="no"\/>/);
  assert.equal(await client.ask("qXfer:features:read:other.xml:0,300"), "E00");
  assert.equal(await client.ask("qXfer:nothing:read::0,300"), "");
  assert.match(await client.ask("qXfer:memory-map:read::0,1000"), /<memory type="ram" start="0x0"/);
});

test("a finished recording: the same from its first instant; it takes no input", async () => {
  const { client } = await serveRecording(COUNTING);
  assert.equal(await instantOf(client), 0);
  assert.match(await client.command("input hello"), /A recording takes no input/);
  client.send("c");
  const { reply, console } = await client.answer();
  assert.match(reply, /^T05replaylog:end/);
  assert.match(console, /^0123456789The guest ended/);
  assert.match(await client.command("outputs"), /^\d+ {2}0123456789\n$/);
  await client.command("start");
  assert.match(await client.command("outputs"), /printed nothing before now/);
});

test("an edit in the past starts a branch, which is run, compared, named, left, saved and dropped", async (t) => {
  const { client } = await serveRecording(COUNTING);
  assert.match(await client.command("branch"), /There are no branches\. An edit in the past starts one\./);
  await client.command("goto 20");
  const before = await client.ask("g");
  assert.equal(await client.ask("P1f=3412000000000000"), "OK");
  assert.equal(await client.ask("p1f"), wordToHex(0x1234n));
  assert.match(
    await client.command("branch"),
    /^Branch 1 of instant 20 has begun.*\n {2}the recording\n\* branch 1 of instant 20, up to 20, 1 edit\n/s,
  );
  assert.match(await client.command("instant"), /^Instant 20, of branch 1 of instant 20 from 0 to 20\./);
  client.send("c");
  const { reply, console } = await client.answer();
  assert.match(reply, /^T05/);
  assert.match(console, /^23456789The guest ended/, "what the branch prints is shown");
  assert.match(
    await client.command("branch compare"),
    /They part at instant 20: edit of t6 to 0x1234 in the branch\.\n.*The output is the same/s,
  );
  assert.match(await client.command("branch keep with t6"), /^Branch 1 “with t6” of instant 20 is kept\.\n$/);
  assert.match(
    await client.command("branch recording"),
    /^In the recording, at .*instant 20\.\n.*flush register-cache/s,
  );
  assert.equal(await client.ask("g"), before);
  assert.match(await client.command("branch start without-input"), /^Branch 2 of instant 20 has begun/);
  assert.match(await client.command("branch discard"), /^In the recording/);
  assert.match(await client.command("branch go 1"), /^In branch 1 “with t6” of instant 20/);
  assert.equal(await client.ask("p1f"), wordToHex(0x1234n));
  const folder = mkdtempSync(join(tmpdir(), "hindcast-branch-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const saved = join(folder, "branch.hindcast");
  assert.match(await client.command(`branch save ${saved}`), /^Saved as /);
  assert.ok(statSync(saved).size > 1000);
  assert.match(await client.command("branch discard 1"), /^In the recording/);
  assert.match(await client.command("branch go 1"), /There is no branch 1/);
  assert.match(await client.command("branch everything"), /Write: monitor branch \[list/);
  assert.equal(await client.ask("g"), before);
});

test("monitor commands travel and say where", async () => {
  const { client } = await serve(COUNTING);
  await client.ask("c");
  const end = await instantOf(client);
  assert.match(await client.command("goto 20"), /instant 20\.\n.*flush register-cache/);
  assert.equal(await instantOf(client), 20);
  assert.equal(await client.ask("p1042"), wordToHex(20n), "the register $instant");
  assert.match(await client.command("bookmark the twentieth"), /at instant 20/);
  assert.equal(await client.ask("P1042=0500000000000000"), "OK");
  assert.equal(await instantOf(client), 5);
  assert.match(await client.command("bookmarks"), /^20 {2}the twentieth\n$/);
  assert.match(await client.command("goto end"), new RegExp(`instant ${end}`));
  assert.match(await client.command("sta"), /instant 0/, "a beginning of a command is enough");
  assert.match(await client.command("goto the twentieth"), /instant 20\.\n/);
  await client.command("goto end");
  assert.match(await client.command("bookmark the twentieth"), /"the twentieth" already, at instant 20/);
  assert.match(await client.command("bookmark end"), /is an instant by itself/);
  assert.match(await client.command("bookmark 1_000"), /is an instant by itself/);
  assert.match(await client.command("bookmark"), /Write: monitor bookmark NAME/);
  assert.match(await client.command(`bookmark ${"x".repeat(201)}`), /1 to 200 characters/);
  assert.match(await client.command("goto nowhere"), /neither an instant nor a bookmark/);
  assert.match(await client.command("goto 1e9"), /not in the recording/);
  assert.match(await client.command("frobnicate"), /no command "frobnicate"/);
  assert.match(await client.command("checks off"), /are off/);
  assert.match(await client.command("checks"), /are off/);
  assert.match(await client.command("checks on"), /are on/);
  assert.match(await client.command("checks maybe"), /Write: monitor checks/);
  assert.match(await client.command(""), /monitor goto/);
  await client.command("end");
  assert.match(
    await client.command("last-write counter"),
    /(_start\+0x18|again\+0x8).*: 0x[0-9a-f]+ to 0x8[0-9a-f]+ \(\d bytes\)\.$/m,
  );
  assert.match(await client.command("evaluate $a2"), /10/);
  assert.match(await client.command("origin $a2"), /^\d+ {2}\w+ .* a2 (was|is) .*\n[\s\S]*\.\n$/);
  assert.match(await client.command("origin"), /Write: monitor origin PLACE/);
});

test("replay-only checks that fail are stops in both directions; what they log is told; functions are called", async () => {
  const { client } = await serveRecordingOf(fileURLToPath(new URL("../../guest/checks/ring.S", import.meta.url)));
  client.send("c");
  const first = await client.answer();
  assert.match(first.reply, /^T06thread:1;/);
  assert.match(
    first.console,
    /Replay-only check failed: 1 broken link\(s\) after parcel 300\. .*State restored, digest equal/,
  );
  const instant = await instantOf(client);
  client.send("C06");
  const second = await client.answer();
  assert.match(second.reply, /^T06/);
  assert.match(second.console, /after parcel 301/);
  client.send("bc");
  assert.match((await client.answer()).console, /after parcel 300/);
  assert.equal(await instantOf(client), instant);
  assert.match(await client.command("evaluate count_broken(ring)"), /^0x1 \(1\)$/m);
  await client.command("checks off");
  client.send("c");
  assert.match((await client.answer()).reply, /^T0bthread:1;/, "the fault that it all comes to");
});

test("a damaged packet is asked for again, and so can the client", async () => {
  const { server, client: other } = await serve(COUNTING);
  await other.ask("D");
  await other.close();
  const client = await RemoteClient.connect(server.port);
  client.raw("$?#00");
  assert.equal(await client.next(), "-");
  client.raw("$qC#b4");
  assert.equal(await client.next(), "+");
  assert.equal(await client.next(), "QC1");
  client.raw("-");
  assert.equal(await client.next(), "QC1");
  client.raw("+");
});

test("what is malformed or not known is refused, and the session goes on", async () => {
  const { client } = await serve(COUNTING);
  for (const packet of ["mxyz,4", "m0", "m80000000,4,5", "M80000000,2:00", "M80000000,1:0g", "X80000000,2:a", "pzz"]) {
    assert.equal(await client.ask(packet), "E16", packet);
  }
  for (const packet of ["P1=xx", "Pzz=00", "G12", "Z0,x,4", "Z2,80000000", "Hz1", "vCont;q", "qRcmd,4"]) {
    assert.equal(await client.ask(packet), "E16", packet);
  }
  assert.equal(await client.ask("p2000"), "E16", "no such register");
  for (const packet of ["", "vMustReplyEmpty", "qNothing", "QNothing:1", "Z9,0,1", "bx", "J", "\xff"]) {
    assert.equal(await client.ask(packet), "", packet);
  }
  assert.match(await client.ask("Z0,80000001,4"), /^E\.Instructions begin at even addresses/);
  client.raw(`garbage${"\0".repeat(5000)}#}*`);
  assert.equal(await client.ask("qAttached"), "1");
});

test("a second client is turned away; a connection that dies leaves the machine to the next one", async () => {
  const { server, client, sentences } = await serve(FOREVER);
  const second = await RemoteClient.connect(server.port);
  assert.equal(await second.next(), "closed");
  assert.match(sentences.join("\n"), /second client was turned away/);
  assert.equal(await client.ask("Z0,80000000,4"), "OK");
  assert.match(await client.ask("c"), /swbreak/);
  assert.equal(await client.ask("z0,80000000,4"), "OK");
  client.send("c");
  await wait(100);
  client.raw("$m8000");
  await client.close();
  for (let tries = 0; !sentences.includes("The client is gone."); tries++) {
    assert.ok(tries < 500, "the session does not end");
    await wait(10);
  }
  assert.match(sentences.join("\n"), /connection ended within a packet/);
  const next = await RemoteClient.connect(server.port);
  await next.begin();
  const instant = await instantOf(next);
  assert.ok(instant > 0, "where the first one left it");
  await wait(50);
  assert.equal(await instantOf(next), instant, "and it stands still");
  next.send("c");
  await wait(50);
  next.raw("\x03");
  assert.match((await next.answer()).reply, /^T02/, "without the first one's breakpoint");
});

test("a client that floods the server is given up", async () => {
  const { client, sentences } = await serve(COUNTING);
  client.raw("$g#67".repeat(5000));
  while ((await client.next()) !== "closed");
  assert.match(sentences.join("\n"), /without waiting for answers/);
});

test("detaching leaves the server, killing ends it; not for one that may run the program again", async () => {
  const { server, client } = await serve(COUNTING);
  assert.equal(await client.ask("D;1"), "OK");
  assert.equal(await client.next(), "closed");
  const extended = await RemoteClient.connect(server.port);
  await extended.begin();
  assert.equal(await extended.ask("!"), "OK");
  await extended.ask("c");
  assert.equal(await extended.ask("vKill;1"), "OK");
  assert.match(await extended.ask("vRun;"), /^T05thread:1;20:000000800/);
  assert.equal(await instantOf(extended), 0);
  await extended.close();
  await wait(50);
  const last = await RemoteClient.connect(server.port);
  await last.begin();
  last.send("k");
  assert.equal(await last.next(), "closed");
  await server.killed;
});

test("a machine that is lost is a fault: the client hears of its end, and the server ends", async () => {
  const { client, server, sentences, events } = await serve(RUNNING);
  client.send("c");
  while ((await client.next()) !== "O2a");
  events.emit({ type: "failure", message: "The machine's thread ended by itself.", fatal: true });
  const { reply, console } = await client.answer();
  assert.equal(reply, "X06");
  assert.match(console, /thread ended by itself/);
  assert.match(sentences.join("\n"), /thread ended by itself/);
  await server.killed;
});

test("a port that is in use is refused with a sentence", async () => {
  const occupied = createServer();
  await new Promise<void>((resolve) => occupied.listen(0, "127.0.0.1", resolve));
  const { port } = occupied.address() as { port: number };
  const target = {} as Target;
  await assert.rejects(
    serveSocket(target, port, () => {}),
    (error: unknown) => {
      assert.ok(error instanceof UserError && error.code === "port-busy");
      assert.match(error.message, /in use by another program/);
      return true;
    },
  );
  occupied.close();
});

test("random packets are answered, each with one answer, and break nothing", async () => {
  const chance = new Prng(4);
  const { client } = await serve(COUNTING);
  const heads =
    "? g G p P m M X c C s S b bs bc v vCont; vCont? vFile: vFile:open: vFile:pread: Z0 Z2 Z4 z0 z2 H Hg T q Q";
  const queries = "qXfer:features:read: qXfer:threads:read:: qRcmd, qThreadExtraInfo, qSupported: qC qOffsets";
  const starts = `${heads} ${queries} A x \x7f`.split(" ");
  const characters = "0123456789abcdef,;:=.-#}*$x+p\x00\x03\xff";
  for (let round = 0; round < 1500; round++) {
    const head = starts[chance.below(starts.length)];
    const tail = Array.from({ length: chance.below(24) }, () => characters[chance.below(characters.length)]).join("");
    const payload = `${head}${tail}`;
    // As a client would: what the framing uses itself is escaped.
    client.send(payload.replace(/[#$}]/g, (character) => `}${String.fromCharCode(character.charCodeAt(0) ^ 0x20)}`));
    const { reply } = await client.answer();
    assert.notEqual(reply, "closed", JSON.stringify(payload));
    assert.doesNotMatch(reply, /fault of Hindcast/, JSON.stringify(payload));
  }
  assert.match(await client.ask("qC"), /^QC1$/);
});
