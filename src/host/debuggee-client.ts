import type { DebuggeeApi, DebuggeeEvent } from "../debuggee/protocol.ts";
import type { Port } from "./port.ts";
import { RpcClient } from "./rpc.ts";

/** Every request of `DebuggeeApi`; the line below fails to compile when one is missing. */
export const DEBUGGEE_METHODS = [
  "launch",
  "resume",
  "reverseContinue",
  "step",
  "stepRange",
  "seek",
  "pause",
  "setBreakpoints",
  "setExceptionStops",
  "frames",
  "scopes",
  "variables",
  "setVariable",
  "evaluate",
  "setExpression",
  "disassemble",
  "readMemory",
  "writeMemory",
  "breakpointLocations",
  "sources",
  "sourceText",
  "executable",
  "names",
  "input",
  "timeline",
  "addBookmark",
  "removeBookmark",
  "renameBookmark",
  "instantOfOutput",
  "outputLengthAt",
  "instantOfFrame",
  "frameCountAt",
  "outputBetween",
  "lastWrite",
  "startBranch",
  "branches",
  "switchBranch",
  "discardBranch",
  "keepBranch",
  "compareBranch",
  "saveBranch",
  "forceReturn",
  "lastRead",
  "firstRead",
  "firstDifference",
  "origin",
  "machine",
  "registers",
  "csrs",
  "translate",
  "pageTable",
  "startSearch",
  "searches",
  "searchRows",
  "seriesBuckets",
  "countRows",
  "rowInstants",
  "rowsAround",
  "extendSearch",
  "cancelSearch",
  "closeSearch",
  "close",
] as const satisfies readonly (keyof DebuggeeApi)[];

export type DebuggeeMethod = keyof DebuggeeApi;
type Missing = Exclude<keyof DebuggeeApi, (typeof DEBUGGEE_METHODS)[number]>;
const NONE_MISSING: [Missing] extends [never] ? true : Missing = true;
void NONE_MISSING;

/** A debuggee on the other side of a port; `break` is for whoever notices that the other side is gone. */
export type RemoteDebuggee = DebuggeeApi & { break(reason: Error): void };

export function connectDebuggee(port: Port, onEvent: (event: DebuggeeEvent) => void): RemoteDebuggee {
  const client = new RpcClient(port, (event) => onEvent(event as DebuggeeEvent));
  const requests = DEBUGGEE_METHODS.map((method) => [method, (...args: unknown[]) => client.call(method, args)]);
  return Object.assign(Object.fromEntries(requests) as DebuggeeApi, { break: (reason: Error) => client.break(reason) });
}
