import { BROADCAST_MAC, GUEST } from "../../src/network/addresses.ts";
import { ARP_REQUEST, arpFrame } from "../../src/network/arp.ts";
import { virtioGuest } from "../machine/virtio-guest.ts";
import { sendingGuest } from "../network/guest-program.ts";
import { GUEST_MAC } from "../network/support.ts";

const EXIT = "  li t0, 0x100000\n  li t1, 0x5555\n  sw t1, 0(t0)\n";

/** Arithmetic and memory, and a letter after so many rounds of five steps. */
function computing(letters: number, rounds: number): string {
  return `
_start:
  li s0, 0x10000000
  li s1, ${letters}
r:
  li t0, ${rounds}
  la t2, table
1:
  mul t1, t0, t0
  add t1, t1, s1
  sd t1, 0(t2)
  addi t0, t0, -1
  bnez t0, 1b
  li t0, 'i'
  sb t0, 0(s0)
  addi s1, s1, -1
  bnez s1, r
${EXIT}
  .bss
table: .zero 8
`;
}

/** Guests whose costs are compared, by how much they do: 1 is some ten seconds of work, which the compiling of our own code is a small part of; 0 next to none. */
export const COMPARED: readonly { name: string; source: (work: number) => string; machine: readonly string[] }[] = [
  // A letter every ten million steps.
  { name: "integer", source: (work) => computing(times(6000, work), 2_000_000), machine: [] },
  // A letter every hundred.
  { name: "console", source: (work) => computing(times(12_000_000, work), 20), machine: [] },
  // Reads and writes sectors, and waits for each.
  {
    name: "disk",
    source: (work) => virtioGuest({ transport: "modern", entropy: false, rounds: times(150_000, work) }),
    machine: ["--disk", "blank:4M"],
  },
  // Sends one frame after the other and waits for nobody.
  { name: "network", source: (work) => sending(times(400_000, work)), machine: ["--net", "user"] },
];

function times(count: number, work: number): number {
  return Math.max(1, Math.round(count * work));
}

/** A letter every hundred thousand: a pause in what it says is seen. */
export const TICKING = computing(30_000, 20_000);
/** Somebody else's address: nobody answers. */
const STRANGER = 0x0a00_02c8;

function sending(frames: number): string {
  const request = { operation: ARP_REQUEST, senderMac: GUEST_MAC, sender: GUEST, targetMac: new Uint8Array(6) };
  const frame = arpFrame({ ...request, target: STRANGER }, BROADCAST_MAC);
  return sendingGuest([frame]).replace(
    "answer:\n",
    `answer:
  li   t1, ${frames}
  bge  s3, t1, done
  la   s1, frames
  j    next
`,
  );
}

/** Says a word and waits for ever. */
export const WAITING = `
_start:
  li s0, 0x10000000
  li t0, 'w'
  sb t0, 0(s0)
1:
  wfi
  j 1b
`;

/** 240 MiB written, then 640 pages (1 %) again and again with the time in them, and a letter that follows from the time. */
export const LARGE = `
_start:
  li a0, 0x80100000
  li a1, 0x8f100000
1:
  sd a0, 0(a0)
  li t0, 4096
  add a0, a0, t0
  blt a0, a1, 1b
  li s0, 0x10000000
  li s1, 30
r:
  li a0, 0x80100000
  li t3, 640
  rdtime s2
2:
  sd s2, 8(a0)
  li t0, 4096 * 96
  add a0, a0, t0
  addi t3, t3, -1
  bnez t3, 2b
  li t4, 6000000
3:
  addi t4, t4, -1
  bnez t4, 3b
  rdtime t0
  andi t0, t0, 15
  addi t0, t0, 'a'
  sb t0, 0(s0)
  addi s1, s1, -1
  bnez s1, r
${EXIT}
`;
