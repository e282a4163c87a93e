/* Questions to a part that is already there. */
#include "ispflash/part.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "instructions.h"
#include "stm32f1.h"

const struct part *part_generic_avr(void)
{
    static const char *const interfaces[] = {"isp"};
    static const struct part generic = {
        .id = "avr",
        .name = "AVR",
        .family = PART_AVR_ISP,
        .series = "AVR",
        .memories = &standard_memories[STANDARD_LFUSE],
        .memory_count = STANDARD_SIGNATURE - STANDARD_LFUSE + 1,
        .sck_divider = 4,
        .enable_reply_byte = 2,
        .enable_reply_value = 0x53,
        .interfaces = interfaces,
        .interface_count = 1,
        .source = "ATmega328P data sheet, \"Serial Downloading\"",
    };
    return &generic;
}

const struct part *part_generic_stm32f1(void)
{
    static const char *const interfaces[] = {"swd"};
    static const struct part generic = {
        .id = "stm32f1",
        .name = "STM32F1",
        .family = PART_STM32F1,
        .series = "STM32F1",
        .memories = &stm32f1_memories[STM32F1_RDP],
        .memory_count = STM32F1_MEMORIES - STM32F1_RDP,
        .interfaces = interfaces,
        .interface_count = 1,
        .source = "RM0008 (ST)",
    };
    return &generic;
}

/* ---- signatures ---- */

bool part_accepts(const struct part *part, const uint8_t signature[3])
{
    switch (part->family) {
    case PART_AVR_ISP:
        break;
    case PART_STM32F1:
        return memcmp(part->signature, signature, 2) == 0 && signature[2] >= part->signature[2];
    }
    return memcmp(part->signature, signature, 3) == 0;
}

const char *part_signature_name(enum part_family family)
{
    switch (family) {
    case PART_AVR_ISP:
        break;
    case PART_STM32F1:
        return "chip id";
    }
    return "signature";
}

const char *part_signature_text(enum part_family family, const uint8_t signature[3],
                                char out[PART_SIGNATURE_TEXT])
{
    switch (family) {
    case PART_AVR_ISP:
        break;
    case PART_STM32F1:
        if (signature[2] == 0) /* not known */
            (void)snprintf(out, PART_SIGNATURE_TEXT, "0x%x%02x", signature[0], signature[1]);
        else
            (void)snprintf(out, PART_SIGNATURE_TEXT, "0x%x%02x with %u KiB", signature[0],
                           signature[1], 16u * signature[2]);
        return out;
    }
    (void)snprintf(out, PART_SIGNATURE_TEXT, "%02x %02x %02x", signature[0], signature[1],
                   signature[2]);
    return out;
}

bool part_same_layout(const struct part *a, const struct part *b)
{
    if (a->family != b->family || a->memory_count != b->memory_count)
        return false;
    for (size_t i = 0; i < a->memory_count; i++) {
        const struct memory *const x = &a->memories[i], *const y = &b->memories[i];
        if (strcmp(x->name, y->name) != 0 || x->base != y->base || x->size != y->size ||
            x->page_size != y->page_size || x->mask != y->mask)
            return false;
    }
    return true;
}

/* ---- memories by name ---- */

/* Other names for memories that our parts have. */
static const struct {
    const char *alias, *name;
} aliases[] = {{"lockbits", "lock"}, {"userrow", "usersig"}, {"lock", "rdp"}, {"lockbits", "rdp"}};

/* Memories of parts that are programmed over PDI, UPDI or TPI, as scripts name them. */
static const char *const foreign[] = {
    "application", "apptable", "boot",    "bootrow", "data",     "fuse0",    "fuse1",
    "fuse2",       "fuse3",    "fuse4",   "fuse5",   "fuse6",    "fuse7",    "fuse8",
    "fuse9",       "fusea",    "fuses",   "io",      "osc16err", "osc20err", "osccal16",
    "osccal20",    "prodsig",  "sernum",  "sib",     "sigrow",   "sram",     "tempsense",
    "appcodesize", "append",   "bodcfg",  "bootend", "bootsize", "codesize", "osccfg",
    "pdicfg",      "syscfg0",  "syscfg1", "tcd0cfg", "wdtcfg",
};

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* True if some part has a memory whose name begins so. */
static bool known_anywhere(const char *name)
{
    if (name[0] == '\0')
        return false;
    for (size_t i = 0; i < STANDARD_COUNT; i++)
        if (starts_with(standard_memories[i].name, name))
            return true;
    for (size_t i = 0; i < STM32F1_MEMORIES; i++)
        if (starts_with(stm32f1_memories[i].name, name))
            return true;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (starts_with(aliases[i].alias, name))
            return true;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (starts_with(foreign[i], name))
            return true;
    return false;
}

