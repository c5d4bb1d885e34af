import * as vscode from "vscode";
import { chosenExpression } from "./add-watch.ts";
import { reporting } from "./failures.ts";
import type { PlotPanel } from "./plot-panel.ts";
import type { Session } from "./session.ts";
import { pointedInstead, type Watched } from "./watch-text.ts";
import type { WatchView } from "./watch-view.ts";
import type { Watches } from "./watches.ts";

/** The commands of Watch over Time: from menus elsewhere, and of its title. */
export function registerWatchCommands(watches: Watches, view: WatchView, plot: PlotPanel): vscode.Disposable {
  const commands: Record<string, (argument?: unknown) => unknown> = {
    "hindcast.watchOverTime": async (argument) => {
      const watched = await chosenExpression(argument);
      if (watched === undefined) await view.focusInput();
      else await view.add(await withoutAddress(watched, watches.active?.session));
    },
    "hindcast.addWatch": () => view.focusInput(),
    "hindcast.plotWatches": () => plot.open(watches.active?.all ?? []),
    "hindcast.removeWatches": () => watches.active?.clear(),
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) =>
      vscode.commands.registerCommand(name, (argument?: unknown) => reporting(() => run(argument))),
    ),
  );
}

/** What lies at an address, where the name that was chosen is only that: nobody means the address. */
async function withoutAddress(watched: Watched, session: Session | undefined): Promise<Watched> {
  const { expression, at } = watched;
  if (session === undefined || at !== undefined) return watched;
  try {
    const { result } = await session.debugSession.customRequest("evaluate", { expression, context: "watch" });
    const instead = pointedInstead(expression, result);
    return instead === undefined ? watched : { expression: instead };
  } catch {
    // It cannot be evaluated here: its row will say why.
    return watched;
  }
}
