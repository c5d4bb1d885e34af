/* The processes: how long each was in user mode, and how often it slept because the machine did not have a page. */
#include "user.h"

int main(void) {
  static const char *const states[] = {"?", "waits", "runs", "sleeps", "ended"};
  struct process_facts facts;
  print(" pid parent state   pages     ms not-ready name\n");
  for (unsigned long n = 0;; n++) {
    long result = system_call(n, (unsigned long)&facts, 0, SYS_PROCESS);
    if (result < 0) break;
    if (result > 0) continue;
    print("%4d %6d %-7s %5d %6lu %9lu %s\n", facts.pid, facts.parent, states[facts.state], facts.pages,
          facts.ticks / 10000, facts.not_ready, facts.name);
  }
  print("%ld pages are free.\n", system_call(0, 0, 0, SYS_FREE));
  return 0;
}
