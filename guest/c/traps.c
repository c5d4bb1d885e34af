/* Synchronous traps and a software interrupt, taken by a handler in C that logs them and goes on. Faults of atomic
   operations are left to the random tests, which know how QEMU departs from the manual there. */
#include "runtime/runtime.h"

#define CLINT_MSIP ((volatile uint32_t *)0x2000000)
#define NOWHERE 0x7000000
#define MCAUSE_SOFTWARE_INTERRUPT 0x8000000000000003u

static struct {
  uint64_t mcause, mepc, mtval;
} log[64];
static unsigned logged;

void trap(struct trap_frame *frame) {
  check(logged < 64);
  log[logged].mcause = frame->mcause;
  log[logged].mtval = frame->mtval;
  log[logged].mepc = frame->mepc;
  if (frame->mcause == MCAUSE_SOFTWARE_INTERRUPT) {
    /* The instruction at which it arrives is the machine's choice. */
    log[logged].mepc = 0;
    *CLINT_MSIP = 0;
  } else if (frame->mcause == 1) {
    frame->mepc = frame->x[1];
  } else {
    uint16_t low = *(volatile uint16_t *)frame->mepc;
    frame->mepc += (low & 3) == 3 ? 4 : 2;
    frame->x[10] = 0x1234;
  }
  logged++;
}

static uint64_t system_call(uint64_t number) {
  register uint64_t a0 __asm__("a0") = number;
  __asm__ volatile("ecall" : "+r"(a0) : : "memory");
  return a0;
}

int main(void) {
  check(system_call(1) == 0x1234);
  __asm__ volatile(".option push\n.option norvc\nebreak\n.option pop" : : : "a0", "memory");
  __asm__ volatile("c.ebreak" : : : "a0", "memory");
  __asm__ volatile(".word 0" : : : "a0", "memory");
  __asm__ volatile(".word 0xffffffff" : : : "a0", "memory");
  __asm__ volatile("csrr a0, 0x7ff" : : : "a0", "memory");
  __asm__ volatile("csrw mhartid, zero" : : : "a0", "memory");
  __asm__ volatile("lw a0, 4(%0)" : : "r"(NOWHERE) : "a0", "memory");
  __asm__ volatile("sb zero, 1(%0)" : : "r"(NOWHERE) : "a0", "memory");
  __asm__ volatile("lr.d a0, (%0)" : : "r"((char *)log + 4) : "a0", "memory");
  __asm__ volatile("jalr %0" : : "r"(NOWHERE) : "ra", "a0", "memory");

  __asm__ volatile("csrw mie, %0\n csrsi mstatus, 8" : : "r"(8) : "memory");
  *CLINT_MSIP = 1;
  __asm__ volatile("fence.i\n nop\n nop" : : : "memory");
  while (*CLINT_MSIP != 0) {
  }
  __asm__ volatile("csrci mstatus, 8" : : : "memory");

  check(log[logged - 1].mcause == MCAUSE_SOFTWARE_INTERRUPT);
  for (unsigned n = 0; n < logged; n++) print("%lx %lx %lx\n", log[n].mcause, log[n].mepc, log[n].mtval);
  return 0;
}
