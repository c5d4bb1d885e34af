import type { DebugProtocol as Dap } from "@vscode/debugprotocol";
import type { StepKind } from "../debuggee/protocol.ts";
import { bindingCondition } from "./binding.ts";
import { branchBody, branchesBody, comparisonBody } from "./branches.ts";
import type { Call } from "./call.ts";
import type * as Custom from "./custom-protocol.ts";
import { dataBreakpointInfo } from "./data-breakpoint-info.ts";
import type { AdapterEnvironment } from "./environment.ts";
import { errors } from "./errors.ts";
import { exceptionInfo } from "./exceptions.ts";
import { answeringAtRest, type Handler, on } from "./handler.ts";
import { lockstep } from "./lockstep-requests.ts";
import { csrs, machine, pageTable, translate } from "./machine.ts";
import type { Motion } from "./motions.ts";
import { origin } from "./origin.ts";
import type { Parts } from "./parts.ts";
import { breakpointToClient, looksAtMachine } from "./questions.ts";
import { completions, runCommand } from "./repl.ts";
import { countRows, firstRow, rowInstants, rowsAround, searchRows, seriesBuckets } from "./searches.ts";
import type { Shape } from "./shape.ts";
import type { FrameKey } from "./stack.ts";
import { inputBytes, instantOfOutput, lastRead, lastWrite, motionTo, timeline } from "./travel.ts";

const SOURCE = { "path?": "string", "sourceReference?": "integer" } as const;
const WITHOUT_DEBUGGING: Dap.Breakpoint = { verified: false, message: "The program runs without debugging." };
const CONDITIONS = {
  "condition?": "string",
  "hitCondition?": "string",
  "logMessage?": "string",
  "mode?": "string",
} as const;

/** Every request but `initialize`. */
export function requests(parts: Parts, environment: AdapterEnvironment): Readonly<Record<string, Handler>> {
  return {
    ...session(parts, environment),
    ...motions(parts),
    ...breakpoints(parts),
    ...inspection(parts),
    ...memory(parts),
    ...travel(parts),
    ...branching(parts),
    ...wholeMachine(parts),
    ...searches(parts),
    ...lockstep(parts),
  };
}

function session(parts: Parts, environment: AdapterEnvironment): Record<string, Handler> {
  const { lifecycle, client } = parts;
  return {
    launch: on<Record<string, unknown>>({}, async (args, call) => {
      await lifecycle.launch(args);
      call.afterResponse(() => client.event("initialized"));
    }),
    attach: on({}, () => {
      throw errors.attach();
    }),
    configurationDone: on({}, (_, call) => {
      parts.askForPartner(environment);
      parts.begin(call, "known");
    }),
    restart: on<Dap.RestartArguments>({}, async (args, call) => {
      await lifecycle.restart(launchArgumentsOf(args));
      parts.begin(call, "announced");
    }),
    // The response comes first: a client waits for it only so long, and closing writes the end of the recording.
    terminate: on({}, (_, call) => call.afterResponse(() => void lifecycle.end())),
    disconnect: on({}, () => lifecycle.end()),
    cancel: on<Dap.CancelArguments>({ "requestId?": "integer", "progressId?": "string" }, (args) =>
      parts.cancel(args.requestId, args.progressId),
    ),
    threads: on({}, () => ({ threads: parts.stacks.threads() })),
    loadedSources: on({}, () => ({ sources: parts.sources.list() })),
    source: on<Dap.SourceArguments>({ "source?": SOURCE, sourceReference: "integer" }, (args) =>
      parts.sources.text(lifecycle.debuggee, { ...args.source, sourceReference: args.sourceReference }),
    ),
  };
}

/** Clients send the new configuration, or nothing, or one that holds nothing. */
function launchArgumentsOf(args: Dap.RestartArguments): Record<string, unknown> | undefined {
  const given = args.arguments;
  return given !== undefined && Object.keys(given).length > 0 ? (given as Record<string, unknown>) : undefined;
}

