# The file system without a disk: the blocks as the build made them.
        .section .rodata
        .balign 4096
        .globl  files_image, files_image_end
files_image:
        .incbin "files.img"
files_image_end:
