/* Files, one behind the other; without arguments what is typed. */
#include "user.h"

static void copy(int file) {
  char part[256];
  long size;
  while ((size = read(file, part, sizeof part)) > 0) write(1, part, (size_t)size);
}

int main(int argc, char **argv) {
  if (argc < 2) copy(0);
  for (int i = 1; i < argc; i++) {
    int file = open(argv[i]);
    if (file < 0) {
      print("cat: there is no %s\n", argv[i]);
      return 1;
    }
    copy(file);
    close(file);
  }
  return 0;
}
