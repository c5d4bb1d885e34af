/* Deep and wide recursion: Ackermann, towers of Hanoi, queens, permutations, mutual recursion, a parser. */
#include "runtime/runtime.h"

static uint32_t ackermann(uint32_t m, uint32_t n) {
  if (m == 0) return n + 1;
  return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static uint32_t hanoi(int disks, uint64_t pegs[3], int from, int to) {
  if (disks == 0) return 0;
  int spare = 3 - from - to;
  uint32_t moves = hanoi(disks - 1, pegs, from, spare);
  pegs[from] &= ~((uint64_t)1 << disks);
  check((pegs[to] & (((uint64_t)2 << disks) - 1)) == 0);
  pegs[to] |= (uint64_t)1 << disks;
  return moves + 1 + hanoi(disks - 1, pegs, spare, to);
}

static uint32_t queens(uint32_t all, uint32_t columns, uint32_t rising, uint32_t falling) {
  if (columns == all) return 1;
  uint32_t solutions = 0;
  for (uint32_t free = all & ~(columns | rising | falling); free != 0; free &= free - 1) {
    uint32_t place = free & -free;
    solutions += queens(all, columns | place, (rising | place) << 1, (falling | place) >> 1);
  }
  return solutions;
}

static uint64_t permute(char *letters, int fixed, int count) {
  if (fixed == count) {
    uint64_t hash = 0;
    for (int n = 0; n < count; n++) hash = hash * 31 + (uint8_t)letters[n];
    return hash;
  }
  uint64_t sum = 0;
  for (int n = fixed; n < count; n++) {
    char swapped = letters[fixed];
    letters[fixed] = letters[n];
    letters[n] = swapped;
    sum = sum * 3 + permute(letters, fixed + 1, count);
    letters[n] = letters[fixed];
    letters[fixed] = swapped;
  }
  return sum;
}

static int is_odd(uint32_t n);

static int is_even(uint32_t n) {
  return n == 0 ? 1 : is_odd(n - 1);
}

static int is_odd(uint32_t n) {
  return n == 0 ? 0 : is_even(n - 1);
}

/* sum := product (('+' | '-') product)*, product := factor (('*' | '/') factor)*, factor := number | '(' sum ')' | '-' factor */
static int64_t parse_sum(const char **text);

static int64_t parse_factor(const char **text) {
  if (**text == '-') return ++*text, -parse_factor(text);
  if (**text == '(') {
    ++*text;
    int64_t value = parse_sum(text);
    check(*(*text)++ == ')');
    return value;
  }
  int64_t value = 0;
  while (**text >= '0' && **text <= '9') value = value * 10 + *(*text)++ - '0';
  return value;
}

static int64_t parse_product(const char **text) {
  int64_t value = parse_factor(text);
  while (**text == '*' || **text == '/') {
    char operation = *(*text)++;
    int64_t factor = parse_factor(text);
    value = operation == '*' ? value * factor : value / factor;
  }
  return value;
}

static int64_t parse_sum(const char **text) {
  int64_t value = parse_product(text);
  while (**text == '+' || **text == '-') {
    char operation = *(*text)++;
    int64_t term = parse_product(text);
    value = operation == '+' ? value + term : value - term;
  }
  return value;
}

int main(void) {
  print("ackermann(2, 30) = %u\n", ackermann(2, 30));
  uint64_t pegs[3] = {0x7fe, 0, 0};
  uint32_t moves = hanoi(10, pegs, 0, 2);
  check(pegs[0] == 0 && pegs[2] == 0x7fe);
  print("hanoi: %u moves\n", moves);
  for (uint32_t size = 4; size <= 7; size++) print("queens(%u) = %u\n", size, queens((1u << size) - 1, 0, 0, 0));
  char letters[] = "abcdef";
  print("permutations %016lx\n", permute(letters, 0, 6));
  check(is_even(500) && is_odd(333));
  const char *text = "2*(3+4)*-(5-17)/7+1000000007*998244353-(((9)))";
  print("%ld\n", parse_sum(&text));
  check(*text == 0);
  return (int)(moves & 0xff) == 0xff ? 0 : 1;
}
