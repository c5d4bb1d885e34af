/* What a freestanding program of guest/c may use. */
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct trap_frame {
  uint64_t x[32];
  uint64_t mepc;
  uint64_t mcause;
  uint64_t mtval;
  uint64_t padding;
};

/* Ends the machine; the host sees the code (0 to 65535). */
__attribute__((noreturn)) void finish(int code);

/* A program that expects traps replaces this; the one in runtime.c reports the trap and finishes with 125. */
void trap(struct trap_frame *frame);

void put_character(char character);
/* %c %s %d %u %x and with l: %ld %lu %lx; a width with or without a leading 0. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Finishes with 124 and says where, when the condition does not hold. */
#define check(condition) \
  do { if (!(condition)) check_failed(#condition, __FILE_NAME__, __LINE__); } while (0)
__attribute__((noreturn)) void check_failed(const char *condition, const char *file, int line);

/* A bump allocator over the heap of link.ld; what it gives is zero. */
void *allocate(size_t size);

void *memcpy(void *to, const void *from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *a, const void *b, size_t count);
size_t strlen(const char *string);
int strcmp(const char *a, const char *b);

/* xorshift64*: the programs' own source of numbers. */
uint64_t next_random(uint64_t *state);

#endif
