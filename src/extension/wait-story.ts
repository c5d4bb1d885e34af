import type { Session, Sessions } from "./session.ts";

/** The row of the wait that begins at an instant, in words; undefined where there is none. */
export async function waitStory(sessions: Sessions, session: Session, instant: number): Promise<string | undefined> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const done = new Set<number>();
  let id: number | undefined;
  const listening = sessions.onSearch(({ session: from, body }) => {
    if (from !== session || !body.done) return;
    done.add(body.id);
    if (body.id === id) resolve();
  });
  try {
    const stretch = { from: instant, to: instant + 1 };
    const state = await session.request("hindcast/search", { question: { kind: "waits" }, ...stretch });
    id = state.id;
    if (!state.done && !done.has(id)) await over;
    const { rows } = await session.request("hindcast/searchRows", { id, first: 0, count: 1 });
    return rows[0]?.text;
  } finally {
    listening.dispose();
    if (id !== undefined) await session.request("hindcast/closeSearch", { id });
  }
}
