# Where the firmware jumps to: supervisor mode, no address translation, a0 = this hart, a1 = the device tree.

        .section .text.start, "ax"
        .globl  _start
_start:
        .option push
        .option norelax                 # gp is not there yet
        la      gp, __global_pointer$
        .option pop
        la      t0, bss_start           # C expects that what has no value is zero
        la      t1, bss_end
1:      bgeu    t0, t1, 2f
        sd      zero, 0(t0)
        addi    t0, t0, 8
        j       1b
2:      la      sp, boot_stacks
        li      t0, 4096
        add     sp, sp, t0
        call    kernel_main             # does not return

# Another hart: the firmware brings its number in a0 and what sbi_hart_start was given in a1, which is the end of a stack.
        .globl  start_hart
start_hart:
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        mv      sp, a1
        call    hart_main

        .section .bss
        .balign 4096
        .globl  boot_stacks
boot_stacks:                            # a page for each hart; the scheduler of the hart stays on it
        .space  4096 * 8
