/**
 * Hindcast in VS Code. This folder is the only one that imports `vscode`; what it knows of a machine it hears from the
 * debug adapter, which runs in a process of its own.
 */
import * as vscode from "vscode";
import { AdapterFactory } from "./adapter.ts";
import { Branches } from "./branches.ts";
import { registerCommands } from "./commands.ts";
import { ConfigurationProvider, OpenFileProvider } from "./configuration.ts";
import { GuestConsoles } from "./console.ts";
import { ConsoleLinks } from "./console-links.ts";
import { startLanguageClient } from "./language.ts";
import { Lockstep } from "./lockstep.ts";
import { LockstepView } from "./lockstep-view.ts";
import { MachineView } from "./machine-view.ts";
import { Milestones } from "./milestones.ts";
import {
  DEBUG_TYPE,
  LOCKSTEP_VIEW,
  MACHINE_VIEW,
  RECORDING_EDITOR,
  SEARCHES_VIEW,
  TIMELINE_VIEW,
  WATCH_VIEW,
} from "./names.ts";

import { PlotPanel } from "./plot-panel.ts";
import { RecordingEditor } from "./recording-editor.ts";
import { SearchList } from "./search-list.ts";
import { SearchesView } from "./searches-view.ts";
import { Sessions } from "./session.ts";
import { StatusBar } from "./status.ts";
import { TimelineView } from "./timeline-view.ts";
import { registerWatchCommands } from "./watch-commands.ts";
import { WatchView } from "./watch-view.ts";
import { Watches } from "./watches.ts";

export function activate(context: vscode.ExtensionContext): void {
  const { extensionUri } = context;
  const sessions = new Sessions();
  const milestones = new Milestones();
  const consoles = new GuestConsoles(sessions);
  const searches = new SearchList(sessions);
  const branches = new Branches(sessions);
  const lockstep = new Lockstep(sessions);
  const timeline = new TimelineView(extensionUri, sessions, milestones, searches);
  const machine = new MachineView(extensionUri, sessions);
  const lockstepView = new LockstepView(extensionUri, sessions);
  const searchesView = new SearchesView(extensionUri, sessions, searches);
  const watches = new Watches(sessions, context.workspaceState);
  const plot = new PlotPanel(extensionUri, watches);
  const watchView = new WatchView(extensionUri, watches, (watch) => plot.open([watch]));
  const { registerDebugConfigurationProvider } = vscode.debug;
  context.subscriptions.push(
    sessions,
    consoles,
    branches,
    lockstep,
    lockstepView,
    timeline,
    machine,
    searches,
    searchesView,
    watches,
    plot,
    watchView,
    new StatusBar(sessions),
    milestones.watch(),
    registerDebugConfigurationProvider(DEBUG_TYPE, new ConfigurationProvider()),
    registerDebugConfigurationProvider(
      DEBUG_TYPE,
      new OpenFileProvider(),
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, new AdapterFactory(extensionUri)),
    // The page keeps its place on the axis while the panel shows something else.
    vscode.window.registerWebviewViewProvider(TIMELINE_VIEW, timeline, {
      webviewOptions: { retainContextWhenHidden: true },
    }),
    vscode.window.registerWebviewViewProvider(MACHINE_VIEW, machine, {
      webviewOptions: { retainContextWhenHidden: true },
    }),
    vscode.window.registerWebviewViewProvider(SEARCHES_VIEW, searchesView, {
      webviewOptions: { retainContextWhenHidden: true },
    }),
    vscode.window.registerWebviewViewProvider(LOCKSTEP_VIEW, lockstepView, {
      webviewOptions: { retainContextWhenHidden: true },
    }),
    vscode.window.registerWebviewViewProvider(WATCH_VIEW, watchView),
    registerWatchCommands(watches, watchView, plot),
    vscode.window.registerCustomEditorProvider(RECORDING_EDITOR, new RecordingEditor(extensionUri)),
    vscode.window.registerTerminalLinkProvider(new ConsoleLinks(consoles)),
    registerCommands(context, sessions, consoles, searches, { ...branches.commands, ...lockstep.commands }),
    startLanguageClient(extensionUri),
  );
}
