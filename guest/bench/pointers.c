/* Pointers: a ring through 8 MiB in an order that no cache foresees, search trees of nodes that lie anywhere, and lists
   that are spliced. */
#include "bench.h"

#define RING_NODES (1 << 17)
#define RING_STEPS 60000
#define TREE_NODES (1 << 14)
#define SEARCHES 3000
#define LIST_NODES 2000

/* A cache line each. */
struct node {
  struct node *next, *left, *right;
  uint64_t key, padding[4];
};

static struct node *ring, *tree_nodes, *root, *list_nodes;

static void make_ring(void) {
  /* A full-period congruential generator visits every node once. */
  uint64_t at = 0;
  for (int n = 0; n < RING_NODES; n++) {
    uint64_t next = (at * 1664525 + 1013904223) % RING_NODES;
    ring[at].next = &ring[next];
    ring[at].key = at * 0x9e3779b97f4a7c15u;
    at = next;
  }
  check(at == 0);
}

static void make_tree(void) {
  uint64_t seed = 0x72ee;
  root = 0;
  for (int n = 0; n < TREE_NODES; n++) {
    struct node *node = &tree_nodes[n * 4099 % TREE_NODES];
    node->key = next_random(&seed);
    node->left = node->right = 0;
    struct node **at = &root;
    while (*at != 0) at = node->key < (*at)->key ? &(*at)->left : &(*at)->right;
    *at = node;
  }
}

static uint64_t search_tree(void) {
  uint64_t seed = 0x5ea4c4, sum = 0;
  for (int n = 0; n < SEARCHES; n++) {
    uint64_t key = next_random(&seed);
    const struct node *nearest = 0;
    for (const struct node *at = root; at != 0; at = key < at->key ? at->left : at->right) nearest = at;
    sum = mixed(sum, nearest->key);
  }
  return sum;
}

static uint64_t splice_list(void) {
  for (int n = 0; n < LIST_NODES; n++) {
    list_nodes[n].key = n;
    list_nodes[n].next = n + 1 < LIST_NODES ? &list_nodes[n + 1] : 0;
  }
  struct node *head = list_nodes;
  uint64_t sum = 0;
  for (int pass = 2; pass < 12; pass++) {
    /* Every node that divides goes to the front. */
    for (struct node **link = &head->next; *link != 0;) {
      struct node *node = *link;
      if (node->key % pass != 0) {
        link = &node->next;
        continue;
      }
      *link = node->next;
      node->next = head;
      head = node;
    }
    sum = mixed(sum, head->key);
  }
  for (const struct node *node = head; node != 0; node = node->next) sum = mixed(sum, node->key);
  return sum;
}

static uint64_t round_of_work(void) {
  uint64_t sum = 0;
  const struct node *at = ring;
  for (int step = 0; step < RING_STEPS; step++) {
    sum += at->key;
    at = at->next;
  }
  sum = mixed(sum, search_tree());
  return mixed(sum, splice_list());
}

int main(void) {
  ring = (struct node *)FREE_MEMORY;
  tree_nodes = ring + RING_NODES;
  list_nodes = tree_nodes + TREE_NODES;
  make_ring();
  make_tree();
  return run_rounds(round_of_work);
}
