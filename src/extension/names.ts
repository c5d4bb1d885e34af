/** Names that package.json has as well. */
export const DEBUG_TYPE = "hindcast";
export const LANGUAGE = "riscv-assembly";
export const TIMELINE_VIEW = "hindcast.timeline";
export const MACHINE_VIEW = "hindcast.machine";
export const SEARCHES_VIEW = "hindcast.searches";
export const LOCKSTEP_VIEW = "hindcast.lockstepView";
export const WATCH_VIEW = "hindcast.watches";
export const RECORDING_EDITOR = "hindcast.recording";

/** What the user has already seen happen; the steps of the walkthrough wait for these. */
export type Milestone = "started" | "trap" | "lastWrite" | "reverseStep" | "timelineTravel";
