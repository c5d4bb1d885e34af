# Spellings of the extensions, and what becomes of a name with an extension and without it.
.globl _start
_start:
 zext.w a0, a1
 zext.h a0, a1
 sext.b a0, a1
 sext.h a0, a0
.option push
.option arch, +zba
 zext.w a0, a1
 zext.w s0, s0
 sext.b a0, a1
 sh1add a0, a1, a2
 sh3add.uw a0, a1, a2
 add.uw a0, a1, a2
 slli.uw a0, a1, 31
 slli.uw a0, a1, 0x3f
.option arch, +zbb
 zext.w a0, a1
 zext.h a0, a1
 sext.b a0, a1
 sext.h a0, a0
 ror a0, a1, 63
 ror a0, a1, a2
 rori a0, a1, 1
 rorw a0, a1, 31
 rorw a0, a1, a2
 rol a0, a1, a2
 rev8 a0, a0
 orc.b a0, a0
 max a0, a1, a2
.option arch, -zbb
 sext.h a0, a0
.option pop
 zext.w a0, a1
.option arch, rv64i_zbb
 sext.b a0, a0
 nop
.option arch, rv64imac_zbs_zbc_zicbom_zicbop_zicboz_zawrs_svinval_zihintpause
 sext.b a0, a0
 nop
 bset a0, a1, 5
 bset a0, a1, a2
 bclr a0, a1, 63
 bext a0, a1, 0
 bexti a0, a1, 1
 binv a0, a1, 1
 clmulr a0, a1, a2
 cbo.zero (a0)
 cbo.clean 0(a0)
 cbo.inval (a0)
 cbo.flush (t6)
 prefetch.r 0(a0)
 prefetch.r (a0)
 prefetch.w -2048(a0)
 prefetch.i 2016(a0)
 pause
 wrs.nto
 wrs.sto
 sret
 sfence.vma
 sfence.vma a0
 sfence.vma a0, a1
 sfence.vma zero, a1
 sinval.vma a0, a1
 sfence.w.inval
 sfence.inval.ir
