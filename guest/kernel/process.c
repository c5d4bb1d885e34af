/*
 * Processes, and who runs when.
 *
 * Each hart has a scheduler, a loop on a stack of its own. It switches to a process; the process runs until it has no more to do, or
 * its time is over, and switches back. The kernel's lock is held across the switch: who comes out holds it.
 */
#include "../include/hindcast.h"
#include "kernel.h"

struct process processes[MAX_PROCESSES];
struct hart harts[MAX_HARTS];
static int last_pid;

/* ---- running */

/* The next one that can run, round robin; NULL: nobody. */
static struct process *choose(struct hart *hart) {
  for (int i = 0; i < MAX_PROCESSES; i++) {
    int index = (hart->next + i) % MAX_PROCESSES;
    if (processes[index].state != RUNNABLE) continue;
    hart->next = index + 1;
    return &processes[index];
  }
  return NULL;
}

/* With the lock held; for ever. */
void schedule(void) {
  struct hart *hart = this_hart();
  for (;;) {
    struct process *process = choose(hart);
    if (process == NULL) {
      /* wfi ends when an interrupt is pending, though none is taken: sstatus.SIE is 0. */
      kernel_unlock();
      __asm__ volatile("wfi");
      kernel_lock();
      take_interrupts(read_csr(sip));
      continue;
    }
    process->state = RUNNING;
    hart->current = process;
    async_pages_show(process);
    address_space_use(process->page_table);
    switch_context(&hart->scheduler, &process->context);
    address_space_use_kernels();
    async_pages_show(NULL);
    hart->current = NULL;
    HINDCAST_REPLAY_ONLY { check_invariants(); }
  }
}

/* Back to the scheduler. Whoever calls this has said in `state` what is to become of the process. */
static void leave(void) {
  struct process *process = this_process();
  switch_context(&process->context, &this_hart()->scheduler);
}

void yield(void) {
  this_process()->state = RUNNABLE;
  leave();
}

void sleep_on(const void *what) {
  struct process *process = this_process();
  process->waits_for = what;
  process->state = ASLEEP;
  leave();
  process->waits_for = NULL;
}

/* A hart that does nothing stands in wfi, and is told by an interrupt that there is work. */
static void wake_harts(void) {
  for (int i = 0; i < MAX_HARTS; i++) {
    struct hart *hart = &harts[i];
    if (hart == this_hart() || hart->current != NULL || hart->scheduler.ra == 0) continue;
    sbi_call(SBI_IPI, 0, 1, hart->id, 0);
    return;
  }
}

static void make_runnable(struct process *process) {
  process->state = RUNNABLE;
  wake_harts();
}

void wake_up(const void *what) {
  for (int i = 0; i < MAX_PROCESSES; i++)
    if (processes[i].state == ASLEEP && processes[i].waits_for == what) make_runnable(&processes[i]);
}

/* The same, and it is their turn at once. */
void wake_up_first(const void *what) {
  struct hart *hart = this_hart();
  for (int i = MAX_PROCESSES - 1; i >= 0; i--) {
    if (processes[i].state != ASLEEP || processes[i].waits_for != what) continue;
    make_runnable(&processes[i]);
    hart->next = i;
    hart->has_urgent = 1;
  }
}

/* ---- beginning */

/* Where a new process begins, in the kernel, as if it had been there before and had called switch_context. */
static void begin(void) {
  struct process *process = this_process();
  this_hart()->entered_user = now();
  clear_csr(sstatus, SSTATUS_SPP);
  set_csr(sstatus, SSTATUS_SPIE);
  kernel_unlock();
  return_to_user(process->frame);
}

