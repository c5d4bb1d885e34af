#include "kernel.h"

#define GIGABYTE (1ul << 30)
#define SATP_SV39 (8ul << 60)
#define MSTATUS_MPP (3ul << 11)
#define MSTATUS_MPP_SUPERVISOR (1ul << 11)
#define MSTATUS_SUM (1ul << 18)
#define PMP_ALL 0x1f /* NAPOT, with R, W and X */
#define DELEGATED 0xb3ff

extern char __start_user_text[], __stop_user_text[];
void enter_supervisor(uint64_t satp, void (*supervisor)(void));

static uint64_t kernel_root[512] __attribute__((aligned(4096)));
static char *next_page = FREE_MEMORY;
static void *free_pages;
uint64_t pages_in_use;

void *allocate_page(void) {
  uint64_t *page = free_pages;
  if (page != 0) free_pages = (void *)page[0];
  else {
    check(next_page < FREE_MEMORY_END);
    page = (uint64_t *)next_page;
    next_page += PAGE_BYTES;
  }
  for (unsigned n = 0; n < PAGE_BYTES / 8; n += 4) page[n] = page[n + 1] = page[n + 2] = page[n + 3] = 0;
  pages_in_use++;
  return page;
}

void free_page(void *page) {
  *(void **)page = free_pages;
  free_pages = page;
  pages_in_use--;
}

uint64_t *entry_of(uint64_t *root, uint64_t address, int make) {
  uint64_t *table = root;
  for (int level = 2; level > 0; level--) {
    uint64_t *entry = &table[address >> (12 + 9 * level) & 511];
    if (*entry == 0) {
      if (!make) return 0;
      *entry = pte_of(allocate_page(), PTE_V);
    }
    table = page_of(*entry);
  }
  return &table[address >> 12 & 511];
}

uint64_t user_address(const void *function) {
  return USER_TEXT + (uint64_t)((const char *)function - __start_user_text);
}

void create_space(struct process *process) {
  uint64_t *root = allocate_page();
  root[0] = kernel_root[0];
  root[2] = kernel_root[2];
  for (char *page = __start_user_text; page < __stop_user_text; page += PAGE_BYTES)
    *entry_of(root, USER_TEXT + (uint64_t)(page - __start_user_text), 1) = pte_of(page, USER_CODE);
  process->root = root;
  process->satp = SATP_SV39 | (uint64_t)root >> 12;
}

static void free_table(uint64_t *table, int level) {
  for (int n = 0; n < 512; n++) {
    uint64_t entry = table[n];
    if (entry == 0 || entry & PTE_G) continue;
    if (level > 0) free_table(page_of(entry), level - 1);
    else if (!(entry & PTE_X)) free_page(page_of(entry));
  }
  free_page(table);
}

void destroy_space(struct process *process) {
  /* It may be the current one. */
  __asm__ volatile("csrw satp, %0\n sfence.vma" ::"r"(SATP_SV39 | (uint64_t)kernel_root >> 12) : "memory");
  free_table(process->root, 2);
}

void start_kernel(void (*supervisor)(void)) {
  check(((uint64_t)__start_user_text & (PAGE_BYTES - 1)) == 0);
  uint64_t flags = PTE_V | PTE_R | PTE_W | PTE_X | PTE_G | PTE_A | PTE_D;
  /* Devices, and RAM: where they are. */
  kernel_root[0] = pte_of((void *)0, flags);
  kernel_root[2] = pte_of((void *)(2 * GIGABYTE), flags);
  __asm__ volatile("csrw pmpaddr0, %0\n csrw pmpcfg0, %1" ::"r"(-1ul), "r"(PMP_ALL));
  __asm__ volatile("csrw medeleg, %0" ::"r"(DELEGATED));
  __asm__ volatile("csrc mstatus, %0" ::"r"(MSTATUS_MPP));
  __asm__ volatile("csrs mstatus, %0" ::"r"(MSTATUS_MPP_SUPERVISOR | MSTATUS_SUM));
  enter_supervisor(SATP_SV39 | (uint64_t)kernel_root >> 12, supervisor);
  __builtin_unreachable();
}

void power_off(void) {
  *(volatile uint32_t *)0x100000 = 0x5555;
  for (;;) {
  }
}
