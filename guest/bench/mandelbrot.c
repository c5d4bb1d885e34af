/* Floating point: the set of Mandelbrot in double and in single precision; short loops whose end a comparison decides. */
#include "bench.h"

#define WIDTH 40
#define HEIGHT 24
#define MOST 60

static int escape(double real, double imaginary) {
  double x = 0, y = 0;
  for (int n = 0; n < MOST; n++) {
    double xx = x * x, yy = y * y;
    if (xx + yy > 4) return n;
    y = 2 * x * y + imaginary;
    x = xx - yy + real;
  }
  return MOST;
}

static int escape_single(float real, float imaginary) {
  float x = 0, y = 0;
  for (int n = 0; n < MOST; n++) {
    float xx = x * x, yy = y * y;
    if (xx + yy > 4) return n;
    y = 2 * x * y + imaginary;
    x = xx - yy + real;
  }
  return MOST;
}

static uint64_t round_of_work(void) {
  uint64_t sum = 0;
  for (int row = 0; row < HEIGHT; row++) {
    for (int column = 0; column < WIDTH; column++) {
      double real = -2.2 + 3.0 * column / WIDTH, imaginary = -1.2 + 2.4 * row / HEIGHT;
      sum = mixed(sum, (uint64_t)escape(real, imaginary) << 8 | (uint64_t)escape_single((float)real, (float)imaginary));
    }
  }
  return sum;
}

int main(void) {
  enable_floating_point();
  return run_rounds(round_of_work);
}
