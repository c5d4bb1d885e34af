import assert from "node:assert/strict";
import test from "node:test";
import { FramingError, frame, MessageReader } from "../../src/adapter/framing.ts";
import { Prng } from "../../src/base/prng.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function readAll(pieces: readonly Uint8Array[]): { messages: unknown[]; reader: MessageReader } {
  const messages: unknown[] = [];
  const reader = new MessageReader((message) => messages.push(message));
  for (const piece of pieces) reader.push(piece);
  return { messages, reader };
}

test("messages come out whole, however the bytes arrive", () => {
  const random = new Prng(1);
  const sent = [
    { seq: 1, type: "request", command: "initialize", arguments: { adapterID: "hindcast" } },
    { seq: 2, type: "request", command: "evaluate", arguments: { expression: "“ünïcödé” 🚀" } },
    { seq: 3, type: "event", event: "x" },
  ];
  const bytes = Buffer.concat(sent.map(frame));
  for (let round = 0; round < 200; round++) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random.below(1 + random.below(bytes.length));
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    const { messages, reader } = readAll(pieces);
    assert.deepEqual(messages, sent);
    assert.equal(reader.unfinished, false);
  }
});

test("header fields in any case and number, as the base protocol allows", () => {
  const body = '{"seq":1,"type":"request","command":"threads"}';
  const { messages } = readAll([encode(`Content-Type: utf-8\r\ncontent-length:${body.length}\r\n\r\n${body}`)]);
  assert.equal(messages.length, 1);
});

test("an unfinished message is noticed", () => {
  assert.equal(readAll([encode("Content-Le")]).reader.unfinished, true);
  assert.equal(readAll([encode("Content-Length: 10\r\n\r\n")]).reader.unfinished, true);
  assert.equal(readAll([]).reader.unfinished, false);
});

const framed = (body: string) => `Content-Length: ${encode(body).length}\r\n\r\n${body}`;

const BROKEN: readonly [string, string | Uint8Array, RegExp][] = [
  ["a browser", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", /Expected the DAP header/],
  ["bare JSON", '{"seq":1}', /Expected the DAP header/],
  ["binary", new Uint8Array([0, 255, 3, 4]), /Expected the DAP header/],
  ["a header without a length", "Content-Type: x\r\n\r\n", /no Content-Length/],
  ["a length that is none", "Content-Length: abc\r\n\r\n", /“Content-Length: abc”/],
  ["a negative length", "Content-Length: -1\r\n\r\n", /“Content-Length: -1”/],
  ["a huge length", "Content-Length: 99999999999\r\n\r\n", /99999999999 bytes was announced/],
  ["a header without an end", `Content-Length: ${"1".repeat(5000)}`, /no end of one came/],
  ["an empty body", framed(""), /not valid JSON/],
  ["half a JSON", framed('{"seq":1,'), /not valid JSON/],
  ["invalid UTF-8", Buffer.concat([encode("Content-Length: 2\r\n\r\n"), Buffer.from([0xc3, 0x28])]), /not valid JSON/],
  ["no object", framed("null"), /needs “type”, “seq”/],
  ["a number", framed("3"), /needs “type”, “seq”/],
  ["no type", framed('{"seq":1}'), /needs “type”, “seq”/],
  ["a strange type", framed('{"seq":1,"type":"x"}'), /needs “type”, “seq”/],
  ["a seq that is none", framed('{"seq":"1","type":"event"}'), /needs “type”, “seq”/],
  ["a request without a command", framed('{"seq":1,"type":"request"}'), /needs .*“command”/],
];

for (const [name, input, sentence] of BROKEN) {
  test(`refuses ${name} with a sentence`, () => {
    const bytes = typeof input === "string" ? encode(input) : input;
    const matches = (error: unknown) => {
      assert.ok(error instanceof FramingError, String(error));
      assert.match(error.message, sentence);
      return true;
    };
    assert.throws(() => readAll([bytes]), matches);
    // Byte by byte as well: the same sentence, at the latest at the last byte.
    assert.throws(() => readAll(Array.from(bytes, (byte) => new Uint8Array([byte]))), FramingError);
  });
}
