/* Memory traffic: blocks copied in words and in bytes, sequential stores, and a chase of pointers through 4 MiB, which
   leaves every small cache of translations behind. Every round does the same. */
#include "../c/runtime/runtime.h"

#ifndef ROUNDS
#define ROUNDS 1
#endif

#define BLOCK_WORDS 4096
#define CHASE_WORDS (512 * 1024)
#define CHASE_STEPS 60000

/* Beyond the program's own memory, which link.ld bounds. */
static uint64_t *const chase = (uint64_t *)0x82000000;
static uint64_t source[BLOCK_WORDS], target[BLOCK_WORDS];

static void make_chase(void) {
  /* An odd multiplier and increment visit every word once: a full-period congruential generator. */
  for (uint64_t n = 0; n < CHASE_WORDS; n++) chase[n] = (n * 1664525 + 1013904223) % CHASE_WORDS;
}

static uint64_t round_of_work(void) {
  for (uint64_t n = 0; n < BLOCK_WORDS; n++) source[n] = n * 0x9e3779b97f4a7c15u;
  for (int n = 0; n < BLOCK_WORDS; n++) target[n] = source[BLOCK_WORDS - 1 - n];
  memcpy(source, target, sizeof source / 4);
  uint64_t at = 0, sum = 0;
  for (int step = 0; step < CHASE_STEPS; step++) at = chase[at];
  for (int n = 0; n < BLOCK_WORDS; n++) sum += source[n] ^ target[n];
  return sum + at;
}

int main(void) {
  make_chase();
  uint64_t sum = round_of_work();
  for (int round = 1; round < ROUNDS; round++) check(round_of_work() == sum);
  print("sum %016lx after %d rounds\n", sum, ROUNDS);
  return 0;
}
