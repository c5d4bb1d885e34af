.globl _start
_start:
 jr 0(a0)
 jr a0, 0
 jalr 0(a0)
 jalr a0, 0
 jalr ra, a0
 jalr x0, a0
 la a0, 4
 la a0, 0x12345678
 csrr a0, 0x300
 unimp
.option norvc
 unimp
.option rvc
 c.j far
 c.beqz a0, far
 beqz a0, _start
 j _start
 lui a0, 0xfffff
 .dword 1 >> 1, -1 >> 1, 1==1, 3 ! 5, 1 || 0, 2 && 2, -7/2, -7%3, 1 << 65, 1 < -1, 2*3+4<<1, 6|1+2
 .zero 5000
far:
