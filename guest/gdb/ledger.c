/* A ledger with a bug, for gdb to find backwards: every seventh day somebody pays a fee who should not. Two harts: the
   second one counts meanwhile. */
#include "../c/runtime/runtime.h"

#define ACCOUNTS 4
#define DAYS 60
#define WEEK 7

struct account {
  long balance;
  const char *owner;
};

struct ledger {
  long fees[WEEK - 1]; /* one for each day of the week; but the week has seven */
  struct account accounts[ACCOUNTS];
};

struct ledger ledger = {.accounts = {{100, "Ada"}, {250, "Bob"}, {75, "Cyd"}, {900, "Dan"}}};
volatile long counted;
double rate = 0.5;

static long interest(const struct account *account) {
  return account->balance / 25;
}

void deposit(struct account *account, long amount) {
  account->balance += amount;
  print("%s has %ld\n", account->owner, account->balance);
}

void charge(int day) {
  ledger.fees[day % WEEK] -= 3;
}

int main(void) {
  asm volatile("csrs mstatus, %0" : : "r"(1 << 13)); /* FS: floating point is on */
  for (int day = 0; day < DAYS; day++) {
    charge(day);
    rate += 0.25;
    if (day % 15 == 14)
      for (int i = 0; i < ACCOUNTS; i++) deposit(&ledger.accounts[i], interest(&ledger.accounts[i]));
  }
  *(volatile uint32_t *)0x100000 = 0x5555; /* the test finisher: the end, with exit code 0 */
  for (;;) continue;
}

/* The second hart has a stack of its own, of which it uses little. */
long second_stack[64];

void count_on(void) {
  for (;;) counted = counted + 1;
}

__attribute__((naked)) void other_hart(void) {
  asm volatile("la sp, second_stack + 512\n\tcall count_on");
}
