import { byId } from "./host.ts";
import type { TimelineCommand } from "./messages.ts";

/** What a view shows while there is no session: a sentence, and the ways to begin one. */
export const EMPTY_SECTION = `
<section id="empty" hidden>
  <p id="empty-text"></p>
  <div id="empty-buttons">
    <button class="action" data-command="hindcast.debugFile">Debug the Open File</button>
    <button class="action secondary" data-command="hindcast.openRecording">Open Recording…</button>
    <button class="action secondary" data-command="hindcast.openDemo">Open the Demo Program</button>
  </div>
</section>`;

/** Shows `text` instead of the session; of a page that has the buttons, with them or without. */
export function showEmpty(text: string, buttons?: boolean): void {
  byId("session").hidden = true;
  byId("empty").hidden = false;
  byId("empty-text").textContent = text;
  if (buttons !== undefined) byId("empty-buttons").hidden = !buttons;
}

/** Shows the session again. */
export function showSession(): void {
  byId("session").hidden = false;
  byId("empty").hidden = true;
}

/** Calls `run` with the command of a button that is pressed. */
export function listenToButtons(run: (command: TimelineCommand) => void): void {
  for (const button of byId("empty").querySelectorAll<HTMLButtonElement>("button[data-command]")) {
    button.addEventListener("click", () => run(button.dataset.command as TimelineCommand));
  }
}
