.globl _start
_start:
addi x0,x0,0
addi a0,a0,0
addi x0,x0,1
addi x0,a0,0
addi a0,x0,0
addi x0,x0,5
addi a0,a1,0
addi a0,zero,31
addi a0,zero,32
addi sp,sp,0
addi sp,sp,16
addi sp,sp,-512
addi sp,sp,8
addi sp,sp,32
addi a0,sp,0
addi a0,sp,4
addi a0,sp,1020
addi a0,sp,1024
slli a0,a0,0
slli a0,a0,1
slli x0,x0,1
srli a0,a0,0
srli a0,a0,63
srai a0,a0,0
srai t0,t0,3
lui a0,0
lui a0,1
lui a0,31
lui a0,32
lui a0,0xfffff
lui a0,0xfffe0
lui a0,0xfffdf
lui sp,1
lui x0,1
add x0,x0,x1
add a0,a0,x0
add a0,x0,a1
add a0,a1,x0
add a0,a1,a0
add a0,a0,a1
add x0,x1,x0
add x0,x0,x0
addw a0,a1,a0
addw a0,a0,a1
sub a0,a1,a0
sub a0,a0,a1
and a0,a1,a0
xor a0,a1,a0
or a0,a1,a0
andi a0,a0,0
andi a0,a0,255
not a0,a0
addiw a0,a0,0
addiw a0,a0,3
addiw x0,x0,3
sext.w a0,a0
mv a0,a1
mv x0,a1
mv a0,x0
li x0,3
li a0,0
lw a0,0(sp)
lw x0,0(sp)
lw a0,(sp)
lw a0,124(a1)
lw a0,128(a1)
lw t0,0(a1)
ld x0,0(sp)
sd x0,0(sp)
sw t0,252(sp)
sd t0,504(sp)
sd a0,248(a1)
jalr x0,0(a0)
jalr x0,0(x0)
jalr ra,0(a0)
jalr ra,0(ra)
jalr ra,4(a0)
jr a0
jalr a0
ret
ebreak
ecall
nop
unimp
beq a0,x0,.
beq x0,a0,.
bne a0,x0,.
beqz t0,.
jal x0,.
jal ra,.
jal .
j .
addi a0,a0,-32
addi a0,a0,32
slt a0,a0,3
sll a0,a0,3
and a0,a0,3
or a0,a0,3
add a0,a0,3
addw a0,a0,3
sub a0,a0,a0
subw a0,a0,a1
c.nop
c.nop 3
c.addi a0,3
c.slli a0,3
neg a0,a0
zext.b a0,a0
zext.w a0,a0
zext.h a0,a0
sext.b a0,a0
sext.h a0,a0
sgt a0,a1,a2
fence
fence rw,w
fence.tso
fence.i
csrw mstatus, 3
csrw mstatus, a0
csrr a0, mstatus
csrrw a0, mstatus, 3
csrsi mstatus, 8
csrs mstatus, 8
rdcycle a0
rdtime a0
rdinstret a0
c.mv a0,a1
c.li a0,1
c.ebreak
c.unimp
c.lwsp a0,4(sp)
c.lw a0,4(a1)
c.addi4spn a0,sp,8
c.addi16sp sp,32
c.j .
c.beqz a0,.
c.jr a0
c.lui a0, 0xfffff
amoadd.w a0,a1,(a2)
amoadd.w.aqrl a0,a1,0(a2)
lr.w a0,(a1)
lr.d.aq a0,(a1)
sc.d.rl a0,a1,(a2)
jump foo, t1
call t0, foo
call foo
foo:
j 1f
1:
wfi
mret
scall
sbreak
