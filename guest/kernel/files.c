/*
 * A file system to read from. Block 0: how many files there are and, for each, its name, where it begins and how long it is; a file
 * is a row of blocks. That is enough for programs and texts, and needs no explanation.
 *
 * It is on the disk; without one, the same blocks are part of the kernel's file (image.S).
 */
#include "kernel.h"

#define MAGIC 0x31736672ul /* "rfs1" */
#define FILES_IN_BLOCK 101

struct directory {
  uint32_t magic, count;
  struct {
    char name[MAX_NAME];
    uint32_t block, size, reserved;
  } files[FILES_IN_BLOCK];
};

extern const char files_image[], files_image_end[];

static struct directory *directory;
static char *buffer; /* the block that was read last */
static uint32_t buffered;
static int is_on_disk, is_buffer_busy;

static int read_block(uint32_t block, void *page) {
  if (is_on_disk) return disk_read(block, page);
  uint64_t offset = block * PAGE_SIZE;
  if (offset + PAGE_SIZE > (uint64_t)(files_image_end - files_image)) return -1;
  memcpy(page, files_image + offset, PAGE_SIZE);
  return 0;
}

/* 0, or -1: there is no file system. */
int files_start(void) {
  directory = allocate_page();
  buffer = allocate_page();
  is_on_disk = disk_slot >= 0;
  int failed = read_block(0, directory) != 0 || directory->magic != MAGIC;
  if (failed && is_on_disk) {
    is_on_disk = 0; /* somebody else's disk */
    failed = read_block(0, directory) != 0 || directory->magic != MAGIC;
  }
  if (failed || directory->count > FILES_IN_BLOCK) return -1;
  print("%u files, %s.\n", directory->count, is_on_disk ? "on the disk" : "in the kernel");
  return 0;
}

/* The inode of the file: its place in the directory. -1: there is none of that name. */
int files_find(const char *name) {
  if (name[0] == '/') name++;
  for (uint32_t inode = 0; inode < directory->count; inode++)
    if (strcmp(directory->files[inode].name, name) == 0) return (int)inode;
  return -1;
}

int files_name(uint32_t inode, char name[MAX_NAME]) {
  if (inode >= directory->count) return -1;
  copy_name(name, directory->files[inode].name);
  return 0;
}

uint32_t files_size(uint32_t inode) { return inode < directory->count ? directory->files[inode].size : 0; }

/* Into memory of the kernel. How many bytes; less than `size` at the end of the file; -1: the disk failed. */
long files_read(uint32_t inode, void *to, uint32_t offset, uint32_t size) {
  uint32_t length = files_size(inode);
  if (offset >= length) return 0;
  if (size > length - offset) size = length - offset;
  /* The disk makes us sleep, and others may come: the buffer is ours until we are done. */
  while (is_buffer_busy) sleep_on(&is_buffer_busy);
  is_buffer_busy = 1;
  long done = 0;
  while ((uint32_t)done < size) {
    uint32_t at = offset + (uint32_t)done, block = directory->files[inode].block + at / PAGE_SIZE;
    uint32_t in_page = at % PAGE_SIZE, part = (uint32_t)PAGE_SIZE - in_page;
    if (part > size - (uint32_t)done) part = size - (uint32_t)done;
    if (block != buffered) {
      buffered = 0; /* block 0 is never in it */
      if (read_block(block, buffer) != 0) break;
      buffered = block;
    }
    memcpy((char *)to + done, buffer + in_page, part);
    done += part;
  }
  is_buffer_busy = 0;
  wake_up(&is_buffer_busy);
  return (uint32_t)done == size ? done : -1;
}
