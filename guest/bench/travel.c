/* A long run to travel in: rounds of work, each of which ends in a call of `mark` and writes its number down. Once in a
   while it writes to a word that nothing else touches. */
#include "../c/runtime/runtime.h"

#ifndef ROUNDS
#define ROUNDS 1
#endif

#define TABLE_WORDS 1024
#define SWEEPS_PER_ROUND 256

volatile uint64_t marked;
volatile uint64_t rare;
static uint64_t table[TABLE_WORDS];

void __attribute__((noinline)) mark(uint64_t round) {
  marked = round;
}

int main(void) {
  uint64_t state = 1;
  rare = 1;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    for (int sweep = 0; sweep < SWEEPS_PER_ROUND; sweep++) {
      for (int n = 0; n < TABLE_WORDS; n++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        table[n] ^= state >> 33;
      }
    }
    mark(round);
  }
  print("%016lx\n", state);
  return 0;
}
