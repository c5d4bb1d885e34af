/* What the kernel and its programs agree on. The number of a call goes in a7, arguments in a0 to a2, the result in a0. */
#ifndef SYSTEM_CALLS_H
#define SYSTEM_CALLS_H

#define SYS_EXIT 1    /* (code) */
#define SYS_SPAWN 2   /* (path, argc, names) -> pid */
#define SYS_WAIT 3    /* (address of the exit code) -> pid; -1: no children */
#define SYS_READ 4    /* (file, address, bytes) -> bytes */
#define SYS_WRITE 5   /* (file, address, bytes) -> bytes */
#define SYS_OPEN 6    /* (path) -> file */
#define SYS_CLOSE 7   /* (file) */
#define SYS_GROW 8    /* (bytes) -> address of the memory that is new */
#define SYS_PID 9     /* () -> pid */
#define SYS_YIELD 10  /* () */
#define SYS_SLEEP 11  /* (milliseconds) */
#define SYS_KILL 12   /* (pid) */
#define SYS_TIME 13   /* () -> ticks since the start, 10 million a second */
#define SYS_NAME 14   /* (n, address of NAME_BYTES) -> size of the nth file; -1: there are fewer */
#define SYS_PROCESS 15 /* (n, address of a process_facts) -> 0; -1: the table is shorter; 1: nobody in this place */
#define SYS_FREE 16   /* () -> free pages of memory */

#define NAME_BYTES 28

struct process_facts {
  int pid, parent;
  int state; /* 1 can run, 2 runs, 3 sleeps, 4 has ended */
  int pages;
  unsigned long ticks;     /* in user mode */
  unsigned long not_ready; /* slept so often because the machine did not have a page ready */
  char name[NAME_BYTES];
};

#endif
