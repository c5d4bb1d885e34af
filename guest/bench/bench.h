/* What the guests of this folder share. */
#ifndef BENCH_H
#define BENCH_H

#include "../c/runtime/runtime.h"

/* How long a guest runs: test/benchmark/guests.ts chooses. */
#ifndef ROUNDS
#define ROUNDS 1
#endif

/* RAM beyond the program's own memory, which link.ld bounds; a machine has 128 MiB. */
#define FREE_MEMORY ((char *)0x82000000)
#define FREE_MEMORY_END ((char *)0x88000000)

/* Every round does the same, so that the time of one is the time of all divided by their number. */
static inline int run_rounds(uint64_t (*work)(void)) {
  /* The compiler must not see that a round changes nothing that another would notice. */
  uint64_t (*volatile round_of_work)(void) = work;
  uint64_t sum = round_of_work();
  for (int round = 1; round < ROUNDS; round++) check(round_of_work() == sum);
  print("sum %016lx after %d rounds\n", sum, ROUNDS);
#ifdef __riscv_flen
  unsigned flags;
  __asm__ volatile("frflags %0" : "=r"(flags));
  print("fflags %x\n", flags);
#endif
  return 0;
}

static inline uint64_t mixed(uint64_t sum, uint64_t value) {
  sum = (sum ^ value) * 0x9e3779b97f4a7c15u;
  return sum ^ sum >> 29;
}

#ifdef __riscv_flen
/* The bits of a double, so that a checksum misses no last digit. */
static inline uint64_t bits_of(double value) {
  uint64_t bits;
  __asm__("fmv.x.d %0, %1" : "=r"(bits) : "f"(value));
  return bits;
}

/* Called before any function that holds floating-point numbers: mstatus.FS is off at reset. */
static inline void enable_floating_point(void) {
  __asm__ volatile("csrs mstatus, %0\n fscsr zero" ::"r"(1 << 13) : "memory");
}
#endif

#endif
