/* Replay-only code inside and outside of blocks: each is told at its own line, not at one of hindcast.h. */
#include "../include/hindcast.h"
#include "runtime/runtime.h"

/* Nothing is behind it: a compiler would make a jump of the call. */
__attribute__((noinline)) static void at_the_end(void) {
  hindcast_log("a log at the end");
}

int main(void) {
  HINDCAST_REPLAY_ONLY { hindcast_log("a block"); }
  hindcast_log("a log");
  at_the_end();
  hindcast_fail("a failure");
  return 0;
}
