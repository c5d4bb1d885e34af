/* Floating point as programs use it: orbits, a transform, linear equations, fractals in single precision, decimal numbers. */
#include "../c/runtime/runtime.h"

#define noinline __attribute__((noinline))

static void show(const char *name, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  print("%s %016lx\n", name, bits);
}

static noinline double square_root(double value) {
  double root;
  __asm__("fsqrt.d %0, %1" : "=f"(root) : "f"(value));
  return root;
}

/* Sun and planets of one plane, by the leapfrog. */
#define BODIES 5
static double place[BODIES][3], speed[BODIES][3], mass[BODIES];

static noinline void orbits(int steps) {
  for (int step = 0; step < steps; step++) {
    for (int i = 0; i < BODIES; i++) {
      for (int j = i + 1; j < BODIES; j++) {
        double d[3], square = 1e-9;
        for (int k = 0; k < 3; k++) {
          d[k] = place[i][k] - place[j][k];
          square += d[k] * d[k];
        }
        double pull = 0.001 / (square * square_root(square));
        for (int k = 0; k < 3; k++) {
          speed[i][k] -= d[k] * mass[j] * pull;
          speed[j][k] += d[k] * mass[i] * pull;
        }
      }
    }
    for (int i = 0; i < BODIES; i++) {
      for (int k = 0; k < 3; k++) place[i][k] += 0.001 * speed[i][k];
    }
  }
}

static noinline double energy(void) {
  double sum = 0;
  for (int i = 0; i < BODIES; i++) {
    for (int k = 0; k < 3; k++) sum += 0.5 * mass[i] * speed[i][k] * speed[i][k];
    for (int j = i + 1; j < BODIES; j++) {
      double square = 0;
      for (int k = 0; k < 3; k++) square += (place[i][k] - place[j][k]) * (place[i][k] - place[j][k]);
      sum -= mass[i] * mass[j] / square_root(square);
    }
  }
  return sum;
}

/* A discrete Fourier transform; its roots of unity by repeated halving of angles. */
#define POINTS 64
static double real[POINTS], imaginary[POINTS];

static noinline void transform(double sign) {
  for (int i = 1, j = 0; i < POINTS; i++) {
    int bit = POINTS >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      double t = real[i]; real[i] = real[j]; real[j] = t;
      t = imaginary[i]; imaginary[i] = imaginary[j]; imaginary[j] = t;
    }
  }
  double c = 1, s = 0;
  for (int length = 2; length <= POINTS; length *= 2) {
    double next = length == 2 ? -1 : length == 4 ? 0 : square_root((1 + c) / 2);
    s = length == 2 ? 0 : square_root(1 - next * next);
    c = next;
    for (int start = 0; start < POINTS; start += length) {
      double wr = 1, wi = 0;
      for (int k = start; k < start + length / 2; k++) {
        int other = k + length / 2;
        double r = real[other] * wr - imaginary[other] * wi, i = real[other] * wi + imaginary[other] * wr;
        real[other] = real[k] - r; imaginary[other] = imaginary[k] - i;
        real[k] += r; imaginary[k] += i;
        double t = wr * c - wi * s * sign;
        wi = wr * s * sign + wi * c;
        wr = t;
      }
    }
  }
}

#define EQUATIONS 16
static noinline double solve(uint64_t seed) {
  static double a[EQUATIONS][EQUATIONS + 1];
  for (int i = 0; i < EQUATIONS; i++) {
    for (int j = 0; j <= EQUATIONS; j++) a[i][j] = (double)((int64_t)next_random(&seed) >> 20) / 1e9;
  }
  for (int column = 0; column < EQUATIONS; column++) {
    int pivot = column;
    for (int row = column; row < EQUATIONS; row++) {
      if (__builtin_fabs(a[row][column]) > __builtin_fabs(a[pivot][column])) pivot = row;
    }
    for (int j = 0; j <= EQUATIONS; j++) {
      double t = a[column][j]; a[column][j] = a[pivot][j]; a[pivot][j] = t;
    }
    for (int row = 0; row < EQUATIONS; row++) {
      if (row == column) continue;
      double factor = a[row][column] / a[column][column];
      for (int j = column; j <= EQUATIONS; j++) a[row][j] -= factor * a[column][j];
    }
  }
  double sum = 0;
  for (int i = 0; i < EQUATIONS; i++) sum += a[i][EQUATIONS] / a[i][i];
  return sum;
}

static noinline uint32_t mandelbrot(float x, float y) {
  float re = 0, im = 0;
  uint32_t count = 0;
  for (; count < 100 && re * re + im * im < 4.0f; count++) {
    float t = re * re - im * im + x;
    im = 2 * re * im + y;
    re = t;
  }
  return count;
}

static noinline double decimal(const char *text) {
  double value = 0, scale = 1;
  int seen = 0;
  for (; *text; text++) {
    if (*text == '.') { seen = 1; continue; }
    value = value * 10 + (*text - '0');
    if (seen) scale *= 10;
  }
  return value / scale;
}

static noinline void conversions(uint64_t seed) {
  uint64_t hash = 0;
  for (int i = 0; i < 200; i++) {
    uint64_t bits = next_random(&seed) >> (i % 64);
    double d = (double)(int64_t)bits, u = (double)bits;
    float f = (float)d, g = (float)(uint32_t)bits;
    hash = hash * 31 + (uint64_t)(int64_t)(d / 3) + (uint64_t)(uint32_t)(g / 7) + (uint64_t)(u / 5);
    hash = hash * 31 + (uint64_t)(int64_t)(int32_t)(f * 1e-9f) + (d < u) + 2 * (f >= g) + 4 * ((double)f == d);
  }
  print("conversions %016lx\n", hash);
}

int main(void) {
  __asm__ volatile("csrs mstatus, %0; fscsr zero" ::"r"(1 << 13) : "memory");
  for (int i = 0; i < BODIES; i++) {
    mass[i] = i == 0 ? 40 : 0.01 * i;
    place[i][0] = 3.0 * i; place[i][1] = 0.25 * i; place[i][2] = -0.125 * i;
    speed[i][1] = i == 0 ? 0 : 3.6 / square_root(i);
  }
  show("energy", energy());
  orbits(100);
  show("energy", energy());
  for (int mode = 0; mode < 5; mode++) {
    __asm__ volatile("fsrm %0" ::"r"(mode) : "memory");
    orbits(8);
    show("x", place[3][0]);
    show("solution", solve(mode + 1));
  }
  __asm__ volatile("fsrm zero" ::: "memory");
  uint64_t seed = 7;
  for (int i = 0; i < POINTS; i++) {
    real[i] = (double)(next_random(&seed) >> 40) - 8e6;
    imaginary[i] = 0;
  }
  transform(1);
  show("line", real[5]);
  transform(-1);
  show("point", imaginary[9] / POINTS);
  show("point", real[9] / POINTS);
  uint32_t sum = 0;
  for (int y = -10; y <= 10; y++) {
    for (int x = -20; x <= 10; x++) sum = sum * 3 + mandelbrot(x * 0.1f, y * 0.1f);
  }
  print("mandelbrot %x\n", sum);
  show("decimal", decimal("3.14159265358979323846"));
  conversions(99);
  uint64_t flags;
  __asm__ volatile("frcsr %0" : "=r"(flags));
  print("fcsr %lx\n", flags);
  __asm__ volatile("csrc mstatus, %0" ::"r"(3 << 13));
  return 0;
}
