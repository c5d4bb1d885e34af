/* Calls: recursion, calls through tables, and an interpreter's dispatch. Every round does the same. */
#include "../c/runtime/runtime.h"

#ifndef ROUNDS
#define ROUNDS 1
#endif

static uint64_t __attribute__((noinline)) fibonacci(unsigned n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

typedef uint64_t operation(uint64_t, uint64_t);

static uint64_t add(uint64_t a, uint64_t b) { return a + b; }
static uint64_t mix(uint64_t a, uint64_t b) { return (a ^ b) * 0x9e3779b97f4a7c15u; }
static uint64_t turn(uint64_t a, uint64_t b) { return a << (b & 63) | a >> (-b & 63); }
static uint64_t rest(uint64_t a, uint64_t b) { return a % (b | 1); }

static operation *const operations[] = {add, mix, turn, rest, mix, add, turn, mix};

static uint64_t through_table(uint64_t seed) {
  uint64_t value = seed;
  for (unsigned n = 0; n < 4000; n++) value = operations[(value >> 13 ^ n) & 7](value, n);
  return value;
}

static uint64_t interpret(uint64_t value) {
  static const uint8_t code[] = {0, 3, 1, 5, 2, 4, 0, 1, 6, 2, 5, 3, 7};
  unsigned pc = 0;
  for (int left = 6000; left > 0;) {
    switch (code[pc++]) {
      case 0: value += 7; break;
      case 1: value ^= value >> 11; break;
      case 2: value *= 5; break;
      case 3: value -= value >> 3; break;
      case 4: value = ~value; break;
      case 5: value |= 1; break;
      case 6: pc += value & 1; break;
      default: pc = 0; break;
    }
    left--;
  }
  return value;
}

static uint64_t round_of_work(void) {
  return fibonacci(18) + through_table(42) + interpret(99);
}

int main(void) {
  uint64_t sum = round_of_work();
  for (int round = 1; round < ROUNDS; round++) check(round_of_work() == sum);
  print("sum %016lx after %d rounds\n", sum, ROUNDS);
  return 0;
}
