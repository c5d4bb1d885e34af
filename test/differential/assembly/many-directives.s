.equ UART, 0x10000000
.macro push reg:req, n=1
  addi sp, sp, -16
  sd \reg, 0(sp)
.L\@_x:
  .rept \n
  nop
  .endr
.endm
.macro vari a, rest:vararg
 .word \a
 .ifnb \rest
 vari \rest
 .endif
.endm
.globl _start
.type _start, @function
_start: li t0, UART
 push ra
 push s0, 3
 push reg=a0, n=2
1: bnez a0, 1f
 j 1b
1: la a0, msg
 call puts
 ld a1, table
 sd a1, table+8, t1
 beqz a0, _start
 .if UART == 0x10000000
 li a0, 'x'
 .else
 .error "no"
 .endif
 .irp r, a0, a1, a2
 mv \r, s0
 .endr
 .irpc c, 123
 li a\c, \c
 .endr
.size _start, .-_start
puts: ret
 .align 3
 /* block
 comment */ nop; nop
 .section .rodata.str,"a",@progbits
msg: .asciz "hi\n\t\x41\101\"" ; .byte 'a','\n', 1+2
 vari 1, 2, 3
 .data
 .balign 8
table: .dword 1f, msg, table+8, 1f-table
1: .fill 3, 2, 0x1234
 .half 1f - 1b
 .uleb128 300
 .sleb128 -1
 .sleb128 64
1: .org 100
 .byte 1
 .bss
buf: .space 8000
1: .skip 4
 .comm foo, 40, 8
 .text
 la a0, foo
 la a1, buf
 lw a2, buf+4
 .previous
 .zero 4
 .text
 .insn r 0x33, 0, 0, a0, a1, a2
 .insn i OP_IMM, 0, a0, a1, 5
 .insn s STORE, 3, a0, 8(sp)
 .insn b BRANCH, 0, a0, a1, puts
 .insn u LUI, a0, 0xfff
 .insn j JAL, ra, puts
 .insn 0x0001
 .option push
 .option norvc
 nop
 .option pop
 nop
 csrr a0, mhartid
 .word _end - __bss_start
