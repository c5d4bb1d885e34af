/* Indirect jumps and deep calls: objects with methods of their own, a threaded interpreter that jumps from one piece of
   code to the next by address, callbacks, and recursion that goes deep. */
#include "bench.h"

#define SHAPES 512
#define THREADED_STEPS 9000

struct shape;
struct methods {
  uint64_t (*area)(const struct shape *);
  void (*grow)(struct shape *, uint64_t);
  int (*compare)(const struct shape *, const struct shape *);
};
struct shape {
  const struct methods *methods;
  uint64_t a, b, c;
};

static struct shape shapes[SHAPES];
static struct shape *ordered[SHAPES];

static int by_area(const struct shape *one, const struct shape *two) {
  uint64_t left = one->methods->area(one), right = two->methods->area(two);
  return left < right ? -1 : left > right;
}
static int by_first(const struct shape *one, const struct shape *two) { return one->a < two->a ? -1 : one->a > two->a; }

static uint64_t square_area(const struct shape *s) { return s->a * s->a; }
static uint64_t box_area(const struct shape *s) { return 2 * (s->a * s->b + s->b * s->c + s->a * s->c); }
static uint64_t ring_area(const struct shape *s) { return 355 * (s->a * s->a + s->b) / 113; }
static uint64_t line_area(const struct shape *s) { return s->a ^ s->b; }
static uint64_t bag_area(const struct shape *s) { return (s->a + s->b + s->c) % 1009; }
static void grow_first(struct shape *s, uint64_t by) { s->a += by & 7; }
static void grow_all(struct shape *s, uint64_t by) { s->a += by & 3, s->b += by & 5, s->c++; }
static void turn_round(struct shape *s, uint64_t by) {
  uint64_t a = s->a;
  s->a = s->b + (by & 1);
  s->b = a;
}

static const struct methods kinds[] = {
    {square_area, grow_first, by_area}, {box_area, grow_all, by_area},   {ring_area, grow_first, by_first},
    {line_area, turn_round, by_area},   {bag_area, grow_all, by_first},  {square_area, turn_round, by_first},
    {ring_area, turn_round, by_area},
};

static void sort(struct shape **from, int count, int (*compare)(const struct shape *, const struct shape *)) {
  for (int gap = count / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
    for (int n = gap; n < count; n++) {
      struct shape *one = from[n];
      int at = n;
      for (; at >= gap && compare(from[at - gap], one) > 0; at -= gap) from[at] = from[at - gap];
      from[at] = one;
    }
  }
}

static uint64_t objects(void) {
  uint64_t seed = 0x0b1ec7, sum = 0;
  for (int n = 0; n < SHAPES; n++) {
    uint64_t chance = next_random(&seed);
    shapes[n] = (struct shape){&kinds[chance % 7], chance >> 8 & 255, chance >> 16 & 255, chance >> 24 & 255};
    ordered[n] = &shapes[n];
  }
  for (int pass = 0; pass < 6; pass++) {
    for (int n = 0; n < SHAPES; n++) {
      struct shape *shape = &shapes[n];
      shape->methods->grow(shape, sum);
      sum = mixed(sum, shape->methods->area(shape));
      sum += (uint64_t)shape->methods->compare(shape, &shapes[n ^ 1]);
    }
  }
  sort(ordered, SHAPES, by_area);
  for (int n = 0; n < SHAPES; n += 16) sum = mixed(sum, ordered[n]->a);
  return sum;
}

static uint64_t threaded(uint64_t value) {
  static const uint8_t program[] = {0, 2, 5, 1, 3, 0, 6, 4, 2, 1, 5, 7, 3, 6, 0, 4, 1, 2, 7, 8};
  static const void *const places[] = {&&add, &&mix, &&turn, &&skip, &&square, &&push, &&pop, &&odd, &&again};
  uint64_t stack[16] = {0};
  unsigned top = 0;
  int left = THREADED_STEPS;
  const uint8_t *at = program;
#define NEXT \
  if (--left == 0) return value; \
  goto *places[*at++]
  NEXT;
add: value += 0x9e3779b9; NEXT;
mix: value ^= value >> 17; NEXT;
turn: value = value << 9 | value >> 55; NEXT;
skip: at += value & 1; NEXT;
square: value *= value | 1; NEXT;
push: stack[top++ & 15] = value; NEXT;
pop: value += stack[--top & 15]; NEXT;
odd: value |= 1; NEXT;
again: at = program + (value & 3); NEXT;
}

static unsigned __attribute__((noinline)) ackermann(unsigned m, unsigned n) {
  if (m == 0) return n + 1;
  return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static int __attribute__((noinline)) queens(unsigned columns, unsigned left, unsigned right, int rows) {
  if (rows == 0) return 1;
  int found = 0;
  for (unsigned open = ~(columns | left | right) & 127; open != 0; open &= open - 1) {
    unsigned place = open & -open;
    found += queens(columns | place, (left | place) << 1, (right | place) >> 1, rows - 1);
  }
  return found;
}

static uint64_t round_of_work(void) {
  uint64_t sum = mixed(objects(), threaded(7));
  check(ackermann(2, 40) == 83);
  check(queens(0, 0, 0, 7) == 40);
  return sum;
}

int main(void) { return run_rounds(round_of_work); }
