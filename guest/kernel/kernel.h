/*
 * The teaching kernel: what its parts know of each other. README.md says in which order to read them.
 *
 * One lock. Whoever runs in supervisor mode holds it (`kernel_lock`), from the trap that came out of user mode to the `sret` that goes
 * back there. So nothing in the kernel happens at the same time as anything else in the kernel, and what is usually the hardest
 * part of a kernel is not there: user programs run side by side on all harts, system calls do so one after the other.
 *
 * No interrupts inside. In supervisor mode sstatus.SIE is always 0. What is pending is taken as soon as a hart is in user mode, or
 * looked for by a hart that has nothing to do.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define MAX_HARTS 8
#define MAX_PROCESSES 64
#define MAX_FILES 8 /* open, of a process */
#define MAX_NAME 28
#define MAX_ARGUMENTS 16

#define PAGE_SIZE 4096ul
#define PAGE_OF(address) ((address) & ~(PAGE_SIZE - 1))

#define TICKS_PER_SECOND 10000000ul
#define TIME_SLICE (TICKS_PER_SECOND / 100)

typedef uint64_t pte_t;
typedef pte_t *page_table_t; /* 512 entries: a page */

/* -------- traps (entry.S, trap.c) */

/* What a trap saves. entry.S knows the order: register xN at N * 8, then pc and the hart. */
struct trap_frame {
  uint64_t x[32]; /* x[0] is not used */
  uint64_t pc;
  struct hart *hart; /* of a frame of user mode: the hart that goes there */
};

#define REGISTER_SP 2
#define REGISTER_A0 10
#define REGISTER_A1 11
#define REGISTER_A2 12
#define REGISTER_A7 17

void trap_start(void); /* on each hart */
void return_to_user(struct trap_frame *frame) __attribute__((noreturn));
void take_interrupts(uint64_t pending);

/* -------- processes (process.c, entry.S) */

enum state { FREE, RUNNABLE, RUNNING, ASLEEP, DEAD };

/* What a function call preserves: enough to go on in the middle of the kernel. entry.S knows the order. */
struct context {
  uint64_t ra, sp, s[12];
};

struct open_file {
  enum { CLOSED, CONSOLE, FILE_ON_DISK } kind;
  uint32_t inode;
  uint32_t offset;
};

struct process {
  enum state state;
  int pid;
  int exit_code;
  int is_killed;
  struct process *parent;
  char name[MAX_NAME];
  page_table_t page_table;
  uint64_t heap_end; /* user memory from USER_BASE to here */
  void *kernel_stack; /* a page; the trap frame is at its upper end */
  struct trap_frame *frame;
  struct context context; /* while it does not run */
  const void *waits_for;
  struct open_file files[MAX_FILES];
  uint64_t ticks; /* for how long it ran in user mode */
  uint64_t not_ready; /* how often it slept on a page that the machine did not have */
};

struct hart {
  uint64_t id;
  struct process *current;
  struct context scheduler; /* while a process runs */
  int next; /* in the table of processes: where to look for somebody to run */
  int has_urgent; /* somebody there shall run now */
  uint64_t entered_user;
};

extern struct process processes[MAX_PROCESSES];
extern struct hart harts[MAX_HARTS];

static inline struct hart *this_hart(void) {
  struct hart *hart;
  __asm__ volatile("mv %0, tp" : "=r"(hart));
  return hart;
}

static inline struct process *this_process(void) { return this_hart()->current; }

void start_first_process(void);
void schedule(void) __attribute__((noreturn));
void switch_context(struct context *from, const struct context *to);
void yield(void);
void sleep_on(const void *what); /* whoever sleeps looks again, when it wakes, whether what it slept for has come */
void wake_up(const void *what);
void wake_up_first(const void *what);
int spawn(const char *path, int argc, const char arguments[][MAX_NAME]);
int wait_for_child(int *exit_code);
void end_process(int exit_code) __attribute__((noreturn));
int kill_process(int pid);
void start_other_harts(uint64_t boot_hart);

/* -------- memory (memory.c, address_space.c) */

void memory_start(uint64_t end_of_memory);
void *allocate_page(void); /* all zero; NULL: there is none */
void free_page(void *page);
uint64_t free_page_count(void);
void check_free_pages(const uint64_t *in_use, uint64_t count);

/* User programs see a gigabyte of their own; the kernel sees all memory at its physical address. */
#define USER_BASE 0x40000000ul
#define USER_END 0x80000000ul
#define USER_STACK_PAGES 4

#define PTE_VALID 1ul
#define PTE_READ 2ul
#define PTE_WRITE 4ul
#define PTE_EXECUTE 8ul
#define PTE_USER 16ul
#define PTE_GLOBAL 32ul
#define PTE_ACCESSED 64ul
#define PTE_DIRTY 128ul

