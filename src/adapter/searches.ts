import type { Row, SearchState, SeriesBucket } from "../debuggee/protocol.ts";
import type * as Custom from "./custom-protocol.ts";
import type { Debuggee } from "./environment.ts";
import { errors } from "./errors.ts";
import { checkQuestion, questionOf, questionToClient, titleOf } from "./questions.ts";
import { toReference } from "./references.ts";
import type { FrameKey } from "./stack.ts";
import { placeOf } from "./travel.ts";

/** Rows are rendered when they are asked for: more than a page at once would keep the client waiting. */
const ROWS_LIMIT = 1000;
/** More columns than pixels on any screen. */
const COLUMNS_LIMIT = 20_000;

/** Questions over stretches of the past, in the form of the custom requests. */
export class Searches {
  /** Questions as they were asked: what an expression meant is known to the debuggee alone. */
  readonly #asked = new Map<number, Custom.QuestionBody>();

  /** @param frame where an address is evaluated when it is an expression. */
  async start(
    debuggee: Debuggee,
    { question, from, to }: Custom.SearchArguments,
    frame: FrameKey,
  ): Promise<Custom.SearchBody> {
    checkQuestion(question);
    if (from !== undefined && to !== undefined && from > to) throw errors.stretch(from, to);
    const meant = await questionOf(debuggee, question, frame);
    const stretch = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    const state = await debuggee.startSearch(meant, stretch);
    this.#asked.set(state.id, question);
    return this.toClient(state);
  }

  async list(debuggee: Debuggee): Promise<Custom.SearchBody[]> {
    return (await debuggee.searches()).map((state) => this.toClient(state));
  }

  async extend(debuggee: Debuggee, { id, to }: Custom.ExtendSearchArguments): Promise<Custom.SearchBody> {
    return this.toClient(await debuggee.extendSearch(id, to));
  }

  async close(debuggee: Debuggee, id: number): Promise<void> {
    await debuggee.closeSearch(id);
    this.#asked.delete(id);
  }

  /** The debuggee is another one: its searches count anew. */
  forget(): void {
    this.#asked.clear();
  }

  /** The debuggee may speak of a search before the answer to the request that started it is here. */
  toClient({ question: meant, ...rest }: SearchState): Custom.SearchBody {
    const question = this.#asked.get(rest.id) ?? questionToClient(meant);
    return { ...rest, question, title: titleOf(question, meant) };
  }
}

/** @param frame where the address is evaluated when it is an expression. */
export async function firstRow(
  debuggee: Debuggee,
  method: "firstRead" | "firstDifference",
  { address: text, length: bytes, from }: Custom.FirstArguments,
  frame: FrameKey,
): Promise<Custom.FirstBody> {
  const place = await placeOf(debuggee, text, frame);
  const { address, use = { hart: frame.hart } } = place;
  const length = bytes ?? place.size ?? 1;
  const row =
    method === "firstRead"
      ? await debuggee.firstRead(address, length, from, use)
      : await debuggee.firstDifference({ address, length, use }, from);
  return row === undefined ? {} : { row: rowToClient(row) };
}

export async function searchRows(debuggee: Debuggee, { id, first, count }: Custom.SearchRowsArguments) {
  if (first < 0 || count < 0) throw errors.page(first, count);
  const rows = await debuggee.searchRows(id, first, Math.min(count, ROWS_LIMIT));
  return { rows: rows.map(rowToClient) };
}

export async function seriesBuckets(debuggee: Debuggee, { id, from, to, most }: Custom.SeriesBucketsArguments) {
  if (from > to) throw errors.stretch(from, to);
  const buckets = await debuggee.seriesBuckets(id, from, to, Math.min(Math.max(most, 1), COLUMNS_LIMIT));
  return { buckets: buckets.map(bucketToClient) };
}

export async function rowInstants(debuggee: Debuggee, { id, from, to, most }: Custom.RowInstantsArguments) {
  if (from > to) throw errors.stretch(from, to);
  return { instants: await debuggee.rowInstants(id, from, to, Math.min(Math.max(most, 1), COLUMNS_LIMIT)) };
}

export async function countRows(debuggee: Debuggee, { id, from, to }: Custom.CountRowsArguments) {
  if (from > to) throw errors.stretch(from, to);
  return { rows: await debuggee.countRows(id, from, to) };
}

export async function rowsAround(
  debuggee: Debuggee,
  { id, instant }: Custom.RowsAroundArguments,
): Promise<Custom.RowsAroundBody> {
  const found = Object.entries(await debuggee.rowsAround(id, instant)) as [keyof Custom.RowsAroundBody, Row?][];
  return Object.fromEntries(found.flatMap(([where, row]) => (row === undefined ? [] : [[where, rowToClient(row)]])));
}

function rowToClient({ pc, bits, access, call, wait, ...rest }: Row): Custom.RowBody {
  return {
    ...rest,
    pc: toReference(pc),
    ...(bits === undefined ? {} : { bits: toReference(bits) }),
    ...(access === undefined
      ? {}
      : { access: { ...access, address: toReference(access.address), value: toReference(access.value) } }),
    ...(call === undefined ? {} : { call: callToClient(call) }),
    ...(wait === undefined
      ? {}
      : { wait: { ...wait, address: toReference(wait.address), meanwhile: [...wait.meanwhile] } }),
  };
}

function callToClient({ arguments: given, returnAddress, returned }: NonNullable<Row["call"]>): Custom.CallBody {
  const body: Custom.CallBody = {
    arguments: given.map(({ name, value }) => ({ name, value: toReference(value) })),
    returnAddress: toReference(returnAddress),
  };
  if (returned === undefined) return body;
  const { instant, value, floatValue } = returned;
  const float = floatValue === undefined ? {} : { floatValue: toReference(floatValue) };
  return { ...body, returned: { instant, value: toReference(value), ...float } };
}

/** What is no number has no place in JSON. */
function bucketToClient({ from, to, changes, ...values }: SeriesBucket): Custom.SeriesBucketBody {
  const numbers = Object.entries(values).filter(([, value]) => Number.isFinite(value));
  return { from, to, changes, ...Object.fromEntries(numbers) };
}