function motions(parts: Parts): Record<string, Handler> {
  const { stacks } = parts;
  const step = (kind: StepKind, direction: "forward" | "backward", announced: "announced" | "known"): Handler =>
    on<Dap.NextArguments>({ threadId: "integer", "granularity?": "string" }, ({ threadId, granularity }, call) => {
      const hart = stacks.hartOf(threadId);
      const unit = granularity === "instruction" ? "instruction" : "line";
      parts.move(call, (debuggee) => debuggee.step(kind, direction, unit, hart), "step", announced);
    });
  const run = (motion: Motion, body?: object): Handler =>
    on({}, (_, call) => {
      parts.move(call, motion, "other", "known");
      return body;
    });
  return {
    continue: run((debuggee) => debuggee.resume(), { allThreadsContinued: true }),
    reverseContinue: run((debuggee) => debuggee.reverseContinue()),
    next: step("over", "forward", "known"),
    stepIn: step("into", "forward", "known"),
    stepOut: step("out", "forward", "known"),
    stepBack: step("over", "backward", "known"),
    "hindcast/reverseStepIn": step("into", "backward", "announced"),
    "hindcast/reverseStepOut": step("out", "backward", "announced"),
    pause: on({}, () => parts.interrupt()),
    gotoTargets: on<Dap.GotoTargetsArguments>({ source: SOURCE, line: "integer" }, ({ source, line }) =>
      gotoTargets(parts, source, line),
    ),
    goto: on<Dap.GotoArguments>({ targetId: "integer" }, ({ targetId }, call) =>
      parts.move(call, parts.gotoTargets.motion(targetId), "other", "announced"),
    ),
    // A line of the debug console is followed: to its instant, and to its source, which is what the request is for.
    locations: on<Dap.LocationsArguments>({ locationReference: "integer" }, async ({ locationReference }, call) => {
      const { instant, source } = parts.logLinks.line(locationReference);
      await parts.motions.rest();
      parts.move(call, await motionTo(parts.lifecycle.debuggee, instant), "other", "announced");
      return source === undefined ? {} : parts.sources.placeOf(source);
    }),
    "hindcast/seek": on<Custom.SeekArguments>({ instant: "integer" }, async ({ instant }, call) => {
      await parts.motions.rest();
      parts.move(call, await motionTo(parts.lifecycle.debuggee, instant), "other", "announced");
    }),
  };
}

async function gotoTargets(parts: Parts, source: Dap.Source, clientLine: number) {
  const { lifecycle, client } = parts;
  const path = parts.sources.fromClient(source);
  const line = client.coordinates.lineFromClient(clientLine);
  await parts.motions.rest();
  const places = await lifecycle.debuggee.breakpointLocations(path, line, line);
  if (places.length === 0) return { targets: [] };
  return { targets: parts.gotoTargets.targets(path, line).map((target) => ({ ...target, line: clientLine })) };
}

