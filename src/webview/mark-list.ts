import { laneOf } from "./marks.ts";
import type { Mark } from "./messages.ts";
import { exact } from "./scale.ts";
import { VirtualList } from "./virtual-list.ts";

type BookmarkChange = "renameBookmark" | "removeBookmark";

/** As in lists of the workbench. */
const BOOKMARK_KEYS: Readonly<Record<string, BookmarkChange>> = {
  F2: "renameBookmark",
  Delete: "removeBookmark",
  Backspace: "removeBookmark",
};

export interface MarkListOptions {
  onSelect(mark: Mark): void;
  onTravel(mark: Mark): void;
  onBookmark(change: BookmarkChange, mark: Mark): void;
}

/** The marks as a list, for the keyboard and for screen readers. */
export class MarkList {
  private readonly list: VirtualList<Mark>;
  private marks: readonly Mark[] = [];
  private now = 0;

  constructor(element: HTMLElement, { onSelect, onTravel, onBookmark }: MarkListOptions) {
    this.list = new VirtualList(element, {
      idPrefix: "mark",
      row: (index) => this.marks[index],
      render: (mark) => this.row(mark),
      selected: onSelect,
      activated: onTravel,
      key: ({ key }, active) => {
        const mark = this.marks[active];
        const change = BOOKMARK_KEYS[key];
        if (mark?.kind !== "bookmark" || change === undefined) return false;
        onBookmark(change, mark);
        return true;
      },
    });
  }

  /** `marks` ascend. The active row stays on its mark where that is still there. */
  show(marks: readonly Mark[], selected: Mark | undefined, now: number): void {
    this.marks = marks;
    this.now = now;
    this.list.show(marks.length, selected === undefined ? -1 : marks.indexOf(selected));
  }

  reveal(mark: Mark): void {
    this.list.reveal(this.marks.indexOf(mark));
  }

  private row(mark: Mark): HTMLElement {
    const lane = laneOf(mark);
    const row = document.createElement("div");
    if (mark.kind === "bookmark") {
      // What the menu of the workbench knows of it (`webview/context` in package.json).
      const context = { webviewSection: "bookmark", instant: mark.instant, name: mark.label };
      row.dataset.vscodeContext = JSON.stringify({ ...context, preventDefaultContextMenuItems: true });
    }
    row.classList.toggle("future", mark.instant > this.now);
    row.title = [mark.label, mark.detail, `${lane.singular} at instant ${exact(mark.instant)}`]
      .filter((part) => part)
      .join("\n");
    row.ariaLabel = `${lane.singular}: ${mark.label}, instant ${exact(mark.instant)}`;
    const sign = document.createElement("span");
    sign.className = `sign ${lane.shape} kind-${mark.kind}`;
    row.append(
      sign,
      text("label", mark.label),
      text("detail", mark.detail ?? ""),
      text("instant", exact(mark.instant)),
    );
    return row;
  }
}

function text(className: string, content: string): HTMLElement {
  const span = document.createElement("span");
  span.className = className;
  span.textContent = content;
  return span;
}
