/* Floating point: linear algebra. A system of equations by LU decomposition with pivots, its residue, and a product of
   matrices. */
#include "bench.h"

#define SIZE 28

static double matrix[SIZE][SIZE], factors[SIZE][SIZE], square[SIZE][SIZE], wanted[SIZE], solution[SIZE];
static int order[SIZE];

static void fill(void) {
  uint64_t seed = 0x11ea8;
  for (int row = 0; row < SIZE; row++) {
    wanted[row] = (double)(int64_t)next_random(&seed) * 0x1p-60;
    for (int column = 0; column < SIZE; column++) matrix[row][column] = (double)(int64_t)next_random(&seed) * 0x1p-62;
  }
}

static void decompose(void) {
  for (int row = 0; row < SIZE; row++) {
    order[row] = row;
    for (int column = 0; column < SIZE; column++) factors[row][column] = matrix[row][column];
  }
  for (int step = 0; step < SIZE; step++) {
    int pivot = step;
    for (int row = step + 1; row < SIZE; row++) {
      if (__builtin_fabs(factors[row][step]) > __builtin_fabs(factors[pivot][step])) pivot = row;
    }
    int place = order[pivot];
    order[pivot] = order[step];
    order[step] = place;
    for (int column = 0; column < SIZE; column++) {
      double value = factors[pivot][column];
      factors[pivot][column] = factors[step][column];
      factors[step][column] = value;
    }
    for (int row = step + 1; row < SIZE; row++) {
      double factor = factors[row][step] /= factors[step][step];
      for (int column = step + 1; column < SIZE; column++) factors[row][column] -= factor * factors[step][column];
    }
  }
}

static void solve(void) {
  for (int row = 0; row < SIZE; row++) {
    double value = wanted[order[row]];
    for (int column = 0; column < row; column++) value -= factors[row][column] * solution[column];
    solution[row] = value;
  }
  for (int row = SIZE - 1; row >= 0; row--) {
    double value = solution[row];
    for (int column = row + 1; column < SIZE; column++) value -= factors[row][column] * solution[column];
    solution[row] = value / factors[row][row];
  }
}

static double residue(void) {
  double worst = 0;
  for (int row = 0; row < SIZE; row++) {
    double value = -wanted[row];
    for (int column = 0; column < SIZE; column++) value += matrix[row][column] * solution[column];
    if (__builtin_fabs(value) > worst) worst = __builtin_fabs(value);
  }
  return worst;
}

static uint64_t round_of_work(void) {
  fill();
  decompose();
  solve();
  check(residue() < 1e-9);
  uint64_t sum = bits_of(residue());
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      double value = 0;
      for (int n = 0; n < SIZE; n++) value += matrix[row][n] * factors[n][column];
      square[row][column] = value;
    }
    sum = mixed(sum, bits_of(square[row][row]) ^ bits_of(solution[row]));
  }
  return sum;
}

int main(void) {
  enable_floating_point();
  return run_rounds(round_of_work);
}
