/*
 * A virtio block device, one request at a time. Driver and device share a virtqueue, which has three parts in memory: descriptors
 * (pieces of memory, chained), the available ring (chains that the driver offers) and the used ring (chains that the device is done
 * with). Virtual I/O Device (VIRTIO) Version 1.2, 2.7 and 5.2.
 */
#include "kernel.h"

#define SLOTS 8
#define SLOT(number) (0x10001000ul + 0x1000ul * (uint64_t)(number))
#define MAGIC 0x000
#define VERSION 0x004
#define DEVICE 0x008
#define DRIVER_FEATURES 0x020
#define DRIVER_FEATURES_WORD 0x024
#define QUEUE 0x030
#define QUEUE_LENGTH 0x038
#define QUEUE_READY 0x044
#define NOTIFY 0x050
#define INTERRUPT_STATUS 0x060
#define INTERRUPT_ACKNOWLEDGE 0x064
#define STATUS 0x070
#define DESCRIPTORS 0x080
#define AVAILABLE 0x090
#define USED 0x0a0

#define BLOCK_DEVICE 2
#define ACKNOWLEDGE 1
#define DRIVER 2
#define DRIVER_OK 4
#define FEATURES_OK 8
#define FEATURE_VERSION_1 1 /* of the second word */

#define LENGTH 4 /* of the queue: a request takes three */
#define DESCRIPTOR_NEXT 1
#define DESCRIPTOR_WRITE 2 /* the device writes it */
#define SECTORS_PER_PAGE (PAGE_SIZE / 512)

struct descriptor {
  uint64_t address;
  uint32_t length;
  uint16_t flags, next;
};

static struct descriptor descriptors[LENGTH] __attribute__((aligned(16)));
static struct {
  uint16_t flags, index, ring[LENGTH];
} available;
static volatile struct {
  uint16_t flags, index;
  struct {
    uint32_t id, length;
  } ring[LENGTH];
} used __attribute__((aligned(4)));

static struct {
  uint32_t type, reserved;
  uint64_t sector;
} request;
static volatile uint8_t status;
static uint16_t seen; /* of the used ring */
static int is_busy;

int disk_slot = -1;

static void set_address(uint64_t at, volatile void *address) {
  write_register32(at, (uint32_t)(uint64_t)address);
  write_register32(at + 4, (uint32_t)((uint64_t)address >> 32));
}

/* 0: there is a disk. */
int disk_start(void) {
  for (int slot = 0; slot < SLOTS; slot++) {
    uint64_t base = SLOT(slot);
    if (read_register32(base + MAGIC) != 0x74726976 || read_register32(base + DEVICE) != BLOCK_DEVICE) continue;
    if (read_register32(base + VERSION) != 2) continue; /* the legacy interface is not for this kernel */
    write_register32(base + STATUS, 0);
    write_register32(base + STATUS, ACKNOWLEDGE | DRIVER);
    write_register32(base + DRIVER_FEATURES_WORD, 0);
    write_register32(base + DRIVER_FEATURES, 0);
    write_register32(base + DRIVER_FEATURES_WORD, 1);
    write_register32(base + DRIVER_FEATURES, FEATURE_VERSION_1);
    write_register32(base + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    if ((read_register32(base + STATUS) & FEATURES_OK) == 0) continue;
    write_register32(base + QUEUE, 0);
    write_register32(base + QUEUE_LENGTH, LENGTH);
    set_address(base + DESCRIPTORS, descriptors);
    set_address(base + AVAILABLE, &available);
    set_address(base + USED, &used);
    write_register32(base + QUEUE_READY, 1);
    write_register32(base + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    disk_slot = slot;
    return 0;
  }
  return -1;
}

/* A block into a page of the kernel. The process sleeps meanwhile. 0, or -1: the disk has no such block. */
int disk_read(uint32_t block, void *page) {
  while (is_busy) sleep_on(&is_busy);
  is_busy = 1;
  request.type = 0; /* read */
  request.sector = block * SECTORS_PER_PAGE;
  status = 0xff;
  descriptors[0] = (struct descriptor){(uint64_t)&request, sizeof request, DESCRIPTOR_NEXT, 1};
  descriptors[1] = (struct descriptor){(uint64_t)page, PAGE_SIZE, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 2};
  descriptors[2] = (struct descriptor){(uint64_t)&status, 1, DESCRIPTOR_WRITE, 0};
  available.ring[available.index % LENGTH] = 0; /* the chain that begins at descriptor 0 */
  fence();
  available.index++;
  fence();
  write_register32(SLOT(disk_slot) + NOTIFY, 0);
  while (seen == used.index) sleep_on(descriptors);
  seen++;
  fence();
  is_busy = 0;
  wake_up(&is_busy);
  return status == 0 ? 0 : -1;
}

void disk_interrupt(int slot) {
  if (slot != disk_slot) return;
  write_register32(SLOT(slot) + INTERRUPT_ACKNOWLEDGE, read_register32(SLOT(slot) + INTERRUPT_STATUS));
  wake_up(descriptors);
}