function breakpoints(parts: Parts): Record<string, Handler> {
  const { lifecycle, client } = parts;
  const set = <A extends { breakpoints?: readonly unknown[] }>(
    shape: Shape,
    apply: (args: A) => Promise<Dap.Breakpoint[]>,
  ): Handler =>
    on<A>(shape, async (args) => {
      if (lifecycle.run.launch.noDebug) return { breakpoints: (args.breakpoints ?? []).map(() => WITHOUT_DEBUGGING) };
      return { breakpoints: await apply(args) };
    });
  const at = parts.breakpoints;
  return {
    setBreakpoints: set<Dap.SetBreakpointsArguments>(
      {
        source: SOURCE,
        "breakpoints?": [{ line: "integer", "column?": "integer", ...CONDITIONS }],
        "lines?": ["integer"],
      },
      (args) => at.setSource(lifecycle.debuggee, args),
    ),
    setFunctionBreakpoints: set<Dap.SetFunctionBreakpointsArguments>(
      { breakpoints: [{ name: "string", ...CONDITIONS }] },
      (args) => at.setFunction(lifecycle.debuggee, args),
    ),
    setInstructionBreakpoints: set<Dap.SetInstructionBreakpointsArguments>(
      { breakpoints: [{ instructionReference: "address", "offset?": "integer", ...CONDITIONS }] },
      (args) => at.setInstruction(lifecycle.debuggee, args),
    ),
    setDataBreakpoints: set<Dap.SetDataBreakpointsArguments>(
      { breakpoints: [{ dataId: "string", "accessType?": "access type", ...CONDITIONS }] },
      (args) => at.setData(lifecycle.debuggee, args),
    ),
    setExceptionBreakpoints: on<Dap.SetExceptionBreakpointsArguments>({ filters: ["string"] }, async ({ filters }) => {
      const { launch, debuggee, paired } = lifecycle.run;
      if (launch.noDebug) return { breakpoints: filters.map(() => WITHOUT_DEBUGGING) };
      const breakpoints = parts.exceptionStops.set(filters);
      if (paired !== undefined) paired.seat.stopsAtDivergence = parts.exceptionStops.divergence;
      await debuggee.setExceptionStops(parts.exceptionStops.causes, parts.exceptionStops.checks);
      return { breakpoints };
    }),
    dataBreakpointInfo: on<Dap.DataBreakpointInfoArguments>(
      {
        name: "string",
        "variablesReference?": "integer",
        "frameId?": "integer",
        "bytes?": "integer",
        "asAddress?": "boolean",
      },
      async (args) => {
        await parts.motions.rest();
        const frame = parts.stacks.frame(args.variablesReference ? undefined : args.frameId);
        const where = { ...frame, variablesReference: args.variablesReference };
        return dataBreakpointInfo(lifecycle.debuggee, args, where);
      },
    ),
    breakpointLocations: on<Dap.BreakpointLocationsArguments>(
      { source: SOURCE, line: "integer", "endLine?": "integer" },
      async ({ source, line, endLine }) => {
        await parts.motions.rest();
        const first = client.coordinates.lineFromClient(line);
        const last = endLine === undefined ? first : client.coordinates.lineFromClient(endLine);
        const path = parts.sources.fromClient(source);
        const found = await lifecycle.debuggee.breakpointLocations(path, first, last);
        return { breakpoints: found.map((position) => pick(parts.sources.placeOf(position))) };
      },
    ),
    exceptionInfo: on({}, () => exceptionInfo(parts.stopped)),
  };
}

function pick({ line, column }: { line: number; column: number }) {
  return { line, column };
}

function inspection(parts: Parts): Record<string, Handler> {
  const { lifecycle, stacks, variables } = parts;
  const atRest = answeringAtRest(parts);
  return {
    stackTrace: atRest<Dap.StackTraceArguments>(
      { threadId: "integer", "startFrame?": "integer", "levels?": "integer" },
      (args) => stacks.stackTrace(lifecycle.debuggee, args),
    ),
    scopes: atRest<Dap.ScopesArguments>({ frameId: "integer" }, async ({ frameId }) => ({
      scopes: await variables.scopes(lifecycle.debuggee, stacks.frame(frameId)),
    })),
    variables: on<Dap.VariablesArguments>(
      { variablesReference: "integer", "start?": "integer", "count?": "integer" },
      async (args) => {
        // Lines are logged, and shown, while the machine runs.
        if (parts.logLinks.owns(args.variablesReference)) {
          return { variables: [parts.logLinks.variable(args.variablesReference)] };
        }
        await parts.motions.rest();
        return { variables: await variables.variables(lifecycle.debuggee, args) };
      },
    ),
    setVariable: atRest<Dap.SetVariableArguments>(
      { variablesReference: "integer", name: "string", value: "string" },
      (args) => variables.setVariable(lifecycle.debuggee, args),
    ),
    setExpression: atRest<Dap.SetExpressionArguments>(
      { expression: "string", value: "string", "frameId?": "integer" },
      (args) => variables.setExpression(lifecycle.debuggee, args, stacks.frame(args.frameId)),
    ),
    evaluate: on<Dap.EvaluateArguments>(
      { expression: "string", "frameId?": "integer", "context?": "string" },
      (args, call) => evaluate(parts, args, call),
    ),
    completions: atRest<Dap.CompletionsArguments>(
      { text: "string", column: "integer", "line?": "integer" },
      async (args) => ({
        targets: await completions(lifecycle.debuggee, args, parts.client.coordinates),
      }),
    ),
  };
}

