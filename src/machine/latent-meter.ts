import type { LatentWork } from "./latent-work.ts";
import type { WorkReport } from "./residency.ts";

interface Sum {
  told: number;
  beside: number;
  waited: number;
  hiddenMs: number;
  waitedMs: number;
  mostMs: number;
}

/** Times what a live run has to do with pages that are not ready. */
export class LatentMeter {
  readonly #nowMs: () => number;
  readonly #sums = new Map<LatentWork, Sum>();
  readonly #told = new Map<number, { readonly work: LatentWork; readonly atMs: number; readonly idleMs: number }>();
  #standing: { readonly work: LatentWork | undefined; readonly atMs: number } | undefined;
  #idleMs = 0;
  #waitedMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  told(token: number, work: LatentWork): void {
    this.#sum(work).told++;
    this.#told.set(token, { work, atMs: this.#nowMs(), idleMs: this.idleMs });
  }

  ready(token: number): void {
    const told = this.#told.get(token);
    if (told === undefined) return;
    this.#told.delete(token);
    const sum = this.#sum(told.work);
    const tookMs = this.#nowMs() - told.atMs;
    sum.mostMs = Math.max(sum.mostMs, tookMs);
    sum.hiddenMs += Math.max(0, tookMs - (this.idleMs - told.idleMs));
  }

  /** Work that another thread has done while the guest went on, without having to be told. */
  beside(work: LatentWork, tookMs: number): void {
    const sum = this.#sum(work);
    sum.beside++;
    sum.hiddenMs += tookMs;
    sum.mostMs = Math.max(sum.mostMs, tookMs);
  }

  stands(work: LatentWork | undefined): void {
    this.#standing = { work, atMs: this.#nowMs() };
    if (work !== undefined) this.#sum(work).waited++;
  }

  goesOn(): void {
    if (this.#standing === undefined) return;
    const { work, atMs } = this.#standing;
    this.#standing = undefined;
    const tookMs = this.#nowMs() - atMs;
    if (work === undefined) {
      this.#idleMs += tookMs;
      return;
    }
    const sum = this.#sum(work);
    sum.waitedMs += tookMs;
    sum.mostMs = Math.max(sum.mostMs, tookMs);
    this.#waitedMs += tookMs;
  }

  /** In which the whole guest waited. */
  get idleMs(): number {
    const { work, atMs } = this.#standing ?? { work: "page-in", atMs: 0 };
    return this.#idleMs + (work === undefined ? this.#nowMs() - atMs : 0);
  }

  /** In which the machine did nothing, for whatever page. */
  get stoodMs(): number {
    const since = this.#standing === undefined ? 0 : this.#nowMs() - this.#standing.atMs;
    return this.#idleMs + this.#waitedMs + since;
  }

  get works(): readonly WorkReport[] {
    return [...this.#sums].map(([work, sum]) => ({ work, ...sum }));
  }

  #sum(work: LatentWork): Sum {
    let sum = this.#sums.get(work);
    if (sum === undefined) {
      sum = { told: 0, beside: 0, waited: 0, hiddenMs: 0, waitedMs: 0, mostMs: 0 };
      this.#sums.set(work, sum);
    }
    return sum;
  }
}

/** What several have counted, by work. */
export function sumOfWorks(reports: readonly WorkReport[]): readonly WorkReport[] {
  const sums = new Map<LatentWork, WorkReport>();
  for (const report of reports) {
    const sum = sums.get(report.work);
    if (sum === undefined) {
      sums.set(report.work, report);
      continue;
    }
    sums.set(report.work, {
      work: report.work,
      told: sum.told + report.told,
      beside: sum.beside + report.beside,
      waited: sum.waited + report.waited,
      hiddenMs: sum.hiddenMs + report.hiddenMs,
      waitedMs: sum.waitedMs + report.waitedMs,
      mostMs: Math.max(sum.mostMs, report.mostMs),
    });
  }
  return [...sums.values()];
}
