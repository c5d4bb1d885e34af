import type { PhysicalAddress, VirtualAddress } from "../base/brand.ts";
import type { AddressTranslation } from "../cpu/address-translation.ts";
import type { Exception, Turn } from "../cpu/hart.ts";
import { exceptionTarget, exceptionVector, takeNotice } from "../cpu/trap.ts";
import type { AsyncPages, GivenToken } from "../devices/async-pages.ts";
import { EXCEPTION } from "../isa/causes.ts";
import { ABSENT_PAGE_CAUSE } from "../memory/layout.ts";
import { type BoardMemory, unlessAbsent } from "./device-memory.ts";
import type { PageNotReady } from "./inlet.ts";
import type { AsyncPagesView } from "./machine-interface.ts";
import type { PageNotice } from "./stop.ts";

const CAUSE = EXCEPTION.pageNotReady;
const MACHINE_MODE = 3;

export interface PageNoticeParts {
  readonly harts: readonly Turn[];
  readonly turn: Turn;
  readonly device: AsyncPages;
  readonly devices: BoardMemory;
  readonly translation: AddressTranslation;
  /** A hart stands in its handler. */
  readonly told: (turn: Turn, address: bigint) => void;
}

/** Whether a guest can be told that a page is not ready, and telling it: docs/async-pages.md. Both follow from its state alone. */
export class PageNotices implements AsyncPagesView {
  readonly #parts: PageNoticeParts;

  constructor(parts: PageNoticeParts) {
    this.#parts = parts;
  }

  area(hart: number): PhysicalAddress | undefined {
    const address = this.#parts.device.area(hart);
    return address === 0 ? undefined : (address as PhysicalAddress);
  }

  get given(): readonly GivenToken[] {
    return this.#parts.device.given;
  }

  /** What the hart that has its turn can be told of the access that it stands before; or the absent page that telling needs. */
  notice(): { readonly notice?: PageNotice; readonly needs?: number } {
    const { turn, device, translation } = this.#parts;
    const address = translation.takeAbsentAddress();
    if (address === undefined) return {};
    const { id, privilege } = turn.hart;
    const can = unlessAbsent(() => {
      const listens = this.#listens(turn);
      return listens === true ? device.takes(id, privilege === 0) : listens;
    });
    if (typeof can === "object") return { needs: Number(can.tval) };
    if (!can) return {};
    return { notice: { hart: id, address: address as VirtualAddress, token: device.nextToken } };
  }

  /** Tells, if the guest's state allows it. The page that is absent and that is needed for it, or -1. */
  deliver({ hart, token, address }: PageNotReady): number {
    const { harts, device, devices, told } = this.#parts;
    const turn = harts[hart];
    if (turn === undefined) return -1;
    const listens = this.#listens(turn);
    if (typeof listens === "object") return Number(listens.tval);
    if (!listens) return -1;
    const isUser = turn.hart.privilege === 0;
    const given = devices.attempt(() => device.takes(hart, isUser) && device.give(hart, token), true);
    if (typeof given === "object") return Number(given.tval);
    if (!given) return -1;
    takeNotice(turn.hart, turn.csrs, CAUSE, address);
    told(turn, address);
    return -1;
  }

  /** The hart runs, and the exception's handler is supervisor mode's and can be fetched; or the absent page which that depends on. */
  #listens({ hart, csrs }: Turn): boolean | Exception {
    if (hart.waiting || hart.privilege === MACHINE_MODE) return false;
    if (exceptionTarget(hart, csrs, CAUSE) !== "supervisor") return false;
    const vector = exceptionVector(csrs, "supervisor");
    const fault = this.#parts.translation.supervisorFetchFault(csrs.translationState(), vector);
    if (fault?.cause === ABSENT_PAGE_CAUSE) return fault;
    return fault === undefined;
  }
}