async function evaluate(parts: Parts, { expression, frameId, context }: Dap.EvaluateArguments, call: Call) {
  const { debuggee } = parts.lifecycle;
  const command =
    context === "repl"
      ? runCommand(expression, {
          debuggee,
          frame: parts.stacks.frameIfAny(frameId),
          move: (motion) => parts.move(call, motion, "other", "announced"),
          search: (question) => parts.search(call, question),
        })
      : undefined;
  if (command !== undefined) return { result: await command, variablesReference: 0 };
  await parts.motions.rest();
  const use = context === "repl" ? "change" : "look";
  return parts.variables.evaluate(debuggee, expression, parts.stacks.frame(frameId), use);
}

function memory(parts: Parts): Record<string, Handler> {
  const { lifecycle } = parts;
  return {
    readMemory: on<Dap.ReadMemoryArguments>(
      { memoryReference: "memory", "offset?": "integer", count: "integer" },
      async (args) => {
        await parts.motions.rest();
        return parts.memory.read(lifecycle.debuggee, args);
      },
    ),
    writeMemory: on<Dap.WriteMemoryArguments>(
      { memoryReference: "memory", "offset?": "integer", data: "string", "allowPartial?": "boolean" },
      async (args) => {
        await parts.motions.rest();
        return parts.memory.write(lifecycle.debuggee, args);
      },
    ),
    disassemble: on<Dap.DisassembleArguments>(
      {
        memoryReference: "address",
        "offset?": "integer",
        "instructionOffset?": "integer",
        instructionCount: "integer",
      },
      async (args) => {
        await parts.motions.rest();
        return { instructions: await parts.memory.disassemble(lifecycle.debuggee, args) };
      },
    ),
  };
}

