#include "instructions.h"

#include <string.h>

#include "fields.h"

#define COMMAND(a, b, c, d)                      \
    {                                            \
        .present = true, .bytes = { a, b, c, d } \
    }

/* ATmega328P data sheet, "Serial Downloading", Serial Programming Instruction Set; the chapter of
 * the other parts is the same but for what they lack. 4C and 40/48, and C2 and C1, are used by
 * parts with pages; 40/48 alone, and C0, program a byte at once. */
const struct isp_command standard_chip_erase = COMMAND(0xac, 0x80, 0, 0);

const struct memory standard_memories[STANDARD_COUNT] = {
    [STANDARD_FLASH] = {.name = "flash",
                        .kind = MEMORY_FLASH,
                        .readable = true,
                        .isp = {.read = {COMMAND(0x20, 0, 0, 0), COMMAND(0x28, 0, 0, 0)},
                                .write = {COMMAND(0x40, 0, 0, 0), COMMAND(0x48, 0, 0, 0)},
                                .load = {COMMAND(0x40, 0, 0, 0), COMMAND(0x48, 0, 0, 0)},
                                .commit = COMMAND(0x4c, 0, 0, 0)}},
    [STANDARD_EEPROM] = {.name = "eeprom",
                         .kind = MEMORY_EEPROM,
                         .readable = true,
                         .isp = {.read = {COMMAND(0xa0, 0, 0, 0)},
                                 .write = {COMMAND(0xc0, 0, 0, 0)},
                                 .load = {COMMAND(0xc1, 0, 0, 0)},
                                 .commit = COMMAND(0xc2, 0, 0, 0)}},
    [STANDARD_FUSE] = {.name = "fuse",
                       .kind = MEMORY_FUSE,
                       .readable = true,
                       .size = 1,
                       .mask = 0xff,
                       .isp = {.read = {COMMAND(0x50, 0x00, 0, 0)},
                               .write = {COMMAND(0xac, 0xa0, 0, 0)}}},
    [STANDARD_LFUSE] = {.name = "lfuse",
                        .kind = MEMORY_FUSE,
                        .readable = true,
                        .size = 1,
                        .mask = 0xff,
                        .isp = {.read = {COMMAND(0x50, 0x00, 0, 0)},
                                .write = {COMMAND(0xac, 0xa0, 0, 0)}}},
    [STANDARD_HFUSE] = {.name = "hfuse",
                        .kind = MEMORY_FUSE,
                        .readable = true,
                        .size = 1,
                        .mask = 0xff,
                        .isp = {.read = {COMMAND(0x58, 0x08, 0, 0)},
                                .write = {COMMAND(0xac, 0xa8, 0, 0)}}},
    [STANDARD_EFUSE] = {.name = "efuse",
                        .kind = MEMORY_FUSE,
                        .readable = true,
                        .size = 1,
                        .mask = 0xff,
                        .isp = {.read = {COMMAND(0x50, 0x08, 0, 0)},
                                .write = {COMMAND(0xac, 0xa4, 0, 0)}}},
    [STANDARD_LOCK] = {.name = "lock",
                       .kind = MEMORY_LOCK,
                       .readable = true,
                       .size = 1,
                       .mask = 0xff,
                       .isp = {.read = {COMMAND(0x58, 0x00, 0, 0)},
                               .write = {COMMAND(0xac, 0xe0, 0, 0)}}},
    [STANDARD_SIGNATURE] = {.name = "signature",
                            .kind = MEMORY_SIGNATURE,
                            .readable = true,
                            .size = 3,
                            .isp = {.read = {COMMAND(0x30, 0, 0, 0)}}},
    [STANDARD_CALIBRATION] = {.name = "calibration",
                              .kind = MEMORY_CALIBRATION,
                              .readable = true,
                              .size = 1,
                              .isp = {.read = {COMMAND(0x38, 0, 0, 0)}}},
    /* No serial programming instruction reaches the user signature rows. */
    [STANDARD_USERSIG] = {.name = "usersig", .kind = MEMORY_USERSIG},
};

/* ---- those that differ ---- */

/* "0x06<3.2-1": value bits 2 and 1 are bits 2 and 1 of the fourth byte. */
static enum status parse_map(const struct setting *setting, const char *word, char direction,
                             struct isp_command *command, struct error *e)
{
    uint32_t mask = 0, byte = 0, high = 0, low = 0;
    const char *at = number_scan(word, 0xff, &mask);
    if (at == NULL || mask == 0 || *at != direction)
        return setting_error(setting, e, "\"%s\" is not a map such as 0x06%c3.2-1", word,
                             direction);
    at = number_scan(at + 1, 3, &byte);
    at = at != NULL && *at == '.' ? number_scan(at + 1, 7, &high) : NULL;
    low = high;
    if (at != NULL && *at == '-')
        at = number_scan(at + 1, high, &low);
    const unsigned lowest = field_shift((uint8_t)mask);
    if (at == NULL || *at != '\0' || mask >> lowest >> (high - low) != 1)
        return setting_error(setting, e,
                             "\"%s\": the place must be byte.bit or byte.bit-bit, and "
                             "as wide as the mask",
                             word);
    if (command->map_count == sizeof command->maps / sizeof command->maps[0])
        return setting_error(setting, e, "more than %zu maps",
                             sizeof command->maps / sizeof command->maps[0]);
    command->maps[command->map_count++] = (struct bit_map){
        .mask = (uint8_t)mask,
        .byte = (uint8_t)byte,
        .shift = (int8_t)((int)low - (int)lowest),
    };
    return STATUS_OK;
}

static enum status parse_one(const struct setting *setting, char *text, char direction,
                             struct isp_command *out, struct error *e)
{
    struct isp_command command = {.present = true};
    char *rest = NULL;
    size_t bytes = 0;
    for (char *word = strtok_r(text, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        if (bytes < 4) {
            const char *const end = byte_scan(word, &command.bytes[bytes++]);
            if (end == NULL || *end != '\0')
                return setting_error(setting, e, "\"%s\" is not one of four bytes such as ac",
                                     word);
        } else if (strncmp(word, "address<<", 9) == 0) {
            uint32_t shift = 0;
            const char *const end = number_scan(word + 9, 8, &shift);
            if (end == NULL || *end != '\0')
                return setting_error(setting, e, "\"%s\" is not address<<0 to address<<8", word);
            command.address_shift = (uint8_t)shift;
        } else {
            TRY(parse_map(setting, word, direction, &command, e));
        }
    }
    if (bytes < 4)
        return setting_error(setting, e, "an instruction has four bytes");
    *out = command;
    return STATUS_OK;
}

enum status instruction_parse(const struct setting *setting, char direction,
                              struct isp_command out[2], struct error *e)
{
    char text[200];
    struct isp_command commands[2] = {{.present = false}};
    if (!setting_absent(setting)) {
        if (strlen(setting->value) >= sizeof text)
            return setting_error(setting, e, "too long");
        memcpy(text, setting->value, strlen(setting->value) + 1);
        char *const comma = strchr(text, ',');
        if (comma != NULL) {
            *comma = '\0';
            TRY(parse_one(setting, comma + 1, direction, &commands[1], e));
        }
        TRY(parse_one(setting, text, direction, &commands[0], e));
    }
    memcpy(out, commands, sizeof commands);
    return STATUS_OK;
}
