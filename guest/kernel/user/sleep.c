/* For so many milliseconds. */
#include "user.h"

int main(int argc, char **argv) {
  if (argc > 1) sleep_ms(number(argv[1]));
  return 0;
}
