/* A small kernel in supervisor mode, for guests that measure traps and address translation: page tables in Sv39, a page
   allocator, one trap entry for exceptions of user mode. The kernel itself lies where it is linked, in superpages that
   every address space has; what user mode runs is the section `user_text`, mapped at USER_TEXT. */
#ifndef KERNEL_H
#define KERNEL_H

#include "../bench.h"

#define PAGE_BYTES 4096ul
#define USER_TEXT 0x40000000ul

/* Bits of a page-table entry. A and D are set from the beginning: who sets them otherwise is not what is measured. */
#define PTE_V 0x01ul
#define PTE_R 0x02ul
#define PTE_W 0x04ul
#define PTE_X 0x08ul
#define PTE_U 0x10ul
#define PTE_G 0x20ul
#define PTE_A 0x40ul
#define PTE_D 0x80ul
#define USER_CODE (PTE_V | PTE_R | PTE_X | PTE_U | PTE_A | PTE_D)
#define USER_DATA (PTE_V | PTE_R | PTE_W | PTE_U | PTE_A | PTE_D)

#define CAUSE_USER_ECALL 8
#define CAUSE_FETCH_PAGE_FAULT 12
#define CAUSE_LOAD_PAGE_FAULT 13
#define CAUSE_STORE_PAGE_FAULT 15

/* kernel.S knows the offsets of all but the last two. */
struct process {
  uint64_t x[32];
  uint64_t pc;
  uint64_t *root;
  uint64_t satp;
};

enum { A0 = 10, A1 = 11, A2 = 12, A7 = 17, SP = 2 };

/* What runs in user mode is position independent, calls nothing outside its section and has no data but its stack: no
   constants either that the compiler would load from memory, which are those of more than 32 bits. */
#define USER __attribute__((section("user_text"), noinline, used, \
                            optimize("no-tree-loop-distribute-patterns", "no-jump-tables")))

static inline uint64_t system_call(uint64_t number, uint64_t first, uint64_t second) {
  register uint64_t a0 __asm__("a0") = first;
  register uint64_t a1 __asm__("a1") = second;
  register uint64_t a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
  return a0;
}

/* Leaves machine mode for ever: the rest of the program is `supervisor`, with translation on. */
__attribute__((noreturn)) void start_kernel(void (*supervisor)(void));

/* Called for every trap of user mode; gives the process to go on with, whose address space must be the current one. */
struct process *user_trap(struct process *process, uint64_t cause, uint64_t value);

/* Runs user mode; comes back when user_trap calls `leave_user`. */
void run_user(struct process *process);
__attribute__((noreturn)) void leave_user(void);

/* A page of zeros. */
void *allocate_page(void);
void free_page(void *page);
extern uint64_t pages_in_use;

/* An address space with the kernel, user_text, and nothing else. */
void create_space(struct process *process);
/* Frees its tables and every page of user data in it. */
void destroy_space(struct process *process);
/* The leaf entry of an address below 2^38; tables on the way are made when `make` is set, else the answer may be 0. */
uint64_t *entry_of(uint64_t *root, uint64_t address, int make);

/* Where a function of user_text is in user mode. */
uint64_t user_address(const void *function);

static inline uint64_t pte_of(const void *page, uint64_t flags) { return (uint64_t)page >> 12 << 10 | flags; }
static inline void *page_of(uint64_t entry) { return (void *)(entry >> 10 << 12); }
static inline void switch_space(const struct process *process) {
  __asm__ volatile("sfence.vma\n csrw satp, %0\n sfence.vma" ::"r"(process->satp) : "memory");
}
static inline void forget_page(uint64_t address) { __asm__ volatile("sfence.vma %0" ::"r"(address) : "memory"); }

/* Ends the machine without the runtime's report: the registers of machine mode mean nothing here. */
__attribute__((noreturn)) void power_off(void);

#endif
