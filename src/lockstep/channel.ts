/**
 * A way to the other member: whole frames of bytes, both ways. It may lose, delay, double and reorder them (`Link` puts that
 * right); it must not change or invent any. Whether frames are authentic and secret is the channel's business, too.
 */
export interface Channel {
  /** The frame is the channel's from now on. */
  send(frame: Uint8Array): void;
  /** The next frame that has arrived; undefined: none yet. */
  receive(): Uint8Array | undefined;
  /** What has come is there at once, without the event loop. */
  readonly isImmediate?: boolean;
  /** Holds the thread until something has come (true) since it was received last, or `ms` have passed. Absent: it cannot. */
  wait?(ms: number): boolean;
  /** Before the event loop is left to sleep: who has the channel is to be woken by the next frame. Absent: it always is. */
  listen?(): void;
  /** The other end is gone for good, and what it sent has been received. Absent: nobody can tell; silence will. */
  readonly closed?: boolean;
  /** Known to carry nothing for the moment: that nothing is heard then tells nothing about the other member. */
  readonly isAway?: boolean;
}

/** Both ends of a channel in the memory of one process. `onFrame` of an end is called when something lies there for it. */
export function localChannel(onFrame: (end: 0 | 1) => void = () => {}): readonly [Channel, Channel] {
  const queues: readonly [Uint8Array[], Uint8Array[]] = [[], []];
  const end = (own: 0 | 1, other: 0 | 1): Channel => ({
    send: (frame) => {
      queues[other].push(frame);
      onFrame(other);
    },
    receive: () => queues[own].shift(),
  });
  return [end(0, 1), end(1, 0)];
}
