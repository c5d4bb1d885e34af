import type { BusMasterContext, Device, DeviceState } from "./device.ts";

/** A hart's area, which the machine and the guest share: docs/async-pages.md. */
export const AREA_BYTES = 128;
const AREA = { token: 0, mayWait: 4, readyEnd: 8, readyStart: 12, ready: 16 } as const;
/** Tokens that the ring in an area has room for: with those that are given out there are never more. */
const READY_TOKENS = 16;
const WORD_BYTES = 4;

/** A token that was given to a hart, and whose page is not ready yet. */
export interface GivenToken {
  readonly token: number;
  readonly hart: number;
}

/**
 * Tells the guest of pages that are not ready: where each hart's area is, and which tokens are on their way. What it is asked to say and
 * the guest's state does not allow is not said. A register for each hart, 8 bytes: the physical address of its area, 0 for none.
 */
export class AsyncPages implements Device {
  readonly name = "async-pages";
  readonly base: number;
  readonly sizeBytes = 0x1000;
  readonly #context: BusMasterContext;
  #areas: number[];
  #given: readonly GivenToken[] = [];
  #lastToken = 0;
  /** A token was put into a ring, and the interrupt controller has not passed that on. */
  #raised = false;

  constructor(base: number, harts: number, context: BusMasterContext) {
    this.base = base;
    this.#context = context;
    this.#areas = new Array<number>(harts).fill(0);
  }

  /** Physical address of a hart's area; 0: it has none. */
  area(hart: number): number {
    return this.#areas[hart] ?? 0;
  }

  /** Some hart's area is there: it must be at hand when something else is not. */
  hasAreaOn(address: number, sizeBytes: number): boolean {
    return this.#areas.some((area) => area >= address && area < address + sizeBytes);
  }

  /** In the order in which they were given. */
  get given(): readonly GivenToken[] {
    return this.#given;
  }

  get nextToken(): number {
    let token = this.#lastToken;
    do token = token >= 0xffff_ffff ? 1 : token + 1;
    while (this.#isGiven(token));
    return token;
  }

  /** The hart can be told that a page is not ready: it has taken the last token, and there will be room in its ring. */
  takes(hart: number, isUser: boolean): boolean {
    const area = this.#view(hart);
    if (area === undefined || area.getUint32(AREA.token, true) !== 0) return false;
    if (!isUser && area.getUint32(AREA.mayWait, true) === 0) return false;
    const given = this.#given.filter((each) => each.hart === hart).length;
    return given + untaken(area) < READY_TOKENS;
  }

  /** False: the hart, which `takes`, cannot be given this one. */
  give(hart: number, token: number): boolean {
    if (token < 1 || token > 0xffff_ffff || this.#isGiven(token)) return false;
    this.#write(hart, AREA.token, token);
    this.#given = [...this.#given, { token, hart }];
    this.#lastToken = token;
    return true;
  }

  /** The page that a token was given for is there. One that nobody has is not said. */
  ready(token: number): void {
    const known = this.#given.find((each) => each.token === token);
    if (known === undefined) return;
    const area = this.#view(known.hart);
    this.#given = this.#given.filter((each) => each !== known);
    if (area === undefined || untaken(area) >= READY_TOKENS) return;
    const end = area.getUint32(AREA.readyEnd, true);
    this.#write(known.hart, AREA.ready + (end % READY_TOKENS) * WORD_BYTES, token);
    this.#write(known.hart, AREA.readyEnd, end + 1);
    this.#raised = true;
    this.#context.attention();
  }

  /** An interrupt by edge: asked for when the controller can take one, which answers for all before it. */
  takeInterrupt(): boolean {
    const raised = this.#raised;
    this.#raised = false;
    return raised;
  }

  read(offset: number, sizeBytes: number): bigint | undefined {
    return sizeBytes === 8 ? BigInt(this.area(offset / 8)) : undefined;
  }

  /** An area that lies elsewhere than in RAM, or across two pages, is none. */
  write(offset: number, sizeBytes: number, value: bigint): boolean {
    if (sizeBytes !== 8) return false;
    const hart = offset / 8;
    if (hart >= this.#areas.length) return true;
    const address = Number(value);
    const isArea = address % AREA_BYTES === 0 && this.#context.memory.contains(address, AREA_BYTES);
    this.#areas[hart] = isArea ? address : 0;
    return true;
  }

  nextDeadline(): undefined {
    return undefined;
  }

  save(): DeviceState {
    return {
      areas: [...this.#areas],
      tokens: this.#given.map(({ token }) => token),
      harts: this.#given.map(({ hart }) => hart),
      lastToken: this.#lastToken,
      raised: this.#raised ? 1 : 0,
    };
  }

  restore(state: DeviceState): void {
    const [tokens, harts] = [state.tokens as readonly number[], state.harts as readonly number[]];
    this.#areas = [...(state.areas as readonly number[])];
    this.#given = tokens.map((token, index) => ({ token, hart: harts[index] }));
    this.#lastToken = Number(state.lastToken);
    this.#raised = state.raised === 1;
  }

  #isGiven(token: number): boolean {
    return this.#given.some((each) => each.token === token);
  }

  #view(hart: number): DataView | undefined {
    const address = this.area(hart);
    const bytes = address === 0 ? undefined : this.#context.memory.read(address, AREA_BYTES);
    return bytes && new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #write(hart: number, offset: number, value: number): void {
    const bytes = new Uint8Array(WORD_BYTES);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.#context.memory.write(this.area(hart) + offset, bytes);
  }
}

/** Tokens in the ring that the guest has not taken: it may write anything, and then there is no room. */
function untaken(area: DataView): number {
  return (area.getUint32(AREA.readyEnd, true) - area.getUint32(AREA.readyStart, true)) >>> 0;
}
