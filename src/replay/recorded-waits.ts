import type { MachineEvent } from "../machine/inlet.ts";
import type { LatentWork } from "../machine/latent-work.ts";

/** From the instant at which the guest OS was told that a page is not ready to the one at which it was told that it is. */
export interface PageWait {
  readonly from: number;
  /** Absent: it was not told as far as the run goes. */
  readonly to?: number;
  readonly hart: number;
  /** The virtual address that was accessed. */
  readonly address: bigint;
  readonly work: LatentWork;
}

/** The waits of a run, in the order in which they begin. */
export function pageWaits(events: readonly MachineEvent[]): PageWait[] {
  const waits: { from: number; to?: number; hart: number; address: bigint; work: LatentWork }[] = [];
  const open = new Map<number, (typeof waits)[number]>();
  for (const event of events) {
    if (event.kind === "page-not-ready") {
      const { instant, hart, address, work, token } = event;
      const wait = { from: instant, hart, address, work };
      waits.push(wait);
      open.set(token, wait);
    } else if (event.kind === "page-ready") {
      const wait = open.get(event.token);
      if (wait !== undefined) wait.to = event.instant;
      open.delete(event.token);
    }
  }
  return waits;
}
