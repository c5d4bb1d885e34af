import { element } from "./elements.ts";
import { byId } from "./host.ts";

/** Says lines at (x, y) of the plot, where the pointer is, the first of them loudest; undefined: it left. */
export function showTip(
  at: { readonly x: number; readonly y: number; readonly lines: readonly string[] } | undefined,
): void {
  const tip = byId("tip");
  tip.hidden = at === undefined;
  if (at === undefined) return;
  tip.replaceChildren(...at.lines.map((line, index) => element(index > 0 ? "div.muted" : "div", {}, line)));
  // Beside the pointer, on whichever side has room.
  const plot = byId("plot");
  const left = at.x + 14 + tip.offsetWidth > plot.clientWidth ? at.x - 10 - tip.offsetWidth : at.x + 14;
  const top = Math.min(at.y + 12, plot.clientHeight - tip.offsetHeight - 2);
  tip.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, top)}px)`;
}
