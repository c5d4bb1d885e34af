/* Replay-only code as a compiler makes it: in QEMU, on hardware and in a recorded run none of it is executed. The tests compare
   this program with QEMU, and then go through its run with checks on. */
#include "../include/hindcast.h"
#include "runtime/runtime.h"

#define SLOTS 64

struct pool {
  uint32_t used;
  uint32_t values[SLOTS];
};

static struct pool pool;
static unsigned ran;

static int disorder(const struct pool *all) {
  int found = 0;
  for (uint32_t i = 1; i < all->used; i++) found += all->values[i - 1] > all->values[i];
  return found;
}

/* Used by the program and by its checks. */
static unsigned describe(void) { return hindcast_in_replay() ? 2 : 1; }

static void insert(uint32_t value) {
  uint32_t at = pool.used++;
  /* The mistake: a value that is there already three times is put at the end. */
  unsigned same = 0;
  for (uint32_t i = 0; i < at; i++) same += pool.values[i] == value;
  for (; at > 0 && same < 3 && pool.values[at - 1] > value; at--) pool.values[at] = pool.values[at - 1];
  pool.values[at] = value;
  HINDCAST_REPLAY_ONLY {
    ran++;
    check(describe() == 2);
    if (disorder(&pool) != 0) hindcast_fail("%d of %u out of order after %s %u", disorder(&pool), pool.used, "inserting", value);
    if (pool.used % 16 != 0) continue;
    HINDCAST_REPLAY_ONLY {
      hindcast_log("%u values, mean %.3f", pool.used, (double)pool.values[pool.used / 2] / 2);
      break;
    }
    pool.used = 0;
  }
}

int main(void) {
  uint64_t state = 42;
  for (int i = 0; i < SLOTS; i++) {
    insert((uint32_t)(next_random(&state) % 24));
    check(describe() == 1);
  }
  check(ran == 0);
  print("%u values, %u out of order\n", (unsigned)pool.used, (unsigned)disorder(&pool));
  return 0;
}
