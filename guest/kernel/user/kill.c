#include "user.h"

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (kill((int)number(argv[i])) == 0) continue;
    print("kill: there is no process %s\n", argv[i]);
    return 1;
  }
  return 0;
}
