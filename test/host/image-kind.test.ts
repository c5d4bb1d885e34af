import assert from "node:assert/strict";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { UserError } from "../../src/base/errors.ts";
import { imageKind } from "../../src/host/image-kind.ts";

const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

test("ELF, gzip and raw images are told apart", () => {
  assert.equal(imageKind(bytesOf("\x7fELF\x02\x01\x01"), "a"), "elf");
  assert.equal(imageKind(gzipSync("anything"), "a"), "gzip");
  // addi sp, sp, -16; ret
  assert.equal(imageKind(Uint8Array.of(0x13, 0x01, 0x01, 0xff, 0x67, 0x80, 0x00, 0x00), "a"), "raw");
});

test("a RISC-V kernel image with an EFI stub is an image, a Windows program is not", () => {
  const kernel = new Uint8Array(64);
  kernel.set(bytesOf("MZ"));
  assert.throws(() => imageKind(kernel, "setup.exe"), /setup\.exe is a Windows program: build it for RISC-V/);
  kernel.set(bytesOf("RSC\x05"), 0x38);
  assert.equal(imageKind(kernel, "Image"), "raw");
});

test("what is recognisably something else is refused by name", () => {
  const cases: [string, RegExp][] = [
    ["", /is empty/],
    ["\x89MCAP0\r\n", /is a recording: open it with/],
    ["#!/bin/sh\n", /is a script/],
    ["int main(void) { return 0; }\n", /is a text file: assembly source needs the ending \.s or \.S/],
    [":10010000214601360121470136007EFE09D2190140\n", /objcopy/],
    ["S00F000068656C6C6F202020202000003C\n", /objcopy/],
    ["!<arch>\nlibc.o/", /static library/],
    ["PK\x03\x04\x14\x00", /zip/],
    ["\x28\xb5\x2f\xfd\x24", /zstd/],
  ];
  for (const [content, message] of cases) {
    assert.throws(
      () => imageKind(bytesOf(content), "thing"),
      (error) => error instanceof UserError && error.exitCode === 3 && message.test(error.message),
      JSON.stringify(content),
    );
  }
});
