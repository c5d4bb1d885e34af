/* Text: search, split, reverse, number conversion, a pattern matcher, misaligned block moves. */
#include "runtime/runtime.h"

static const char *find(const char *text, const char *wanted) {
  for (size_t length = strlen(wanted); *text; text++) {
    if (memcmp(text, wanted, length) == 0) return text;
  }
  return 0;
}

/* Regular expressions of ., *, ^ and $ over characters. */
static int match_here(const char *pattern, const char *text);

static int match_star(char repeated, const char *pattern, const char *text) {
  do {
    if (match_here(pattern, text)) return 1;
  } while (*text != 0 && (*text++ == repeated || repeated == '.'));
  return 0;
}

static int match_here(const char *pattern, const char *text) {
  if (pattern[0] == 0) return 1;
  if (pattern[1] == '*') return match_star(pattern[0], pattern + 2, text);
  if (pattern[0] == '$' && pattern[1] == 0) return *text == 0;
  if (*text != 0 && (pattern[0] == '.' || pattern[0] == *text)) return match_here(pattern + 1, text + 1);
  return 0;
}

static int match(const char *pattern, const char *text) {
  if (pattern[0] == '^') return match_here(pattern + 1, text);
  do {
    if (match_here(pattern, text)) return 1;
  } while (*text++ != 0);
  return 0;
}

static int64_t parse_number(const char *text, int base) {
  int negative = *text == '-';
  int64_t value = 0;
  for (text += negative; *text; text++) {
    int digit = *text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10;
    value = value * base + digit;
  }
  return negative ? -value : value;
}

static void reverse(char *text) {
  for (size_t left = 0, right = strlen(text); left + 1 < right; left++) {
    char swapped = text[left];
    text[left] = text[--right];
    text[right] = swapped;
  }
}

static int is_palindrome(const char *text) {
  char letters[64];
  size_t count = 0;
  for (; *text; text++) {
    if ((*text | 0x20) >= 'a' && (*text | 0x20) <= 'z') letters[count++] = *text | 0x20;
  }
  for (size_t n = 0; n < count / 2; n++) {
    if (letters[n] != letters[count - 1 - n]) return 0;
  }
  return 1;
}

int main(void) {
  const char *text = "the quick brown fox jumps over the lazy dog";
  check(find(text, "lazy") == text + 35);
  check(find(text, "cat") == 0);
  check(match("^the.*dog$", text) && match("q..ck", text) && !match("^quick", text) && match("zz*y", text));
  check(is_palindrome("A man, a plan, a canal: Panama!"));
  check(parse_number("-9223372036854775808", 10) == INT64_MIN);
  check(parse_number("DeadBeef", 16) == 0xdeadbeef);

  char copy[64];
  memcpy(copy, text, strlen(text) + 1);
  for (char *word = copy, *end = copy;; end++) {
    if (*end != ' ' && *end != 0) continue;
    int last = *end == 0;
    *end = 0;
    reverse(word);
    print("%s%c", word, last ? '\n' : ' ');
    word = end + 1;
    if (last) break;
  }

  /* Every alignment of source and target, in words of every size: what compilers emit for packed structures. */
  uint8_t *area = allocate(256);
  uint64_t sum = 0;
  for (size_t from = 0; from < 16; from++) {
    for (size_t to = 0; to < 16; to++) {
      for (size_t n = 0; n < 64; n++) area[n] = (uint8_t)(n * 7 + from);
      *(volatile uint64_t *)(area + 64 + to) = *(volatile uint64_t *)(area + from);
      *(volatile uint32_t *)(area + 96 + to) = *(volatile uint32_t *)(area + from);
      *(volatile uint16_t *)(area + 128 + to) = *(volatile uint16_t *)(area + from);
      check(memcmp(area + 64 + to, area + from, 8) == 0);
      check(memcmp(area + 96 + to, area + from, 4) == 0);
      check(memcmp(area + 128 + to, area + from, 2) == 0);
      memmove(area + to, area + from, 32);
      for (size_t n = 0; n < 160; n++) sum = sum * 131 + area[n];
    }
  }
  print("%d %05d %x %lx %c %s %016lx\n", -42, -42, 0xabcu, sum, '!', "end", ~sum);
  return 0;
}
