/*
 * Pages of memory: which are free. Those that were given back are in a list beside them, so that nobody touches a page to give it
 * back: a machine may have put it away (async_pages.c), and would have to bring it for that. Those that nobody has had yet are the
 * ones from `unused` on.
 */
#include "../include/hindcast.h"
#include "kernel.h"

extern char kernel_end[]; /* kernel.ld */

static uint32_t *given_back; /* numbers of pages: the first is `memory_first` */
static uint64_t free_count;
static uint64_t memory_first, unused, memory_end;

/* The pages between the kernel and the end of memory. */
void memory_start(uint64_t end_of_memory) {
  uint64_t first = PAGE_OF((uint64_t)kernel_end + PAGE_SIZE - 1);
  given_back = (uint32_t *)first;
  memory_first = unused = PAGE_OF(first + (end_of_memory - first) / PAGE_SIZE * sizeof *given_back + PAGE_SIZE - 1);
  memory_end = end_of_memory;
}

void *allocate_page(void) {
  uint64_t page = unused;
  if (free_count > 0) page = memory_first + given_back[--free_count] * PAGE_SIZE;
  else if (unused < memory_end) unused += PAGE_SIZE;
  else return NULL;
  return memset((void *)page, 0, PAGE_SIZE);
}

void free_page(void *address) {
  uint64_t number = (uint64_t)address;
  if (number % PAGE_SIZE != 0 || number < memory_first || number >= unused) panic("page %p is none of ours", address);
  given_back[free_count++] = (uint32_t)((number - memory_first) / PAGE_SIZE);
}

uint64_t free_page_count(void) { return free_count + (memory_end - unused) / PAGE_SIZE; }

/* A free page is in nobody's use, and has been had by somebody. For checks. */
void check_free_pages(const uint64_t *in_use, uint64_t count) {
  for (uint64_t i = 0; i < free_count; i++) {
    uint64_t page = memory_first + given_back[i] * PAGE_SIZE, number = (page - USER_END) / PAGE_SIZE;
    if (page >= unused) hindcast_fail("page %p was given back, and nobody has had it", (void *)page);
    if (number < count && (in_use[number / 64] >> number % 64 & 1)) hindcast_fail("page %p is free and in use", (void *)page);
  }
}
