/* Traps: system calls, faults and interrupts of programs in user mode. */
#include "kernel.h"

extern char trap_entry[];

#define CAUSE_INTERRUPT (1ul << 63)
#define CAUSE_USER_CALL 8
#define CAUSE_PAGE_NOT_READY 24 /* docs/async-pages.md */

static const char *const cause_names[] = {
    "a jump to an odd address", "an instruction that may not be fetched", "an illegal instruction", "a breakpoint",
    "a misaligned load",        "a load that failed",                     "a misaligned store",     "a store that failed",
    "a call",                   "a call",                                 "a call",                 "a call",
    "an address without an instruction", "a load from an address without memory", "?", "a store to an address without memory",
};

void trap_start(void) {
  write_csr(sscratch, 0);
  write_csr(stvec, trap_entry);
  write_csr(sie, INTERRUPT_SOFTWARE | INTERRUPT_TIMER | INTERRUPT_EXTERNAL);
  set_timer(now() + TIME_SLICE);
}

/* Every one that is pending: of all harts, whoever comes first serves the devices. */
void take_interrupts(uint64_t pending) {
  if (pending & INTERRUPT_SOFTWARE) clear_csr(sip, INTERRUPT_SOFTWARE); /* it was only to wake the hart */
  if (pending & INTERRUPT_TIMER) {
    set_timer(now() + TIME_SLICE);
    wake_up(harts); /* those who wait for time to pass; see system_calls.c */
  }
  if (pending & INTERRUPT_EXTERNAL) plic_interrupt();
}

static void end_for(const char *why, uint64_t pc, uint64_t address) {
  struct process *process = this_process();
  print("%s (%d) ended: %s, at %lx, address %lx\n", process->name, process->pid, why, pc, address);
  end_process(-1);
}

/* Called by trap_entry. */
__attribute__((noreturn)) void user_trap(struct trap_frame *frame) {
  uint64_t cause = read_csr(scause), address = read_csr(stval), pending = read_csr(sip);
  kernel_lock();
  struct process *process = this_process();
  process->ticks += now() - this_hart()->entered_user;
  if (cause & CAUSE_INTERRUPT) {
    take_interrupts(pending);
    if ((pending & INTERRUPT_TIMER) || this_hart()->has_urgent) {
      this_hart()->has_urgent = 0;
      yield();
    }
  } else if (cause == CAUSE_USER_CALL) {
    frame->pc += 4; /* behind the ecall */
    system_call(frame);
  } else if (cause == CAUSE_PAGE_NOT_READY) {
    page_not_ready();
  } else {
    end_for(cause < 16 ? cause_names[cause] : "an unknown exception", frame->pc, address);
  }
  if (process->is_killed) end_process(-1);
  this_hart()->entered_user = now();
  clear_csr(sstatus, SSTATUS_SPP);
  set_csr(sstatus, SSTATUS_SPIE);
  kernel_unlock();
  return_to_user(frame);
}

/* The kernel holds its lock, and interrupts are off: only its own instructions can have done this. */
void kernel_trap(struct trap_frame *frame) {
  uint64_t cause = read_csr(scause), address = read_csr(stval), status = read_csr(sstatus);
  if (cause != CAUSE_PAGE_NOT_READY || page_not_ready() != 0)
    panic("in the kernel: cause %lx at %lx, address %lx", cause, frame->pc, address);
  /* Others were in user mode meanwhile; sret shall come back here. */
  write_csr(sstatus, status);
}
