/* System calls: what programs ask the kernel for. Whatever a program passes may be wrong, or meant badly. */
#include "system_calls.h"

#include "kernel.h"

_Static_assert(NAME_BYTES == MAX_NAME, "names are as long for programs as for the kernel");

static struct open_file *file_of(uint64_t number) {
  struct open_file *file = number < MAX_FILES ? &this_process()->files[number] : NULL;
  return file == NULL || file->kind == CLOSED ? NULL : file;
}

static long call_spawn(uint64_t path, uint64_t argc, uint64_t names) {
  page_table_t table = this_process()->page_table;
  char name[MAX_NAME], arguments[MAX_ARGUMENTS][MAX_NAME];
  if (copy_text_from_user(table, name, path, sizeof name) != 0 || argc > MAX_ARGUMENTS) return -1;
  for (uint64_t i = 0; i < argc; i++) {
    uint64_t at;
    if (copy_from_user(table, &at, names + 8 * i, sizeof at) != 0) return -1;
    if (copy_text_from_user(table, arguments[i], at, MAX_NAME) != 0) return -1;
  }
  return spawn(name, (int)argc, arguments);
}

static long call_wait(uint64_t to) {
  int exit_code;
  int pid = wait_for_child(&exit_code);
  if (pid >= 0 && to != 0) copy_to_user(this_process()->page_table, to, &exit_code, sizeof exit_code);
  return pid;
}

static long call_read(uint64_t number, uint64_t to, uint64_t size) {
  struct open_file *file = file_of(number);
  page_table_t table = this_process()->page_table;
  if (file == NULL) return -1;
  if (file->kind == CONSOLE) return console_read(table, to, size);
  char part[256];
  long done = 0;
  while ((uint64_t)done < size) {
    uint64_t rest = size - (uint64_t)done;
    long got = files_read(file->inode, part, file->offset, rest < sizeof part ? (uint32_t)rest : sizeof part);
    if (got < 0 || (got > 0 && copy_to_user(table, to + (uint64_t)done, part, (uint64_t)got) != 0)) return -1;
    if (got == 0) break;
    file->offset += (uint32_t)got;
    done += got;
  }
  return done;
}

static long call_write(uint64_t number, uint64_t from, uint64_t size) {
  const struct open_file *file = file_of(number);
  if (file == NULL || file->kind != CONSOLE) return -1;
  char part[64];
  for (uint64_t done = 0; done < size;) {
    uint64_t count = size - done < sizeof part ? size - done : sizeof part;
    if (copy_from_user(this_process()->page_table, part, from + done, count) != 0) return -1;
    for (uint64_t i = 0; i < count; i++) console_put(part[i]);
    done += count;
  }
  return (long)size;
}

static long call_open(uint64_t path) {
  struct process *process = this_process();
  char name[MAX_NAME];
  if (copy_text_from_user(process->page_table, name, path, sizeof name) != 0) return -1;
  int inode = files_find(name);
  if (inode < 0) return -1;
  for (int i = 0; i < MAX_FILES; i++) {
    if (process->files[i].kind != CLOSED) continue;
    process->files[i] = (struct open_file){FILE_ON_DISK, (uint32_t)inode, 0};
    return i;
  }
  return -1;
}

static long call_close(uint64_t number) {
  struct open_file *file = file_of(number);
  if (file == NULL) return -1;
  file->kind = CLOSED;
  return 0;
}

/* Memory is there at once; a kernel that gave it when it is touched would be longer. */
static long call_grow(uint64_t bytes) {
  struct process *process = this_process();
  uint64_t start = process->heap_end, most = USER_END - USER_STACK_PAGES * PAGE_SIZE;
  if (bytes > most - start) return -1;
  uint64_t end = PAGE_OF(start + bytes + PAGE_SIZE - 1);
  if ((end - start) / PAGE_SIZE + 8 > free_page_count()) return -1;
  if (map_new_pages(process->page_table, start, end, PTE_READ | PTE_WRITE) != 0) return -1;
  /* An address without a translation may have been remembered as such. */
  __asm__ volatile("sfence.vma" : : : "memory");
  process->heap_end = end;
  return (long)start;
}

/* Looks at the time whenever the clock has ticked: a hundredth of a second is as exact as this is. */
static long call_sleep(uint64_t milliseconds) {
  uint64_t until = now() + milliseconds * (TICKS_PER_SECOND / 1000);
  while (now() < until && !this_process()->is_killed) sleep_on(harts);
  return 0;
}

static long call_name(uint64_t inode, uint64_t to) {
  char name[MAX_NAME];
  if (inode > UINT32_MAX || files_name((uint32_t)inode, name) != 0) return -1;
  if (copy_to_user(this_process()->page_table, to, name, sizeof name) != 0) return -1;
  return files_size((uint32_t)inode);
}

static long call_process(uint64_t index, uint64_t to) {
  if (index >= MAX_PROCESSES) return -1;
  const struct process *process = &processes[index];
  if (process->state == FREE) return 1;
  struct process_facts facts = {
      .pid = process->pid,
      .parent = process->parent == NULL ? 0 : process->parent->pid,
      .state = (int)process->state,
      .pages = (int)((process->heap_end - USER_BASE) / PAGE_SIZE) + (int)USER_STACK_PAGES,
      .ticks = process->ticks,
      .not_ready = process->not_ready,
  };
  copy_name(facts.name, process->name);
  return copy_to_user(this_process()->page_table, to, &facts, sizeof facts);
}

static long call(uint64_t number, uint64_t first, uint64_t second, uint64_t third) {
  switch (number) {
    case SYS_EXIT: end_process((int)first);
    case SYS_SPAWN: return call_spawn(first, second, third);
    case SYS_WAIT: return call_wait(first);
    case SYS_READ: return call_read(first, second, third);
    case SYS_WRITE: return call_write(first, second, third);
    case SYS_OPEN: return call_open(first);
    case SYS_CLOSE: return call_close(first);
    case SYS_GROW: return call_grow(first);
    case SYS_PID: return this_process()->pid;
    case SYS_YIELD: yield(); return 0;
    case SYS_SLEEP: return call_sleep(first);
    case SYS_KILL: return kill_process((int)first);
    case SYS_TIME: return (long)now();
    case SYS_NAME: return call_name(first, second);
    case SYS_PROCESS: return call_process(first, second);
    case SYS_FREE: return (long)free_page_count();
    default: return -1;
  }
}

void system_call(struct trap_frame *frame) {
  long result = call(frame->x[REGISTER_A7], frame->x[REGISTER_A0], frame->x[REGISTER_A1], frame->x[REGISTER_A2]);
  frame->x[REGISTER_A0] = (uint64_t)result;
}
