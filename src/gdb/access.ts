import { csrName } from "../isa/csrs.ts";
import { errors } from "./errors.ts";
import { wordFromHex, wordToHex } from "./packets.ts";
import { type RegisterPlace, registerExpression, registerPlace } from "./registers.ts";
import type { Target } from "./target.ts";

/** Registers and memory of the target, as the protocol has them: hexadecimal, in the target's byte order. */
export class Access {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  /** What `g` gives: x0-x31, pc, and f0-f31 where there are some. */
  async allRegisters(hart: number): Promise<string> {
    const { integers, pc, floats } = await this.#target.values(hart);
    return [...integers, pc, ...(floats ?? [])].map(wordToHex).join("");
  }

  /** Changes those that differ: each is an event of the recording. False when there are not that many. */
  async setAllRegisters(hart: number, text: string): Promise<boolean> {
    const before = await this.allRegisters(hart);
    if (text.length > before.length || text.length % 16 !== 0) return false;
    for (let at = 0; at < text.length; at += 16) {
      const value = wordFromHex(text.slice(at, at + 16));
      if (value === undefined) return false;
      const place = registerPlace(at / 16);
      // x0 is what it is, whatever the client sends back.
      if (place === undefined || at === 0 || before.slice(at, at + 16) === text.slice(at, at + 16)) continue;
      await this.#set(place, value, hart);
    }
    return true;
  }

  /** Undefined when the hart does not have it. */
  async register(number: number, hart: number): Promise<string | undefined> {
    const value = await this.#value(registerPlace(number), hart);
    return value === undefined ? undefined : wordToHex(value);
  }

  async setRegister(number: number, text: string, hart: number): Promise<boolean> {
    const place = registerPlace(number);
    const value = wordFromHex(text.padEnd(16, "0"));
    if (place === undefined || value === undefined) return false;
    await this.#set(place, value, hart);
    return true;
  }

  async #value(place: RegisterPlace | undefined, hart: number): Promise<bigint | undefined> {
    if (place === undefined) return undefined;
    switch (place.kind) {
      case "csr":
        if (!this.#target.registers.csrs.includes(place.number)) return undefined;
        return (await this.#target.debuggee.evaluate(`$${csrName(place.number)}`, hart, 0, "look")).bits;
      case "instant":
        return BigInt(this.#target.stopped.instant);
      default: {
        const values = await this.#target.values(hart);
        if (place.kind === "integer") return values.integers[place.index];
        if (place.kind === "float") return values.floats?.[place.index];
        return place.kind === "pc" ? values.pc : BigInt(values.privilege);
      }
    }
  }

  async #set(place: RegisterPlace, value: bigint, hart: number): Promise<void> {
    if (place.kind === "instant") {
      await this.#target.seek(Number(value));
      return;
    }
    const expression = registerExpression(place);
    if (expression === undefined) throw errors.notWritable("The privilege mode");
    await this.#target.debuggee.setExpression(expression, `0x${value.toString(16)}`, hart);
  }

  /** Bytes from an address on, in the hart's address space; fewer where memory ends. */
  memory(address: bigint, length: number, hart: number): Promise<Uint8Array> {
    return this.#target.debuggee.readMemory(address, length, { hart });
  }

  async setMemory(address: bigint, bytes: Uint8Array, hart: number): Promise<void> {
    // Clients ask whether they may write at all by writing nothing.
    if (bytes.length > 0) await this.#target.debuggee.writeMemory(address, bytes, { hart });
  }
}
