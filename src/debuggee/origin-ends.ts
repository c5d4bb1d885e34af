import type { Program } from "../assembler/program.ts";
import { causeOf } from "../isa/causes.ts";
import { csrName } from "../isa/csrs.ts";
import type { MachineEvent } from "../machine/inlet.ts";
import type { MachineLike, OutsideWrite } from "../machine/machine-interface.ts";
import type { HistoryLike } from "../replay/timeline-interface.ts";
import type { Cell, MemoryCell, Ranges } from "./origin-cells.ts";
import { placeOf } from "./origin-cells.ts";
import type { OriginEnd, OriginOperand } from "./origin-protocol.ts";
import type { ProgramMap } from "./program-map.ts";

export interface EndParts {
  readonly machine: MachineLike;
  readonly map: ProgramMap;
  readonly history: HistoryLike | undefined;
}

const hex = (value: bigint) => `0x${value.toString(16)}`;

/** Where values begin, in a sentence each. */
export class OriginEnds {
  readonly #parts: EndParts;

  constructor(parts: EndParts) {
    this.#parts = parts;
  }

  zero(): OriginEnd {
    return { kind: "constant", sentence: "x0 is always zero." };
  }

  constant(text: string, symbol: string, isCall: boolean): OriginEnd {
    const what = isCall
      ? `It is the return address that \`${text}\` in ${symbol} left behind.`
      : `It is a constant of the program: \`${text}\` in ${symbol}.`;
    return { kind: "constant", sentence: what, symbol };
  }

  reservation(text: string): OriginEnd {
    return { kind: "reservation", sentence: `\`${text}\` says whether its reservation still held.` };
  }

  computed(text: string, operands: readonly OriginOperand[]): OriginEnd {
    const names = operands.filter(({ role }) => role === "value").map(({ place }) => place.name);
    return { kind: "computed", sentence: `\`${text}\` computed it of ${listed(names)}.` };
  }

