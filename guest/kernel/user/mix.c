/*
 * A mixed load: `mix C W MS` starts C processes that compute and W that walk through cold memory, lets them run for so many
 * milliseconds, and says how far they came together. Each child is this program again, with its part as the first argument,
 * and says itself how many rounds it did. `mix C W MS WORK`: walkers compute as well, so long between two touches.
 */
#include "user.h"

#define PAGES 512
#define WORDS_IN_PAGE 512

static void compute(uint64_t until) {
  unsigned long rounds = 0;
  volatile unsigned long value = 1;
  while (ticks() < until) {
    unsigned long x = value;
    for (int i = 0; i < 20000; i++) x = x * 6364136223846793005ul + 1442695040888963407ul;
    value = x;
    rounds++;
  }
  print("mix: computed %lu\n", rounds);
}

static void walk(uint64_t until, unsigned long seed, unsigned long work) {
  unsigned long touches = 0;
  uint64_t *memory = grow(PAGES * 4096), at = seed;
  if (memory == NULL) exit(1);
  for (unsigned long page = 0; page < PAGES; page++) memory[page * WORDS_IN_PAGE] = page;
  while (ticks() < until) {
    for (int i = 0; i < 64; i++, touches++) {
      for (unsigned long i = 0; i <= work; i++) at = at * 6364136223846793005ul + 1442695040888963407ul;
      unsigned long page = (at >> 33) % PAGES;
      if (memory[page * WORDS_IN_PAGE] != page) exit(2);
      if (work > 0 && ticks() >= until) break; /* it is a system call */
    }
  }
  print("mix: touched %lu\n", touches);
}

int main(int argc, char **argv) {
  if (argc < 4) {
    print("mix COMPUTING WALKING MILLISECONDS [WORK]\n");
    return 1;
  }
  if (strcmp(argv[1], "compute") == 0) {
    compute(number(argv[2]));
    return 0;
  }
  if (strcmp(argv[1], "walk") == 0) {
    walk(number(argv[2]), number(argv[3]), number(argv[4]));
    return 0;
  }
  char until[24], seed[24];
  decimal(ticks() + number(argv[3]) * 10000, until);
  unsigned long computing = number(argv[1]), children = computing + number(argv[2]);
  for (unsigned long i = 0; i < children; i++) {
    decimal(i + 1, seed);
    const char *names[] = {"mix", i < computing ? "compute" : "walk", until, seed, argc > 4 ? argv[4] : "0"};
    if (spawn("mix", 5, names) < 0) return 1;
  }
  int code, worst = 0;
  while (wait(&code) >= 0)
    if (code != 0) worst = code;
  print("mix: done\n");
  return worst;
}
