/* The code of the loader, Thumb-2 for Cortex-M3 (ARMv7-M Architecture Reference Manual,
 * "Alphabetical list of ARMv7-M Thumb instructions"). r0 to r10 are the parameters, r11 is the
 * half-word, r12 counts the bytes taken from the ring, lr is for what is at hand. It ends at a
 * breakpoint.
 *
 * While a half-word is programmed the next is fetched, so that nothing but the look at SR and the
 * store lie between two. 0xffff is left alone: the cells are erased. The watchdog is fed once a
 * page and while the ring is empty. */
#include "loader.h"

const uint16_t loader_code[LOADER_PARAMETERS / 2] = {
    0xf20f, 0x0cac, /* 00        adr   r12, parameters */
    0xe89c, 0x07ff, /* 04        ldmia r12, {r0-r10} */
    0xf05f, 0x0c00, /* 08        movs  r12, #0 */
    0xf8c9, 0xa000, /* 0c page:  str   r10, [r9]          feed the watchdog */
    0xf1b8, 0x0f00, /* 10        cmp   r8, #0 */
    0xd014,         /* 14        beq   program */
    0xf04f, 0x0e34, /* 16        mov   lr, #0x34 */
    0xf8c2, 0xe00c, /* 1a        str   lr, [r2, #0x0c]    SR: clear EOP, WRPRTERR, PGERR */
    0xf04f, 0x0e02, /* 1e        mov   lr, #2 */
    0xf8c2, 0xe010, /* 22        str   lr, [r2, #0x10]    CR: PER */
    0x6151,         /* 26        str   r1, [r2, #0x14]    AR: the page */
    0xf04f, 0x0e42, /* 28        mov   lr, #0x42 */
    0xf8c2, 0xe010, /* 2c        str   lr, [r2, #0x10]    CR: PER, STRT */
    0xf8d2, 0xe00c, /* 30 erase: ldr   lr, [r2, #0x0c] */
    0xf01e, 0x0f01, /* 34        tst   lr, #1             SR: BSY */
    0xd1fa,         /* 38        bne   erase */
    0xf01e, 0x0f14, /* 3a        tst   lr, #0x14          SR: WRPRTERR, PGERR */
    0xd130,         /* 3e        bne   end */
    0xf8d5, 0xe00c, /* 40 progr: ldr   lr, [r5, #12]      the mailbox: control */
    0xf8c2, 0xe010, /* 44        str   lr, [r2, #0x10]    CR: PG, or what it is */
    0xf8d5, 0xe000, /* 48 half:  ldr   lr, [r5]           the mailbox: ready */
    0x45e6,         /* 4c        cmp   lr, r12 */
    0xd02c,         /* 4e        beq   starved */
    0xf830, 0xbb02, /* 50        ldrh  r11, [r0], #2 */
    0x42b0,         /* 54        cmp   r0, r6 */
    0xbf08,         /* 56        it    eq */
    0x1bc0,         /* 58        subeq r0, r0, r7         round the ring */
    0xf10c, 0x0c02, /* 5a        add   r12, #2 */
    0xf8d2, 0xe00c, /* 5e busy:  ldr   lr, [r2, #0x0c] */
    0xf01e, 0x0f01, /* 62        tst   lr, #1             SR: BSY with the one before */
    0xd1fa,         /* 66        bne   busy */
    0xf01e, 0x0f14, /* 68        tst   lr, #0x14 */
    0xd119,         /* 6c        bne   end */
    0xf64f, 0x7eff, /* 6e        movw  lr, #0xffff */
    0x45f3,         /* 72        cmp   r11, lr */
    0xd001,         /* 74        beq   skip */
    0xf8a1, 0xb000, /* 76        strh  r11, [r1]          program it */
    0x3102,         /* 7a skip:  adds  r1, #2 */
    0x4221,         /* 7c        tst   r1, r4 */
    0xd1e3,         /* 7e        bne   half               the page is not full */
    0xf8d2, 0xe00c, /* 80 last:  ldr   lr, [r2, #0x0c] */
    0xf01e, 0x0f01, /* 84        tst   lr, #1 */
    0xd1fa,         /* 88        bne   last */
    0xf01e, 0x0f14, /* 8a        tst   lr, #0x14 */
    0xd108,         /* 8e        bne   end */
    0xf8c5, 0xc004, /* 90        str   r12, [r5, #4]      the mailbox: done */
    0x4299,         /* 94        cmp   r1, r3 */
    0xd004,         /* 96        beq   end */
    0xf8d5, 0xb008, /* 98        ldr   r11, [r5, #8]      the mailbox: stop */
    0xf1bb, 0x0f00, /* 9c        cmp   r11, #0 */
    0xd0b4,         /* a0        beq   page */
    0xf8c5, 0xe010, /* a2 end:   str   lr, [r5, #16]      the mailbox: result */
    0x6169,         /* a6        str   r1, [r5, #20]      the mailbox: address */
    0xbe00,         /* a8        bkpt  #0 */
    0xf8c9, 0xa000, /* aa starv: str   r10, [r9]          feed the watchdog */
    0xe7cb,         /* ae        b     half */
};
