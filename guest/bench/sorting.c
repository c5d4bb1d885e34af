/* Sorting: the same numbers by quicksort, by heapsort, by merging and by digits. */
#include "bench.h"

#define COUNT 3000

static uint64_t numbers[COUNT], work[COUNT], spare[COUNT];

static void insert_each(uint64_t *from, int count) {
  for (int n = 1; n < count; n++) {
    uint64_t value = from[n];
    int at = n;
    for (; at > 0 && from[at - 1] > value; at--) from[at] = from[at - 1];
    from[at] = value;
  }
}

static void quicksort(uint64_t *from, int count) {
  while (count > 12) {
    uint64_t a = from[0], b = from[count / 2], c = from[count - 1];
    uint64_t pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
    int low = 0, high = count - 1;
    for (;;) {
      while (from[low] < pivot) low++;
      while (from[high] > pivot) high--;
      if (low >= high) break;
      uint64_t value = from[low];
      from[low++] = from[high];
      from[high--] = value;
    }
    int left = low;
    quicksort(from, left);
    from += left;
    count -= left;
  }
  insert_each(from, count);
}

static void sink(uint64_t *heap, int at, int count) {
  uint64_t value = heap[at];
  for (int child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && heap[child + 1] > heap[child]) child++;
    if (heap[child] <= value) break;
    heap[at] = heap[child];
  }
  heap[at] = value;
}

static void heapsort(uint64_t *heap, int count) {
  for (int at = count / 2 - 1; at >= 0; at--) sink(heap, at, count);
  for (int last = count - 1; last > 0; last--) {
    uint64_t greatest = heap[0];
    heap[0] = heap[last];
    heap[last] = greatest;
    sink(heap, 0, last);
  }
}

static void merge_sort(uint64_t *from, uint64_t *aside, int count) {
  if (count < 8) return insert_each(from, count);
  int half = count / 2;
  merge_sort(from, aside, half);
  merge_sort(from + half, aside, count - half);
  for (int n = 0; n < half; n++) aside[n] = from[n];
  int left = 0, right = half, to = 0;
  while (left < half && right < count) from[to++] = aside[left] <= from[right] ? aside[left++] : from[right++];
  while (left < half) from[to++] = aside[left++];
}

static void digit_sort(uint64_t *from, uint64_t *to, int count) {
  for (int shift = 0; shift < 64; shift += 8) {
    unsigned starts[257] = {0};
    for (int n = 0; n < count; n++) starts[(from[n] >> shift & 255) + 1]++;
    for (int digit = 0; digit < 256; digit++) starts[digit + 1] += starts[digit];
    for (int n = 0; n < count; n++) to[starts[from[n] >> shift & 255]++] = from[n];
    uint64_t *other = from;
    from = to;
    to = other;
  }
}

static uint64_t checked_sum(const uint64_t *sorted) {
  uint64_t sum = sorted[0];
  for (int n = 1; n < COUNT; n++) {
    check(sorted[n - 1] <= sorted[n]);
    sum = mixed(sum, sorted[n]);
  }
  return sum;
}

static void fill(void) {
  for (int n = 0; n < COUNT; n++) work[n] = numbers[n];
}

static uint64_t round_of_work(void) {
  uint64_t seed = 0x50127;
  for (int n = 0; n < COUNT; n++) numbers[n] = next_random(&seed);
  fill();
  quicksort(work, COUNT);
  uint64_t sum = checked_sum(work);
  fill();
  heapsort(work, COUNT);
  check(checked_sum(work) == sum);
  fill();
  merge_sort(work, spare, COUNT);
  check(checked_sum(work) == sum);
  fill();
  digit_sort(work, spare, COUNT);
  check(checked_sum(work) == sum);
  return sum;
}

int main(void) { return run_rounds(round_of_work); }
