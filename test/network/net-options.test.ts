import assert from "node:assert/strict";
import test from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { GUEST, ipv4, LOOPBACK } from "../../src/network/addresses.ts";
import { parseNetOptions } from "../../src/network/net-options.ts";

test("the network's options, as QEMU has them", () => {
  assert.equal(parseNetOptions("none"), undefined);
  assert.deepEqual(parseNetOptions("user"), { forwards: [], restricted: false });
  assert.deepEqual(
    parseNetOptions("user,restrict=on,hostfwd=tcp:127.0.0.1:8022-:22,hostfwd=udp:0.0.0.0:69-10.0.2.20:69"),
    {
      restricted: true,
      forwards: [
        {
          protocol: "tcp",
          host: { address: LOOPBACK, port: 8022 },
          guest: { address: GUEST, port: 22 },
          text: "tcp:127.0.0.1:8022-:22",
        },
        {
          protocol: "udp",
          host: { address: 0, port: 69 },
          guest: { address: ipv4("10.0.2.20"), port: 69 },
          text: "udp:0.0.0.0:69-10.0.2.20:69",
        },
      ],
    },
  );
  // Nobody but this computer, unless it is said.
  assert.deepEqual(parseNetOptions("user,hostfwd=::0-:80")!.forwards[0].host, { address: LOOPBACK, port: 0 });
});

const MISTAKES: readonly [string, RegExp][] = [
  ["", /the networks are “none” and “user”/],
  ["tap", /the networks are/],
  ["none,restrict=on", /the networks are/],
  ["user,hostfwd", /“hostfwd” is none of its options/],
  ["user,smb=/tmp", /“smb=\/tmp” is none of its options/],
  ["user,restrict=maybe", /“restrict” is “on” or “off”/],
  ["user,hostfwd=tcp:8022-:22", /does not have the form/],
  ["user,hostfwd=sctp::8022-:22", /does not have the form/],
  ["user,hostfwd=tcp::70000-:22", /70000 is no port/],
  ["user,hostfwd=tcp::80-:0", /0 is no port/],
  ["user,hostfwd=tcp:localhost:80-:80", /“localhost” is no IPv4 address/],
  ["user,hostfwd=tcp::80-192.168.0.1:80", /no address that the guest can have/],
  ["user,hostfwd=tcp::80-10.0.2.2:80", /no address that the guest can have/],
  [`user${",hostfwd=tcp::0-:1".repeat(65)}`, /more than 64 forwards/],
];

for (const [text, message] of MISTAKES) {
  test(`a mistake is named: ${text.slice(0, 60)}`, () => {
    assert.throws(
      () => parseNetOptions(text),
      (error) => {
        assert.ok(error instanceof UserError);
        assert.deepEqual([error.code, error.exitCode], ["net-options", 2]);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