static struct process *new_process(const char *name, struct process *parent) {
  for (int i = 0; i < MAX_PROCESSES; i++) {
    struct process *process = &processes[i];
    if (process->state != FREE) continue;
    memset(process, 0, sizeof *process);
    process->kernel_stack = allocate_page();
    process->page_table = address_space_new();
    if (process->kernel_stack == NULL || process->page_table == NULL) {
      if (process->kernel_stack != NULL) free_page(process->kernel_stack);
      if (process->page_table != NULL) free_page(process->page_table);
      return NULL;
    }
    process->pid = ++last_pid;
    process->parent = parent;
    copy_name(process->name, name);
    process->frame = (struct trap_frame *)((char *)process->kernel_stack + PAGE_SIZE) - 1;
    process->context.sp = (uint64_t)process->frame;
    process->context.ra = (uint64_t)begin;
    for (int file = 0; file < 3; file++) process->files[file].kind = CONSOLE;
    return process;
  }
  return NULL;
}

/* ---- programs: ELF files, of which only where to load what is read */

struct elf_header {
  uint32_t magic;
  uint8_t is_64, is_little_endian, rest[10];
  uint16_t type, machine;
  uint32_t version;
  uint64_t entry, segments_offset, sections_offset;
  uint32_t flags;
  uint16_t header_bytes, segment_bytes, segment_count;
} __attribute__((packed));

struct elf_segment {
  uint32_t type, flags;
  uint64_t offset, address, physical, file_bytes, memory_bytes, alignment;
};

#define ELF_MAGIC 0x464c457f
#define ELF_RISCV 243
#define SEGMENT_LOAD 1
#define SEGMENT_EXECUTE 1
#define SEGMENT_WRITE 2

static int load_segment(struct process *process, uint32_t inode, const struct elf_segment *segment) {
  uint64_t start = segment->address, end = start + segment->memory_bytes;
  if (segment->memory_bytes == 0) return 0;
  if (start < USER_BASE || end < start || end > USER_END - USER_STACK_PAGES * PAGE_SIZE) return -1;
  if (start % PAGE_SIZE != 0 || segment->file_bytes > segment->memory_bytes) return -1;
  uint64_t permissions = PTE_READ;
  if (segment->flags & SEGMENT_WRITE) permissions |= PTE_WRITE;
  if (segment->flags & SEGMENT_EXECUTE) permissions |= PTE_EXECUTE;
  for (uint64_t at = start; at < end; at += PAGE_SIZE)
    if (find_entry(process->page_table, at) != NULL) return -1;
  if (map_new_pages(process->page_table, start, end, permissions) != 0) return -1;
  for (uint64_t done = 0; done < segment->file_bytes; done += PAGE_SIZE) {
    uint64_t rest = segment->file_bytes - done, part = rest < PAGE_SIZE ? rest : PAGE_SIZE;
    void *page = page_of_entry(*find_entry(process->page_table, start + done));
    if (files_read(inode, page, (uint32_t)(segment->offset + done), (uint32_t)part) != (long)part) return -1;
  }
  if (end > process->heap_end) process->heap_end = PAGE_OF(end + PAGE_SIZE - 1);
  return 0;
}

/* 0, or -1: it is no program of ours, or does not fit into memory. */
static int load_program(struct process *process, uint32_t inode) {
  struct elf_header header;
  if (files_read(inode, &header, 0, sizeof header) != sizeof header) return -1;
  if (header.magic != ELF_MAGIC || header.machine != ELF_RISCV || !header.is_64) return -1;
  for (int i = 0; i < header.segment_count; i++) {
    struct elf_segment segment;
    uint32_t at = (uint32_t)header.segments_offset + (uint32_t)i * header.segment_bytes;
    if (files_read(inode, &segment, at, sizeof segment) != sizeof segment) return -1;
    if (segment.type == SEGMENT_LOAD && load_segment(process, inode, &segment) != 0) return -1;
  }
  process->frame->pc = header.entry;
  return 0;
}

