/* From the firmware's jump to the first process, and the one lock. */
#include "kernel.h"

extern char boot_stacks[];
extern void start_hart(void);

static struct device_facts facts;
static volatile int memory_is_ready;

static void set_hart(struct hart *hart) { __asm__ volatile("mv tp, %0" : : "r"(hart)); }

/* What each hart does for itself: `index` is its place in `harts`. */
static void prepare_hart(int index, uint64_t id) {
  struct hart *hart = &harts[index];
  hart->id = id;
  set_hart(hart);
  address_space_use_kernels();
  trap_start();
  plic_start_hart();
  async_pages_start_hart();
}

/* On the hart that the firmware chose. */
void kernel_main(uint64_t id, const void *device_tree) {
  set_hart(&harts[0]);
  kernel_lock();
  console_start();
  device_tree_read(device_tree, &facts);
  print("A small kernel. %d %s, %lu MiB.\n", facts.harts, facts.harts == 1 ? "hart" : "harts",
        (facts.memory_end - 0x80000000ul) >> 20);
  memory_start(facts.memory_end);
  address_space_start(facts.memory_end);
  plic_start();
  async_pages_start(&facts);
  prepare_hart(0, id);
  start_first_process();
  start_other_harts(id);
  schedule();
}

/* Asks the firmware for all others; they have to wait for the lock. */
void start_other_harts(uint64_t boot_hart) {
  int index = 1;
  for (int i = 0; i < facts.harts && index < MAX_HARTS; i++) {
    if (facts.hart_ids[i] == boot_hart) continue;
    uint64_t stack_end = (uint64_t)boot_stacks + (uint64_t)(index + 1) * PAGE_SIZE;
    harts[index].id = facts.hart_ids[i];
    if (sbi_call(SBI_HART, 0, facts.hart_ids[i], (uint64_t)start_hart, stack_end).error != 0) continue;
    index++;
  }
}

void hart_main(uint64_t id) {
  kernel_lock();
  for (int index = 1; index < MAX_HARTS; index++) {
    if (harts[index].id != id) continue;
    prepare_hart(index, id);
    schedule();
  }
  panic("hart %lu was not asked for", id);
}

/*
 * Tickets: who comes takes a number and waits until it is called, so that nobody waits for ever while others are lucky.
 */
static uint32_t next_ticket;
static volatile uint32_t called_ticket;

void kernel_lock(void) {
  uint32_t mine = __atomic_fetch_add(&next_ticket, 1, __ATOMIC_RELAXED);
  while (__atomic_load_n(&called_ticket, __ATOMIC_ACQUIRE) != mine) __asm__ volatile(".insn 0x0100000f"); /* pause */
}

void kernel_unlock(void) { __atomic_store_n(&called_ticket, called_ticket + 1, __ATOMIC_RELEASE); }
