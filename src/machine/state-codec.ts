import { assert } from "../base/assert.ts";
import type { DeviceState } from "../devices/device.ts";
import { HART_WINDOW_BYTES, REGISTER_SINK } from "../memory/layout.ts";
import { errors } from "./errors.ts";

/** Raised with every change of what a state holds or means. */
export const STATE_VERSION = 4;

/** The machine without its RAM. */
export interface MachineState {
  readonly instant: number;
  /** Ticks that mtime is ahead of what the instant gives: idle jumps, and writes to mtime. */
  readonly tickOffset: bigint;
  /** Number of the hart that has its turn, and steps left of it. */
  readonly turn: number;
  readonly turnLeft: number;
  readonly harts: readonly Uint8Array[];
  readonly devices: Readonly<Record<string, DeviceState>>;
}

/**
 * Little-endian: version u32, instant f64, tick offset i64, number of harts u32, the one that has its turn u32,
 * steps left of the turn u32, the windows, then the devices as
 * JSON in the order of the memory map. Equal states give equal bytes: the digest is taken over them.
 */
export function encodeState(state: MachineState): Uint8Array {
  const devices = ENCODER.encode(JSON.stringify(state.devices));
  const bytes = new Uint8Array(HEADER_BYTES + state.harts.length * HART_WINDOW_BYTES + devices.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, STATE_VERSION, true);
  view.setFloat64(4, state.instant, true);
  view.setBigInt64(12, state.tickOffset, true);
  view.setUint32(20, state.harts.length, true);
  view.setUint32(24, state.turn, true);
  view.setUint32(28, state.turnLeft, true);
  let at = HEADER_BYTES;
  for (const hart of state.harts) {
    assert(hart.length === HART_WINDOW_BYTES, "a hart's window");
    bytes.set(hart, at);
    // Writes to x0 leave the last value here: scratch, not state.
    view.setBigUint64(at + REGISTER_SINK, 0n, true);
    at += HART_WINDOW_BYTES;
  }
  bytes.set(devices, at);
  return bytes;
}

export function decodeState(bytes: Uint8Array): MachineState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  assert(bytes.length >= HEADER_BYTES, "a machine state that is too short");
  const version = view.getUint32(0, true);
  if (version !== STATE_VERSION) throw errors.checkpointVersion(version, STATE_VERSION);
  const count = view.getUint32(20, true);
  const devicesAt = HEADER_BYTES + count * HART_WINDOW_BYTES;
  assert(bytes.length >= devicesAt, "a machine state that is too short");
  const harts = Array.from({ length: count }, (_, index) => {
    const at = HEADER_BYTES + index * HART_WINDOW_BYTES;
    return bytes.subarray(at, at + HART_WINDOW_BYTES);
  });
  return {
    instant: view.getFloat64(4, true),
    tickOffset: view.getBigInt64(12, true),
    turn: view.getUint32(24, true),
    turnLeft: view.getUint32(28, true),
    harts,
    devices: JSON.parse(DECODER.decode(bytes.subarray(devicesAt))),
  };
}

/** The same state as one of another instant, time and turn would be: what is left is all that a guest can see at once. */
export function withoutTime(bytes: Uint8Array): Uint8Array {
  const state = bytes.slice();
  state.fill(0, 4, 20);
  state.fill(0, 28, 32);
  return state;
}

const HEADER_BYTES = 32;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
