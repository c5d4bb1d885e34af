/* Atomic operations as compilers emit them: read-modify-write, compare-and-swap loops, locks. */
#include "runtime/runtime.h"

static uint64_t word64;
static uint32_t word32;
static uint8_t lock, bytes[8];

static void *stack_top;

struct entry {
  struct entry *next;
  uint64_t value;
};

static void push(struct entry *entry) {
  void *top = __atomic_load_n(&stack_top, __ATOMIC_ACQUIRE);
  do {
    entry->next = top;
  } while (!__atomic_compare_exchange_n(&stack_top, &top, entry, 1, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static struct entry *pop(void) {
  struct entry *top = __atomic_load_n(&stack_top, __ATOMIC_ACQUIRE);
  while (top != 0 && !__atomic_compare_exchange_n(&stack_top, (void **)&top, top->next, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
  }
  return top;
}

#define MINMAX(name, type, instruction)                                                          \
  static type name(type *at, type value) {                                                       \
    type old;                                                                                    \
    __asm__ volatile(instruction " %0, %2, %1" : "=r"(old), "+A"(*at) : "r"(value) : "memory");   \
    return old;                                                                                  \
  }
MINMAX(atomic_min_word, int32_t, "amomin.w")
MINMAX(atomic_max_word, int32_t, "amomax.w.aq")
MINMAX(atomic_min_unsigned, uint64_t, "amominu.d.rl")
MINMAX(atomic_max_unsigned, uint64_t, "amomaxu.d.aqrl")

int main(void) {
  uint64_t state = 9, trace = 0;
  for (int n = 0; n < 400; n++) {
    uint64_t value = next_random(&state);
    trace = trace * 31 + __atomic_fetch_add(&word64, value, __ATOMIC_SEQ_CST);
    trace = trace * 31 + __atomic_fetch_xor(&word32, (uint32_t)value, __ATOMIC_RELAXED);
    trace = trace * 31 + __atomic_fetch_and(&word64, value | value >> 7, __ATOMIC_ACQUIRE);
    trace = trace * 31 + __atomic_fetch_or(&word32, (uint32_t)(value & value >> 5), __ATOMIC_RELEASE);
    trace = trace * 31 + __atomic_exchange_n(&word64, value << 3, __ATOMIC_ACQ_REL);
    trace = trace * 31 + __atomic_fetch_nand(&word32, (uint32_t)(value >> 9), __ATOMIC_SEQ_CST);
    trace = trace * 31 + (uint64_t)atomic_min_word((int32_t *)&word32, (int32_t)(value >> 11));
    trace = trace * 31 + (uint64_t)atomic_max_word((int32_t *)&word32, (int32_t)(value >> 21));
    trace = trace * 31 + atomic_min_unsigned(&word64, value >> 1);
    trace = trace * 31 + atomic_max_unsigned(&word64, value >> 2);
    /* There is no byte form: compilers mask within a word, through lr.w and sc.w. */
    trace = trace * 31 + __atomic_test_and_set(&bytes[n % 8], __ATOMIC_ACQUIRE);
    if (n % 3 == 0) __atomic_clear(&bytes[(n * 5) % 8], __ATOMIC_RELEASE);
  }
  print("trace %016lx word64 %016lx word32 %08x\n", trace, word64, word32);

  for (uint64_t n = 0; n < 50; n++) {
    struct entry *entry = allocate(sizeof *entry);
    entry->value = n;
    push(entry);
    if (n % 3 == 2) trace = trace * 31 + pop()->value;
  }
  uint64_t left = 0;
  for (struct entry *entry = pop(); entry != 0; entry = pop()) left = left * 7 + entry->value;
  check(!__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE));
  check(__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE));
  print("stack %016lx %016lx\n", left, trace);
  return 7;
}
