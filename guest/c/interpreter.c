/* A stack machine, with its dispatch through a switch, that runs a sieve, Fibonacci numbers and a string printer. */
#include "runtime/runtime.h"

enum operation { PUSH, ADD, SUB, MUL, DIV, LESS, LOAD, STORE, PEEK, POKE, JUMP, JUMP_IF_ZERO, CALL, RETURN, PRINT, EMIT, HALT };

struct instruction {
  uint8_t operation;
  int32_t operand;
};

struct machine {
  const struct instruction *code;
  int64_t stack[128];
  int64_t variables[16];
  int64_t returns[64];
  uint8_t memory[1024];
  int depth, calls;
  uint64_t executed;
};

static void push(struct machine *machine, int64_t value) {
  check(machine->depth < 128);
  machine->stack[machine->depth++] = value;
}

static int64_t pop(struct machine *machine) {
  check(machine->depth > 0);
  return machine->stack[--machine->depth];
}

static void run(struct machine *machine, int pc) {
  for (;;) {
    struct instruction instruction = machine->code[pc++];
    int64_t a, b;
    machine->executed++;
    switch ((enum operation)instruction.operation) {
      case PUSH: push(machine, instruction.operand); break;
      case ADD: b = pop(machine); a = pop(machine); push(machine, a + b); break;
      case SUB: b = pop(machine); a = pop(machine); push(machine, a - b); break;
      case MUL: b = pop(machine); a = pop(machine); push(machine, a * b); break;
      case DIV: b = pop(machine); a = pop(machine); push(machine, a / b); break;
      case LESS: b = pop(machine); a = pop(machine); push(machine, a < b); break;
      case LOAD: push(machine, machine->variables[instruction.operand]); break;
      case STORE: machine->variables[instruction.operand] = pop(machine); break;
      case PEEK: a = pop(machine); push(machine, machine->memory[a]); break;
      case POKE: b = pop(machine); a = pop(machine); machine->memory[a] = (uint8_t)b; break;
      case JUMP: pc = instruction.operand; break;
      case JUMP_IF_ZERO: if (pop(machine) == 0) pc = instruction.operand; break;
      case CALL: machine->returns[machine->calls++] = pc; pc = instruction.operand; break;
      case RETURN: pc = (int)machine->returns[--machine->calls]; break;
      case PRINT: print("%ld ", pop(machine)); break;
      case EMIT: put_character((char)pop(machine)); break;
      case HALT: return;
    }
  }
}

/* Sieve of Eratosthenes up to 200: variable 0 is the candidate, 1 the multiple. */
static const struct instruction sieve[] = {
    {PUSH, 2}, {STORE, 0},
    /* 2 */ {LOAD, 0}, {PUSH, 200}, {LESS, 0}, {JUMP_IF_ZERO, 31},
    /* 6 */ {LOAD, 0}, {PEEK, 0}, {JUMP_IF_ZERO, 10}, {JUMP, 26},
    /* 10 */ {LOAD, 0}, {PRINT, 0}, {LOAD, 0}, {LOAD, 0}, {ADD, 0}, {STORE, 1},
    /* 16 */ {LOAD, 1}, {PUSH, 200}, {LESS, 0}, {JUMP_IF_ZERO, 26}, {LOAD, 1}, {PUSH, 1}, {POKE, 0}, {LOAD, 1},
    /* 24 */ {LOAD, 0}, {JUMP, 32},
    /* 26 */ {LOAD, 0}, {PUSH, 1}, {ADD, 0}, {STORE, 0}, {JUMP, 2},
    /* 31 */ {HALT, 0},
    /* 32 */ {ADD, 0}, {STORE, 1}, {JUMP, 16}};

/* fib(n) by double recursion; the argument is on the stack, saved above the frame while it calls itself. */
static const struct instruction fibonacci[] = {
    {PUSH, 16}, {CALL, 5}, {PRINT, 0}, {PUSH, '\n'}, {JUMP, 26},
    /* 5 */ {STORE, 0}, {LOAD, 0}, {PUSH, 2}, {LESS, 0}, {JUMP_IF_ZERO, 12}, {LOAD, 0}, {RETURN, 0},
    /* 12 */ {LOAD, 0}, {LOAD, 0}, {PUSH, 1}, {SUB, 0}, {CALL, 5}, {STORE, 1}, {STORE, 0}, {LOAD, 1},
    /* 20 */ {LOAD, 0}, {PUSH, 2}, {SUB, 0}, {CALL, 5}, {ADD, 0}, {RETURN, 0},
    /* 26 */ {EMIT, 0}, {HALT, 0}};

int main(void) {
  static struct machine machine;
  machine.code = sieve;
  run(&machine, 0);
  print("\n%lu executed\n", machine.executed);
  machine.code = fibonacci;
  run(&machine, 0);
  print("%lu executed, %d on the stack\n", machine.executed, machine.depth);
  check(machine.depth == 0 && machine.calls == 0);
  return 0;
}
