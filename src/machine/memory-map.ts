/** Physical addresses of QEMU's `virt` board, for what exists here. Sizes are the devices' own. */
export const FINISHER_BASE = 0x0010_0000;
export const RTC_BASE = 0x0010_1000;
export const ASYNC_PAGES_BASE = 0x0010_2000; // nothing on QEMU's board
export const CLINT_BASE = 0x0200_0000;
export const PLIC_BASE = 0x0c00_0000;
export const UART0_BASE = 0x1000_0000;
export const VIRTIO_BASE = 0x1000_1000; // of slot 0
export const RAM_BASE = 0x8000_0000;

/** Slots for virtio devices, one behind the other. */
export const VIRTIO_SLOTS = 8;

/** PLIC sources. */
export const VIRTIO_IRQ = 1; // of slot 0; the others follow
export const UART0_IRQ = 10;
export const RTC_IRQ = 11;
export const ASYNC_PAGES_IRQ = 12;

/** mtime counts at 10 MHz. */
export const TICKS_PER_SECOND = 10_000_000;
/**
 * Time follows from steps: a hart of a thousand million steps a second, so that the guest's clock and its speed fit
 * together as they would on a real board.
 */
export const STEPS_PER_TICK = 100;
