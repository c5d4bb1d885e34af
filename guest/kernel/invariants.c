/*
 * What must be true whenever a process has left its hart. The scheduler calls this in a replay-only block: a run pays two
 * instructions for it; a replay in Hindcast stops at the very switch after which it is no longer true (docs/replay-only.md).
 */
#include "../include/hindcast.h"
#include "kernel.h"

/* Pages that processes have, each at most once: a bit for each page of the first gigabyte. */
static uint64_t seen[4096];

static void count_page(const void *page, const struct process *process) {
  uint64_t number = ((uint64_t)page - USER_END) / PAGE_SIZE;
  if (number >= sizeof seen * 8) return;
  if (seen[number / 64] >> number % 64 & 1) hindcast_fail("page %p of process %d is in use twice", page, process->pid);
  seen[number / 64] |= 1ul << number % 64;
}

static void check_table(page_table_t table, int level, const struct process *process) {
  count_page(table, process);
  for (int i = 0; i < 512; i++) {
    if ((table[i] & PTE_VALID) == 0) continue;
    int is_leaf = (table[i] & (PTE_READ | PTE_WRITE | PTE_EXECUTE)) != 0;
    if (is_leaf != (level == 0)) hindcast_fail("process %d: a leaf at level %d", process->pid, level);
    if (is_leaf && (table[i] & PTE_USER) == 0) hindcast_fail("process %d: a page of the kernel", process->pid);
    if (level > 0) check_table(page_of_entry(table[i]), level - 1, process);
    else count_page(page_of_entry(table[i]), process);
  }
}

static void check_process(const struct process *process) {
  if (process->state > DEAD) hindcast_fail("process %d is in state %d", process->pid, process->state);
  int running = 0;
  for (int i = 0; i < MAX_HARTS; i++) running += harts[i].current == process;
  if (running != (process->state == RUNNING) && process != this_process())
    hindcast_fail("process %d is in state %d and runs on %d harts", process->pid, process->state, running);
  if (process->parent == NULL && process->pid != 1) hindcast_fail("process %d has no parent", process->pid);
  count_page(process->kernel_stack, process);
  count_page(process->page_table, process);
  pte_t entry = process->page_table[USER_BASE >> 30];
  if (entry & PTE_VALID) check_table(page_of_entry(entry), 1, process);
}

void check_invariants(void) {
  memset(seen, 0, sizeof seen);
  for (int i = 0; i < MAX_PROCESSES; i++)
    if (processes[i].state != FREE && processes[i].frame != NULL) check_process(&processes[i]);
  check_free_pages(seen, sizeof seen * 8);
}
