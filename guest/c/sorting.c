/* Three sorts of the same numbers, with comparisons through a function pointer, and a check of stability. */
#include "runtime/runtime.h"

#define COUNT 600

struct record {
  int32_t key;
  uint32_t serial;
};

typedef int (*comparison)(const struct record *, const struct record *);

static int by_key(const struct record *a, const struct record *b) {
  return a->key < b->key ? -1 : a->key > b->key;
}

static int by_key_descending(const struct record *a, const struct record *b) {
  return by_key(b, a);
}

static void insertion_sort(struct record *records, size_t count, comparison compare) {
  for (size_t next = 1; next < count; next++) {
    struct record moving = records[next];
    size_t hole = next;
    for (; hole > 0 && compare(&moving, &records[hole - 1]) < 0; hole--) records[hole] = records[hole - 1];
    records[hole] = moving;
  }
}

static void merge_sort(struct record *records, struct record *scratch, size_t count, comparison compare) {
  if (count < 8) {
    insertion_sort(records, count, compare);
    return;
  }
  size_t half = count / 2;
  merge_sort(records, scratch, half, compare);
  merge_sort(records + half, scratch, count - half, compare);
  memcpy(scratch, records, half * sizeof *records);
  size_t left = 0, right = half, out = 0;
  while (left < half && right < count) {
    records[out++] = compare(&records[right], &scratch[left]) < 0 ? records[right++] : scratch[left++];
  }
  while (left < half) records[out++] = scratch[left++];
}

static void quick_sort(struct record *records, long low, long high, comparison compare) {
  while (low < high) {
    struct record pivot = records[low + (high - low) / 2];
    long left = low, right = high;
    while (left <= right) {
      while (compare(&records[left], &pivot) < 0) left++;
      while (compare(&pivot, &records[right]) < 0) right--;
      if (left > right) break;
      struct record swapped = records[left];
      records[left++] = records[right];
      records[right--] = swapped;
    }
    if (right - low < high - left) {
      quick_sort(records, low, right, compare);
      low = left;
    } else {
      quick_sort(records, left, high, compare);
      high = right;
    }
  }
}

static void sift_down(struct record *heap, size_t root, size_t count, comparison compare) {
  for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
    if (child + 1 < count && compare(&heap[child], &heap[child + 1]) < 0) child++;
    if (compare(&heap[root], &heap[child]) >= 0) return;
    struct record swapped = heap[root];
    heap[root] = heap[child];
    heap[child] = swapped;
    root = child;
  }
}

static void heap_sort(struct record *records, size_t count, comparison compare) {
  for (size_t root = count / 2; root-- > 0;) sift_down(records, root, count, compare);
  while (count-- > 1) {
    struct record swapped = records[0];
    records[0] = records[count];
    records[count] = swapped;
    sift_down(records, 0, count, compare);
  }
}

static void fill(struct record *records) {
  uint64_t state = 20240607;
  for (uint32_t n = 0; n < COUNT; n++) records[n] = (struct record){(int32_t)next_random(&state) % 200, n};
}

int main(void) {
  struct record *records = allocate(COUNT * sizeof *records);
  struct record *scratch = allocate(COUNT * sizeof *records);
  const comparison comparisons[] = {by_key, by_key_descending};
  for (int direction = 0; direction < 2; direction++) {
    comparison compare = comparisons[direction];
    for (int method = 0; method < 4; method++) {
      fill(records);
      if (method == 0) merge_sort(records, scratch, COUNT, compare);
      if (method == 1) quick_sort(records, 0, COUNT - 1, compare);
      if (method == 2) heap_sort(records, COUNT, compare);
      if (method == 3) insertion_sort(records, COUNT, compare);
      int stable = 1;
      uint64_t serials = 0;
      for (int n = 1; n < COUNT; n++) {
        check(compare(&records[n - 1], &records[n]) <= 0);
        if (records[n - 1].key == records[n].key && records[n - 1].serial > records[n].serial) stable = 0;
        serials = serials * 31 + records[n].serial;
      }
      if (method == 0 || method == 3) check(stable);
      print("method %d direction %d: first %d, last %d, %s, %016lx\n", method, direction, records[0].key,
            records[COUNT - 1].key, stable ? "stable" : "not stable", serials);
    }
  }
  return 0;
}
