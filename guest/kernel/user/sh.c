/* The shell: a line is a program and its arguments; with & behind it the shell does not wait. */
#include "user.h"

#define MAX_WORDS 16

static char line[256];

/* Cuts the line into words; how many. */
static int split(char *at, const char **words, int most) {
  int count = 0;
  while (count < most) {
    while (*at == ' ' || *at == '\t') at++;
    if (*at == 0) break;
    words[count++] = at;
    while (*at != 0 && *at != ' ' && *at != '\t') at++;
    if (*at != 0) *at++ = 0;
  }
  return count;
}

static void report(int pid, int code) {
  if (code != 0) print("[%d ended with %d]\n", pid, code);
}

static void run(int count, const char **words) {
  int is_background = strcmp(words[count - 1], "&") == 0;
  if (is_background && --count == 0) return;
  int pid = spawn(words[0], count, words);
  if (pid < 0) {
    print("%s: no such program, or no room for it\n", words[0]);
    return;
  }
  if (is_background) {
    print("[%d]\n", pid);
    return;
  }
  for (;;) {
    int code, ended = wait(&code);
    if (ended < 0) return;
    report(ended, code);
    if (ended == pid) return;
  }
}

/* All that were started and have not ended. */
static void wait_for_all(void) {
  int code, pid;
  while ((pid = wait(&code)) >= 0) report(pid, code);
}

int main(void) {
  print("A line is a program: ls shows which there are. exit ends.\n");
  for (;;) {
    print("$ ");
    long size = read(0, line, sizeof line - 1);
    if (size <= 0) break;
    line[size] = 0;
    if (line[size - 1] == '\n') line[size - 1] = 0;
    const char *words[MAX_WORDS];
    int count = split(line, words, MAX_WORDS);
    if (count == 0) continue;
    if (strcmp(words[0], "exit") == 0) break;
    if (strcmp(words[0], "wait") == 0) wait_for_all();
    else run(count, words);
  }
  return 0;
}