  limit(steps: number, cell: Cell): OriginEnd {
    const place = placeOf(cell, (address) => this.#parts.map.symbolize(address));
    return {
      kind: "limit",
      sentence: `After ${steps} ${steps === 1 ? "step" : "steps"} it still goes on, from ${place.name}.`,
      place,
    };
  }

  load(cell: Cell): OriginEnd {
    const { name, address } = placeOf(cell, (at) => this.#parts.map.symbolize(at));
    return { kind: "load", sentence: `It was loaded from ${name}.`, ...(address !== undefined && { address }) };
  }

  /** A register that no step has written. */
  reset(cell: Cell, hart: number, value: bigint | undefined): OriginEnd {
    const { name } = placeOf(cell, () => undefined);
    const was = value === undefined ? "" : ` (${hex(value)})`;
    return { kind: "reset", sentence: `Hart ${hart} has had this value in ${name} since reset${was}.` };
  }

  /** A CSR that is no word which instructions and traps write. */
  csr(number: number): OriginEnd {
    const name = csrName(number);
    const why = COUNTERS.test(name)
      ? `${name} counts by itself.`
      : `${name} follows from the state of the hart and its devices.`;
    return { kind: "csr", sentence: why };
  }

  trap(csr: number, hart: number, instant: number, cause: bigint, at: { pc: bigint; isInterrupt: boolean }): OriginEnd {
    const name = causeOf(cause)?.name ?? `trap ${hex(cause)}`;
    const symbol = this.#parts.map.describe(at.pc);
    const where = at.isInterrupt
      ? `which interrupted hart ${hart} at ${symbol}`
      : `which hart ${hart} met at ${symbol}`;
    return {
      kind: "trap",
      sentence: `${csrName(csr)} was written by the trap “${name}”, ${where}.`,
      instant,
      symbol,
    };
  }

  registerEdit(cell: Cell, instant: number): OriginEnd {
    const { name } = placeOf(cell, () => undefined);
    return { kind: "edit", sentence: `The user set ${name} at instant ${instant}.`, instant };
  }

  outside({ by, instant, address, size }: OutsideWrite): OriginEnd {
    const range = `${size} ${size === 1 ? "byte" : "bytes"} at ${hex(BigInt(address))}`;
    const at = { instant, address: BigInt(address) };
    if (by === "edit") return { kind: "edit", sentence: `The user wrote ${range} at instant ${instant}.`, ...at };
    if (by === "walk") {
      const sentence = `The walk of the page tables set bit A or D of this entry at instant ${instant}.`;
      return { kind: "walk", sentence, ...at };
    }
    const event = this.#eventAt(instant, (each) => each.kind === "network-input" || each.kind === "console-input");
    const [device, why] =
      event?.kind === "network-input"
        ? ["network card", "when a frame arrived"]
        : event?.kind === "console-input"
          ? ["virtio console", "when input arrived"]
          : ["device", "by itself"];
    return { kind: "dma", sentence: `The ${device} wrote ${range} ${why}, at instant ${instant}.`, ...at, device };
  }

  /** A device wrote memory because a store told it to. */
  dma(address: bigint, text: string, symbol: string, instant: number): OriginEnd {
    const device = this.#deviceAt(address)?.name ?? "device";
    const sentence = `${device} wrote it to memory when \`${text}\` in ${symbol} told it to.`;
    return { kind: "dma", sentence, device, address, symbol, instant };
  }

  /** A load from a device; the machine stands before it. `value` is what came. */
  device(ranges: Ranges, value: bigint): OriginEnd {
    const address = BigInt(ranges[0].address);
    const device = this.#deviceAt(address);
    if (device === undefined) return { kind: "device", sentence: `There is no memory at ${hex(address)}.`, address };
    const offset = Number(address) - device.address;
    const input =
      device.name === UART && offset === 0 ? this.#inputByte(device.state, Number(value & 0xffn)) : undefined;
    if (input !== undefined) {
      const shown = value >= 0x20n && value < 0x7fn ? ` ('${String.fromCharCode(Number(value))}')` : "";
      const sentence = `It is a byte of console input${shown}, which arrived at instant ${input}.`;
      return { kind: "input", sentence, instant: input, device: device.name, address };
    }
    const sentence = `It was read from ${device.name}, at offset ${hex(BigInt(offset))}.`;
    return { kind: "device", sentence, device: device.name, address };
  }

  /** Memory that nothing has written since reset. */
  image(cell: MemoryCell, value: bigint | undefined): OriginEnd {
    const address = cell.ranges[0].address as number;
    const named = this.#placed(address, value);
    if (named !== undefined) return { kind: "image", address: BigInt(address), ...named };
    const { name } = placeOf(cell, (at) => this.#parts.map.symbolize(at));
    const sentence =
      value === 0n
        ? `Nothing has written to ${name} since reset, when it was zero.`
        : `Nothing has written to ${name} since it was put into memory before reset.`;
    return { kind: value === 0n ? "reset" : "image", sentence, address: BigInt(address) };
  }

  #placed(address: number, value: bigint | undefined): { sentence: string; symbol?: string } | undefined {
    const { map } = this.#parts;
    for (const program of map.programs) {
      const segment = program.segments.find(
        (each) => address >= each.physicalAddress && address < each.physicalAddress + each.memoryBytes,
      );
      if (segment === undefined) continue;
      const offset = address - segment.physicalAddress;
      // Symbols of a program that is loaded later do not say what was there at reset.
      if (Number((value ?? 0n) & 0xffn) !== (segment.bytes[offset] ?? 0)) continue;
      const virtual = segment.virtualAddress + BigInt(offset);
      const section = sectionAt(program, virtual, map);
      const symbol = map.symbols.describe(virtual);
      const what = offset < segment.bytes.length ? "initial contents" : "zeros";
      const where =
        symbol === undefined ? hex(virtual) : `${symbol}${section === undefined ? "" : `, section ${section}`}`;
      return {
        sentence: `It is of the ${what} of ${program.name.split("/").at(-1)} (${where}): nothing has written there since reset.`,
        ...(symbol !== undefined && { symbol }),
      };
    }
    return undefined;
  }

  #deviceAt(address: bigint): { name: string; address: number; state: Record<string, number | string> } | undefined {
    const at = Number(address);
    return this.#parts.machine
      .describeDevices()
      .filter((device) => device.address <= at && at < device.address + DEVICE_REACH)
      .sort((a, b) => b.address - a.address)[0];
  }

  /** When the byte arrived that the UART hands over next: what has arrived, less what still waits. */
  #inputByte({ line, received, lcr }: Record<string, number | string>, value: number): number | undefined {
    if ((Number(lcr) & LCR_DIVISOR_LATCH) !== 0) return undefined;
    const waiting = [line, received].flatMap((list) =>
      String(list)
        .split(" ")
        .filter((byte) => byte !== ""),
    );
    if (waiting.length === 0) return undefined;
    const { history, machine } = this.#parts;
    let fromEnd = waiting.length;
    for (const event of [...(history?.events ?? [])].reverse()) {
      if (event.kind !== "console-input" || event.instant > machine.instant) continue;
      if (fromEnd > event.bytes.length) {
        fromEnd -= event.bytes.length;
        continue;
      }
      return event.bytes[event.bytes.length - fromEnd] === value ? event.instant : undefined;
    }
    return undefined;
  }

  #eventAt(instant: number, accept: (event: MachineEvent) => boolean): MachineEvent | undefined {
    return this.#parts.history?.events.findLast((event) => event.instant === instant && accept(event));
  }

  /** The instant on arrival at which the user last set a register, at `before` or earlier. */
  lastEdit(cell: Cell, hart: number, before: number): number | undefined {
    if (cell.kind === "memory") return undefined;
    const target = { integer: "register", float: "float-register", csr: "csr" }[cell.kind];
    return this.#parts.history?.events.findLast((event) => {
      if (event.kind !== "edit" || event.instant > before || event.edit.target !== target) return false;
      const { edit } = event;
      if (edit.target === "csr") return edit.hart === hart && edit.csr === cell.number;
      return "register" in edit && edit.hart === hart && edit.register === cell.number;
    })?.instant;
  }
}

const UART = "uart16550";
const LCR_DIVISOR_LATCH = 1 << 7;
/** Devices do not say how far they reach; the PLIC has the most registers. */
const DEVICE_REACH = 0x400_0000;
const COUNTERS = /^(m?(cycle|instret)|time|m?hpmcounter\d+)$/;

function sectionAt(program: Program, address: bigint, map: ProgramMap): string | undefined {
  const symbol = map.symbols.nearest(address)?.symbol;
  return symbol !== undefined && symbol.section !== "" && program.symbols.includes(symbol) ? symbol.section : undefined;
}

function listed(names: readonly string[]): string {
  if (names.length === 1) return names[0];
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