function travel(parts: Parts): Record<string, Handler> {
  const { lifecycle } = parts;
  const seek = (call: Call, instant: number) =>
    parts.move(call, (debuggee) => debuggee.seek(instant), "other", "announced");
  /** A question about a place in memory, whose answer may be an instant, which is gone to when that is wanted. */
  const finding = <A extends { seek?: boolean }, B>(
    bound: "before?" | "from?",
    ask: (args: A, frame: FrameKey) => Promise<B>,
    found: (body: B) => { readonly instant: number } | undefined,
  ): Handler =>
    on<A>({ address: "string", "length?": "integer", [bound]: "integer", "seek?": "boolean" }, async (args, call) => {
      const frame = parts.stacks.frame(undefined);
      const body = await parts.search(call, () => ask(args, frame));
      const at = found(body);
      if (args.seek && at !== undefined) seek(call, at.instant);
      return body;
    });
  const first = (method: "firstRead" | "firstDifference"): Handler =>
    finding(
      "from?",
      (args: Custom.FirstArguments, frame) => firstRow(lifecycle.debuggee, method, args, frame),
      ({ row }) => row,
    );
  return {
    "hindcast/timeline": on<Custom.TimelineArguments>(
      { "from?": "integer", "to?": "integer", "most?": "integer" },
      (args) => timeline(lifecycle.debuggee, args),
    ),
    "hindcast/bookmark": on<Custom.BookmarkArguments>({ name: "string", "instant?": "integer" }, ({ name, instant }) =>
      lifecycle.debuggee.addBookmark(name, instant),
    ),
    "hindcast/removeBookmark": on<Custom.RemoveBookmarkArguments>(
      { instant: "integer", name: "string" },
      ({ instant, name }) => lifecycle.debuggee.removeBookmark(instant, name),
    ),
    "hindcast/renameBookmark": on<Custom.RenameBookmarkArguments>(
      { instant: "integer", name: "string", newName: "string" },
      ({ instant, name, newName }) => lifecycle.debuggee.renameBookmark(instant, name, newName),
    ),
    "hindcast/instantOfOutput": on<Custom.InstantOfOutputArguments>(
      { offset: "integer", "seek?": "boolean" },
      async (args, call) => {
        const body = await instantOfOutput(lifecycle.debuggee, args.offset);
        if (args.seek && body.instant === undefined) throw errors.noOutput(args.offset);
        if (args.seek && body.instant !== undefined) seek(call, body.instant);
        return body;
      },
    ),
    "hindcast/lastWrite": finding(
      "before?",
      async (args: Custom.LastWriteArguments, frame) => {
        const { write } = await lastWrite(lifecycle.debuggee, args, frame);
        return write === undefined ? {} : { write };
      },
      ({ write }) => write,
    ),
    "hindcast/lastRead": finding(
      "before?",
      (args: Custom.LastWriteArguments, frame) => lastRead(lifecycle.debuggee, args, frame),
      ({ read }) => read,
    ),
    "hindcast/firstRead": first("firstRead"),
    "hindcast/firstDifference": first("firstDifference"),
    "hindcast/origin": on<Custom.OriginArguments>(
      {
        ...{ place: "string", "length?": "integer", "instant?": "integer", "hart?": "integer" },
        ...{ "depth?": "integer", "most?": "integer" },
      },
      (args, call) => parts.search(call, () => origin(lifecycle.debuggee, args, parts.stacks.hartOrCurrent(args.hart))),
    ),
    "hindcast/input": on<Custom.InputArguments>({ "text?": "string", "base64?": "string" }, (args) =>
      lifecycle.debuggee.input(inputBytes(args)),
    ),
  };
}

function branching(parts: Parts): Record<string, Handler> {
  const { lifecycle, stacks } = parts;
  const atRest = answeringAtRest(parts);
  const move = (call: Call, motion: Motion) => parts.move(call, motion, "other", "announced");
  return {
    "hindcast/startBranch": atRest<Custom.StartBranchArguments>({ "inputs?": "boolean" }, async ({ inputs }) =>
      branchBody(await lifecycle.debuggee.startBranch(inputs)),
    ),
    "hindcast/branches": atRest<Record<string, never>>({}, async () =>
      branchesBody(await lifecycle.debuggee.branches()),
    ),
    "hindcast/switchBranch": atRest<{ id: number }>({ id: "integer" }, ({ id }, call) =>
      move(call, (debuggee) => debuggee.switchBranch(id)),
    ),
    "hindcast/discardBranch": atRest<{ id?: number }>({ "id?": "integer" }, ({ id }, call) =>
      move(call, (debuggee) => debuggee.discardBranch(id)),
    ),
    "hindcast/keepBranch": atRest<Custom.KeepBranchArguments>({ name: "string", "id?": "integer" }, async (args) =>
      branchBody(await lifecycle.debuggee.keepBranch(args.name, args.id)),
    ),
    "hindcast/compareBranch": on<Custom.CompareBranchArguments>(
      { "id?": "integer", "at?": "integer", "against?": "integer" },
      async (args, call) => comparisonBody(await parts.search(call, () => lifecycle.debuggee.compareBranch(args))),
    ),
    "hindcast/saveBranch": on<Custom.SaveBranchArguments>({ path: "string", "id?": "integer" }, ({ path, id }, call) =>
      parts.search(call, () => lifecycle.debuggee.saveBranch(lifecycle.resolvePath(path), id)),
    ),
    "hindcast/forceReturn": atRest<Custom.ForceReturnArguments>(
      { threadId: "integer", "value?": "string" },
      ({ threadId, value }, call) => move(call, (debuggee) => debuggee.forceReturn(stacks.hartOf(threadId), value)),
    ),
  };
}

