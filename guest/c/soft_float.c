/* Floating point without the F extension: the compiler's library does it in integers, with long bit manipulations. */
#include "runtime/runtime.h"

struct body {
  double x, y, z, vx, vy, vz, mass;
};

static double square_root(double value) {
  double root = value > 1 ? value : 1;
  for (int n = 0; n < 40; n++) root = 0.5 * (root + value / root);
  return root;
}

static double energy(const struct body *bodies, int count) {
  double sum = 0;
  for (int a = 0; a < count; a++) {
    sum += 0.5 * bodies[a].mass * (bodies[a].vx * bodies[a].vx + bodies[a].vy * bodies[a].vy + bodies[a].vz * bodies[a].vz);
    for (int b = a + 1; b < count; b++) {
      double dx = bodies[a].x - bodies[b].x, dy = bodies[a].y - bodies[b].y, dz = bodies[a].z - bodies[b].z;
      sum -= bodies[a].mass * bodies[b].mass / square_root(dx * dx + dy * dy + dz * dz);
    }
  }
  return sum;
}

static void advance(struct body *bodies, int count, double step) {
  for (int a = 0; a < count; a++) {
    for (int b = a + 1; b < count; b++) {
      double dx = bodies[a].x - bodies[b].x, dy = bodies[a].y - bodies[b].y, dz = bodies[a].z - bodies[b].z;
      double squared = dx * dx + dy * dy + dz * dz;
      double pull = step / (squared * square_root(squared));
      bodies[a].vx -= dx * bodies[b].mass * pull;
      bodies[a].vy -= dy * bodies[b].mass * pull;
      bodies[a].vz -= dz * bodies[b].mass * pull;
      bodies[b].vx += dx * bodies[a].mass * pull;
      bodies[b].vy += dy * bodies[a].mass * pull;
      bodies[b].vz += dz * bodies[a].mass * pull;
    }
  }
  for (int a = 0; a < count; a++) {
    bodies[a].x += step * bodies[a].vx;
    bodies[a].y += step * bodies[a].vy;
    bodies[a].z += step * bodies[a].vz;
  }
}

static uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

int main(void) {
  struct body bodies[3] = {
      {0, 0, 0, 0, 0, 0, 39.5},
      {4.84, -1.16, -0.10, 0.6, 2.8, -0.02, 0.037},
      {8.34, 4.12, -0.4, -1.01, 1.82, 0.008, 0.011},
  };
  print("energy %016lx\n", bits_of(energy(bodies, 3)));
  for (int n = 0; n < 6; n++) advance(bodies, 3, 0.01);
  print("energy %016lx\n", bits_of(energy(bodies, 3)));

  float sum = 0;
  uint64_t state = 3;
  for (int n = 0; n < 200; n++) sum += (float)(int32_t)next_random(&state) / (float)(n + 1);
  print("sum %d, infinite %016lx, not a number %d, tiny %016lx\n", (int)(sum / 1000), bits_of(1e300 * 1e300 + sum),
        (0.0 / (sum - sum)) != 0, bits_of(1e-300 * 1e-12));
  return 0;
}
