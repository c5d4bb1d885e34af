/** Milliseconds of processor time that this thread has had; by the clock where Node cannot tell (before 23.9). */
export const threadMs: () => number =
  typeof process.threadCpuUsage === "function"
    ? () => {
        const { user, system } = process.threadCpuUsage();
        return (user + system) / 1000;
      }
    : () => performance.now();
