/* Context switches: threads that hand over by themselves, a bounded channel between them, and a long jump out. */
#include "runtime/runtime.h"

/* ra, sp, s0 to s11 */
typedef uint64_t context[14];

/* Saves the caller's registers into `from` and goes on where `to` was saved. */
void switch_context(context from, context to);
/* Like setjmp: 0 when called, the other's value when jumped to. */
int save_context(context into) __attribute__((returns_twice));
__attribute__((noreturn)) void jump_to_context(context to, int value);

__asm__(
    ".macro each_saved instruction, base\n"
    "\\instruction ra, 0(\\base)\n"
    "\\instruction sp, 8(\\base)\n"
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n"
    "\\instruction s\\n, 16 + 8 * \\n(\\base)\n"
    ".endr\n"
    ".endm\n"
    ".text\n"
    ".type switch_context, @function\n"
    ".globl switch_context\n"
    "switch_context:\n"
    "each_saved sd, a0\n"
    "each_saved ld, a1\n"
    "ret\n"
    ".type save_context, @function\n"
    ".globl save_context\n"
    "save_context:\n"
    "each_saved sd, a0\n"
    "li a0, 0\n"
    "ret\n"
    ".type jump_to_context, @function\n"
    ".globl jump_to_context\n"
    "jump_to_context:\n"
    "mv t0, a0\n"
    "mv a0, a1\n"
    "each_saved ld, t0\n"
    "ret\n");

#define THREADS 5
#define STACK_SIZE 2048
#define CHANNEL_SIZE 4

struct thread {
  context saved;
  void (*body)(int);
  int number, done;
};

static struct thread threads[THREADS];
static context scheduler;
static struct thread *running;

static void yield(void) {
  switch_context(running->saved, scheduler);
}

static void start(void) {
  running->body(running->number);
  running->done = 1;
  yield();
}

static uint64_t channel[CHANNEL_SIZE];
static unsigned sent, received;

static void produce(int number) {
  for (uint64_t n = 0; n < 50; n++) {
    while (sent - received == CHANNEL_SIZE) yield();
    channel[sent++ % CHANNEL_SIZE] = n << 8 | (uint64_t)number;
    if (n % 7 == (unsigned)number) yield();
  }
}

static uint64_t digest;

static void consume(int number) {
  while (received < 100) {
    while (sent == received) {
      if (received == 100) return;
      yield();
    }
    uint64_t value = channel[received++ % CHANNEL_SIZE];
    digest = (digest ^ value ^ (uint64_t)number << 32) * 0x9e3779b97f4a7c15u;
    if (value % 3 == 0) yield();
  }
}

static context handler;

static void dig(int depth, int bottom) {
  volatile uint64_t local[8];
  if (depth > 100) return;
  local[depth % 8] = (uint64_t)depth;
  if (depth == bottom) jump_to_context(handler, (int)local[4] + 22);
  dig(depth + 1, bottom);
  check(local[depth % 8] == (uint64_t)depth);
}

int main(void) {
  void (*bodies[THREADS])(int) = {produce, consume, produce, consume, consume};
  for (int n = 0; n < THREADS; n++) {
    threads[n].body = bodies[n];
    threads[n].number = n;
    uint8_t *stack = allocate(STACK_SIZE);
    threads[n].saved[0] = (uint64_t)start;
    threads[n].saved[1] = (uint64_t)(stack + STACK_SIZE);
  }
  int alive = THREADS, switches = 0;
  while (alive > 0) {
    alive = 0;
    for (int n = 0; n < THREADS; n++) {
      if (threads[n].done) continue;
      alive++;
      switches++;
      running = &threads[n];
      switch_context(scheduler, running->saved);
    }
  }
  print("%u through the channel, %d switches, %016lx\n", received, switches, digest);

  int value = save_context(handler);
  if (value == 0) dig(0, 20);
  print("jumped back with %d\n", value);
  return value - 42;
}
