/* Many address spaces: 256 processes, each with page tables of its own, in turns of some thousand instructions. A turn
   works on pages that all processes have at the same addresses and ends by a system call; the kernel writes satp, with
   sfence.vma before and behind, and goes on with the next. */
#include "kernel/kernel.h"

#define PROCESSES 256
#define STACK_TOP 0x50000000ul
#define DATA 0x60000000ul
#define DATA_PAGES 12
#define TURNS 8 /* of each process in a round */

static struct process processes[PROCESSES];
static uint64_t sum;
static unsigned turns_left;

/* The state is in the process's pages: whoever ran with another's translations would compute something else. */
USER __attribute__((aligned(4096))) void work(uint64_t number) {
  volatile uint64_t *data = (volatile uint64_t *)DATA;
  uint64_t sum = number;
  for (uint64_t turn = 0;; turn++) {
    uint64_t word = turn * 5 & 511;
    for (int pass = 0; pass < 10; pass++, word = (word + 19) & 511) {
      for (unsigned page = 0; page < DATA_PAGES; page++) {
        sum = (sum << 7 | sum >> 57) ^ data[page * 512 + word];
        data[page * 512 + (word ^ 8)] += sum;
      }
    }
    system_call(0, sum, turn);
  }
}

struct process *user_trap(struct process *process, uint64_t cause, uint64_t value) {
  check(cause == CAUSE_USER_ECALL && value == 0);
  process->pc += 4;
  sum = mixed(sum, process->x[A0]);
  if (--turns_left == 0) leave_user();
  struct process *next = process == &processes[PROCESSES - 1] ? processes : process + 1;
  switch_space(next);
  return next;
}

/* Processes go on where they were: no two rounds are the same, but all take the same steps. */
static void run_round(void) {
  turns_left = PROCESSES * TURNS;
  switch_space(&processes[0]);
  run_user(&processes[0]);
}

static void supervisor(void) {
  for (int number = 0; number < PROCESSES; number++) {
    struct process *process = &processes[number];
    create_space(process);
    process->pc = user_address(work);
    process->x[A0] = (uint64_t)number + 1;
    process->x[SP] = STACK_TOP;
    *entry_of(process->root, STACK_TOP - PAGE_BYTES, 1) = pte_of(allocate_page(), USER_DATA);
    for (unsigned page = 0; page < DATA_PAGES; page++)
      *entry_of(process->root, DATA + page * PAGE_BYTES, 1) = pte_of(allocate_page(), USER_DATA);
  }
  for (int round = 0; round < ROUNDS; round++) run_round();
  print("sum %016lx after %d rounds\n", sum, ROUNDS);
  power_off();
}

int main(void) { start_kernel(supervisor); }
