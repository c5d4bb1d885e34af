import { InvalidArgumentError } from "commander";
import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { isNamedPlace } from "../base/instant-text.ts";
import type { Bookmark } from "../replay/timeline-interface.ts";
import { parseCount } from "./quantities.ts";

/** An instant as the user names it: a number, `start`, `end`, or a bookmark of the recording that is about to be opened. */
export type NamedInstant = number | string;

/** For commander. A word that begins with a digit is a number, or meant to be one. */
export function parseInstant(text: string): NamedInstant {
  if (/^\d\S*$/.test(text)) return parseCount(text);
  if (text.trim() === "") throw new InvalidArgumentError("Write an instant, or the name of a bookmark.");
  return text.trim();
}

export function instantNamed(
  instant: NamedInstant,
  bookmarks: readonly Bookmark[],
  { first, end }: { readonly first: Instant; readonly end: Instant },
): Instant {
  if (typeof instant === "number") return instant as Instant;
  if (isNamedPlace(instant)) return instant === "start" ? first : end;
  const found = bookmarks.find(({ name }) => name === instant);
  if (found !== undefined) return found.instant;
  const names = bookmarks.slice(0, 5).map(({ name }) => `"${name}"`);
  const hint =
    names.length === 0 ? "there are none" : `there is ${names.join(", ")}${bookmarks.length > 5 ? ", …" : ""}`;
  throw new UserError("no-bookmark", `The recording has no bookmark "${instant}": ${hint}.`, 2);
}
