import assert from "node:assert/strict";
import { test } from "node:test";
import { Uart16550 } from "../../src/devices/uart16550.ts";

const [RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 3, 4, 5, 6, 7];

function uart() {
  const sent: number[] = [];
  let attentions = 0;
  const context = { time: () => 0n, setTime: () => {}, attention: () => attentions++ };
  const device = new Uart16550(0x1000_0000, context, (byte) => sent.push(byte));
  const read = (register: number): number => Number(device.read(register, 1));
  const write = (register: number, value: number): boolean => device.write(register, 1, BigInt(value));
  return { device, sent, read, write, attentions: () => attentions };
}

test("what is written to THR is sent, and the transmitter is empty at once", () => {
  const { sent, read, write } = uart();
  for (const byte of [0x68, 0x69]) write(RBR, byte);
  assert.deepEqual(sent, [0x68, 0x69]);
  assert.equal(read(LSR) & 0x60, 0x60);
});

test("bytes wait on the line, however many, and are read in order", () => {
  const { device, read } = uart();
  device.receive(Uint8Array.from({ length: 100 }, (_, index) => index));
  for (let index = 0; index < 100; index++) {
    assert.equal(read(LSR) & 1, 1);
    assert.equal(read(RBR), index);
  }
  assert.equal(read(LSR) & 1, 0);
  assert.equal(read(RBR), 0);
});

test("the receive interrupt follows IER, the trigger level and what is left to read", () => {
  const { device, read, write } = uart();
  device.receive(Uint8Array.of(1));
  assert.equal(device.interrupt(), false);
  write(IER, 1);
  assert.equal(device.interrupt(), true);
  assert.equal(read(IIR) & 0x0f, 0x04);
  write(IIR, 0xc1); // FIFOs on, trigger level 14: one byte is the timeout's business.
  assert.equal(read(IIR), 0xcc);
  device.receive(new Uint8Array(13));
  assert.equal(read(IIR), 0xc4);
  for (let index = 0; index < 14; index++) read(RBR);
  assert.equal(device.interrupt(), false);
});

test("the transmit interrupt is raised when enabled, and told once by IIR", () => {
  const { device, read, write } = uart();
  write(IER, 2);
  assert.equal(device.interrupt(), true);
  assert.equal(read(IIR), 0x02);
  assert.equal(device.interrupt(), false);
  write(RBR, 0x41);
  assert.equal(device.interrupt(), true);
  write(IER, 0);
  assert.equal(device.interrupt(), false);
});

test("the divisor latch hides THR and IER", () => {
  const { sent, read, write } = uart();
  write(LCR, 0x83);
  write(RBR, 0x34);
  write(IER, 0x12);
  assert.deepEqual([read(RBR), read(IER)], [0x34, 0x12]);
  write(LCR, 0x03);
  assert.deepEqual([read(RBR), read(IER), sent.length], [0, 0, 0]);
});

test("loopback returns bytes and modem outputs to the receiver", () => {
  const { sent, read, write } = uart();
  write(MCR, 0x1a); // loopback, OUT2, RTS: what Linux's 8250 driver probes with
  assert.equal(read(MSR) & 0xf0, 0x90);
  write(RBR, 0x55);
  assert.equal(read(RBR), 0x55);
  assert.deepEqual(sent, []);
});

test("loopback fills the receiver and no more, however much a guest sends", () => {
  for (const [fcr, room] of [
    [0, 1],
    [1, 16],
  ]) {
    const { device, read, write } = uart();
    write(IIR, fcr);
    write(MCR, 0x10);
    for (let byte = 0; byte < 100; byte++) write(RBR, byte);
    assert.equal((device.save().received as readonly number[]).length, room);
    assert.equal(read(RBR), 0);
  }
});