static const struct memory *memory_named(const struct part *part, const char *name)
{
    for (size_t i = 0; i < part->memory_count; i++)
        if (strcmp(part->memories[i].name, name) == 0)
            return &part->memories[i];
    return NULL;
}

/* True if the whole name belongs to a memory of some other part. */
static bool is_foreign(const char *name)
{
    for (size_t i = 0; i < STANDARD_COUNT; i++)
        if (strcmp(standard_memories[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < STM32F1_MEMORIES; i++)
        if (strcmp(stm32f1_memories[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (strcmp(foreign[i], name) == 0)
            return true;
    return false;
}

enum memory_lookup part_memory_find(const struct part *part, const char *name,
                                    const struct memory **out)
{
    if (part == NULL)
        return known_anywhere(name) ? MEMORY_ABSENT : MEMORY_UNKNOWN;
    const struct memory *found = memory_named(part, name);
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0] && found == NULL; i++)
        if (strcmp(aliases[i].alias, name) == 0)
            found = memory_named(part, aliases[i].name);
    size_t starts = 0;
    if (found == NULL && name[0] != '\0' && !is_foreign(name))
        for (size_t i = 0; i < part->memory_count; i++)
            if (starts_with(part->memories[i].name, name)) {
                found = &part->memories[i];
                starts++;
            }
    if (starts > 1)
        return MEMORY_AMBIGUOUS;
    if (found == NULL)
        return known_anywhere(name) ? MEMORY_ABSENT : MEMORY_UNKNOWN;
    *out = found;
    return MEMORY_FOUND;
}

const struct memory *part_memory(const struct part *part, enum memory_kind kind)
{
    for (size_t i = 0; i < part->memory_count; i++)
        if (part->memories[i].kind == kind)
            return &part->memories[i];
    return NULL;
}

/* ---- fields and hazards ---- */

const struct field *memory_field(const struct memory *memory, const char *name)
{
    for (size_t i = 0; i < memory->field_count; i++)
        if (strcasecmp(memory->fields[i].name, name) == 0)
            return &memory->fields[i];
    return NULL;
}

uint8_t field_get(const struct field *field, uint8_t byte)
{
    unsigned shift = 0;
    while (field->mask != 0 && (field->mask >> shift & 1) == 0)
        shift++;
    return (uint8_t)((byte & field->mask) >> shift);
}

bool hazard_hit(const struct hazard *hazard, uint8_t value)
{
    for (size_t i = 0; i < hazard->value_count; i++)
        if ((value & hazard->mask) == hazard->values[i])
            return true;
    return false;
}

bool part_sets_clock(const struct part *part, const struct memory *memory)
{
    for (size_t i = 0; i < part->hazard_count; i++)
        switch (part->hazards[i].kind) {
        case HAZARD_EXTERNAL_CLOCK:
        case HAZARD_CRYSTAL:
        case HAZARD_SLOW_CLOCK:
        case HAZARD_CLOCK_DIVIDED:
            if (part->hazards[i].memory == memory)
                return true;
            break;
        case HAZARD_RESET_DISABLE:
        case HAZARD_DEBUGWIRE:
        case HAZARD_SPI_DISABLE:
        case HAZARD_LOCK:
        case HAZARD_OTHER:
            break;
        }
    return false;
}

bool part_eeprom_survives(const struct part *part, const uint8_t *fuses, bool *known)
{
    *known = false;
    for (size_t i = 0; i < part->memory_count; i++) {
        const struct memory *const m = &part->memories[i];
        const struct field *const eesave =
            m->kind == MEMORY_FUSE ? memory_field(m, "EESAVE") : NULL;
        if (eesave == NULL)
            continue;
        *known = true;
        return field_get(eesave, fuses[i]) == 0; /* programmed */
    }
    return false;
}

/* The size of the boot section; 0: there is none. BOOTSZ counts down as the section grows (data
 * sheets, "Boot Size Configuration"). */
static uint32_t boot_size(const struct part *part, const uint8_t *fuses)
{
    for (size_t i = 0; i < part->memory_count; i++) {
        const struct memory *const m = &part->memories[i];
        const struct field *const bootsz =
            m->kind == MEMORY_FUSE ? memory_field(m, "BOOTSZ") : NULL;
        if (bootsz == NULL)
            continue;
        const size_t value = field_get(bootsz, fuses[i]);
        return value < part->boot_size_count ? part->boot_sizes[part->boot_size_count - 1 - value]
                                             : 0;
    }
    return part->boot_size_count == 1 ? part->boot_sizes[0] : 0;
}

bool part_boot_start(const struct part *part, const uint8_t *fuses, uint32_t *start)
{
    const struct memory *const flash = part_memory(part, MEMORY_FLASH);
    const uint32_t size = boot_size(part, fuses);
    if (flash == NULL || size == 0 || size > flash->size)
        return false;
    *start = flash->base + flash->size - size;
    return true;
}
