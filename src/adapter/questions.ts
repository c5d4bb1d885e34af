import type { AddressUse, BreakpointRequest, BreakpointSpec, Question } from "../debuggee/protocol.ts";
import { modeToClient } from "./breakpoint-modes.ts";
import { parseDataId, toDataId } from "./breakpoints.ts";
import type { BreakpointBody, PlaceBody, QuestionBody } from "./custom-protocol.ts";
import type { Debuggee } from "./environment.ts";
import { errors } from "./errors.ts";
import { fromReference, isReference, toPhysicalReference, toReference } from "./references.ts";
import { checkShape, type Shape } from "./shape.ts";
import type { FrameKey } from "./stack.ts";
import { placeOf } from "./travel.ts";

type Sources = Pick<Debuggee, "sources">;

/** What the members of a question must look like; `at` is looked at by itself. */
const QUESTIONS: Readonly<Record<QuestionBody["kind"], Shape>> = {
  writes: { address: "string", "length?": "integer" },
  reads: { address: "string", "length?": "integer" },
  accesses: { address: "string", "length?": "integer" },
  hits: { "condition?": "string", "hitCondition?": "string", "logMessage?": "string" },
  series: { expression: "string", "hart?": "integer", "everySteps?": "integer" },
  calls: { function: "string" },
  traps: { "causes?": ["integer"], "interrupts?": "boolean" },
  waits: {},
  outputs: { "text?": "string" },
};

const PLACES: Readonly<Record<Exclude<PlaceBody, string>["kind"], Shape>> = {
  source: { path: "string", line: "integer", "column?": "integer" },
  function: { name: "string" },
  instruction: { address: "address" },
  data: { dataId: "string", access: "access type" },
};

/** Throws a UserError unless a question from outside is one. */
export function checkQuestion(question: QuestionBody): void {
  const { kind } = question;
  if (!Object.hasOwn(QUESTIONS, kind)) throw errors.noQuestion(kind, Object.keys(QUESTIONS));
  const check = (shape: Shape) => checkShape("hindcast/search", { question }, { question: shape });
  check(QUESTIONS[kind]);
  if (kind !== "hits" && kind !== "series") return;
  const { at } = question;
  if (typeof at === "object" && at !== null && Object.hasOwn(PLACES, at.kind)) check({ at: PLACES[at.kind] });
  else check(kind === "hits" ? { at: "string" } : { "at?": "string" });
}

/** An address has to be evaluated where the machine stands; everything else is known as it is. */
export function looksAtMachine(question: QuestionBody): boolean {
  return "address" in question && typeof question.address === "string" && !isReference(question.address);
}

/** @param frame where an address is evaluated when it is an expression. */
export async function questionOf(debuggee: Debuggee, question: QuestionBody, frame: FrameKey): Promise<Question> {
  switch (question.kind) {
    case "writes":
    case "reads":
    case "accesses": {
      const place = await placeOf(debuggee, question.address, frame);
      const length = question.length ?? place.size ?? 1;
      return { kind: question.kind, address: place.address, length, use: place.use ?? { hart: frame.hart } };
    }
    case "hits":
      return { ...question, at: await placeRequest(debuggee, question.at) };
    case "series": {
      const { at, ...rest } = question;
      return at === undefined ? rest : { ...rest, at: await placeRequest(debuggee, at) };
    }
    default:
      return question;
  }
}

/** What names that place in a breakpoint. Whether there is code is for the debuggee to say. */
export async function placeRequest(debuggee: Sources, place: PlaceBody): Promise<BreakpointRequest> {
  if (typeof place === "string") return writtenPlace(debuggee, place);
  switch (place.kind) {
    case "instruction":
      return { kind: "instruction", address: fromReference(place.address) };
    case "data":
      return { kind: "data", ...parseDataId(place.dataId), access: place.access };
    default:
      return place;
  }
}

async function writtenPlace(debuggee: Sources, place: string): Promise<BreakpointRequest> {
  const text = place.trim();
  if (text === "") throw errors.noPlace();
  if (/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text)) return { kind: "instruction", address: fromReference(text) };
  const match = /^(.+):(\d{1,9})$/.exec(text);
  if (match === null) return { kind: "function", name: text };
  const [, path, line] = match;
  return { kind: "source", path: await sourcePath(debuggee, path), line: Number(line) };
}

