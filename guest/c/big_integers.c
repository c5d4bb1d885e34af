/* Multi-word arithmetic: a factorial, digits of pi, modular powers with 128-bit products, primes. */
#include "runtime/runtime.h"

#define LIMBS 64

struct number {
  int length;
  uint32_t limbs[LIMBS];
};

static void multiply_small(struct number *number, uint32_t factor) {
  uint64_t carry = 0;
  for (int n = 0; n < number->length; n++) {
    carry += (uint64_t)number->limbs[n] * factor;
    number->limbs[n] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry == 0) return;
  check(number->length < LIMBS);
  number->limbs[number->length++] = (uint32_t)carry;
}

static uint32_t divide_small(struct number *number, uint32_t divisor) {
  uint64_t rest = 0;
  for (int n = number->length; n-- > 0;) {
    rest = rest << 32 | number->limbs[n];
    number->limbs[n] = (uint32_t)(rest / divisor);
    rest %= divisor;
  }
  while (number->length > 1 && number->limbs[number->length - 1] == 0) number->length--;
  return (uint32_t)rest;
}

static void print_decimal(struct number number) {
  uint32_t groups[LIMBS * 2];
  int count = 0;
  while (number.length > 1 || number.limbs[0] != 0) groups[count++] = divide_small(&number, 1000000000);
  print("%u", count == 0 ? 0 : groups[--count]);
  while (count > 0) print("%09u", groups[--count]);
  put_character('\n');
}

static uint64_t power_modulo(uint64_t base, uint64_t exponent, uint64_t modulus) {
  uint64_t result = 1;
  for (base %= modulus; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = (uint64_t)((unsigned __int128)result * base % modulus);
    base = (uint64_t)((unsigned __int128)base * base % modulus);
  }
  return result;
}

/* Miller and Rabin's test; these bases decide every number below 2^64. */
static int is_prime(uint64_t candidate) {
  static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
  for (int n = 0; n < 12; n++) {
    if (candidate % bases[n] == 0) return candidate == bases[n];
  }
  uint64_t odd = candidate - 1;
  int twos = 0;
  for (; (odd & 1) == 0; odd >>= 1) twos++;
  for (int n = 0; n < 12; n++) {
    uint64_t power = power_modulo(bases[n], odd, candidate);
    int witness = power != 1 && power != candidate - 1;
    for (int square = 1; witness && square < twos; square++) {
      power = (uint64_t)((unsigned __int128)power * power % candidate);
      if (power == candidate - 1) witness = 0;
    }
    if (witness) return 0;
  }
  return candidate > 1;
}

static int64_t greatest_common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a < 0 ? -a : a;
}

/* Rabinowitz and Wagon's spigot. */
static void print_pi(int digits) {
  int length = digits * 10 / 3 + 1;
  int *remainders = allocate((size_t)length * sizeof *remainders);
  for (int n = 0; n < length; n++) remainders[n] = 2;
  int nines = 0, held = 0;
  for (int digit = 0; digit < digits; digit++) {
    int carry = 0;
    for (int n = length; n > 0; n--) {
      int value = 10 * remainders[n - 1] + carry * n;
      remainders[n - 1] = value % (2 * n - 1);
      carry = value / (2 * n - 1);
    }
    remainders[0] = carry % 10;
    carry /= 10;
    if (carry == 9) {
      nines++;
      continue;
    }
    if (digit > 0) put_character((char)('0' + held + carry / 10));
    for (; nines > 0; nines--) put_character(carry == 10 ? '0' : '9');
    held = carry % 10;
  }
  print("%d\n", held);
}

int main(void) {
  struct number factorial = {1, {1}};
  for (uint32_t n = 2; n <= 200; n++) multiply_small(&factorial, n);
  print_decimal(factorial);
  for (uint32_t n = 200; n >= 2; n--) check(divide_small(&factorial, n) == 0);
  check(factorial.length == 1 && factorial.limbs[0] == 1);

  print_pi(100);
  check(is_prime(18446744073709551557u) && !is_prime(18446744073709551556u) && !is_prime(3215031751u));
  uint64_t prime = (uint64_t)1 << 62;
  for (int found = 0; found < 3; prime++) {
    if (!is_prime(prime)) continue;
    print("%lu\n", prime);
    found++;
  }
  check(greatest_common_divisor(-2147483648L * 3, 2147483648L * 5) == 2147483648L);
  return 0;
}
