import assert from "node:assert/strict";
import test from "node:test";
import { Prng } from "../../src/base/prng.ts";
import {
  encodePacket,
  fromHex,
  PACKET_BYTES,
  PacketReader,
  parseHexAddress,
  parseHexNumber,
  textToHex,
  wordFromHex,
  wordToHex,
} from "../../src/gdb/packets.ts";
import { decodeReply } from "./remote-client.ts";

const bytes = (text: string) => Uint8Array.from([...text].map((character) => character.charCodeAt(0)));
const text = (payload: Uint8Array) => String.fromCharCode(...payload);
const read = (stream: string) =>
  new PacketReader()
    .push(bytes(stream))
    .map((each) => (each.kind === "packet" ? `${each.intact ? "" : "damaged "}${text(each.payload)}` : each.kind));

test("packets with their checksums, Ctrl-C and a wish for the last one again; acknowledgements and noise between them", () => {
  assert.deepEqual(read("+$g#67+-\x03noise$OK#9a"), ["g", "repeat", "interrupt", "OK"]);
  assert.deepEqual(read("$#00"), [""]);
});

test("a wrong checksum, and one that is none, are damage", () => {
  assert.deepEqual(read("$g#68"), ["damaged g"]);
  assert.deepEqual(read("$g#zz$g#67"), ["damaged g", "g"]);
});

test("a packet that begins inside of another one is the next: the first was cut", () => {
  assert.deepEqual(read("$m8000$g#67"), ["g"]);
});

test("a Ctrl-C inside of a packet is data", () => {
  assert.deepEqual(read("$X0,1:\x03#22"), ["X0,1:\x03"]);
});

test("escapes: what stands behind } is combined with a space", () => {
  assert.deepEqual(read("$a}\x03b#43"), ["a#b"]);
});

test("bytes come as they like", () => {
  const reader = new PacketReader();
  const found = [..."$m0,4#fd"].flatMap((character) => reader.push(bytes(character)));
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ["packet"],
  );
  assert.equal(reader.unfinished, false);
  reader.push(bytes("$m0"));
  assert.equal(reader.unfinished, true);
});

test("a packet without an end takes no memory", () => {
  const reader = new PacketReader();
  reader.push(bytes("$"));
  for (let i = 0; i < 100; i++) assert.deepEqual(reader.push(new Uint8Array(PACKET_BYTES).fill(0x61)), []);
  const [packet] = reader.push(bytes("#00"));
  assert.ok(packet.kind === "packet" && !packet.intact && packet.payload.length <= PACKET_BYTES);
});

test("runs are shortened as the manual says, and never to a character that means something", () => {
  assert.equal(text(encodePacket("0000")), "$0* #7a");
  assert.equal(text(encodePacket("000")), "$000#90");
  for (let length = 1; length < 300; length++) {
    const packet = text(encodePacket("0".repeat(length)));
    assert.equal(packet.indexOf("$", 1), -1, packet);
    assert.equal(packet.indexOf("#"), packet.length - 3, packet);
    assert.equal(text(decodeReply(bytes(packet))), "0".repeat(length));
  }
});

test("any bytes survive a packet", () => {
  const chance = new Prng(20);
  for (let round = 0; round < 300; round++) {
    const sent = Uint8Array.from({ length: chance.below(200) }, () => {
      // Bytes that the protocol uses itself, many of one kind in a row.
      const kind = chance.below(3);
      return kind === 0 ? chance.below(256) : kind === 1 ? 0x30 : bytes("$#}*+-")[chance.below(6)];
    });
    assert.deepEqual(decodeReply(encodePacket(sent)), sent);
  }
});

test("numbers and words: the lowest byte first", () => {
  assert.equal(wordToHex(0x8000_0000_1234_5678n), "7856341200000080");
  assert.equal(wordFromHex("7856341200000080"), 0x8000_0000_1234_5678n);
  assert.equal(wordFromHex("78563412"), undefined);
  assert.equal(fromHex("0g"), undefined);
  assert.equal(fromHex("012"), undefined);
  assert.equal(textToHex("é\n"), "c3a90a");
  assert.equal(parseHexNumber("-1"), undefined);
  assert.equal(parseHexNumber(""), undefined);
  assert.equal(parseHexAddress("ffffffffffffffff"), 0xffff_ffff_ffff_ffffn);
  assert.equal(parseHexAddress("1ffffffffffffffff"), undefined);
});
