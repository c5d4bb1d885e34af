const MMAP_THRESHOLD = "MALLOC_MMAP_THRESHOLD_";
/** Below it lies all that comes and goes often; above it the files and chunks of a recording. */
const LEAST_MAPPED_BYTES = 256 * 1024;

/**
 * What glibc's malloc should know when it starts, as environment variables. By itself it takes the largest buffer that was
 * ever given back, a kernel of tens of megabytes, for what is needed often, and keeps the room for such buffers from then on.
 * A choice of the user's stands.
 */
export function allocatorSettings(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  if (platform !== "linux" || environment[MMAP_THRESHOLD] !== undefined) return {};
  return { [MMAP_THRESHOLD]: String(LEAST_MAPPED_BYTES) };
}
