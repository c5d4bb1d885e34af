/* Compression: text that repeats itself, packed by references to what came before (found by chains of hashes, one place
   looked ahead), and unpacked again. */
#include "bench.h"

#define TEXT_BYTES 32768
#define HASH_BITS 12
#define NOWHERE 0xffffu
#define LEAST_MATCH 4
#define MOST_MATCH 255
#define MOST_TRIALS 24

static uint8_t text[TEXT_BYTES], packed[TEXT_BYTES * 2], unpacked[TEXT_BYTES];
static uint16_t newest[1 << HASH_BITS], older[TEXT_BYTES];

static void write_text(void) {
  static const char *const words[] = {"hart", "trap", "page", "the ", "and ", "of a ", "store", "load", "register", "translation",
                                      "supervisor", "interrupt", "\n", "; ", "atomic", "fence"};
  uint64_t seed = 0x7e87;
  size_t at = 0;
  while (at < TEXT_BYTES) {
    uint64_t chance = next_random(&seed) >> 20;
    const char *word = words[chance % 16];
    while (*word && at < TEXT_BYTES) text[at++] = (uint8_t)*word++;
    if (at < TEXT_BYTES && chance % 7 == 0) text[at++] = (uint8_t)('0' + (chance >> 8) % 10);
  }
}

static unsigned hash_at(size_t at) {
  uint32_t word = text[at] | (uint32_t)text[at + 1] << 8 | (uint32_t)text[at + 2] << 16 | (uint32_t)text[at + 3] << 24;
  return word * 2654435761u >> (32 - HASH_BITS);
}

static void remember(size_t at) {
  if (at + LEAST_MATCH > TEXT_BYTES) return;
  unsigned hash = hash_at(at);
  older[at] = newest[hash];
  newest[hash] = (uint16_t)at;
}

static int longest_match(size_t at, size_t *from) {
  if (at + LEAST_MATCH > TEXT_BYTES) return 0;
  int best = 0, most = TEXT_BYTES - at < MOST_MATCH ? (int)(TEXT_BYTES - at) : MOST_MATCH;
  unsigned candidate = newest[hash_at(at)];
  for (int trials = 0; candidate != NOWHERE && trials < MOST_TRIALS; trials++, candidate = older[candidate]) {
    int length = 0;
    while (length < most && text[candidate + length] == text[at + length]) length++;
    if (length > best) {
      best = length;
      *from = candidate;
      if (best == most) break;
    }
  }
  return best >= LEAST_MATCH ? best : 0;
}

/* A count of literals and these; then a length and a distance in two bytes. */
static size_t pack(void) {
  memset(newest, 0xff, sizeof newest);
  size_t at = 0, to = 0, literals_from = 0, from = 0;
  while (at < TEXT_BYTES) {
    int length = longest_match(at, &from);
    remember(at);
    if (length > 0 && length < 32) {
      size_t other;
      if (longest_match(at + 1, &other) > length) length = 0;
    }
    if (length == 0 && at + 1 - literals_from < 255 && at + 1 < TEXT_BYTES) {
      at++;
      continue;
    }
    if (length == 0) at++;
    packed[to++] = (uint8_t)(at - literals_from);
    while (literals_from < at) packed[to++] = text[literals_from++];
    packed[to++] = (uint8_t)length;
    size_t distance = at - from;
    packed[to++] = (uint8_t)distance;
    packed[to++] = (uint8_t)(distance >> 8);
    for (int n = 1; n < length; n++) remember(at + n);
    at += length;
    literals_from = at;
  }
  return to;
}

static size_t unpack(size_t packed_bytes) {
  size_t from = 0, to = 0;
  while (from < packed_bytes) {
    for (int literals = packed[from++]; literals > 0; literals--) unpacked[to++] = packed[from++];
    int length = packed[from++];
    size_t distance = packed[from] | (size_t)packed[from + 1] << 8;
    from += 2;
    for (; length > 0; length--, to++) unpacked[to] = unpacked[to - distance];
  }
  return to;
}

static uint64_t round_of_work(void) {
  size_t packed_bytes = pack();
  check(unpack(packed_bytes) == TEXT_BYTES);
  check(memcmp(text, unpacked, TEXT_BYTES) == 0);
  check(packed_bytes < TEXT_BYTES / 2);
  uint64_t sum = packed_bytes;
  for (size_t n = 0; n < packed_bytes; n++) sum = mixed(sum, packed[n]);
  return sum;
}

int main(void) {
  write_text();
  return run_rounds(round_of_work);
}
