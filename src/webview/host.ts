/** The door to the extension. VS Code lets a page open it once. */
export interface Host<To, From> {
  send(message: From): void;
  listen(receive: (message: To) => void): void;
}

declare function acquireVsCodeApi(): { postMessage(message: unknown): void };

export function connect<To, From>(): Host<To, From> {
  const api = acquireVsCodeApi();
  return {
    send: (message) => api.postMessage(message),
    listen: (receive) => window.addEventListener("message", (event: MessageEvent<To>) => receive(event.data)),
  };
}

/** The element with this id; the page that the extension serves has it. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element "${id}".`);
  return element as E;
}
