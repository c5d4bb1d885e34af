/*
 * Code that runs in replay only. C (C99 or later), C++ and assembly for RV64; nothing to link, nothing to set up.
 *
 *   HINDCAST_REPLAY_ONLY {                      // skipped by two instructions wherever the program really runs
 *     int broken = count_broken(&pool);         // any code: the machine is put back behind the block
 *     hindcast_log("%d of %d broken", broken, pool.used);
 *     if (broken != 0) hindcast_fail("the pool is broken");
 *   }
 *
 * On hardware, in QEMU, and in Hindcast while it records, the block is jumped over. When a recording is replayed with
 * checks on, Hindcast pauses, saves the machine, runs the block, restores the machine, verifies its digest, and goes on:
 * what the block did is gone, and the steps of the run are those that were recorded. docs/replay-only.md says what a block
 * may do, and what becomes of one that traps, does not end, or touches a device.
 *
 * The marks are HINTs, `slti x0, x0, imm`, which the unprivileged manual designates for custom use.
 */
#ifndef HINDCAST_H
#define HINDCAST_H

#define HINDCAST_HINT_BLOCK 0x481
#define HINDCAST_HINT_END 0x482
#define HINDCAST_HINT_IN_REPLAY 0x483
#define HINDCAST_HINT_LOG 0x484
#define HINDCAST_HINT_FAIL 0x485

#ifdef __ASSEMBLER__

/*
 *         hindcast_replay_only 1f
 *         ...                          # registers and memory are put back, whatever happens here
 *         hindcast_end
 * 1:
 */
.macro hindcast_replay_only behind
        slti    x0, x0, HINDCAST_HINT_BLOCK
        j       \behind
.endm

.macro hindcast_end
        slti    x0, x0, HINDCAST_HINT_END
.endm

/* 1 in a check, 0 everywhere else. */
.macro hindcast_in_replay rd
        slti    x0, x0, HINDCAST_HINT_IN_REPLAY
        li      \rd, 0
.endm

/* a0: a format with its NUL, a1: its arguments in memory, eight bytes each. */
.macro hindcast_log
        slti    x0, x0, HINDCAST_HINT_LOG
.endm

.macro hindcast_fail
        slti    x0, x0, HINDCAST_HINT_FAIL
.endm

#else /* C and C++ */

#if !defined(__riscv) || __riscv_xlen != 64
#error "hindcast.h is for RV64"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define HINDCAST_INLINE_ static inline __attribute__((always_inline, unused))

/*
 * 1 where the block is to be run. The compiler sees that nothing else can make it 1, and keeps the jump only. No function:
 * so the HINT is at the line of the block.
 */
#define HINDCAST_BEGIN_                                                                                   \
  __extension__({                                                                                         \
    __label__ hindcast_skip_, hindcast_run_;                                                              \
    int hindcast_begun_;                                                                                  \
    __asm__ goto("slti x0, x0, %0\n\tj %l1" : : "i"(HINDCAST_HINT_BLOCK) : "memory" : hindcast_skip_);     \
    hindcast_begun_ = 1;                                                                                  \
    goto hindcast_run_;                                                                                   \
  hindcast_skip_:                                                                                         \
    hindcast_begun_ = 0;                                                                                  \
  hindcast_run_:                                                                                          \
    hindcast_begun_;                                                                                      \
  })

HINDCAST_INLINE_ int hindcast_end_(void) {
  __asm__ volatile("slti x0, x0, %0" : : "i"(HINDCAST_HINT_END) : "memory");
  return 0;
}

/* Two loops, so that `break` and `continue` in the block end it. `return` and `goto` must not leave it. */
#define HINDCAST_REPLAY_ONLY                                                                          \
  for (int hindcast_block_ = HINDCAST_BEGIN_;   hindcast_block_; hindcast_block_ = hindcast_end_())   \
    for (int hindcast_once_ = 1; hindcast_once_; hindcast_once_ = 0)

/* 1 in code that runs as a check, 0 everywhere else: for functions that both use. No memory holds it. */
HINDCAST_INLINE_ int hindcast_in_replay(void) {
  long in_replay;
  __asm__ volatile("slti x0, x0, %1\n\tli %0, 0" : "=r"(in_replay) : "i"(HINDCAST_HINT_IN_REPLAY));
  return (int)in_replay;
}

#define HINDCAST_SAY_(hint, format)                                                                       \
  __builtin_va_list arguments;                                                                            \
  __builtin_va_start(arguments, format);                                                                  \
  register const char *a0 __asm__("a0") = format;                                                         \
  register void *a1 __asm__("a1") = *(void **)&arguments; /* RV64: a va_list is the address of the next */  \
  __asm__ volatile("slti x0, x0, %0" : : "i"(hint), "r"(a0), "r"(a1) : "memory");                         \
  __builtin_va_end(arguments)

/* printf to the debugger; Hindcast reads the format and its arguments from the guest's memory. */
__attribute__((noinline, unused, format(printf, 1, 2)))
static void hindcast_log(const char *format, ...) {
  HINDCAST_SAY_(HINDCAST_HINT_LOG, format);
}

/* The check has failed, and is over. */
__attribute__((noinline, unused, format(printf, 1, 2)))
static void hindcast_fail(const char *format, ...) {
  HINDCAST_SAY_(HINDCAST_HINT_FAIL, format);
}

/* Something behind the call, so that it is none by a jump: outside of a block, the return address tells the line. */
#define hindcast_log(...) __extension__({ hindcast_log(__VA_ARGS__); __asm__ volatile(""); })
#define hindcast_fail(...) __extension__({ hindcast_fail(__VA_ARGS__); __asm__ volatile(""); })

#ifdef __cplusplus
}
#endif

#endif
#endif
