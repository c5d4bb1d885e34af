# a0 and a1 are argc and argv, as the kernel left them. What main returns is the exit code.
        .section .text.start, "ax"
        .globl  _start
_start:
        call    main
        call    exit

# long system_call(a0, a1, a2, number)
        .text
        .globl  system_call
system_call:
        mv      a7, a3
        ecall
        ret
