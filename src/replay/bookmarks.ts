import { UserError } from "../base/errors.ts";
import { isNamedPlace, readCount } from "../base/instant-text.ts";
import type { Bookmark } from "./timeline-interface.ts";

const LONGEST_NAME = 200;

/**
 * Whether a bookmark has to be added to those that are known: the very same is there already, or not. Throws a UserError
 * when it may not be. A name stands for one instant, in places where a number, `start` and `end` mean something else.
 */
export function isNewBookmark({ instant, name }: Bookmark, known: readonly Bookmark[]): boolean {
  // Names stand in lists, one a line.
  if (name.length < 1 || name.length > LONGEST_NAME || /\p{Cc}/u.test(name)) {
    throw refused(`A bookmark needs a name of 1 to ${LONGEST_NAME} characters on one line.`);
  }
  if (isNamedPlace(name) || readCount(name) !== undefined) {
    throw refused(`"${name}" is an instant by itself: a bookmark's name is neither a number nor "start" or "end".`);
  }
  const same = known.filter((each) => each.name === name);
  if (same.some((each) => each.instant === instant)) return false;
  if (same.length > 0) throw refused(`There is a bookmark "${name}" already, at instant ${same[0].instant}.`);
  return true;
}

export function noBookmark({ instant, name }: Bookmark): UserError {
  return new UserError("no-bookmark", `There is no bookmark "${name}" at instant ${instant}.`, 2);
}

function refused(sentence: string): UserError {
  return new UserError("bookmark-name", sentence, 2);
}
