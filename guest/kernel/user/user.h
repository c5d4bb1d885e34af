/* What programs have instead of a C library. */
#ifndef USER_H
#define USER_H

#include <stddef.h>
#include <stdint.h>

#include "../system_calls.h"

long system_call(unsigned long first, unsigned long second, unsigned long third, unsigned long number);

void exit(int code) __attribute__((noreturn));
int spawn(const char *path, int argc, const char *const *names);
int wait(int *code);
long read(int file, void *to, size_t size);
long write(int file, const void *from, size_t size);
int open(const char *path);
void close(int file);
void *grow(size_t bytes); /* NULL: there is no more memory */
void sleep_ms(unsigned long milliseconds);
int kill(int pid);
uint64_t ticks(void);

int print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int strcmp(const char *a, const char *b);
size_t strlen(const char *text);
unsigned long number(const char *text);
void decimal(unsigned long value, char text[24]);

#endif
