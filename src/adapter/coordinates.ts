import type { DebugProtocol } from "@vscode/debugprotocol";
import { errors } from "./errors.ts";

/**
 * The client's way to count lines and columns and to write paths, as it said in `initialize`; inside, lines and columns
 * count from 1 and paths are native. Column 0 means unknown inside.
 */
export class Coordinates {
  readonly #firstLine: 0 | 1;
  readonly #firstColumn: 0 | 1;
  readonly #uris: boolean;

  constructor(
    client: Pick<DebugProtocol.InitializeRequestArguments, "linesStartAt1" | "columnsStartAt1" | "pathFormat">,
  ) {
    this.#firstLine = client.linesStartAt1 === false ? 0 : 1;
    this.#firstColumn = client.columnsStartAt1 === false ? 0 : 1;
    this.#uris = client.pathFormat === "uri";
  }

  lineToClient(line: number): number {
    return line - 1 + this.#firstLine;
  }

  lineFromClient(line: number): number {
    return line + 1 - this.#firstLine;
  }

  columnToClient(column: number): number {
    return Math.max(column, 1) - 1 + this.#firstColumn;
  }

  columnFromClient(column: number): number {
    return column + 1 - this.#firstColumn;
  }

  pathToClient(path: string): string {
    return this.#uris ? pathToUri(path) : path;
  }

  pathFromClient(path: string): string {
    // Some clients that announced "path" still send URIs for what they opened as such.
    return /^file:\/\//i.test(path) ? uriToPath(path) : path;
  }
}

/** `file:///c:/a%20b.s` for `c:\a b.s`, `file:///a/b.s` for `/a/b.s`. */
function pathToUri(path: string): string {
  const forward = /^[a-z]:[\\/]/i.test(path) ? `/${path.replaceAll("\\", "/")}` : path;
  return `file://${forward
    .split("/")
    .map(encodeURIComponent)
    .join("/")
    .replace(/^\/([a-z])%3A/i, "/$1:")}`;
}

function uriToPath(uri: string): string {
  let path: string;
  try {
    path = decodeURIComponent(new URL(uri).pathname);
  } catch {
    throw errors.badUri(uri);
  }
  return /^\/[a-z]:/i.test(path) ? path.slice(1).replaceAll("/", "\\") : path;
}
