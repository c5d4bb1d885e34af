/*
 * Work of the machine that others need not wait for (docs/async-pages.md).
 *
 * A machine may have put a page of memory away. When a program touches it, the hart would have to stand still until the page
 * is back. A machine with this interface says so instead: it raises the exception "page not ready" and gives a number, the token. The
 * program sleeps on the token, others run; when the page is there the machine interrupts and says which token is done.
 *
 * The two messages can overtake each other: a page may be there before its process has gone to sleep. So tokens that are done and
 * were not asked for yet are remembered. That is all there is to lose here, and it would be a process that never wakes.
 */
#include "kernel.h"

#define SBI_ASYNC_PAGES 0x09000000
#define SBI_REGISTER 0

#define READY_TOKENS 16
#define MAX_TOKENS (2 * MAX_PROCESSES)

/* Shared with the machine, one for each hart. */
static struct area {
  volatile uint32_t token;    /* of the exception; the machine raises no other before it is 0 again */
  volatile uint32_t may_wait; /* in supervisor mode, too: the kernel can sleep where it is */
  volatile uint32_t ready_end; /* the machine has put so many tokens into `ready` */
  volatile uint32_t ready_start; /* and the kernel has taken so many out */
  volatile uint32_t ready[READY_TOKENS];
  char running[32]; /* who runs here, for people: the machine only shows it */
} __attribute__((aligned(128))) areas[MAX_HARTS];

static struct waiting {
  uint32_t token; /* 0: this one is not in use */
  int sleepers;
  int is_done;
  int is_abandoned; /* all its sleepers were killed */
  uint64_t since;
} waiting[MAX_TOKENS];
static uint64_t tokens_seen;

static int is_there;

static struct area *this_area(void) { return &areas[this_hart() - harts]; }

void async_pages_start(const struct device_facts *facts) {
  is_there = facts->has_async_pages && sbi_call(SBI_BASE, SBI_PROBE, SBI_ASYNC_PAGES, 0, 0).value != 0;
  if (is_there) print("The machine tells when pages are not ready.\n");
}

void async_pages_start_hart(void) {
  if (!is_there) return;
  if (sbi_call(SBI_ASYNC_PAGES, SBI_REGISTER, (uint64_t)this_area(), sizeof(struct area), 0).error != 0)
    panic("the machine does not take our area");
}

/* This hart switches to a process: "walk.5". NULL: to none. */
void async_pages_show(const struct process *process) {
  char *to = this_area()->running, digits[12];
  int count = 0;
  if (process != NULL) {
    for (const char *name = process->name; *name != 0 && to < this_area()->running + 18;) *to++ = *name++;
    *to++ = '.';
    for (int rest = process->pid; rest > 0; rest /= 10) digits[count++] = (char)('0' + rest % 10);
    while (count > 0) *to++ = digits[--count];
  }
  *to = 0;
}

/* Shall an access of the kernel's own, to memory of users, be told that a page is not ready? */
void accesses_may_wait(int may_wait) { this_area()->may_wait = is_there && may_wait; }

/*
 * What is known of the token. When there is no room, a token goes that is done and that nobody asked for, the oldest: one that
 * the machine said twice. NULL: all are slept on.
 */
static struct waiting *find(uint32_t token) {
  struct waiting *room = NULL;
  for (int i = 0; i < MAX_TOKENS; i++) {
    struct waiting *entry = &waiting[i];
    if (entry->token == token) return entry;
    if (entry->token != 0 && (entry->sleepers > 0 || !entry->is_done)) continue;
    if (room == NULL || entry->token == 0 || (room->token != 0 && entry->since < room->since)) room = entry;
  }
  if (room != NULL) *room = (struct waiting){.token = token, .since = ++tokens_seen};
  return room;
}

/*
 * The exception. The access is tried again afterwards, whatever happened here. 0, or -1: it was none.
 *
 * `may_wait` stays 0. On its way back into the kernel a hart has in sepc and sstatus where it goes on; were it told of another page there,
 * it would lose that. So what is left of the copy waits, should its page have gone again.
 */
int page_not_ready(void) {
  struct area *area = this_area();
  uint32_t token = area->token;
  if (!is_there || token == 0) return -1;
  area->may_wait = 0;
  area->token = 0;
  struct waiting *entry = find(token);
  if (entry != NULL) {
    struct process *process = this_process();
    process->not_ready++;
    entry->is_abandoned = 0;
    entry->sleepers++;
    while (!entry->is_done && !process->is_killed) sleep_on(entry);
    if (--entry->sleepers == 0) {
      if (entry->is_done) entry->token = 0;
      else entry->is_abandoned = 1;
    }
  }
  return 0;
}

/* The interrupt: of any hart, for all. */
void pages_ready(void) {
  for (int i = 0; i < MAX_HARTS; i++) {
    struct area *area = &areas[i];
    while (area->ready_start != area->ready_end) {
      fence();
      struct waiting *entry = find(area->ready[area->ready_start % READY_TOKENS]);
      fence();
      area->ready_start++;
      if (entry == NULL) continue;
      entry->is_done = 1;
      if (entry->is_abandoned) entry->token = 0;
      else wake_up_first(entry); /* its time went on while it slept */
    }
  }
}
