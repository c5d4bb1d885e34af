import { setTimeout as sleep } from "node:timers/promises";
import type { ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import type { Nats } from "./nats-connection.ts";

const RETRY_MS = 100;

/**
 * Reads a stream in order, as it grows. After the connection was away it is to be told to go on (`resume`): its place at the server is
 * made anew there where it was.
 */
export class StreamTail {
  readonly #nats: Nats;
  readonly #stream: string;
  readonly #subject: string;
  readonly #hear: (message: JsMsg) => void;
  #next: number;
  #serial = 0;
  #messages: ConsumerMessages | undefined;
  #isClosed = false;

  /** Begins with the message `from`, or the first that there still is. */
  constructor(nats: Nats, stream: string, subject: string, from: number, hear: (message: JsMsg) => void) {
    this.#nats = nats;
    this.#stream = stream;
    this.#subject = subject;
    this.#next = from;
    this.#hear = hear;
  }

  /** Resolves once the server delivers. Of several calls the last one counts. */
  async resume(): Promise<void> {
    const serial = ++this.#serial;
    const isPresent = () => serial === this.#serial && !this.#isClosed;
    this.#messages?.stop();
    while (isPresent()) {
      try {
        const { state } = await this.#nats.manager.streams.info(this.#stream);
        // A server that lost its last messages gives their numbers to others.
        this.#next = Math.max(1, Math.min(this.#next, state.last_seq + 1));
        const consumer = await this.#nats.stream.consumers.getPushConsumer(this.#stream, {
          filter_subjects: this.#subject,
          opt_start_seq: this.#next,
        });
        const messages = await consumer.consume({
          callback: (message) => {
            if (!isPresent()) return;
            this.#next = message.seq + 1;
            this.#hear(message);
          },
        });
        if (isPresent()) this.#messages = messages;
        else messages.stop();
        return;
      } catch {
        await sleep(RETRY_MS);
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#messages?.stop();
  }
}
