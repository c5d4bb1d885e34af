import * as vscode from "vscode";
import { chosenExpression } from "./add-watch.ts";
import { reporting } from "./failures.ts";
import type { PlotPanel } from "./plot-panel.ts";
import type { WatchView } from "./watch-view.ts";
import type { Watches } from "./watches.ts";

/** The commands of Watch over Time: from menus elsewhere, and of its title. */
export function registerWatchCommands(watches: Watches, view: WatchView, plot: PlotPanel): vscode.Disposable {
  const commands: Record<string, (argument?: unknown) => unknown> = {
    "hindcast.watchOverTime": async (argument) => {
      const watched = await chosenExpression(argument);
      if (watched === undefined) await view.focusInput();
      else await view.add(watched);
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
