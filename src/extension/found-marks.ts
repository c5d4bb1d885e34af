import { isChain, type Mark } from "../webview/messages.ts";
import type { Entry } from "./search-list.ts";
import type { Session } from "./session.ts";

/** More of one search cannot be told apart on an axis. */
const MOST_MARKS = 1000;

/** What the search that is looked at has found in [from, to], as marks of the Timeline. */
export async function foundMarks(session: Session, entry: Entry, from: number, to: number): Promise<Mark[]> {
  const { title } = entry;
  if (isChain(entry)) {
    const steps = (entry.origin?.steps ?? []).filter(({ instant }) => instant >= from && instant <= to);
    return steps
      .map(({ instant, sentence }): Mark => ({ kind: "found", instant, label: sentence, detail: title }))
      .reverse();
  }
  const stretch = { from, to: to + 1, most: MOST_MARKS };
  const { instants } = await session.request("hindcast/rowInstants", { id: entry.id, ...stretch });
  return instants.map((instant) => ({ kind: "found", instant, label: title }));
}