test("save and restore keep every register and the waiting bytes", () => {
  const first = uart();
  first.write(IER, 3);
  first.write(IIR, 0x81);
  first.write(LCR, 0x1b);
  first.write(MCR, 0x0b);
  first.write(SCR, 0x5a);
  first.device.receive(Uint8Array.of(9, 8, 7));
  const second = uart();
  second.device.restore(JSON.parse(JSON.stringify(first.device.save())));
  assert.deepEqual(second.device.save(), first.device.save());
  for (const register of [RBR, RBR, RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR]) {
    assert.equal(second.read(register), first.read(register));
  }
});

test("attention is asked for only when the interrupt line moves", () => {
  const { write, attentions } = uart();
  for (let index = 0; index < 100; index++) write(RBR, 0x2e);
  assert.equal(attentions(), 0);
  write(IER, 2);
  assert.equal(attentions(), 1);
});

// Found by random programs beside QEMU: a driver that clears the FIFOs and then waits for the transmitter hears of it.
test("clearing or switching the transmit FIFO counts as becoming empty", () => {
  const { read, write } = uart();
  write(IER, 0x02);
  assert.equal(read(IIR), 0x02);
  assert.equal(read(IIR), 0x01);
  write(IIR, 0x04);
  assert.equal(read(IIR), 0x02);
  write(IIR, 0x01);
  assert.equal(read(IIR), 0xc2);
  write(IIR, 0x01);
  assert.equal(read(IIR), 0xc1);
});

// `--input commands.txt` for a kernel: its driver starts a thousand million steps after the bytes have arrived.
test("what waits on the line survives a driver that clears the receiver while it starts", () => {
  const { device, read, write } = uart();
  device.receive(Uint8Array.from({ length: 40 }, (_, index) => index + 1));
  // As Linux's 8250 driver does it: probing, messages by polling, and twice "clear the interrupt registers".
  write(IIR, 0x01);
  write(IIR, 0x00);
  assert.equal(read(RBR), 0);
  for (const byte of [0x68, 0x69]) {
    read(LSR);
    write(RBR, byte);
  }
  for (const value of [0x01, 0x07, 0x00]) write(IIR, value);
  assert.equal(read(LSR) & 1, 0);
  assert.deepEqual([read(RBR), read(IIR), read(MSR)], [0, 0x01, 0xb0]);
  write(IER, 0x02);
  write(IER, 0x00);
  assert.deepEqual([read(LSR) & 1, read(RBR)], [0, 0]);
  write(IER, 0x05);
  write(IIR, 0x81);
  assert.equal(device.interrupt(), true);
  const heard: number[] = [];
  while ((read(LSR) & 1) !== 0) heard.push(read(RBR));
  assert.deepEqual(
    heard,
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
});

test("clearing the receiver drops what its FIFO holds, and the line goes on", () => {
  const { device, read, write } = uart();
  write(IIR, 0x01);
  write(IER, 0x01);
  device.receive(Uint8Array.from({ length: 20 }, (_, index) => index));
  write(IIR, 0x03);
  assert.deepEqual([read(RBR), read(RBR)], [16, 17]);
});

test("a guest that sets its port up and polls is given bytes from its second look on", () => {
  const { device, read, write } = uart();
  device.receive(Uint8Array.of(7, 8));
  write(IIR, 0x07);
  assert.deepEqual([read(LSR) & 1, read(RBR)], [0, 0]);
  assert.deepEqual([read(LSR) & 1, read(RBR)], [1, 7]);
  assert.deepEqual([read(LSR) & 1, read(RBR), read(LSR) & 1], [1, 8, 0]);
});

test("in loopback the line is cut off, and comes back", () => {
  const { device, read, write } = uart();
  write(IER, 0x01);
  write(MCR, 0x10);
  device.receive(Uint8Array.of(9));
  assert.equal(device.interrupt(), false);
  write(RBR, 0x55);
  assert.equal(read(RBR), 0x55);
  write(MCR, 0x00);
  assert.equal(device.interrupt(), true);
  assert.equal(read(RBR), 9);
});
