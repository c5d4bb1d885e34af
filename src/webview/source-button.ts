import { element } from "./elements.ts";
import type { SourceFacts } from "./search-messages.ts";

/** `queue.s:120` */
export function lineText({ path, line }: SourceFacts): string {
  return `${path.replace(/^.*[\\/]/, "")}:${line}`;
}

/** The line of a row, which opens it. The keyboard stays on the list. */
export function lineButton(source: SourceFacts, open: (source: SourceFacts) => void): HTMLElement {
  const made = element(
    "button.line",
    { type: "button", tabindex: "-1", title: `Open ${source.path}` },
    lineText(source),
  );
  made.addEventListener("click", () => open(source));
  return made;
}
