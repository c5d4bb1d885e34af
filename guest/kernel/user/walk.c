/*
 * Touches much memory, here and there: `walk 1024 3` has 1024 pages, and goes three times through all of them in an order that
 * nobody can foresee. What was written must be there again.
 */
#include "user.h"

#define WORDS_IN_PAGE 512

int main(int argc, char **argv) {
  unsigned long pages = argc > 1 ? number(argv[1]) : 256, rounds = argc > 2 ? number(argv[2]) : 1;
  if (pages == 0) return 0;
  uint64_t *memory = grow(pages * 4096);
  if (memory == NULL) {
    print("walk: there are not %lu pages\n", pages);
    return 1;
  }
  uint64_t at = 0, sum = 0;
  for (unsigned long page = 0; page < pages; page++) memory[page * WORDS_IN_PAGE] = page * page + 1;
  for (unsigned long round = 0; round < rounds; round++) {
    for (unsigned long i = 0; i < pages; i++) {
      at = at * 6364136223846793005ul + 1442695040888963407ul;
      unsigned long page = (at >> 33) % pages;
      if (memory[page * WORDS_IN_PAGE] != page * page + 1) {
        print("walk: page %lu holds %lu\n", page, memory[page * WORDS_IN_PAGE]);
        return 1;
      }
      sum += page;
    }
  }
  print("walk: %lu pages, sum %lu\n", pages, sum);
  return 0;
}
