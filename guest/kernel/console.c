/*
 * The console: a 16550 UART. Output waits for it, a byte at a time; input comes by interrupt, is echoed, and is given to
 * whoever reads when a line is complete.
 */
#include "kernel.h"

#define UART 0x10000000ul
#define DATA 0
#define INTERRUPT_ENABLE 1
#define FIFO_CONTROL 2
#define LINE_CONTROL 3
#define LINE_STATUS 5
#define STATUS_RECEIVED 0x01
#define STATUS_CAN_SEND 0x20

#define LINE_BYTES 256 /* a power of two */
#define CONTROL(key) ((key) - '@')

/* What was typed: up to `read` it was read, up to `ready` it can be, up to `end` it still can be erased. */
static char line[LINE_BYTES];
static uint32_t read_at, ready, end;

void console_start(void) {
  write_register8(UART + INTERRUPT_ENABLE, 0);
  write_register8(UART + LINE_CONTROL, 3); /* 8 bits */
  write_register8(UART + FIFO_CONTROL, 7); /* on, and empty */
  write_register8(UART + INTERRUPT_ENABLE, 1); /* when something was received */
}

static void put(char c) {
  while ((read_register8(UART + LINE_STATUS) & STATUS_CAN_SEND) == 0) continue;
  write_register8(UART + DATA, (uint8_t)c);
}

void console_put(char c) {
  if (c == '\n') put('\r');
  put(c);
}

static void erase(void) {
  end--;
  console_put('\b');
  console_put(' ');
  console_put('\b');
}

static void type(char c) {
  switch (c) {
    case CONTROL('U'):
      while (end != ready) erase();
      return;
    case '\b':
    case 0x7f:
      if (end != ready) erase();
      return;
    case '\r':
      c = '\n';
  }
  if (end - read_at == LINE_BYTES) return; /* nobody reads */
  console_put(c);
  line[end++ % LINE_BYTES] = c;
  if (c != '\n' && c != CONTROL('D') && end - read_at < LINE_BYTES) return;
  ready = end;
  wake_up(line);
}

void console_interrupt(void) {
  while (read_register8(UART + LINE_STATUS) & STATUS_RECEIVED) type((char)read_register8(UART + DATA));
}

/* A line, or what of it fits. 0 at the end of input (Control-D); -1: a bad address, or the process is killed. */
long console_read(page_table_t table, uint64_t to, uint64_t size) {
  while (read_at == ready) {
    if (this_process()->is_killed) return -1;
    sleep_on(line);
  }
  long count = 0;
  while (read_at != ready && (uint64_t)count < size) {
    char c = line[read_at % LINE_BYTES];
    if (c == CONTROL('D') && count > 0) break; /* the next read will find it */
    read_at++;
    if (c == CONTROL('D')) break;
    if (copy_to_user(table, to + (uint64_t)count, &c, 1) != 0) return -1;
    count++;
    if (c == '\n') break;
  }
  return count;
}
