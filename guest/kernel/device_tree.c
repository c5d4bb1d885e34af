/*
 * The flattened device tree: how much memory, how many harts. A stream of big-endian words: a node begins (its name follows), ends,
 * or has a property (length, where its name is, value). Devicetree Specification, chapter 5.
 */
#include "kernel.h"

#define MAGIC 0xd00dfeed
#define BEGIN_NODE 1
#define END_NODE 2
#define PROPERTY 3
#define NOTHING 4

struct header {
  uint32_t magic, size, structure, strings;
};

static uint32_t word(const void *at) { return __builtin_bswap32(*(const uint32_t *)at); }

static uint64_t double_word(const void *at) { return (uint64_t)word(at) << 32 | word((const char *)at + 4); }

static int starts_with(const char *text, const char *start) {
  while (*start != 0)
    if (*text++ != *start++) return 0;
  return 1;
}

/* Both `reg` here have the number of cells that boards like this one have: 2 and 2 of the root, 1 and 0 of the harts. */
static void property(const char *node, const char *name, const char *value, struct device_facts *facts) {
  if (strcmp(name, "reg") == 0 && starts_with(node, "memory@"))
    facts->memory_end = double_word(value) + double_word(value + 8);
  else if (strcmp(name, "reg") == 0 && starts_with(node, "cpu@") && facts->harts < MAX_HARTS)
    facts->hart_ids[facts->harts++] = word(value);
  else if (strcmp(name, "compatible") == 0 && strcmp(value, "hindcast,async-pages") == 0)
    facts->has_async_pages = 1;
}

void device_tree_read(const void *blob, struct device_facts *facts) {
  const struct header *header = blob;
  if (word(&header->magic) != MAGIC) panic("there is no device tree at %p", blob);
  const char *at = (const char *)blob + word(&header->structure);
  const char *strings = (const char *)blob + word(&header->strings);
  const char *node = "";
  for (;;) {
    uint32_t token = word(at);
    at += 4;
    if (token == BEGIN_NODE) {
      node = at;
      at += (strlen(at) + 4) & ~3ul;
    } else if (token == PROPERTY) {
      uint32_t length = word(at);
      property(node, strings + word(at + 4), at + 8, facts);
      at += 8 + ((length + 3) & ~3u);
    } else if (token != END_NODE && token != NOTHING) {
      return;
    }
  }
}
