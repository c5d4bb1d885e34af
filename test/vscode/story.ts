import { test } from "node:test";

/** Makes the steps of a file that is one story: after one that failed the later ones cannot mean anything, and are skipped. */
export function story(onFailure: () => Promise<unknown>): (name: string, work: () => Promise<void>) => void {
  let broken: string | undefined;
  return (name, work) => {
    test(name, async (context) => {
      if (broken !== undefined) return context.skip(`after "${broken}" failed`);
      try {
        await work();
      } catch (error) {
        broken = name;
        await onFailure();
        throw error;
      }
    });
  };
}