void address_space_start(uint64_t end_of_memory); /* once */
void address_space_use_kernels(void); /* on each hart */
page_table_t address_space_new(void);
void address_space_free(page_table_t table);
void address_space_use(page_table_t table);
int map_page(page_table_t table, uint64_t address, void *page, uint64_t permissions);
int map_new_pages(page_table_t table, uint64_t start, uint64_t end, uint64_t permissions);
pte_t *find_entry(page_table_t table, uint64_t address);
void *page_of_entry(pte_t entry);
/* Between the kernel and user memory of a process; -1 when the user's address is none. */
int copy_to_user(page_table_t table, uint64_t to, const void *from, uint64_t size);
int copy_from_user(page_table_t table, void *to, uint64_t from, uint64_t size);
int copy_text_from_user(page_table_t table, char *to, uint64_t from, uint64_t size);

/* -------- devices */

void console_start(void);
void console_interrupt(void);
void console_put(char c);
long console_read(page_table_t table, uint64_t to, uint64_t size);

void plic_start(void);
void plic_start_hart(void);
void plic_interrupt(void);

int disk_start(void); /* 0: there is one */
void disk_interrupt(int slot);
int disk_read(uint32_t block, void *page); /* a block is as large as a page */
extern int disk_slot; /* -1: none */

/* -------- file system (files.c) */

int files_start(void);
int files_find(const char *name);
long files_read(uint32_t inode, void *to, uint32_t offset, uint32_t size);
uint32_t files_size(uint32_t inode);
int files_name(uint32_t inode, char name[MAX_NAME]); /* -1: there is no such inode */

/* -------- the rest */

void system_call(struct trap_frame *frame);

/* async_pages.c: work of the machine that this kernel lets others use the time of. */
struct device_facts;
void async_pages_start(const struct device_facts *facts);
void async_pages_start_hart(void);
int page_not_ready(void); /* 0: the process slept, and can go on */
void pages_ready(void);
void accesses_may_wait(int may_wait);
void async_pages_show(const struct process *process);

struct device_facts { /* device_tree.c */
  uint64_t memory_end;
  int harts;
  uint64_t hart_ids[MAX_HARTS];
  int has_async_pages;
};
void device_tree_read(const void *blob, struct device_facts *facts);

void check_invariants(void); /* invariants.c: at replay only */

int print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void kernel_lock(void);
void kernel_unlock(void);

void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int strcmp(const char *a, const char *b);
size_t strlen(const char *text);
void copy_name(char to[MAX_NAME], const char *from);

/* -------- instructions that C does not have */

#define read_csr(name)                                       \
  ({                                                         \
    uint64_t value_;                                         \
    __asm__ volatile("csrr %0, " #name : "=r"(value_));      \
    value_;                                                  \
  })
#define write_csr(name, value) __asm__ volatile("csrw " #name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define set_csr(name, bits) __asm__ volatile("csrs " #name ", %0" : : "r"((uint64_t)(bits)) : "memory")
#define clear_csr(name, bits) __asm__ volatile("csrc " #name ", %0" : : "r"((uint64_t)(bits)) : "memory")

static inline void write_register32(uint64_t address, uint32_t value) { *(volatile uint32_t *)address = value; }
static inline uint32_t read_register32(uint64_t address) { return *(volatile uint32_t *)address; }
static inline void write_register8(uint64_t address, uint8_t value) { *(volatile uint8_t *)address = value; }
static inline uint8_t read_register8(uint64_t address) { return *(volatile uint8_t *)address; }

/* Stores before it can be seen by devices and other harts before those behind it. */
static inline void fence(void) { __asm__ volatile("fence iorw, iorw" : : : "memory"); }

#define SSTATUS_SPIE (1ul << 5)
#define SSTATUS_SPP (1ul << 8)
#define SSTATUS_SUM (1ul << 18)

#define INTERRUPT_SOFTWARE (1ul << 1)
#define INTERRUPT_TIMER (1ul << 5)
#define INTERRUPT_EXTERNAL (1ul << 9)

/* -------- the firmware (RISC-V Supervisor Binary Interface) */

struct sbi_answer {
  long error;
  long value;
};

static inline struct sbi_answer sbi_call(uint64_t extension, uint64_t function, uint64_t first, uint64_t second,
                                         uint64_t third) {
  register uint64_t a0 __asm__("a0") = first;
  register uint64_t a1 __asm__("a1") = second;
  register uint64_t a2 __asm__("a2") = third;
  register uint64_t a6 __asm__("a6") = function;
  register uint64_t a7 __asm__("a7") = extension;
  __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
  return (struct sbi_answer){(long)a0, (long)a1};
}

#define SBI_BASE 0x10
#define SBI_PROBE 3
#define SBI_TIMER 0x54494d45
#define SBI_IPI 0x735049
#define SBI_HART 0x48534d
#define SBI_RESET 0x53525354

static inline uint64_t now(void) { return read_csr(time); }
static inline void set_timer(uint64_t when) { sbi_call(SBI_TIMER, 0, when, 0, 0); }

#endif