/** What the Machine view asks: the machine stands still while it is looked at. */
function wholeMachine(parts: Parts): Record<string, Handler> {
  const { lifecycle, stacks } = parts;
  const atRest = answeringAtRest(parts);
  const hartOf = ({ hart }: Custom.HartArguments) => stacks.hartOrCurrent(hart);
  return {
    "hindcast/machine": atRest<Record<string, never>>({}, () => machine(lifecycle.debuggee)),
    "hindcast/csrs": atRest<Custom.HartArguments>({ "hart?": "integer" }, (args) =>
      csrs(lifecycle.debuggee, hartOf(args)),
    ),
    "hindcast/translate": atRest<Custom.TranslateArguments>({ address: "string", "hart?": "integer" }, (args) =>
      translate(lifecycle.debuggee, args, hartOf(args)),
    ),
    "hindcast/pageTable": atRest<Custom.PageTableArguments>(
      { satp: "address", "table?": "address", "level?": "integer", "base?": "address" },
      (args) => pageTable(lifecycle.debuggee, args),
    ),
    "hindcast/bindingCondition": atRest<Custom.BindingConditionArguments>(
      { to: "string", "condition?": "string", "hart?": "integer" },
      (args) => bindingCondition(lifecycle.debuggee, args, hartOf(args)),
    ),
  };
}

/** Questions over the past: answered also while the machine moves, but for addresses that have to be evaluated first. */
function searches(parts: Parts): Record<string, Handler> {
  const { lifecycle, stacks } = parts;
  const ID = { id: "integer" } as const;
  return {
    "hindcast/search": on<Custom.SearchArguments>(
      { question: { kind: "string" }, "from?": "integer", "to?": "integer" },
      async (args) => {
        if (looksAtMachine(args.question)) await parts.motions.rest();
        return parts.searches.start(lifecycle.debuggee, args, stacks.frame(undefined));
      },
    ),
    "hindcast/breakpoints": on({}, () => ({ breakpoints: parts.breakpoints.list().map(breakpointToClient) })),
    "hindcast/searches": on({}, async () => ({ searches: await parts.searches.list(lifecycle.debuggee) })),
    "hindcast/searchRows": on<Custom.SearchRowsArguments>({ ...ID, first: "integer", count: "integer" }, (args) =>
      searchRows(lifecycle.debuggee, args),
    ),
    "hindcast/seriesBuckets": on<Custom.SeriesBucketsArguments>(
      { ...ID, from: "integer", to: "integer", most: "integer" },
      (args) => seriesBuckets(lifecycle.debuggee, args),
    ),
    "hindcast/rowInstants": on<Custom.RowInstantsArguments>(
      { ...ID, from: "integer", to: "integer", most: "integer" },
      (args) => rowInstants(lifecycle.debuggee, args),
    ),
    "hindcast/countRows": on<Custom.CountRowsArguments>({ ...ID, from: "integer", to: "integer" }, (args) =>
      countRows(lifecycle.debuggee, args),
    ),
    "hindcast/extendSearch": on<Custom.ExtendSearchArguments>({ ...ID, "to?": "integer" }, (args) =>
      parts.searches.extend(lifecycle.debuggee, args),
    ),
    "hindcast/rowsAround": on<Custom.RowsAroundArguments>({ ...ID, instant: "integer" }, (args) =>
      rowsAround(lifecycle.debuggee, args),
    ),
    "hindcast/cancelSearch": on<Custom.SearchIdArguments>(ID, ({ id }) => lifecycle.debuggee.cancelSearch(id)),
    "hindcast/closeSearch": on<Custom.SearchIdArguments>(ID, ({ id }) => parts.searches.close(lifecycle.debuggee, id)),
  };
}
