/** Physical addresses of QEMU's `virt` board, for what exists here. Sizes are the devices' own. */
export const FINISHER_BASE = 0x0010_0000;
export const CLINT_BASE = 0x0200_0000;
export const PLIC_BASE = 0x0c00_0000;
export const UART0_BASE = 0x1000_0000;
export const RAM_BASE = 0x8000_0000;

/** PLIC sources. */
export const UART0_IRQ = 10;

/** mtime counts at 10 MHz. */
export const TICKS_PER_SECOND = 10_000_000;
/**
 * Time follows from steps: a hart of a thousand million steps a second, so that the guest's clock and its speed fit
 * together as they would on a real board.
 */
export const STEPS_PER_TICK = 100;
