/* Floating point: bodies under gravity, integrated by leaps; square roots and divisions among multiplications. */
#include "bench.h"

#define BODIES 6
#define LEAPS 120

static struct body {
  double place[3], speed[3], mass;
} bodies[BODIES];

static void begin(void) {
  for (int n = 0; n < BODIES; n++) {
    struct body *body = &bodies[n];
    double far = 2.5 * n;
    *body = (struct body){{far, 0.2 * n, -0.1 * n}, {0, n == 0 ? 0 : 4.0 / __builtin_sqrt(far), 0.03 * n}, n == 0 ? 40 : 0.02 / n};
  }
}

static void leap(double time) {
  for (int n = 0; n < BODIES; n++) {
    struct body *one = &bodies[n];
    for (int m = n + 1; m < BODIES; m++) {
      struct body *two = &bodies[m];
      double way[3], square = 1e-9;
      for (int axis = 0; axis < 3; axis++) {
        way[axis] = one->place[axis] - two->place[axis];
        square += way[axis] * way[axis];
      }
      double pull = time / (square * __builtin_sqrt(square));
      for (int axis = 0; axis < 3; axis++) {
        one->speed[axis] -= way[axis] * two->mass * pull;
        two->speed[axis] += way[axis] * one->mass * pull;
      }
    }
  }
  for (int n = 0; n < BODIES; n++) {
    for (int axis = 0; axis < 3; axis++) bodies[n].place[axis] += time * bodies[n].speed[axis];
  }
}

static double energy(void) {
  double sum = 0;
  for (int n = 0; n < BODIES; n++) {
    for (int axis = 0; axis < 3; axis++) sum += 0.5 * bodies[n].mass * bodies[n].speed[axis] * bodies[n].speed[axis];
    for (int m = n + 1; m < BODIES; m++) {
      double square = 0;
      for (int axis = 0; axis < 3; axis++) {
        double way = bodies[n].place[axis] - bodies[m].place[axis];
        square += way * way;
      }
      sum -= bodies[n].mass * bodies[m].mass / __builtin_sqrt(square);
    }
  }
  return sum;
}

static uint64_t round_of_work(void) {
  begin();
  uint64_t sum = bits_of(energy());
  for (int n = 0; n < LEAPS; n++) leap(0.002);
  return mixed(sum, bits_of(energy()));
}

int main(void) {
  enable_floating_point();
  return run_rounds(round_of_work);
}
