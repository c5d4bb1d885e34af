/*
 * Address spaces (Sv39). A page table is a page of 512 entries; three levels of them lead from an address of 39 bits to a page:
 *
 *    38     30 29     21 20     12 11        0
 *   +---------+---------+---------+-----------+
 *   | level 2 | level 1 | level 0 | in a page |
 *   +---------+---------+---------+-----------+
 *
 * An entry with any of READ, WRITE, EXECUTE set is a leaf. A leaf in the first table covers a gigabyte: three such leaves show the
 * kernel all of memory and all devices at their physical addresses. They are the same in every process, and marked global.
 * The entry for USER_BASE is each process's own.
 */
#include "kernel.h"

#define ENTRY_FLAGS 0x3fful
#define SATP_SV39 (8ul << 60)
#define GIGABYTE (1ul << 30)
#define USER_ENTRY (USER_BASE / GIGABYTE)

static page_table_t kernel_table;

void *page_of_entry(pte_t entry) { return (void *)((entry >> 10) << 12); }

static pte_t entry_of_page(const void *page, uint64_t flags) { return ((uint64_t)page >> 12) << 10 | flags; }

void address_space_start(uint64_t end_of_memory) {
  const uint64_t flags = PTE_VALID | PTE_READ | PTE_WRITE | PTE_GLOBAL | PTE_ACCESSED | PTE_DIRTY;
  kernel_table = allocate_page();
  kernel_table[0] = entry_of_page(0, flags); /* the devices */
  for (uint64_t at = USER_END; at < end_of_memory; at += GIGABYTE)
    kernel_table[at / GIGABYTE] = entry_of_page((void *)at, flags | PTE_EXECUTE);
}

void address_space_use_kernels(void) { address_space_use(kernel_table); }

page_table_t address_space_new(void) {
  page_table_t table = allocate_page();
  if (table != NULL) memcpy(table, kernel_table, PAGE_SIZE);
  return table;
}

/* No ASIDs: what the hart remembers of the translations of another space has to go. */
void address_space_use(page_table_t table) {
  write_csr(satp, SATP_SV39 | (uint64_t)table >> 12);
  __asm__ volatile("sfence.vma" : : : "memory");
}

/* The entry of the last level for `address`; tables on the way are made when `make` is set. NULL: there are none. */
static pte_t *walk(page_table_t table, uint64_t address, int make) {
  for (int level = 2; level > 0; level--) {
    pte_t *entry = &table[address >> (12 + 9 * level) & 511];
    if ((*entry & PTE_VALID) == 0) {
      void *page = make ? allocate_page() : NULL;
      if (page == NULL) return NULL;
      *entry = entry_of_page(page, PTE_VALID);
    }
    table = page_of_entry(*entry);
  }
  return &table[address >> 12 & 511];
}

pte_t *find_entry(page_table_t table, uint64_t address) {
  if (address < USER_BASE || address >= USER_END) return NULL;
  pte_t *entry = walk(table, address, 0);
  return entry == NULL || (*entry & PTE_VALID) == 0 ? NULL : entry;
}

/* ACCESSED and DIRTY are set at once: a machine may leave setting them to the kernel, and this kernel has no use for them. */
int map_page(page_table_t table, uint64_t address, void *page, uint64_t permissions) {
  pte_t *entry = walk(table, address, 1);
  if (entry == NULL) return -1;
  if (*entry & PTE_VALID) panic("address %lx is mapped twice", address);
  *entry = entry_of_page(page, permissions | PTE_VALID | PTE_USER | PTE_ACCESSED | PTE_DIRTY);
  return 0;
}

/* Pages that are zero. On failure those that were mapped stay: the process that wanted them ends, or does without. */
int map_new_pages(page_table_t table, uint64_t start, uint64_t end, uint64_t permissions) {
  for (uint64_t address = PAGE_OF(start); address < end; address += PAGE_SIZE) {
    void *page = allocate_page();
    if (page == NULL) return -1;
    if (map_page(table, address, page, permissions) != 0) {
      free_page(page);
      return -1;
    }
  }
  return 0;
}

static void free_level(page_table_t table, int level) {
  for (int i = 0; i < 512; i++) {
    if ((table[i] & PTE_VALID) == 0) continue;
    if (level > 0) free_level(page_of_entry(table[i]), level - 1);
    else free_page(page_of_entry(table[i]));
  }
  free_page(table);
}

void address_space_free(page_table_t table) {
  if (table[USER_ENTRY] & PTE_VALID) free_level(page_of_entry(table[USER_ENTRY]), 1);
  free_page(table);
}

/*
 * The kernel never uses a user's address as it is: it looks up the page, and uses that at its physical address. So a wrong
 * address is found here and not by a trap, and it does not matter whose address space is in use.
 */
static char *user_memory(page_table_t table, uint64_t address, uint64_t permission) {
  const pte_t *entry = find_entry(table, address);
  if (entry == NULL || (*entry & permission) == 0 || (*entry & PTE_USER) == 0) return NULL;
  return (char *)page_of_entry(*entry) + address % PAGE_SIZE;
}

static uint64_t to_end_of_page(uint64_t address, uint64_t size) {
  uint64_t rest = PAGE_SIZE - address % PAGE_SIZE;
  return size < rest ? size : rest;
}

/* The process can sleep here, once, should the machine not have the user's page ready. */
static void copy_waiting(void *to, const void *from, uint64_t size) {
  accesses_may_wait(1);
  memcpy(to, from, size);
  accesses_may_wait(0);
}

int copy_to_user(page_table_t table, uint64_t to, const void *from, uint64_t size) {
  for (const char *source = from; size > 0;) {
    char *at = user_memory(table, to, PTE_WRITE);
    uint64_t part = to_end_of_page(to, size);
    if (at == NULL) return -1;
    copy_waiting(at, source, part);
    to += part, source += part, size -= part;
  }
  return 0;
}

int copy_from_user(page_table_t table, void *to, uint64_t from, uint64_t size) {
  for (char *at = to; size > 0;) {
    const char *source = user_memory(table, from, PTE_READ);
    uint64_t part = to_end_of_page(from, size);
    if (source == NULL) return -1;
    copy_waiting(at, source, part);
    at += part, from += part, size -= part;
  }
  return 0;
}

/* A text with its NUL; -1 when it is longer. */
int copy_text_from_user(page_table_t table, char *to, uint64_t from, uint64_t size) {
  for (uint64_t i = 0; i < size; i++) {
    if (copy_from_user(table, &to[i], from + i, 1) != 0) return -1;
    if (to[i] == 0) return 0;
  }
  return -1;
}
