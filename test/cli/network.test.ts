import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import test from "node:test";
import { BROADCAST_MAC, GATEWAY, GUEST } from "../../src/network/addresses.ts";
import { ARP_REQUEST, arpFrame } from "../../src/network/arp.ts";
import { udpPacket } from "../../src/network/udp.ts";
import { sendingGuest } from "../network/guest-program.ts";
import { GUEST_MAC, guestAt, guestFrames } from "../network/support.ts";
import { assertRefused, file, folder, hindcast, hindcastJson } from "./command.ts";

const ARP = arpFrame(
  { operation: ARP_REQUEST, senderMac: GUEST_MAC, sender: GUEST, targetMac: new Uint8Array(6), target: GATEWAY },
  BROADCAST_MAC,
);

function datagram(port: number): Uint8Array {
  const destination = { address: GATEWAY, port };
  return guestFrames(udpPacket({ source: guestAt(1000), destination, data: Uint8Array.of(1, 2, 3) }))[0];
}

/** A server of this host that says back what it hears, with one byte more; a silent one says nothing. */
async function withServer(isSilent: boolean, use: (port: number) => Promise<void>): Promise<void> {
  const server = createSocket("udp4");
  server.on("message", (data, from) => {
    if (!isSilent) server.send(Uint8Array.of(...data, 77), from.port, from.address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use(server.address().port);
  } finally {
    server.close();
  }
}

test("a guest talks to a server of this host; what it heard is recorded, and the replay needs no network", async () => {
  const path = join(folder, "network.hindcast");
  const expected = "42 15\n46 77\n42 15\n46 77\n";
  await withServer(false, async (port) => {
    const guest = file("network.s", sendingGuest([ARP, datagram(port), ARP, datagram(port)]));
    const live = await hindcast("run", guest, "--net", "user");
    assert.deepEqual([live.exitCode, live.stdout], [0, expected], live.stderr);
    const recorded = await hindcastJson("record", guest, "--net", "user", "-o", path);
    assert.deepEqual([recorded.exitCode, recorded.before], [0, expected], recorded.stderr);
  });
  const info = (await hindcastJson("info", path)).json;
  assert.deepEqual(info.frames, { received: 4, sent: 4 });
  const { network, clock } = info.configuration as { network: boolean; clock: string };
  assert.deepEqual([network, clock], [true, "paced"]);
  assert.match((await hindcast("info", path)).stdout, /^packets +4 received, 4 sent$/m);
  const replayed = await hindcastJson("replay", path);
  assert.deepEqual([replayed.exitCode, replayed.before], [0, expected]);
});

test("a pair in lockstep talks to a server of this host with one voice", async () => {
  await withServer(false, async (port) => {
    const guest = file("lockstep-network.s", sendingGuest([ARP, datagram(port), ARP, datagram(port)]));
    for (const options of [[], ["--processes"], ["--diverge", "memory,time"], ["--clock", "virtual"]]) {
      const { before, exitCode, json, stderr } = await hindcastJson("lockstep", guest, "--net", "user", ...options);
      assert.deepEqual([exitCode, before], [0, "42 15\n46 77\n42 15\n46 77\n"], `${options}: ${stderr}`);
      // Four frames, four lines of six bytes, and how it ended.
      const { outputsReleased, resynchronisations } = json.lockstep as Record<string, number>;
      assert.deepEqual([outputsReleased, resynchronisations], [4 + 24 + 1, 0], `${options}`);
    }
  });
});

test("a guest that is not answered waits, and not for ever", async () => {
  await withServer(true, async (port) => {
    const guest = file("silent.s", sendingGuest([datagram(port)]));
    const { json } = await hindcastJson("run", guest, "--net", "user", "--clock", "virtual");
    assert.equal(json.reason, "waiting");
  });
});

test("mistakes in --net are told before anything runs", async () => {
  const guest = file("never.s", sendingGuest([]));
  const sentence = /The network “tap” is not understood: the networks are “none” and “user”\./;
  await assertRefused(["run", guest, "--net", "tap"], 2, "net-options", sentence);
});
