/** Questions to the extension that are answered one by one: each answer has the number of its question. */
export class Asking<Answer> {
  #last = 0;
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();

  ask(send: (request: number) => void): Promise<Answer> {
    const request = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject });
      send(request);
    });
  }

  answered(request: number, answer: Answer): void {
    this.#waiting.get(request)?.resolve(answer);
    this.#waiting.delete(request);
  }

  refused(request: number, message: string): void {
    this.#waiting.get(request)?.reject(new Error(message));
    this.#waiting.delete(request);
  }
}
