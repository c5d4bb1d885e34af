/* Matrices of integers: products in 64 and 32 bits, a transposition, a power modulo a prime, and shortest ways between
   all pairs of places. */
#include "bench.h"

#define SIZE 36
#define MODULUS 1000003u

static int64_t wide_left[SIZE][SIZE], wide_right[SIZE][SIZE], wide[SIZE][SIZE];
static int32_t left[SIZE][SIZE], right[SIZE][SIZE], product[SIZE][SIZE], distance[SIZE][SIZE];

static void fill(void) {
  uint64_t seed = 0x3a781c;
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      uint64_t value = next_random(&seed);
      wide_left[row][column] = (int64_t)value >> 20;
      wide_right[row][column] = (int64_t)(value << 17) >> 23;
      left[row][column] = (int32_t)(value % MODULUS);
      right[row][column] = (int32_t)(value >> 40);
      distance[row][column] = row == column ? 0 : (int32_t)(value >> 13 & 0xffff) + 1;
    }
  }
}

static void multiply_wide(void) {
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      int64_t value = 0;
      for (int n = 0; n < SIZE; n++) value += wide_left[row][n] * wide_right[n][column];
      wide[row][column] = value;
    }
  }
}

static void multiply_modular(int32_t a[SIZE][SIZE], int32_t b[SIZE][SIZE], int32_t to[SIZE][SIZE]) {
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      uint64_t value = 0;
      for (int n = 0; n < SIZE; n++) value += (uint64_t)a[row][n] * (uint32_t)b[n][column];
      to[row][column] = (int32_t)(value % MODULUS);
    }
  }
}

static void transpose(int32_t matrix[SIZE][SIZE]) {
  for (int row = 1; row < SIZE; row++) {
    for (int column = 0; column < row; column++) {
      int32_t value = matrix[row][column];
      matrix[row][column] = matrix[column][row];
      matrix[column][row] = value;
    }
  }
}

static void shorten_ways(void) {
  for (int over = 0; over < SIZE; over++) {
    for (int from = 0; from < SIZE; from++) {
      int32_t first = distance[from][over];
      for (int to = 0; to < SIZE; to++) {
        int32_t sum = first + distance[over][to];
        if (sum < distance[from][to]) distance[from][to] = sum;
      }
    }
  }
}

static uint64_t round_of_work(void) {
  fill();
  multiply_wide();
  multiply_modular(left, left, product);
  transpose(product);
  multiply_modular(product, right, left);
  shorten_ways();
  uint64_t sum = 0;
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      sum = mixed(sum, (uint64_t)wide[row][column]);
      sum = mixed(sum, (uint64_t)left[row][column] << 32 | (uint32_t)distance[row][column]);
    }
  }
  return sum;
}

int main(void) { return run_rounds(round_of_work); }
