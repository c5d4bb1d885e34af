/* Strings and blocks of memory: text taken apart into words and put together again, patterns searched, lengths and
   comparisons, numbers read and written, blocks copied by bytes and by words and turned around. */
#include "bench.h"

#define TEXT_BYTES 16384
#define WORDS 4096

static char text[TEXT_BYTES + 1], other[TEXT_BYTES + 1], upper[TEXT_BYTES + 1];
static uint64_t block[TEXT_BYTES / 8], turned[TEXT_BYTES / 8];
static uint16_t word_at[WORDS];

static void write_text(void) {
  uint64_t seed = 0x57217;
  int at = 0;
  while (at < TEXT_BYTES) {
    int letters = (int)(next_random(&seed) >> 60) % 9 + 1;
    while (letters-- > 0 && at < TEXT_BYTES) text[at++] = (char)('a' + (next_random(&seed) >> 40) % 26);
    if (at < TEXT_BYTES) text[at++] = next_random(&seed) >> 61 == 0 ? '\n' : ' ';
  }
}

static int split(char *string) {
  int words = 0;
  for (char *at = string; *at;) {
    while (*at == ' ' || *at == '\n') at++;
    if (*at == 0) break;
    if (words < WORDS) word_at[words++] = (uint16_t)(at - string);
    while (*at && *at != ' ' && *at != '\n') at++;
    if (*at) *at++ = 0;
  }
  return words;
}

/* Horspool's search. */
static int occurrences(const char *haystack, int length, const char *needle) {
  int size = (int)strlen(needle), found = 0;
  int skip[256];
  for (int n = 0; n < 256; n++) skip[n] = size;
  for (int n = 0; n < size - 1; n++) skip[(uint8_t)needle[n]] = size - 1 - n;
  for (int at = 0; at + size <= length; at += skip[(uint8_t)haystack[at + size - 1]]) {
    int n = size - 1;
    while (n >= 0 && haystack[at + n] == needle[n]) n--;
    found += n < 0;
  }
  return found;
}

static uint64_t numbers_through_text(uint64_t sum) {
  char digits[24];
  for (int n = 0; n < 300; n++) {
    uint64_t value = sum >> (n & 31), back = 0;
    int count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (count > 0) back = back * 10 + (uint64_t)(digits[--count] - '0');
    check(back == sum >> (n & 31));
    sum = mixed(sum, back >> 7);
  }
  return sum;
}

static uint64_t round_of_work(void) {
  uint64_t sum = 0;
  memcpy(other, text, sizeof text);
  for (int n = 0; n <= TEXT_BYTES; n++) upper[n] = text[n] >= 'a' && text[n] <= 'z' ? (char)(text[n] - 32) : text[n];
  static const char *const needles[] = {"e", "th", "abc", "qu ", "hindcast"};
  for (int n = 0; n < 5; n++) sum = mixed(sum, (uint64_t)occurrences(text, TEXT_BYTES, needles[n]));
  int words = split(other);
  uint64_t before = 0, length = 0;
  for (int n = 1; n < words; n++) {
    before += strcmp(other + word_at[n - 1], other + word_at[n]) < 0;
    length += strlen(other + word_at[n]);
  }
  sum = mixed(sum, before << 32 | length);
  for (int n = 0; n < TEXT_BYTES; n++) sum += (uint64_t)(uint8_t)upper[n] << (n & 15);
  memmove(other + 3, other, TEXT_BYTES / 2);
  memset(upper, 'x', TEXT_BYTES / 2);
  check(memcmp(upper, upper + 1, TEXT_BYTES / 2 - 1) == 0);
  for (int pass = 0; pass < 8; pass++) {
    for (int n = 0; n < TEXT_BYTES / 8; n++) block[n] = sum + (uint64_t)n * 0x0101010101010101u;
    for (int n = 0; n < TEXT_BYTES / 8; n++) turned[TEXT_BYTES / 8 - 1 - n] = block[n];
    for (int n = 0; n < TEXT_BYTES / 8; n++) block[n] = turned[n] ^ block[n];
    sum = mixed(sum, block[pass]);
  }
  return numbers_through_text(sum);
}

int main(void) {
  write_text();
  return run_rounds(round_of_work);
}
