/* Checksums and a cryptographic hash, against published values. */
#include "runtime/runtime.h"

static uint32_t crc32_bitwise(const uint8_t *bytes, size_t count) {
  uint32_t crc = ~0u;
  while (count-- > 0) {
    crc ^= *bytes++;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
  }
  return ~crc;
}

static uint32_t crc32_by_table(const uint8_t *bytes, size_t count) {
  static uint32_t table[256];
  if (table[1] == 0) {
    for (uint32_t n = 0; n < 256; n++) {
      uint32_t crc = n;
      for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
      table[n] = crc;
    }
  }
  uint32_t crc = ~0u;
  while (count-- > 0) crc = crc >> 8 ^ table[(crc ^ *bytes++) & 0xff];
  return ~crc;
}

static uint32_t adler32(const uint8_t *bytes, size_t count) {
  uint32_t a = 1, b = 0;
  while (count-- > 0) {
    a = (a + *bytes++) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

static uint64_t fnv1a(const uint8_t *bytes, size_t count) {
  uint64_t hash = 0xcbf29ce484222325u;
  while (count-- > 0) hash = (hash ^ *bytes++) * 0x100000001b3u;
  return hash;
}

static uint32_t rotate_right(uint32_t word, int bits) {
  return word >> bits | word << (32 - bits);
}

/* The constants of SHA-256 are the first 32 bits of the fractional parts of roots of primes: computed here by integer
   search, since a table would test nothing but loads. */
static uint32_t root_fraction(unsigned prime, int cube) {
  uint64_t low = 0, high = (uint64_t)1 << 40;
  while (high - low > 1) {
    uint64_t middle = low + (high - low) / 2;
    unsigned __int128 power = (unsigned __int128)middle * middle;
    unsigned __int128 limit = (unsigned __int128)prime << 64;
    /* For cubes compare middle^2 with prime * 2^96 / middle, to stay within 128 bits. */
    if (cube) limit = ((unsigned __int128)prime << 96) / (middle == 0 ? 1 : middle);
    if (power <= limit) low = middle;
    else high = middle;
  }
  return (uint32_t)low;
}

static uint32_t round_constants[64], initial_state[8];

static void make_constants(void) {
  int found = 0;
  for (unsigned candidate = 2; found < 64; candidate++) {
    int prime = 1;
    for (unsigned divisor = 2; divisor * divisor <= candidate; divisor++) {
      if (candidate % divisor == 0) prime = 0;
    }
    if (!prime) continue;
    if (found < 8) initial_state[found] = root_fraction(candidate, 0);
    round_constants[found++] = root_fraction(candidate, 1);
  }
}

static void sha256_block(uint32_t state[8], const uint8_t block[64]) {
  uint32_t w[64], v[8];
  for (int n = 0; n < 16; n++) {
    w[n] = (uint32_t)block[4 * n] << 24 | block[4 * n + 1] << 16 | block[4 * n + 2] << 8 | block[4 * n + 3];
  }
  for (int n = 16; n < 64; n++) {
    uint32_t a = w[n - 15], b = w[n - 2];
    w[n] = w[n - 16] + w[n - 7] + (rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3) +
           (rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10);
  }
  memcpy(v, state, sizeof v);
  for (int n = 0; n < 64; n++) {
    uint32_t t1 = v[7] + (rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^ rotate_right(v[4], 25)) +
                  ((v[4] & v[5]) ^ (~v[4] & v[6])) + round_constants[n] + w[n];
    uint32_t t2 = (rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^ rotate_right(v[0], 22)) +
                  ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int n = 0; n < 8; n++) state[n] += v[n];
}

static void sha256(const uint8_t *bytes, size_t count, uint32_t state[8]) {
  uint8_t block[64];
  uint64_t bits = (uint64_t)count * 8;
  memcpy(state, initial_state, sizeof initial_state);
  for (; count >= 64; count -= 64, bytes += 64) sha256_block(state, bytes);
  memset(block, 0, sizeof block);
  memcpy(block, bytes, count);
  block[count] = 0x80;
  if (count >= 56) {
    sha256_block(state, block);
    memset(block, 0, sizeof block);
  }
  for (int n = 0; n < 8; n++) block[63 - n] = (uint8_t)(bits >> 8 * n);
  sha256_block(state, block);
}

int main(void) {
  const uint8_t *digits = (const uint8_t *)"123456789";
  check(crc32_bitwise(digits, 9) == 0xcbf43926u);
  check(crc32_by_table(digits, 9) == 0xcbf43926u);
  check(adler32((const uint8_t *)"Wikipedia", 9) == 0x11e60398u);
  check(fnv1a((const uint8_t *)"foobar", 6) == 0x85944171f73967e8u);

  make_constants();
  check(round_constants[0] == 0x428a2f98u);
  check(initial_state[7] == 0x5be0cd19u);
  uint32_t digest[8];
  sha256((const uint8_t *)"abc", 3, digest);
  check(digest[0] == 0xba7816bfu && digest[7] == 0xf20015adu);

  uint8_t *text = allocate(1000);
  uint64_t state = 1;
  for (size_t length = 0; length < 1000; length += 111) {
    for (size_t n = 0; n < length; n++) text[n] = (uint8_t)next_random(&state);
    sha256(text, length, digest);
    check(crc32_bitwise(text, length) == crc32_by_table(text, length));
    print("%4lu bytes: crc %08x adler %08x fnv %016lx sha ", (uint64_t)length, crc32_by_table(text, length),
          adler32(text, length), fnv1a(text, length));
    for (int n = 0; n < 8; n++) print("%08x", digest[n]);
    put_character('\n');
  }
  return 0;
}
