/* Hashing: SHA-256, a CRC by table, and a hash table with open addresses that words go into and come out of. */
#include "bench.h"

#define MESSAGE_BYTES 16384
#define SLOTS 4096 /* a power of two */
#define KEYS 2800

static uint32_t constants[64], start_state[8], crc_table[256];
static uint8_t message[MESSAGE_BYTES];
static struct {
  uint64_t key, count;
} slots[SLOTS];

static uint32_t root_bits(unsigned prime, int power) {
  /* The first 32 bits behind the point of the square or cube root: the root of prime * 2^(32 * power). */
  unsigned __int128 target = (unsigned __int128)prime << 32 * power;
  uint64_t root = 0;
  for (int bit = 36; bit >= 0; bit--) {
    uint64_t trial = root | 1ul << bit;
    unsigned __int128 product = (unsigned __int128)trial * trial;
    if (power == 3) product *= trial;
    if (product <= target) root = trial;
  }
  return (uint32_t)root;
}

static void make_tables(void) {
  unsigned prime = 2;
  for (int n = 0; n < 64; prime++) {
    int is_prime = 1;
    for (unsigned divisor = 2; divisor * divisor <= prime; divisor++) is_prime &= prime % divisor != 0;
    if (!is_prime) continue;
    if (n < 8) start_state[n] = root_bits(prime, 2);
    constants[n++] = root_bits(prime, 3);
  }
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
    crc_table[byte] = value;
  }
}

static uint32_t turn(uint32_t value, int by) { return value >> by | value << (32 - by); }

static void sha256_block(uint32_t state[8], const uint8_t *block) {
  uint32_t words[64], s[8];
  for (int n = 0; n < 16; n++, block += 4)
    words[n] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
  for (int n = 16; n < 64; n++) {
    uint32_t a = words[n - 15], b = words[n - 2];
    words[n] = words[n - 16] + words[n - 7] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
  }
  for (int n = 0; n < 8; n++) s[n] = state[n];
  for (int n = 0; n < 64; n++) {
    uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    uint32_t first = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + choice + constants[n] + words[n];
    uint32_t second = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + majority;
    for (int m = 7; m > 0; m--) s[m] = s[m - 1];
    s[4] += first;
    s[0] = first + second;
  }
  for (int n = 0; n < 8; n++) state[n] += s[n];
}

static uint64_t sha256_of_blocks(const uint8_t *bytes, size_t blocks) {
  uint32_t state[8];
  for (int n = 0; n < 8; n++) state[n] = start_state[n];
  for (; blocks > 0; blocks--, bytes += 64) sha256_block(state, bytes);
  return (uint64_t)state[0] << 32 | state[7];
}

static uint32_t crc(const uint8_t *bytes, size_t count) {
  uint32_t value = 0xffffffff;
  while (count-- > 0) value = crc_table[(value ^ *bytes++) & 255] ^ value >> 8;
  return ~value;
}

static unsigned slot_of(uint64_t key) {
  unsigned at = (unsigned)(mixed(key, 0x5107) >> 40) & (SLOTS - 1);
  while (slots[at].key != 0 && slots[at].key != key) at = (at + 1) & (SLOTS - 1);
  return at;
}

static uint64_t count_keys(void) {
  memset(slots, 0, sizeof slots);
  uint64_t seed = 0x7ab1e, sum = 0;
  for (int n = 0; n < 3 * KEYS; n++) {
    uint64_t key = next_random(&seed) % KEYS + 1;
    unsigned at = slot_of(key);
    slots[at].key = key;
    slots[at].count++;
  }
  for (uint64_t key = 1; key <= 2 * KEYS; key++) sum = mixed(sum, slots[slot_of(key)].count);
  return sum;
}

static uint64_t round_of_work(void) {
  uint64_t seed = 0x4a54;
  for (int n = 0; n < MESSAGE_BYTES; n += 8) {
    uint64_t value = next_random(&seed);
    for (int byte = 0; byte < 8; byte++) message[n + byte] = (uint8_t)(value >> 8 * byte);
  }
  uint64_t sum = sha256_of_blocks(message, MESSAGE_BYTES / 64);
  sum = mixed(sum, crc(message, MESSAGE_BYTES));
  return mixed(sum, count_keys());
}

int main(void) {
  make_tables();
  /* The one block of the standard's example: "abc", padded. */
  static const uint8_t abc[64] = {'a', 'b', 'c', 0x80, [63] = 24};
  check(sha256_of_blocks(abc, 1) == 0xba7816bff20015adu);
  check(crc((const uint8_t *)"123456789", 9) == 0xcbf43926);
  return run_rounds(round_of_work);
}
