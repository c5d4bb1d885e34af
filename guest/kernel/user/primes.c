/* Computes, and touches little memory: how many primes there are below a number. `primes 20000 3` does it three times. */
#include "user.h"

static int is_prime(unsigned long n) {
  if (n < 2) return 0;
  for (unsigned long divisor = 2; divisor * divisor <= n; divisor++)
    if (n % divisor == 0) return 0;
  return 1;
}

int main(int argc, char **argv) {
  unsigned long end = argc > 1 ? number(argv[1]) : 10000, rounds = argc > 2 ? number(argv[2]) : 1;
  for (unsigned long round = 0; round < rounds; round++) {
    unsigned long count = 0;
    for (unsigned long n = 0; n < end; n++) count += (unsigned long)is_prime(n);
    print("primes: %lu below %lu\n", count, end);
  }
  return 0;
}
