import { byId } from "./host.ts";
import { icon } from "./icons.ts";
import { exact } from "./scale.ts";

/** That the guest did not notice is checked, and said. @param restored evaluations after which its state was put back. */
export function showProof(restored: number): void {
  const proof = byId("proof");
  const sentence =
    restored === 0
      ? "Read from the recording; no code of the guest was run for it."
      : `${exact(restored)} ${restored === 1 ? "evaluation" : "evaluations"}, state restored, digest equal`;
  proof.classList.toggle("checked", restored > 0);
  if (proof.textContent !== sentence) proof.replaceChildren(...(restored > 0 ? [icon("check")] : []), sentence);
}
