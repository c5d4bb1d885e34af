/* Linked structures: a list reversed and merged, a balanced tree, a hash table, a free-list allocator under load. */
#include "runtime/runtime.h"

struct node {
  struct node *left, *right;
  int64_t key;
  int height;
};

static int height(const struct node *node) {
  return node == 0 ? 0 : node->height;
}

static struct node *rotate(struct node *node, int to_right) {
  struct node *up = to_right ? node->left : node->right;
  if (to_right) {
    node->left = up->right;
    up->right = node;
  } else {
    node->right = up->left;
    up->left = node;
  }
  node->height = 1 + (height(node->left) > height(node->right) ? height(node->left) : height(node->right));
  up->height = 1 + (height(up->left) > height(up->right) ? height(up->left) : height(up->right));
  return up;
}

/* An AVL tree. */
static struct node *insert(struct node *node, int64_t key) {
  if (node == 0) {
    node = allocate(sizeof *node);
    node->key = key;
    node->height = 1;
    return node;
  }
  if (key == node->key) return node;
  if (key < node->key) node->left = insert(node->left, key);
  else node->right = insert(node->right, key);
  int balance = height(node->left) - height(node->right);
  node->height = 1 + (balance > 0 ? height(node->left) : height(node->right));
  if (balance > 1) {
    if (key > node->left->key) node->left = rotate(node->left, 0);
    return rotate(node, 1);
  }
  if (balance < -1) {
    if (key < node->right->key) node->right = rotate(node->right, 1);
    return rotate(node, 0);
  }
  return node;
}

static int64_t walk(const struct node *node, int64_t *last) {
  if (node == 0) return 0;
  int64_t count = walk(node->left, last);
  check(node->key > *last);
  int balance = height(node->left) - height(node->right);
  check(balance >= -1 && balance <= 1);
  *last = node->key;
  return count + 1 + walk(node->right, last);
}

struct item {
  struct item *next;
  uint32_t value;
};

static struct item *reverse(struct item *list) {
  struct item *reversed = 0;
  while (list != 0) {
    struct item *next = list->next;
    list->next = reversed;
    reversed = list;
    list = next;
  }
  return reversed;
}

static struct item *merge(struct item *a, struct item *b) {
  struct item *merged = 0, **end = &merged;
  while (a != 0 && b != 0) {
    struct item **least = a->value <= b->value ? &a : &b;
    *end = *least;
    *least = (*least)->next;
    end = &(*end)->next;
  }
  *end = a != 0 ? a : b;
  return merged;
}

/* First fit with blocks joined again when neighbours are free. */
struct block {
  uint32_t size;
  uint32_t used;
};

#define ARENA_SIZE 8192

static uint8_t *arena;

static struct block *following(struct block *block) {
  return (struct block *)((uint8_t *)block + block->size);
}

static void *take(uint32_t size) {
  size = (size + sizeof(struct block) + 15) & ~15u;
  struct block *end = (struct block *)(arena + ARENA_SIZE);
  for (struct block *block = (struct block *)arena; block < end; block = following(block)) {
    if (block->used) continue;
    while (following(block) < end && !following(block)->used) block->size += following(block)->size;
    if (block->size < size) continue;
    if (block->size > size) {
      struct block *rest = (struct block *)((uint8_t *)block + size);
      rest->size = block->size - size;
      rest->used = 0;
      block->size = size;
    }
    block->used = 1;
    return block + 1;
  }
  return 0;
}

static void give_back(void *memory) {
  ((struct block *)memory - 1)->used = 0;
}

int main(void) {
  uint64_t state = 42;
  struct node *tree = 0;
  for (int n = 0; n < 700; n++) tree = insert(tree, n % 3 == 0 ? n : (int64_t)(next_random(&state) >> 44));
  int64_t last = INT64_MIN;
  int64_t count = walk(tree, &last);
  print("tree: %ld nodes, height %d, last %ld\n", count, height(tree), last);

  struct item *lists[2] = {0, 0};
  for (uint32_t n = 0; n < 300; n++) {
    struct item *item = allocate(sizeof *item);
    item->value = n;
    item->next = lists[n % 7 < 3];
    lists[n % 7 < 3] = item;
  }
  uint32_t expected = 0;
  for (struct item *item = merge(reverse(lists[0]), reverse(lists[1])); item != 0; item = item->next) {
    check(item->value == expected++);
  }
  print("list: %u items in order\n", expected);

  arena = allocate(ARENA_SIZE);
  *(struct block *)arena = (struct block){ARENA_SIZE, 0};
  uint8_t *held[32] = {0};
  uint32_t sizes[32], refused = 0;
  for (int n = 0; n < 3000; n++) {
    uint32_t slot = (uint32_t)(next_random(&state) >> 59);
    if (held[slot] != 0) {
      for (uint32_t byte = 0; byte < sizes[slot]; byte++) check(held[slot][byte] == (uint8_t)(slot ^ sizes[slot]));
      give_back(held[slot]);
      held[slot] = 0;
      continue;
    }
    sizes[slot] = 1 + (uint32_t)(next_random(&state) >> 55);
    held[slot] = take(sizes[slot]);
    if (held[slot] == 0) refused++;
    else memset(held[slot], (int)(slot ^ sizes[slot]), sizes[slot]);
  }
  print("arena: %u refused\n", refused);
  return 0;
}
