/* Pages on demand and system calls. A round is the life of a process: it fills memory that is mapped when it is touched,
   asks the kernel for thousands of small things (numbers, blocks copied out and in, pages unmapped and protected), has pages
   copied on write, and ends; everything of it is freed. */
#include "kernel/kernel.h"

#define STACK_TOP 0x50000000ul
#define HEAP 0x60000000ul
#define HEAP_PAGES 96
#define SHARED 0x70000000ul
#define SHARED_PAGES 16
#define PTE_COPY_ON_WRITE 0x100ul /* software's bit */
#define CALLS 1500

enum call { EXIT, NUMBER, WRITE, READ, UNMAP, PROTECT };

static char file[1024];
static void *shared_pages[SHARED_PAGES];
static uint64_t answer, faults, calls;

USER __attribute__((aligned(4096))) void work(void) {
  uint64_t sum = 1;
  volatile uint64_t *heap = (volatile uint64_t *)HEAP;
  for (uint64_t page = 0; page < HEAP_PAGES; page++) {
    for (int n = 0; n < 512; n += 4) heap[page * 512 + n] = sum = sum * 1664525 + page + (sum >> 41);
  }
  volatile uint64_t *shared = (volatile uint64_t *)SHARED;
  for (int page = 0; page < SHARED_PAGES; page++) {
    sum += shared[page * 512 + 7];
    if (page & 1) shared[page * 512 + 8] = sum;
  }
  uint64_t block[24];
  for (uint64_t n = 0; n < CALLS; n++) {
    for (int word = 0; word < 24; word++) block[word] = sum = sum * 1103515245 + 12345 + (sum >> 40);
    uint64_t place = (n * 40) % 832;
    switch (n & 7) {
      case 0: sum += system_call(WRITE, (uint64_t)block, place); break;
      case 1: sum += system_call(READ, (uint64_t)block, place) + block[3]; break;
      case 5: if (n % 40 == 5) system_call(UNMAP, HEAP + (n % HEAP_PAGES) * 4096, 0); break;
      case 6: if (n % 40 == 6) system_call(PROTECT, HEAP + ((n * 7) % HEAP_PAGES) * 4096, 0); break;
      default: sum += system_call(NUMBER, n, sum); break;
    }
    for (uint64_t page = n & 3; page < HEAP_PAGES; page += 12) heap[page * 512 + (n & 511)] += sum;
  }
  system_call(EXIT, sum, 0);
}

static void map_on_demand(struct process *process, uint64_t cause, uint64_t address) {
  faults++;
  int is_heap = address >= HEAP && address < HEAP + HEAP_PAGES * PAGE_BYTES;
  int is_stack = address < STACK_TOP && address >= STACK_TOP - 4 * PAGE_BYTES;
  int is_shared = address >= SHARED && address < SHARED + SHARED_PAGES * PAGE_BYTES;
  check(is_heap || is_stack || is_shared);
  uint64_t *entry = entry_of(process->root, address, 1);
  if (*entry == 0) {
    check(!is_shared);
    *entry = pte_of(allocate_page(), USER_DATA);
  } else {
    check(cause == CAUSE_STORE_PAGE_FAULT);
    if (*entry & PTE_COPY_ON_WRITE) {
      uint64_t *copy = allocate_page();
      const uint64_t *original = page_of(*entry);
      for (unsigned n = 0; n < PAGE_BYTES / 8; n++) copy[n] = original[n];
      *entry = pte_of(copy, USER_DATA);
    } else {
      *entry |= PTE_W;
    }
  }
  forget_page(address & -PAGE_BYTES);
}

static uint64_t serve(struct process *process, enum call call, uint64_t first, uint64_t second) {
  calls++;
  switch (call) {
    case EXIT: answer = first; leave_user();
    case NUMBER: return first ^ calls ^ (second & 0xff);
    case WRITE: memcpy(file + second, (const void *)first, 24 * 8); return calls;
    case READ: memcpy((void *)first, file + second, 24 * 8); return calls;
    case UNMAP: {
      uint64_t *entry = entry_of(process->root, first, 0);
      check(entry != 0);
      if (*entry != 0) free_page(page_of(*entry));
      *entry = 0;
      break;
    }
    case PROTECT: {
      uint64_t *entry = entry_of(process->root, first, 0);
      check(entry != 0);
      *entry &= ~PTE_W;
      break;
    }
  }
  forget_page(first);
  return 0;
}

struct process *user_trap(struct process *process, uint64_t cause, uint64_t value) {
  if (cause == CAUSE_USER_ECALL) {
    process->pc += 4;
    process->x[A0] = serve(process, (enum call)process->x[A7], process->x[A0], process->x[A1]);
  } else {
    map_on_demand(process, cause, value);
  }
  return process;
}

static uint64_t round_of_work(void) {
  struct process process = {.pc = user_address(work)};
  faults = calls = 0;
  memset(file, 0, sizeof file);
  create_space(&process);
  for (int page = 0; page < SHARED_PAGES; page++) {
    uint64_t entry = pte_of(shared_pages[page], (USER_DATA & ~PTE_W) | PTE_COPY_ON_WRITE);
    *entry_of(process.root, SHARED + (uint64_t)page * PAGE_BYTES, 1) = entry;
  }
  process.x[SP] = STACK_TOP;
  switch_space(&process);
  run_user(&process);
  /* What is shared was there before and stays. */
  for (int page = 0; page < SHARED_PAGES; page++) {
    uint64_t *entry = entry_of(process.root, SHARED + (uint64_t)page * PAGE_BYTES, 0);
    if (*entry & PTE_COPY_ON_WRITE) *entry = 0;
  }
  destroy_space(&process);
  return mixed(mixed(answer, faults), calls);
}

static void supervisor(void) {
  for (int page = 0; page < SHARED_PAGES; page++) {
    uint64_t *words = shared_pages[page] = allocate_page();
    for (uint64_t n = 0; n < 512; n++) words[n] = n * 77 + (uint64_t)page;
  }
  run_rounds(round_of_work);
  check(pages_in_use == SHARED_PAGES);
  print("faults %lu, calls %lu in a round\n", faults, calls);
  power_off();
}

int main(void) { start_kernel(supervisor); }