/** The one file of the program whose path is this or ends like it. */
async function sourcePath(debuggee: Sources, wanted: string): Promise<string> {
  const slashed = (path: string) => path.replaceAll("\\", "/");
  const paths = (await debuggee.sources()).map(({ path }) => path);
  const end = slashed(wanted).replace(/^(\.\/)+/, "");
  const exact = paths.find((path) => slashed(path) === end);
  if (exact !== undefined) return exact;
  const ending = paths.filter((path) => slashed(path).endsWith(`/${end}`));
  if (ending.length === 0) throw errors.noFile(wanted);
  if (ending.length > 1) throw errors.severalFiles(wanted, ending);
  return ending[0];
}

/** As it could be asked again. */
export function questionToClient(question: Question): QuestionBody {
  switch (question.kind) {
    case "writes":
    case "reads":
    case "accesses": {
      const { kind, address, length, use } = question;
      return { kind, address: memoryReference(address, use), length };
    }
    case "hits":
      return { ...question, at: placeToClient(question.at) };
    case "series": {
      const { at, ...rest } = question;
      return at === undefined ? rest : { ...rest, at: placeToClient(at) };
    }
    case "traps": {
      const { causes, ...rest } = question;
      return causes === undefined ? rest : { ...rest, causes: [...causes] };
    }
    default:
      return question;
  }
}

/** A breakpoint as the question where it would have been hit. */
export function breakpointToClient({ at, condition, hitCondition, logMessage, mode }: BreakpointSpec): BreakpointBody {
  const name = modeToClient(mode);
  return {
    title: breakpointTitle(at),
    question: {
      kind: "hits",
      at: placeToClient(at),
      ...(condition !== undefined && { condition }),
      ...(hitCondition !== undefined && { hitCondition }),
      ...(logMessage !== undefined && { logMessage }),
    },
    ...(name !== undefined && { mode: name }),
  };
}

/** As clients write an address that the question has. */
function memoryReference(address: bigint, use: AddressUse | undefined): string {
  return use === "physical" ? toPhysicalReference(address) : toReference(address);
}

function bytesText(length: number): string {
  return length === 1 ? "1 byte" : `${length} bytes`;
}

const DATA_ACCESSES = { read: "reads", write: "writes", readWrite: "accesses" } as const;

function breakpointTitle(at: BreakpointRequest): string {
  if (at.kind === "function") return `function ${at.name}`;
  if (at.kind !== "data") return placeText(placeToClient(at));
  return `${DATA_ACCESSES[at.access]} of ${bytesText(at.length)} at ${memoryReference(at.address, at.use)}`;
}

function placeToClient(at: BreakpointRequest): PlaceBody {
  switch (at.kind) {
    case "instruction":
      return { kind: "instruction", address: toReference(at.address) };
    case "data":
      return { kind: "data", dataId: toDataId(at.address, at.length, at.use === "physical"), access: at.access };
    default:
      return at;
  }
}

const ACCESSES = { writes: "Writes to", reads: "Reads of", accesses: "Accesses to" } as const;

/** What is asked, in the words of who asked it: `Writes to work_queue (8 bytes at 0x80001000)`. */
export function titleOf(asked: QuestionBody, meant: Question): string {
  switch (asked.kind) {
    case "writes":
    case "reads":
    case "accesses": {
      const { address, length, use } = meant as Extract<Question, { kind: typeof asked.kind }>;
      const where = memoryReference(address, use);
      const bytes = bytesText(length);
      const named = asked.address.trim() === where ? `${bytes} at ${where}` : `${asked.address} (${bytes} at ${where})`;
      return `${ACCESSES[asked.kind]} ${named}`;
    }
    case "hits":
      return `Hits of ${placeText(asked.at)}${asked.condition === undefined ? "" : ` where ${asked.condition}`}`;
    case "series":
      return asked.at === undefined ? asked.expression : `${asked.expression} at ${placeText(asked.at)}`;
    case "calls":
      return `Calls of ${asked.function}`;
    case "traps":
      return asked.interrupts ? "Exceptions and interrupts" : "Exceptions";
    case "waits":
      return "Waits for pages";
    case "outputs":
      return asked.text === undefined ? "Lines of output" : `Lines of output with “${asked.text}”`;
  }
}

function placeText(at: PlaceBody): string {
  if (typeof at === "string") return at;
  switch (at.kind) {
    case "source":
      return `${at.path.replace(/^.*[\\/]/, "")}:${at.line}`;
    case "function":
      return at.name;
    case "instruction":
      return at.address;
    case "data":
      return at.dataId;
  }
}
