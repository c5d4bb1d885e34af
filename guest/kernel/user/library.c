#include <stdarg.h>

#include "user.h"

void exit(int code) {
  system_call((unsigned long)code, 0, 0, SYS_EXIT);
  for (;;) continue;
}

int spawn(const char *path, int argc, const char *const *names) {
  return (int)system_call((unsigned long)path, (unsigned long)argc, (unsigned long)names, SYS_SPAWN);
}

int wait(int *code) { return (int)system_call((unsigned long)code, 0, 0, SYS_WAIT); }

long read(int file, void *to, size_t size) {
  return system_call((unsigned long)file, (unsigned long)to, size, SYS_READ);
}

long write(int file, const void *from, size_t size) {
  return system_call((unsigned long)file, (unsigned long)from, size, SYS_WRITE);
}

int open(const char *path) { return (int)system_call((unsigned long)path, 0, 0, SYS_OPEN); }

void close(int file) { system_call((unsigned long)file, 0, 0, SYS_CLOSE); }

void *grow(size_t bytes) {
  long address = system_call(bytes, 0, 0, SYS_GROW);
  return address == -1 ? NULL : (void *)address;
}

void sleep_ms(unsigned long milliseconds) { system_call(milliseconds, 0, 0, SYS_SLEEP); }

int kill(int pid) { return (int)system_call((unsigned long)pid, 0, 0, SYS_KILL); }

uint64_t ticks(void) { return (uint64_t)system_call(0, 0, 0, SYS_TIME); }

/* A line is written at once, so that lines of several programs do not mix. */
struct output {
  char bytes[256];
  size_t count;
};

static void put(struct output *output, char c) {
  if (output->count == sizeof output->bytes) {
    write(1, output->bytes, output->count);
    output->count = 0;
  }
  output->bytes[output->count++] = c;
}

static void put_number(struct output *output, unsigned long value, int width) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = (char)('0' + value % 10);
    value /= 10;
  } while (value != 0);
  for (; width > count; width--) put(output, ' ');
  while (count > 0) put(output, digits[--count]);
}

/* %d %u %ld %lu %s %c %%, with a width; %-Ns fills behind. */
int print(const char *format, ...) {
  struct output output = {.count = 0};
  va_list arguments;
  va_start(arguments, format);
  for (; *format != 0; format++) {
    if (*format != '%') {
      put(&output, *format);
      continue;
    }
    int width = 0, is_long = 0, is_left = 0;
    format++;
    if (*format == '-') is_left = 1, format++;
    for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + (*format - '0');
    for (; *format == 'l'; format++) is_long = 1;
    if (*format == 'd') {
      long value = is_long ? va_arg(arguments, long) : va_arg(arguments, int);
      if (value < 0) put(&output, '-');
      put_number(&output, value < 0 ? -(unsigned long)value : (unsigned long)value, width);
    } else if (*format == 'u') {
      put_number(&output, is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned), width);
    } else if (*format == 's') {
      const char *text = va_arg(arguments, const char *);
      int length = (int)strlen(text);
      for (; !is_left && width > length; width--) put(&output, ' ');
      while (*text != 0) put(&output, *text++);
      for (; width > length; width--) put(&output, ' ');
    } else if (*format == 'c') {
      put(&output, (char)va_arg(arguments, int));
    } else {
      put(&output, *format);
    }
  }
  va_end(arguments);
  write(1, output.bytes, output.count);
  return 0;
}

void *memset(void *to, int value, size_t size) {
  for (char *at = to; size-- > 0;) *at++ = (char)value;
  return to;
}

void *memcpy(void *to, const void *from, size_t size) {
  const char *source = from;
  for (char *at = to; size-- > 0;) *at++ = *source++;
  return to;
}

int strcmp(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return (unsigned char)*a - (unsigned char)*b;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

unsigned long number(const char *text) {
  unsigned long value = 0;
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (unsigned long)(*text - '0');
  return value;
}

/* The other way round. */
void decimal(unsigned long value, char text[24]) {
  char digits[24];
  int count = 0, i = 0;
  do digits[count++] = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  while (count > 0) text[i++] = digits[--count];
  text[i] = 0;
}