/* The arguments lie at the upper end of the stack: the names, below them the addresses of the names. */
static int push_arguments(struct process *process, int argc, const char arguments[][MAX_NAME]) {
  uint64_t sp = USER_END, names[MAX_ARGUMENTS + 1] = {0};
  if (map_new_pages(process->page_table, USER_END - USER_STACK_PAGES * PAGE_SIZE, USER_END, PTE_READ | PTE_WRITE) != 0)
    return -1;
  for (int i = 0; i < argc; i++) {
    sp -= MAX_NAME;
    names[i] = sp;
    copy_to_user(process->page_table, sp, arguments[i], MAX_NAME);
  }
  sp = (sp - sizeof names) & ~15ul;
  copy_to_user(process->page_table, sp, names, sizeof names);
  process->frame->x[REGISTER_SP] = sp;
  process->frame->x[REGISTER_A0] = (uint64_t)argc;
  process->frame->x[REGISTER_A1] = sp;
  return 0;
}

static void give_back(struct process *process) {
  address_space_free(process->page_table);
  free_page(process->kernel_stack);
  process->state = FREE;
}

/* A new process with the program `path`. Its number, or -1. */
int spawn(const char *path, int argc, const char arguments[][MAX_NAME]) {
  int inode = files_find(path);
  if (inode < 0) return -1;
  struct process *process = new_process(path, this_process());
  if (process == NULL) return -1;
  /* Reading from the disk sleeps: nobody may take the place meanwhile. */
  process->state = ASLEEP;
  if (load_program(process, (uint32_t)inode) != 0 || push_arguments(process, argc, arguments) != 0) {
    give_back(process);
    return -1;
  }
  make_runnable(process);
  return process->pid;
}

/* The first process cannot be loaded before there is a process that can sleep: so it begins in the kernel, and loads itself. */
static void begin_first(void) {
  struct process *process = this_process();
  const char name[1][MAX_NAME] = {"sh"};
  if (disk_start() == 0) print("A disk in slot %d.\n", disk_slot);
  if (files_start() != 0) panic("there is no file system");
  int inode = files_find("sh");
  if (inode < 0 || load_program(process, (uint32_t)inode) != 0 || push_arguments(process, 1, name) != 0)
    panic("there is no shell");
  begin();
}

void start_first_process(void) {
  struct process *process = new_process("sh", NULL);
  if (process == NULL) panic("no memory for a process");
  process->context.ra = (uint64_t)begin_first;
  process->state = RUNNABLE;
}

/* ---- ending */

/* The process stays in the table until its parent has asked how it ended. Its memory goes then, too: it still stands on its stack. */
void end_process(int exit_code) {
  struct process *process = this_process();
  if (process->pid == 1) {
    print("The first process has ended; so does the machine.\n");
    sbi_call(SBI_RESET, 0, 0, 0, 0);
  }
  for (int i = 0; i < MAX_PROCESSES; i++) {
    if (processes[i].state == FREE || processes[i].parent != process) continue;
    processes[i].parent = &processes[0]; /* the first process waits for orphans, too */
    if (processes[i].state == DEAD) wake_up(&processes[0]);
  }
  process->exit_code = exit_code;
  process->state = DEAD;
  wake_up(process->parent);
  leave();
  panic("a dead process runs");
}

/* The number of a child that has ended; -1: there is none to wait for. */
int wait_for_child(int *exit_code) {
  struct process *process = this_process();
  for (;;) {
    int has_children = 0;
    for (int i = 0; i < MAX_PROCESSES; i++) {
      struct process *child = &processes[i];
      if (child->state == FREE || child->parent != process) continue;
      has_children = 1;
      if (child->state != DEAD) continue;
      *exit_code = child->exit_code;
      int pid = child->pid;
      give_back(child);
      return pid;
    }
    if (!has_children || process->is_killed) return -1;
    sleep_on(process);
  }
}

/* It ends when it leaves the kernel for user mode the next time. One that sleeps wakes up for that. */
int kill_process(int pid) {
  for (int i = 0; i < MAX_PROCESSES; i++) {
    struct process *process = &processes[i];
    if (process->pid != pid || process->state == FREE || process->state == DEAD) continue;
    process->is_killed = 1;
    if (process->state == ASLEEP && process->waits_for != NULL) make_runnable(process);
    return 0;
  }
  return -1;
}
