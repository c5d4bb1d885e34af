/*
 * Pages of memory: which are free. A page that was given back begins with the address of the next one that was; pages that nobody
 * has had yet need not be touched for that: they are those from `unused` on.
 */
#include "../include/hindcast.h"
#include "kernel.h"

struct free_page {
  struct free_page *next;
};

extern char kernel_end[]; /* kernel.ld */

static struct free_page *first_free;
static uint64_t free_count;
static uint64_t memory_first, unused, memory_end;

/* The pages between the kernel and the end of memory. */
void memory_start(uint64_t end_of_memory) {
  memory_first = unused = PAGE_OF((uint64_t)kernel_end + PAGE_SIZE - 1);
  memory_end = end_of_memory;
}

void *allocate_page(void) {
  struct free_page *page = first_free;
  if (page != NULL) {
    first_free = page->next;
    free_count--;
  } else if (unused < memory_end) {
    page = (struct free_page *)unused;
    unused += PAGE_SIZE;
  } else {
    return NULL;
  }
  return memset(page, 0, PAGE_SIZE);
}

void free_page(void *address) {
  uint64_t number = (uint64_t)address;
  if (number % PAGE_SIZE != 0 || number < memory_first || number >= unused) panic("page %p is none of ours", address);
  struct free_page *page = address;
  page->next = first_free;
  first_free = page;
  free_count++;
}

uint64_t free_page_count(void) { return free_count + (memory_end - unused) / PAGE_SIZE; }

/* A free page is in nobody's use, and the list is as long as it says. For checks. */
void check_free_pages(const uint64_t *in_use, uint64_t count) {
  uint64_t length = 0;
  for (const struct free_page *page = first_free; page != NULL && length <= free_count; page = page->next, length++) {
    uint64_t number = ((uint64_t)page - USER_END) / PAGE_SIZE;
    if (number < count && (in_use[number / 64] >> number % 64 & 1)) hindcast_fail("page %p is free and in use", page);
  }
  if (length != free_count) hindcast_fail("%lu pages are said to have been given back, and %lu were", free_count, length);
}
