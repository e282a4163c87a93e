/* The serial programming instructions of the classic AVRs, and how a part file spells those that
 * differ. */
#ifndef PART_INSTRUCTIONS_H
#define PART_INSTRUCTIONS_H

#include "ispflash/part.h"
#include "settings.h"

/* The memories a classic AVR can have, in the order of listings, with the usual instructions.
 * Sizes of what does not vary; nothing is writable. */
enum {
    STANDARD_FLASH,
    STANDARD_EEPROM,
    STANDARD_FUSE,
    STANDARD_LFUSE,
    STANDARD_HFUSE,
    STANDARD_EFUSE,
    STANDARD_LOCK,
    STANDARD_SIGNATURE,
    STANDARD_CALIBRATION,
    STANDARD_USERSIG,
    STANDARD_COUNT
};
extern const struct memory standard_memories[STANDARD_COUNT];
extern const struct isp_command standard_chip_erase;

/* "58 00 00 00 0x02<3.7 0x04<3.6": four bytes, then the maps: bits of the value, < (read) or >
 * (written), byte and highest bit of their place, and "-bit" if there are more. "address<<8" before
 * the maps: see isp_command.address_shift. A second instruction, for the high byte of words, stands
 * behind a comma. "none": the part has no such instruction. */
MUST_USE enum status instruction_parse(const struct setting *setting, char direction,
                                       struct isp_command out[2], struct error *e);

#endif
