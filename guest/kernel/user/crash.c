/* Does what it may not: `crash 1` writes to the kernel, `crash 2` executes data, `crash 3` is no instruction; else it reads from nowhere. */
#include "user.h"

static uint32_t data[4] = {0x8067}; /* ret */

int main(int argc, char **argv) {
  unsigned long which = argc > 1 ? number(argv[1]) : 0;
  if (which == 1) *(volatile int *)0x80200000ul = 0;
  if (which == 2) ((void (*)(void))(unsigned long)data)();
  if (which == 3) __asm__ volatile(".word 0");
  return *(volatile int *)8;
}
