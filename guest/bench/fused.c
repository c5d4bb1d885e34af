/* Floating point: fused multiplications and additions and little else. Scalar products in both precisions, polynomials by
   Horner's rule, a filter, and a product of complex numbers. */
#include "bench.h"

#define COUNT 1024
#define TAPS 16

static double left[COUNT], right[COUNT], filtered[COUNT];
static float left_single[COUNT], right_single[COUNT];

static void fill(void) {
  uint64_t seed = 0xf05ed;
  for (int n = 0; n < COUNT; n++) {
    left[n] = (double)(int64_t)next_random(&seed) * 0x1p-63;
    right[n] = (double)(int64_t)next_random(&seed) * 0x1p-63;
    left_single[n] = (float)left[n];
    right_single[n] = (float)right[n];
  }
}

/* Four sums, so that one does not wait for the other. */
static double scalar_product(void) {
  double a = 0, b = 0, c = 0, d = 0;
  for (int n = 0; n < COUNT; n += 4) {
    a = __builtin_fma(left[n], right[n], a);
    b = __builtin_fma(left[n + 1], right[n + 1], b);
    c = __builtin_fma(left[n + 2], right[n + 2], c);
    d = __builtin_fma(left[n + 3], right[n + 3], d);
  }
  return (a + b) + (c + d);
}

static double scalar_product_single(void) {
  float a = 0, b = 0;
  for (int n = 0; n < COUNT; n += 2) {
    a = __builtin_fmaf(left_single[n], right_single[n], a);
    b = __builtin_fmaf(-left_single[n + 1], right_single[n + 1], b);
  }
  return (double)a - (double)b;
}

static double polynomials(void) {
  static const double factors[] = {0.5, -0.25, 0.125, 0.0625, -0.03125, 0.2, -0.1, 0.3};
  double sum = 0;
  for (int n = 0; n < COUNT; n++) {
    double x = left[n], value = 1;
    for (int m = 0; m < 8; m++) value = __builtin_fma(value, x, factors[m]);
    sum += value;
  }
  return sum;
}

static void filter(void) {
  for (int n = 0; n + TAPS <= COUNT; n++) {
    double value = 0;
    for (int tap = 0; tap < TAPS; tap++) value = __builtin_fma(left[n + tap], right[tap], value);
    filtered[n] = value;
  }
}

static double complex_product(void) {
  double real = 1, imaginary = 0;
  for (int n = 0; n < COUNT; n++) {
    /* Numbers on the circle, nearly, so that the product neither dies away nor grows. */
    double x = 1 - 0.001 * left[n] * left[n], y = 0.04 * right[n];
    double next = __builtin_fma(real, x, -(imaginary * y));
    imaginary = __builtin_fma(real, y, imaginary * x);
    real = next;
  }
  return real + imaginary;
}

static uint64_t round_of_work(void) {
  fill();
  uint64_t sum = mixed(bits_of(scalar_product()), bits_of(scalar_product_single()));
  sum = mixed(sum, bits_of(polynomials()));
  filter();
  for (int n = 0; n + TAPS <= COUNT; n += 61) sum = mixed(sum, bits_of(filtered[n]));
  return mixed(sum, bits_of(complex_product()));
}

int main(void) {
  enable_floating_point();
  return run_rounds(round_of_work);
}
