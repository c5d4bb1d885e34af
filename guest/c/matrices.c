/* Integer matrices: products in three element sizes, an exact determinant, Conway's Life on packed rows. */
#include "runtime/runtime.h"

#define SIZE 24

static int8_t small[2][SIZE][SIZE];
static int32_t medium[SIZE][SIZE];
static int64_t large[2][SIZE][SIZE];

static void fill(uint64_t seed) {
  for (int m = 0; m < 2; m++) {
    for (int row = 0; row < SIZE; row++) {
      for (int column = 0; column < SIZE; column++) small[m][row][column] = (int8_t)(next_random(&seed) >> 40);
    }
  }
}

static void multiply(void) {
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      int32_t sum = 0;
      for (int k = 0; k < SIZE; k++) sum += small[0][row][k] * small[1][k][column];
      medium[row][column] = sum;
    }
  }
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      int64_t sum = 0;
      for (int k = 0; k < SIZE; k++) sum += (int64_t)medium[row][k] * medium[k][column];
      large[0][row][column] = sum;
      large[1][column][row] = sum >> 3;
    }
  }
}

/* Bareiss's algorithm: every division is exact. */
static int64_t determinant(int size) {
  int64_t matrix[8][8], previous = 1, sign = 1;
  for (int row = 0; row < size; row++) {
    for (int column = 0; column < size; column++) matrix[row][column] = small[0][row][column] % 10;
  }
  for (int step = 0; step + 1 < size; step++) {
    int pivot = step;
    while (pivot < size && matrix[pivot][step] == 0) pivot++;
    if (pivot == size) return 0;
    if (pivot != step) {
      for (int column = 0; column < size; column++) {
        int64_t swapped = matrix[step][column];
        matrix[step][column] = matrix[pivot][column];
        matrix[pivot][column] = swapped;
      }
      sign = -sign;
    }
    for (int row = step + 1; row < size; row++) {
      for (int column = step + 1; column < size; column++) {
        int64_t value = matrix[row][column] * matrix[step][step] - matrix[row][step] * matrix[step][column];
        check(value % previous == 0);
        matrix[row][column] = value / previous;
      }
    }
    previous = matrix[step][step];
  }
  return sign * matrix[size - 1][size - 1];
}

static uint64_t world[64];

static void live(void) {
  uint64_t next[64];
  for (int row = 0; row < 64; row++) {
    uint64_t ones = 0, twos = 0, fours = 0;
    for (int above = -1; above <= 1; above++) {
      uint64_t cells = world[(row + above) & 63];
      for (int aside = -1; aside <= 1; aside++) {
        if (above == 0 && aside == 0) continue;
        uint64_t shifted = aside < 0 ? cells << 1 | cells >> 63 : aside > 0 ? cells >> 1 | cells << 63 : cells;
        uint64_t carry = ones & shifted;
        ones ^= shifted;
        fours |= twos & carry;
        twos ^= carry;
      }
    }
    next[row] = ~fours & twos & (ones | world[row]);
  }
  memcpy(world, next, sizeof world);
}

int main(void) {
  for (uint64_t seed = 1; seed <= 3; seed++) {
    fill(seed);
    multiply();
    uint64_t sum = 0;
    for (int n = 0; n < SIZE * SIZE; n++) sum = sum * 31 + (uint64_t)(&large[0][0][0])[n] + (uint64_t)(&large[1][0][0])[n];
    print("seed %lu: product %016lx, determinants", seed, sum);
    for (int size = 2; size <= 7; size++) print(" %ld", determinant(size));
    put_character('\n');
  }
  uint64_t state = 77;
  for (int row = 0; row < 64; row++) world[row] = next_random(&state);
  for (int generation = 0; generation < 40; generation++) live();
  uint64_t sum = 0;
  for (int row = 0; row < 64; row++) sum = sum * 31 + world[row];
  print("life %016lx\n", sum);
  return 0;
}
