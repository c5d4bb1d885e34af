/* A small interpreter: a register machine with a switch for its instructions, and programs for it that look for primes,
   follow the steps of Collatz, and sort. */
#include "bench.h"

enum operation { SET, MOVE, ADD, SUBTRACT, MULTIPLY, AND, SHIFT_RIGHT, LOAD, STORE, LESS, ADD_CONSTANT, IF_ZERO, IF_NOT_ZERO, GO, HALT };

/* What a, b and c mean is the operation's business: registers, or a constant or target in c. */
struct instruction {
  uint8_t operation, a, b;
  int16_t c;
};

#define MEMORY_WORDS 2048
static int64_t memory[MEMORY_WORDS];

static const struct instruction primes[] = {
    {SET, 1, 0, 2},            /* 0: candidate */
    {SET, 9, 0, 2000},
    {LESS, 2, 1, 9},           /* 2 */
    {IF_ZERO, 2, 0, 16},
    {LOAD, 3, 1, 0},           /* crossed out? */
    {IF_NOT_ZERO, 3, 0, 14},
    {ADD_CONSTANT, 8, 8, 1},   /* counts primes */
    {MULTIPLY, 4, 1, 1},
    {LESS, 2, 4, 9},           /* 8 */
    {IF_ZERO, 2, 0, 14},
    {SET, 5, 0, 1},
    {STORE, 5, 4, 0},
    {ADD, 4, 4, 1},
    {GO, 0, 0, 8},
    {ADD_CONSTANT, 1, 1, 1},   /* 14 */
    {GO, 0, 0, 2},
    {HALT, 8, 0, 0},           /* 16 */
};

static const struct instruction collatz[] = {
    {SET, 1, 0, 1},            /* 0: start */
    {SET, 9, 0, 150},
    {SET, 7, 0, 1},
    {MOVE, 2, 1, 0},           /* 3 */
    {SUBTRACT, 3, 2, 7},       /* 4: until 1 */
    {IF_ZERO, 3, 0, 14},
    {ADD_CONSTANT, 8, 8, 1},
    {AND, 3, 2, 7},
    {IF_ZERO, 3, 0, 12},
    {ADD, 3, 2, 2},
    {ADD, 2, 2, 3},
    {GO, 0, 0, 13},
    {SHIFT_RIGHT, 2, 2, 1},    /* 12 */
    {IF_NOT_ZERO, 3, 0, 17},   /* 13: 3n came without its 1 */
    {ADD_CONSTANT, 1, 1, 1},   /* 14 */
    {LESS, 3, 1, 9},
    {IF_NOT_ZERO, 3, 0, 3},
    {IF_ZERO, 3, 0, 20},       /* 17 */
    {ADD, 2, 2, 7},
    {GO, 0, 0, 4},
    {LESS, 3, 1, 9},           /* 20: the end, or a half */
    {IF_NOT_ZERO, 3, 0, 4},
    {HALT, 8, 0, 0},
};

static const struct instruction bubbles[] = {
    {SET, 9, 0, 100},          /* 0: how many */
    {SET, 1, 0, 0},            /* 1: at */
    {SET, 7, 0, 0},            /* changed? */
    {LOAD, 2, 1, 0},           /* 3 */
    {LOAD, 3, 1, 1},
    {LESS, 4, 3, 2},
    {IF_ZERO, 4, 0, 10},
    {STORE, 3, 1, 0},
    {STORE, 2, 1, 1},
    {SET, 7, 0, 1},
    {ADD_CONSTANT, 1, 1, 1},   /* 10 */
    {LESS, 4, 1, 9},
    {IF_NOT_ZERO, 4, 0, 3},
    {IF_NOT_ZERO, 7, 0, 1},
    {LOAD, 8, 9, -50},
    {HALT, 8, 0, 0},
};

static int64_t execute(const struct instruction *code) {
  int64_t r[16] = {0};
  for (const struct instruction *at = code;;) {
    const struct instruction i = *at++;
    switch (i.operation) {
      case SET: r[i.a] = i.c; break;
      case MOVE: r[i.a] = r[i.b]; break;
      case ADD: r[i.a] = r[i.b] + r[i.c]; break;
      case SUBTRACT: r[i.a] = r[i.b] - r[i.c]; break;
      case MULTIPLY: r[i.a] = r[i.b] * r[i.c]; break;
      case AND: r[i.a] = r[i.b] & r[i.c]; break;
      case SHIFT_RIGHT: r[i.a] = r[i.b] >> i.c; break;
      case LOAD: r[i.a] = memory[(r[i.b] + i.c) & (MEMORY_WORDS - 1)]; break;
      case STORE: memory[(r[i.b] + i.c) & (MEMORY_WORDS - 1)] = r[i.a]; break;
      case LESS: r[i.a] = r[i.b] < r[i.c]; break;
      case ADD_CONSTANT: r[i.a] = r[i.b] + i.c; break;
      case IF_ZERO: if (r[i.a] == 0) at = code + i.c; break;
      case IF_NOT_ZERO: if (r[i.a] != 0) at = code + i.c; break;
      case GO: at = code + i.c; break;
      default: return r[i.a];
    }
  }
}

static uint64_t round_of_work(void) {
  memset(memory, 0, sizeof memory);
  int64_t count = execute(primes);
  check(count == 303); /* primes below 2000 */
  uint64_t sum = mixed((uint64_t)count, (uint64_t)execute(collatz));
  uint64_t seed = 0xb0bb1e;
  for (int n = 0; n <= 100; n++) memory[n] = (int64_t)(next_random(&seed) >> 50);
  return mixed(sum, (uint64_t)execute(bubbles));
}

int main(void) { return run_rounds(round_of_work); }
