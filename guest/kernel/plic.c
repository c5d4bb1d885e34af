/* The platform-level interrupt controller: which device wants something. Each hart has two contexts, one for each mode. */
#include "kernel.h"

#define PLIC 0x0c000000ul
#define PRIORITY(source) (PLIC + 4 * (source))
#define ENABLE(context) (PLIC + 0x2000 + 0x80 * (context))
#define THRESHOLD(context) (PLIC + 0x200000 + 0x1000 * (context))
#define CLAIM(context) (THRESHOLD(context) + 4)

#define VIRTIO_SOURCE 1 /* of slot 0 */
#define VIRTIO_SLOTS 8
#define UART_SOURCE 10
#define ASYNC_PAGES_SOURCE 12

static uint64_t context(void) { return 2 * this_hart()->id + 1; } /* supervisor mode */

void plic_start(void) {
  for (uint64_t source = VIRTIO_SOURCE; source <= ASYNC_PAGES_SOURCE; source++) write_register32(PRIORITY(source), 1);
}

void plic_start_hart(void) {
  const uint32_t virtio = ((1u << VIRTIO_SLOTS) - 1) << VIRTIO_SOURCE;
  write_register32(ENABLE(context()), virtio | 1u << UART_SOURCE | 1u << ASYNC_PAGES_SOURCE);
  write_register32(THRESHOLD(context()), 0);
}

void plic_interrupt(void) {
  for (;;) {
    uint32_t source = read_register32(CLAIM(context()));
    if (source == 0) return; /* nothing, or another hart was faster */
    if (source == UART_SOURCE) console_interrupt();
    else if (source == ASYNC_PAGES_SOURCE) pages_ready();
    else disk_interrupt((int)source - VIRTIO_SOURCE);
    write_register32(CLAIM(context()), source); /* done: it may interrupt again */
  }
}
