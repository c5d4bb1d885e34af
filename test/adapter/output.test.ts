import assert from "node:assert/strict";
import test, { mock } from "node:test";
import { Client } from "../../src/adapter/client.ts";
import { LogLinks } from "../../src/adapter/log-links.ts";
import { GuestConsole, LogMessages } from "../../src/adapter/output.ts";
import { Sources } from "../../src/adapter/sources.ts";
import { StatusReports } from "../../src/adapter/status.ts";

type Sent = { event: string; body: Record<string, unknown> };

/** A client on a clock that the test winds. */
function setUp() {
  mock.timers.enable({ apis: ["setTimeout"] });
  const sent: Sent[] = [];
  const state = { congested: false };
  const client = new Client(
    {},
    {
      send: (event, body) => sent.push({ event, body: body as Sent["body"] }),
      part: () => {},
      congested: () => state.congested,
      ask: async () => false,
    },
  );
  const text = () => sent.map(({ body }) => body.output).join("");
  return { sent, client, state, text, [Symbol.dispose]: () => mock.timers.reset() };
}

const bytes = (text: string) => new TextEncoder().encode(text);

test("the first bytes go at once, later ones together", () => {
  using t = setUp();
  const guest = new GuestConsole(t.client, "internalConsole");
  for (const letter of "hello") guest.push(bytes(letter), 1);
  assert.equal(t.text(), "h");
  mock.timers.tick(50);
  assert.deepEqual(
    t.sent.map(({ body }) => body),
    [
      { category: "stdout", output: "h" },
      { category: "stdout", output: "ello" },
    ],
  );
});

test("a character that comes in pieces is one character", () => {
  using t = setUp();
  const guest = new GuestConsole(t.client, "internalConsole");
  for (const byte of bytes("a€🚀")) guest.push(new Uint8Array([byte]), 1);
  guest.flush();
  assert.equal(t.text(), "a€🚀");
});

test("bytes that are no UTF-8 do not stop it", () => {
  using t = setUp();
  const guest = new GuestConsole(t.client, "internalConsole");
  guest.push(new Uint8Array([0x41, 0xff, 0xfe, 0x42]), 1);
  assert.equal(t.text(), "A\ufffd\ufffdB");
});

test("a flood stays within its bounds, and the gap is named", () => {
  using t = setUp();
  const guest = new GuestConsole(t.client, "internalConsole");
  const line = bytes("0123456789abcdef\n".repeat(64));
  // 100 MB in a hundredth of a second, as a guest in a loop prints.
  for (let round = 0; round < 100_000; round++) guest.push(line, round);
  assert.ok(t.text().length <= 8192);
  mock.timers.tick(1000);
  const perSecond = t.text().length;
  assert.ok(perSecond < 200_000, `${perSecond} bytes in a second`);
  assert.equal(t.sent.filter(({ body }) => /bytes of console output left out/.test(String(body.output))).length, 1);
  guest.flush();
  const rest = t.text().length;
  assert.ok(rest < 300_000, `${rest} bytes in all`);
  assert.ok(t.text().endsWith("0123456789abcdef\n"), "the newest bytes are there");
});

test("a slow client is not pushed; what is to be seen at a stop still goes", () => {
  using t = setUp();
  const guest = new GuestConsole(t.client, "internalConsole");
  t.state.congested = true;
  guest.push(bytes("x"), 1);
  mock.timers.tick(500);
  assert.equal(t.text(), "");
  t.state.congested = false;
  mock.timers.tick(50);
  assert.equal(t.text(), "x");
  t.state.congested = true;
  guest.push(bytes("y"), 1);
  guest.flush();
  assert.equal(t.text(), "xy");
});

test("a terminal gets the exact bytes with their place in the console's output", () => {
  using t = setUp();
  const guest = new GuestConsole(t.client, "integratedTerminal");
  guest.push(new Uint8Array([1, 2, 255]), 10);
  guest.push(new Uint8Array(1_100_000).fill(7), 20);
  guest.flush();
  const [first, second] = t.sent;
  assert.deepEqual(first, { event: "hindcast/console", body: { base64: "AQL/", offset: 0, instant: 10 } });
  const skipped = 1_100_000 - 2 ** 20;
  assert.equal(second.body.skipped, skipped);
  assert.equal(second.body.offset, 3 + skipped);
  assert.equal(second.body.instant, 20);
  const last = t.sent.at(-1)!.body;
  const length = Buffer.from(String(last.base64), "base64").length;
  assert.equal(Number(last.offset) + length, 1_100_003);
});

test("nothing comes after dispose", () => {
  using t = setUp();
  const guest = new GuestConsole(t.client, "internalConsole");
  guest.push(bytes("a"), 1);
  guest.push(bytes("b"), 1);
  guest.dispose();
  mock.timers.tick(1000);
  assert.equal(t.text(), "a");
});

test("log messages bring their place, at a bounded rate", () => {
  using t = setUp();
  const logs = new LogMessages(t.client, new Sources(t.client, async () => undefined), new LogLinks());
  const source = { path: "/w/a.s", line: 7, column: 0 };
  for (let hit = 0; hit < 100_000; hit++) logs.push({ text: `hit ${hit}`, source });
  assert.deepEqual(t.sent[0].body, {
    category: "console",
    output: "hit 0\n",
    source: { name: "a.s", path: "/w/a.s" },
    line: 7,
    column: 1,
  });
  mock.timers.tick(100);
  assert.ok(t.sent.length <= 302, `${t.sent.length} messages`);
  logs.flush();
  assert.match(t.text(), /98,999 messages of log points left out here/);
  assert.ok(t.text().endsWith("hit 99999\n"));
  assert.ok(t.sent.length < 1500);
});

test("status: at most ten a second, and the last one always", () => {
  using t = setUp();
  const status = new StatusReports(t.client);
  const figures = { stepsPerSecond: 1, recordingBytes: 2, running: true, checks: 0 };
  const at = (instant: number) => ({ instant, end: instant, ...figures });
  for (let instant = 0; instant < 1000; instant++) {
    status.status({ type: "status", ...at(instant) });
    mock.timers.tick(1);
  }
  assert.ok(t.sent.length >= 9 && t.sent.length <= 11, `${t.sent.length} events`);
  mock.timers.tick(100);
  assert.deepEqual(t.sent.at(-1), { event: "hindcast/status", body: at(999) });
});
