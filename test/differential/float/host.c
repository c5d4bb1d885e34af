// Floating point as the host's processor does it: a third opinion on the exact arithmetic, in the four rounding modes that
// it has. Reads cases of 32 bytes from standard input and writes 16 for each: the result's bits and the flags raised.
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct request {
  uint8_t operation, size, mode, unused[5];
  uint64_t a, b, c;
};
struct answer {
  uint64_t bits, flags;
};

// Positions in the tables of host.test.ts.
enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, SQUARE_ROOT, MULTIPLY_ADD, EQUAL, LESS, LESS_OR_EQUAL, RESIZE, FROM_L, TO_L };
static const int MODES[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

#define CALCULATE(name, type, bits_type, other_type, other_bits_type, square_root, multiply_add)           \
  static uint64_t name(const struct request *request) {                                                  \
    bits_type bits[3] = {(bits_type)request->a, (bits_type)request->b, (bits_type)request->c}, result;   \
    volatile type a, b, c, r;                                                                            \
    memcpy((void *)&a, &bits[0], sizeof a);                                                              \
    memcpy((void *)&b, &bits[1], sizeof b);                                                              \
    memcpy((void *)&c, &bits[2], sizeof c);                                                              \
    switch (request->operation) {                                                                        \
      case ADD: r = a + b; break;                                                                        \
      case SUBTRACT: r = a - b; break;                                                                   \
      case MULTIPLY: r = a * b; break;                                                                   \
      case DIVIDE: r = a / b; break;                                                                     \
      case SQUARE_ROOT: r = square_root(a); break;                                                       \
      case MULTIPLY_ADD: r = multiply_add(a, b, c); break;                                               \
      case EQUAL: return a == b;                                                                         \
      case LESS: return a < b;                                                                           \
      case LESS_OR_EQUAL: return a <= b;                                                                 \
      case FROM_L: r = (type)(volatile int64_t){(int64_t)request->a}; break;                             \
      case TO_L: return (uint64_t)(int64_t)a;                                                            \
      default: {                                                                                         \
        volatile other_type other = (other_type)a;                                                       \
        other_bits_type other_bits;                                                                      \
        memcpy(&other_bits, (void *)&other, sizeof other);                                               \
        return other_bits;                                                                               \
      }                                                                                                  \
    }                                                                                                    \
    memcpy(&result, (void *)&r, sizeof r);                                                               \
    return result;                                                                                       \
  }

CALCULATE(in_single, float, uint32_t, double, uint64_t, sqrtf, fmaf)
CALCULATE(in_double, double, uint64_t, float, uint32_t, sqrt, fma)

int main(void) {
  struct request request;
  while (fread(&request, sizeof request, 1, stdin) == 1) {
    struct answer answer;
    fesetround(MODES[request.mode]);
    feclearexcept(FE_ALL_EXCEPT);
    answer.bits = request.size == 0 ? in_single(&request) : in_double(&request);
    int raised = fetestexcept(FE_ALL_EXCEPT);
    fesetround(FE_TONEAREST);
    answer.flags = (raised & FE_INEXACT ? 1 : 0) | (raised & FE_UNDERFLOW ? 2 : 0) | (raised & FE_OVERFLOW ? 4 : 0) |
                   (raised & FE_DIVBYZERO ? 8 : 0) | (raised & FE_INVALID ? 16 : 0);
    fwrite(&answer, sizeof answer, 1, stdout);
  }
  return 0;
}
