#include "runtime.h"

/* The virt board: a 16550 UART and the test finisher. */
#define UART ((volatile uint8_t *)0x10000000)
#define UART_THR 0 /* transmitter holding register */
#define UART_LSR 5 /* line status register */
#define UART_LSR_THR_EMPTY 0x20
#define FINISHER ((volatile uint32_t *)0x100000)
#define FINISHER_FAIL 0x3333
#define FINISHER_PASS 0x5555

uint64_t final_registers[32];

void put_character(char character) {
  while (!(UART[UART_LSR] & UART_LSR_THR_EMPTY)) {
  }
  UART[UART_THR] = (uint8_t)character;
}

static void put_string(const char *string) {
  while (*string) put_character(*string++);
}

static void put_number(uint64_t value, unsigned base, int width, char pad, int negative) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  if (negative && pad == '0') put_character('-');
  for (int column = count + negative; column < width; column++) put_character(pad);
  if (negative && pad != '0') put_character('-');
  while (count > 0) put_character(digits[--count]);
}

void print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (; *format; format++) {
    if (*format != '%') {
      put_character(*format);
      continue;
    }
    char pad = ' ';
    int width = 0;
    int is_long = 0;
    if (*++format == '0') pad = '0';
    while (*format >= '0' && *format <= '9') width = width * 10 + (*format++ - '0');
    if (*format == 'l') {
      is_long = 1;
      format++;
    }
    switch (*format) {
      case 'c': put_character((char)va_arg(arguments, int)); break;
      case 's': put_string(va_arg(arguments, const char *)); break;
      case 'd': {
        int64_t value = is_long ? va_arg(arguments, int64_t) : va_arg(arguments, int);
        put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, width, pad, value < 0);
        break;
      }
      case 'u':
      case 'x': {
        uint64_t value = is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);
        put_number(value, *format == 'u' ? 10 : 16, width, pad, 0);
        break;
      }
      default: put_character(*format);
    }
  }
  va_end(arguments);
}

void check_failed(const char *condition, const char *file, int line) {
  print("check failed at %s:%d: %s\n", file, line, condition);
  finish(124);
}

__attribute__((weak)) void trap(struct trap_frame *frame) {
  print("trap: mcause %lx, mepc %lx, mtval %lx\n", frame->mcause, frame->mepc, frame->mtval);
  finish(125);
}

extern char __image_start[], __image_end[], __heap_start[], __heap_end[];

void *allocate(size_t size) {
  static char *next = __heap_start;
  char *block = next;
  size = (size + 15) & ~(size_t)15;
  check(size <= (size_t)(__heap_end - next));
  next += size;
  return block;
}

/* The last words of every program, the same on every machine that runs it: its registers, then a hash of each page of
   its memory, then the exit code. The hash is taken before anything is printed about it. */
__attribute__((noreturn, used)) void report_and_power_off(void) {
  static uint64_t hashes[256];
  size_t pages = (size_t)(__image_end - __image_start + 4095) / 4096;
  if (pages > 256) pages = 256;
  for (size_t page = 0; page < pages; page++) {
    const uint64_t *words = (const uint64_t *)(__image_start + page * 4096);
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t word = 0; word < 512; word++) {
      hash = (hash ^ words[word]) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 29;
    }
    /* The table itself lies in the memory that is hashed: written later, it would depend on the order. */
    __asm__ volatile("" ::: "memory");
    hashes[page] = hash;
  }
  put_string("\n-- registers\n");
  for (int n = 1; n < 31; n++) print("x%d %016lx\n", n, final_registers[n]);
  put_string("-- memory\n");
  for (size_t page = 0; page < pages; page++) print("page %lu %016lx\n", (uint64_t)page, hashes[page]);
  uint64_t code = final_registers[10] & 0xffff;
  *FINISHER = code == 0 ? FINISHER_PASS : (uint32_t)(code << 16 | FINISHER_FAIL);
  for (;;) {
  }
}

/* A loop that the compiler must not turn into a call of the function that it implements. */
#define NO_LIBRARY_CALLS __attribute__((optimize("no-tree-loop-distribute-patterns")))

NO_LIBRARY_CALLS void *memcpy(void *to, const void *from, size_t count) {
  char *target = to;
  const char *source = from;
  while (count-- > 0) *target++ = *source++;
  return to;
}

NO_LIBRARY_CALLS void *memmove(void *to, const void *from, size_t count) {
  char *target = to;
  const char *source = from;
  if (target < source) return memcpy(to, from, count);
  while (count-- > 0) target[count] = source[count];
  return to;
}

NO_LIBRARY_CALLS void *memset(void *to, int byte, size_t count) {
  char *target = to;
  while (count-- > 0) *target++ = (char)byte;
  return to;
}

int memcmp(const void *a, const void *b, size_t count) {
  const uint8_t *left = a, *right = b;
  for (; count > 0; count--, left++, right++) {
    if (*left != *right) return *left - *right;
  }
  return 0;
}

size_t strlen(const char *string) {
  const char *end = string;
  while (*end) end++;
  return (size_t)(end - string);
}

int strcmp(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return (uint8_t)*a - (uint8_t)*b;
}

uint64_t next_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * 0x2545f4914f6cdd1du;
}
