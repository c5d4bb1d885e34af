/* Text: a printf for the kernel, and the four functions of <string.h> that it needs. */
#include <stdarg.h>

#include "kernel.h"

static void put_number(uint64_t value, unsigned base, int width, char fill) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  for (; width > count; width--) console_put(fill);
  while (count > 0) console_put(digits[--count]);
}

/* %d %u %x %lu %lx %ld %s %c %p %%, with a width, which a 0 in front fills with zeros; %-Ns fills behind. */
static void print_list(const char *format, va_list arguments) {
  for (; *format != 0; format++) {
    if (*format != '%') {
      console_put(*format);
      continue;
    }
    int width = 0, is_long = 0, is_left = 0;
    char fill = ' ';
    format++;
    if (*format == '-') is_left = 1, format++;
    if (*format == '0') fill = '0', format++;
    for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + (*format - '0');
    for (; *format == 'l'; format++) is_long = 1;
    switch (*format) {
      case 'd': {
        long value = is_long ? va_arg(arguments, long) : va_arg(arguments, int);
        if (value < 0) console_put('-');
        put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, width, fill);
        break;
      }
      case 'u':
      case 'x': {
        uint64_t value = is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);
        put_number(value, *format == 'x' ? 16 : 10, width, fill);
        break;
      }
      case 'p':
        put_number(va_arg(arguments, uint64_t), 16, 16, '0');
        break;
      case 's': {
        const char *text = va_arg(arguments, const char *);
        int length = (int)strlen(text);
        for (; !is_left && width > length; width--) console_put(' ');
        while (*text != 0) console_put(*text++);
        for (; width > length; width--) console_put(' ');
        break;
      }
      case 'c':
        console_put((char)va_arg(arguments, int));
        break;
      default:
        console_put(*format);
    }
  }
}

int print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_list(format, arguments);
  va_end(arguments);
  return 0;
}

/* A mistake in the kernel. The other harts stop at the lock, which nobody gives back. */
void panic(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print("panic: ");
  print_list(format, arguments);
  print("\n");
  va_end(arguments);
  sbi_call(SBI_RESET, 0, 0, 1, 0); /* shut down, "system failure" */
  for (;;) __asm__ volatile("wfi");
}

void *memset(void *to, int value, size_t size) {
  char *at = to;
  if (value == 0 && (((uint64_t)to | size) & 7) == 0) { /* whole pages, above all */
    for (size_t i = 0; i < size; i += 8) *(uint64_t *)(at + i) = 0;
    return to;
  }
  while (size-- > 0) *at++ = (char)value;
  return to;
}

void *memcpy(void *to, const void *from, size_t size) {
  char *at = to;
  const char *source = from;
  if ((((uint64_t)to | (uint64_t)from | size) & 7) == 0) {
    for (size_t i = 0; i < size; i += 8) *(uint64_t *)(at + i) = *(const uint64_t *)(source + i);
    return to;
  }
  while (size-- > 0) *at++ = *source++;
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

void copy_name(char to[MAX_NAME], const char *from) {
  int i = 0;
  for (; i < MAX_NAME - 1 && from[i] != 0; i++) to[i] = from[i];
  for (; i < MAX_NAME; i++) to[i] = 0;
}
