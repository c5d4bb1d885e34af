/* Integer work of the kind that CoreMark does: a linked list sorted and searched, matrices, a state machine that reads
   numbers out of text, and a checksum over it all. Every round does the same. */
#include "../c/runtime/runtime.h"

#ifndef ROUNDS
#define ROUNDS 1
#endif

#define ITEMS 64
#define SIZE 10
#define TEXT_LENGTH 256

struct item {
  struct item *next;
  int16_t key, rank;
};

static struct item items[ITEMS];
static int16_t left[SIZE][SIZE], right[SIZE][SIZE];
static int32_t product[SIZE][SIZE];
static char text[TEXT_LENGTH];

static uint16_t checksum(uint16_t sum, uint16_t value) {
  for (int bit = 0; bit < 16; bit++, value >>= 1) sum = (uint16_t)((sum ^ value) & 1 ? (sum >> 1) ^ 0xa001 : sum >> 1);
  return sum;
}

static struct item *fill(uint64_t seed) {
  for (int n = 0; n < ITEMS; n++) {
    items[n].key = (int16_t)next_random(&seed);
    items[n].rank = (int16_t)n;
    items[n].next = n + 1 < ITEMS ? &items[n + 1] : 0;
  }
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      left[row][column] = (int16_t)next_random(&seed);
      right[row][column] = (int16_t)next_random(&seed);
    }
  }
  static const char alphabet[] = "0123456789.eE+-,,,  x";
  for (int n = 0; n < TEXT_LENGTH; n++) text[n] = alphabet[next_random(&seed) % (sizeof alphabet - 1)];
  return items;
}

static struct item *sort(struct item *list, int by_rank) {
  for (int run = 1;; run *= 2) {
    struct item *rest = list, **end = &list;
    int merges = 0;
    while (rest != 0) {
      struct item *a = rest, *b = rest;
      int a_count = 0, b_count = run;
      while (a_count < run && b != 0) a_count++, b = b->next;
      merges++;
      while (a_count > 0 || (b_count > 0 && b != 0)) {
        int take_a = b_count == 0 || b == 0 ||
                     (a_count > 0 && (by_rank ? a->rank <= b->rank : a->key <= b->key));
        struct item *taken = take_a ? a : b;
        if (take_a) a = a->next, a_count--;
        else b = b->next, b_count--;
        *end = taken;
        end = &taken->next;
      }
      rest = b;
    }
    *end = 0;
    if (merges <= 1) return list;
  }
}

static uint16_t multiply(uint16_t sum) {
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      int32_t value = 0;
      for (int n = 0; n < SIZE; n++) value += left[row][n] * right[n][column];
      product[row][column] = value;
    }
  }
  for (int row = 0; row < SIZE; row++) sum = checksum(sum, (uint16_t)(product[row][row] >> (row & 7)));
  return sum;
}

enum state { START, SIGN, INTEGER, FRACTION, EXPONENT, EXPONENT_SIGN, INVALID, STATES };

static void scan(unsigned counts[STATES]) {
  enum state state = START;
  for (int n = 0; n < TEXT_LENGTH; n++) {
    char c = text[n];
    int digit = c >= '0' && c <= '9';
    if (c == ',') {
      counts[state]++;
      state = START;
      continue;
    }
    switch (state) {
      case START: state = digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? FRACTION : INVALID; break;
      case SIGN: state = digit ? INTEGER : c == '.' ? FRACTION : INVALID; break;
      case INTEGER: state = digit ? INTEGER : c == '.' ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : INVALID; break;
      case FRACTION: state = digit ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : INVALID; break;
      case EXPONENT: state = c == '+' || c == '-' || digit ? EXPONENT_SIGN : INVALID; break;
      case EXPONENT_SIGN: state = digit ? EXPONENT_SIGN : INVALID; break;
      default: break;
    }
  }
}

static uint16_t round_of_work(void) {
  uint16_t sum = 0;
  unsigned counts[STATES] = {0};
  struct item *list = fill(0x5eed);
  list = sort(list, 0);
  for (struct item *item = list; item != 0; item = item->next) sum = checksum(sum, (uint16_t)item->rank);
  list = sort(list, 1);
  for (int wanted = 0; wanted < ITEMS; wanted += 4) {
    struct item *item = list;
    while (item != 0 && item->rank != wanted) item = item->next;
    sum = checksum(sum, (uint16_t)item->key);
  }
  for (int n = 0; n < 4; n++) sum = multiply(sum);
  for (int n = 0; n < 8; n++) scan(counts);
  for (int n = 0; n < STATES; n++) sum = checksum(sum, (uint16_t)counts[n]);
  return sum;
}

int main(void) {
  uint16_t sum = round_of_work();
  for (int round = 1; round < ROUNDS; round++) check(round_of_work() == sum);
  print("checksum %04x after %d rounds\n", sum, ROUNDS);
  return 0;
}
