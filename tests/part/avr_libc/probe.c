/* Compiled by avr-gcc to assembly for each part in turn: prints what the header of the part says,
 * a line a value: "@ flash_end 32767". */
#include <avr/io.h>

#define SAY(name, value) __asm__ volatile("@ " name " %0" ::"n"((long)(value)))

void probe(void)
{
#ifdef SIGNATURE_0
    SAY("signature", SIGNATURE_0 * 65536L + SIGNATURE_1 * 256L + SIGNATURE_2);
#endif
#ifdef FLASHEND
    SAY("flash_end", FLASHEND);
#endif
#ifdef SPM_PAGESIZE
    SAY("flash_page", SPM_PAGESIZE);
#endif
#ifdef E2END
    SAY("eeprom_end", E2END);
#endif
#ifdef E2PAGESIZE
    SAY("eeprom_page", E2PAGESIZE);
#endif
#ifdef FUSE_MEMORY_SIZE
    SAY("fuse_count", FUSE_MEMORY_SIZE);
#endif
#ifdef FUSE_DEFAULT
    SAY("fuse", FUSE_DEFAULT);
#endif
#ifdef LFUSE_DEFAULT
    SAY("lfuse", LFUSE_DEFAULT);
#endif
#ifdef HFUSE_DEFAULT
    SAY("hfuse", HFUSE_DEFAULT);
#endif
#ifdef EFUSE_DEFAULT
    SAY("efuse", EFUSE_DEFAULT);
#endif
}
