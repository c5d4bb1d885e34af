import type { DebugProtocol } from "@vscode/debugprotocol";
import { BREAKPOINT_MODES } from "./breakpoint-modes.ts";
import { EXCEPTION_FILTERS } from "./exceptions.ts";

/**
 * What the adapter can do; every entry has a handler and a test. What is left out is left out on purpose: harts stop and
 * go together, there is one executable, and a machine cannot outlive its debugger.
 */
export function capabilities(): DebugProtocol.Capabilities {
  return {
    supportsConfigurationDoneRequest: true,
    supportsFunctionBreakpoints: true,
    supportsConditionalBreakpoints: true,
    supportsHitConditionalBreakpoints: true,
    supportsLogPoints: true,
    supportsInstructionBreakpoints: true,
    supportsDataBreakpoints: true,
    supportsDataBreakpointBytes: true,
    supportsBreakpointLocationsRequest: true,
    exceptionBreakpointFilters: [...EXCEPTION_FILTERS],
    breakpointModes: [...BREAKPOINT_MODES],
    supportsExceptionInfoRequest: true,
    supportsStepBack: true,
    supportsSteppingGranularity: true,
    supportsGotoTargetsRequest: true,
    supportsEvaluateForHovers: true,
    supportsClipboardContext: true,
    supportsSetVariable: true,
    supportsSetExpression: true,
    supportsCompletionsRequest: true,
    completionTriggerCharacters: [".", "_", "$"],
    supportsReadMemoryRequest: true,
    supportsWriteMemoryRequest: true,
    supportsDisassembleRequest: true,
    supportsDelayedStackTraceLoading: true,
    supportsLoadedSourcesRequest: true,
    supportsCancelRequest: true,
    supportsRestartRequest: true,
    supportsTerminateRequest: true,
    supportsANSIStyling: true,
  };
}
