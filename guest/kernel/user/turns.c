/*
 * Processes that give way to each other all the time: `turns PROCESSES ROUNDS`. In each round each of them changes a word in some
 * pages of its own and yields. The sum that is printed follows from the numbers alone.
 */
#include "user.h"

#define PAGES 16
#define WORDS_IN_PAGE 512
#define MOST_PROCESSES 32

static int take_turns(unsigned long rounds, unsigned long seed) {
  uint64_t *memory = grow(PAGES * WORDS_IN_PAGE * sizeof *memory), sum = 0;
  if (memory == NULL) return 0;
  for (unsigned long round = 0; round < rounds; round++) {
    for (unsigned long page = 0; page < PAGES; page++) {
      uint64_t *word = &memory[page * WORDS_IN_PAGE + (round + page) % WORDS_IN_PAGE];
      *word += seed + round;
      sum += *word;
    }
    system_call(0, 0, 0, SYS_YIELD);
  }
  return (int)(sum & 0xfffffff);
}

int main(int argc, char **argv) {
  if (argc == 4) return take_turns(number(argv[2]), number(argv[3]));
  unsigned long processes = argc > 1 ? number(argv[1]) : 0;
  if (argc < 3 || processes == 0 || processes > MOST_PROCESSES) {
    print("turns PROCESSES ROUNDS (at most %d processes)\n", MOST_PROCESSES);
    return 1;
  }
  for (unsigned long i = 1; i <= processes; i++) {
    char seed[24];
    decimal(i, seed);
    const char *names[] = {"turns", "one", argv[2], seed};
    if (spawn("turns", 4, names) < 0) return 1;
  }
  unsigned long sum = 0;
  for (int code; wait(&code) >= 0;) sum += (unsigned long)code;
  print("turns: %lu processes, %s rounds, sum %lu\n", processes, argv[2], sum);
  return 0;
}
