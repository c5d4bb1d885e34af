/* Code that is made at run time: a small compiler turns random expressions into instructions, behind fence.i they are run
   and compared with what an evaluator of the same expressions gives; then constants in the code are patched, again and
   again, and it moves on through a buffer whose places are used again. */
#include "bench.h"

#define BUFFER_WORDS 2048
#define NODES 24
#define PROGRAMS 12 /* in a round */
#define RUNS 400
#define PATCHES 6

typedef uint64_t function(uint64_t, uint64_t);

enum kind { CONSTANT, FIRST, SECOND, ADD, SUBTRACT, MULTIPLY, XOR, OR, SHIFT };

struct node {
  enum kind kind;
  int value; /* of a constant; else where the shift goes */
};

static uint32_t buffer[BUFFER_WORDS] __attribute__((aligned(4096)));
static unsigned free_word;
static struct node nodes[NODES];
static unsigned node_count;
/* The word of the first constant, which is patched. */
static unsigned patched_word, patched_node;

/* An expression in postfix notation whose depth fits into the registers a2 to a7 and t0 to t5. */
static void make_expression(uint64_t *seed) {
  int depth = 0;
  node_count = 0;
  nodes[node_count++] = (struct node){CONSTANT, 0};
  depth = 1;
  while (node_count < NODES - 8) {
    uint64_t chance = next_random(seed) >> 8;
    if (depth < 2 || (chance % 5 < 2 && depth < 8)) {
      nodes[node_count++] = (struct node){(enum kind)(chance / 5 % 3), (int)(chance >> 20 & 2047)};
      depth++;
    } else if (chance % 5 == 4) {
      nodes[node_count++] = (struct node){SHIFT, (int)(chance >> 20 & 31)};
    } else {
      nodes[node_count++] = (struct node){(enum kind)(ADD + chance / 5 % 5), 0};
      depth--;
    }
  }
  while (depth-- > 1) nodes[node_count++] = (struct node){XOR, 0};
}

static uint64_t evaluate(uint64_t first, uint64_t second) {
  uint64_t stack[12];
  int top = 0;
  for (unsigned n = 0; n < node_count; n++) {
    uint64_t value = stack[top > 0 ? top - 1 : 0];
    switch (nodes[n].kind) {
      case CONSTANT: stack[top++] = (uint64_t)nodes[n].value; continue;
      case FIRST: stack[top++] = first; continue;
      case SECOND: stack[top++] = second; continue;
      case SHIFT: stack[top - 1] = value >> nodes[n].value; continue;
      case ADD: stack[top - 2] += value; break;
      case SUBTRACT: stack[top - 2] -= value; break;
      case MULTIPLY: stack[top - 2] *= value; break;
      case XOR: stack[top - 2] ^= value; break;
      case OR: stack[top - 2] |= value; break;
    }
    top--;
  }
  return stack[0];
}

/* Encodings: opcode, funct3 and funct7 of the manual's formats. */
static uint32_t i_type(unsigned opcode, unsigned funct3, unsigned rd, unsigned rs1, unsigned immediate) {
  return immediate << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}
static uint32_t r_type(unsigned funct7, unsigned funct3, unsigned rd, unsigned rs1, unsigned rs2) {
  return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x33;
}
#define OP_IMM 0x13
#define RET i_type(0x67, 0, 0, 1, 0)

static function *compile(void) {
  static const uint8_t registers[] = {12, 13, 14, 15, 16, 17, 5, 6, 7, 28, 29, 30};
  if (free_word + NODES + 2 > BUFFER_WORDS) free_word = 0;
  uint32_t *start = buffer + free_word, *to = start;
  int top = 0;
  for (unsigned n = 0; n < node_count; n++) {
    const struct node node = nodes[n];
    unsigned last = registers[top > 0 ? top - 1 : 0], before = registers[top > 1 ? top - 2 : 0];
    switch (node.kind) {
      case CONSTANT:
        if (n == 0) patched_word = (unsigned)(to - buffer), patched_node = n;
        *to++ = i_type(OP_IMM, 0, registers[top++], 0, (unsigned)node.value);
        continue;
      case FIRST: *to++ = i_type(OP_IMM, 0, registers[top++], 10, 0); continue;
      case SECOND: *to++ = i_type(OP_IMM, 0, registers[top++], 11, 0); continue;
      case SHIFT: *to++ = i_type(OP_IMM, 5, last, last, (unsigned)node.value); continue;
      case ADD: *to++ = r_type(0, 0, before, before, last); break;
      case SUBTRACT: *to++ = r_type(0x20, 0, before, before, last); break;
      case MULTIPLY: *to++ = r_type(1, 0, before, before, last); break;
      case XOR: *to++ = r_type(0, 4, before, before, last); break;
      case OR: *to++ = r_type(0, 6, before, before, last); break;
    }
    top--;
  }
  *to++ = i_type(OP_IMM, 0, 10, registers[0], 0);
  *to++ = RET;
  free_word += (unsigned)(to - start);
  __asm__ volatile("fence.i" ::: "memory");
  return (function *)start;
}

static void patch(int constant) {
  nodes[patched_node].value = constant;
  buffer[patched_word] = (buffer[patched_word] & 0xfffff) | (uint32_t)constant << 20;
  __asm__ volatile("fence.i" ::: "memory");
}

static uint64_t round_of_work(void) {
  uint64_t seed = 0xc0de, sum = 0;
  free_word = 0;
  for (int program = 0; program < PROGRAMS; program++) {
    make_expression(&seed);
    function *compiled = compile();
    for (int patches = 0; patches < PATCHES; patches++) {
      patch(program * 64 + patches * 7);
      check(compiled(sum, seed) == evaluate(sum, seed));
      for (uint64_t run = 0; run < RUNS; run++) sum = sum * 3 + compiled(run, sum);
    }
  }
  return sum;
}

int main(void) { return run_rounds(round_of_work); }
