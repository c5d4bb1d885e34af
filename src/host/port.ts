/**
 * The little of a message port that we need, so that the same RPC runs over Node's `worker_threads` and over a
 * browser's `Worker`. Messages are structured-cloned and arrive in order.
 */
export interface Port {
  post(message: unknown): void;
  /** Sets the one receiver. Messages that came before are delivered to it. */
  listen(receive: (message: unknown) => void): void;
}

interface EventEmitterPort {
  postMessage(message: unknown): void;
  on(event: "message", listener: (message: unknown) => void): unknown;
}

/** A Node `Worker`, `MessagePort` or `parentPort` as a `Port`. */
export function nodePort(port: EventEmitterPort): Port {
  return {
    post: (message) => port.postMessage(message),
    listen: (receive) => {
      port.on("message", receive);
    },
  };
}
