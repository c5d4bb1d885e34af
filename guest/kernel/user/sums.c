/*
 * Goes through memory in an order that nobody can foresee, and changes it on the way: `sums SEED PAGES ROUNDS`. What it prints
 * follows from these numbers alone, whoever else runs and whatever else happens.
 */
#include "user.h"

#define PAGE_BYTES 4096

struct word { /* at any address: also across two pages */
  uint64_t value;
} __attribute__((packed));

static uint64_t next(uint64_t *state) {
  *state = *state * 6364136223846793005ul + 1442695040888963407ul;
  return *state >> 20;
}

/* The kernel writes into the memory, too. */
static void read_into(char *to) {
  int file = open("motd");
  if (file < 0 || read(file, to, 64) != 64) exit(2);
  close(file);
}

int main(int argc, char **argv) {
  if (argc < 4) {
    print("sums SEED PAGES ROUNDS\n");
    return 1;
  }
  unsigned long bytes = number(argv[2]) * PAGE_BYTES, rounds = number(argv[3]);
  uint64_t state = number(argv[1]), sum = state;
  char *memory = grow(bytes);
  if (memory == NULL || bytes == 0) return 1;
  for (unsigned long at = 0; at < bytes; at += PAGE_BYTES) *(uint64_t *)(memory + at) = next(&state);
  for (unsigned long round = 0; round < rounds; round++) {
    char *at = memory + next(&state) % (bytes - 64);
    struct word *word = (struct word *)at;
    sum = (sum << 7 | sum >> 57) + word->value;
    word->value = sum ^ state;
    if (round % 256 == 255) read_into(at);
  }
  print("sums %s: %lu\n", argv[1], sum);
  return 0;
}
