/* A chip behind a boot loader: its flash, and perhaps its EEPROM, by the programmer's own range
 * operations. Pages erase themselves; fuses and lock bits are out of reach. */
#include <string.h>

#include "../family.h"

static unsigned bootloader_traits(const struct programmer_driver *driver)
{
    (void)driver;
    return TARGET_ERASES_PAGES;
}

static enum status bootloader_enter(struct target *t, struct error *e)
{
    return programmer_enter(t->programmer, e);
}

static bool bootloader_readable(const struct target *t, const struct memory *m)
{
    return t->programmer->driver->read != NULL &&
           (m->kind == MEMORY_FLASH || m->kind == MEMORY_EEPROM || m->kind == MEMORY_SIGNATURE);
}

static bool bootloader_writable(const struct target *t, const struct memory *m)
{
    return t->programmer->driver->write != NULL &&
           (m->kind == MEMORY_FLASH || m->kind == MEMORY_EEPROM);
}

static enum status bootloader_read(struct target *t, const struct memory *m, uint32_t address,
                                   uint8_t *data, size_t size, struct error *e)
{
    return t->programmer->driver->read(t->programmer, m, address, data, size, e);
}

static enum status bootloader_identify(struct target *t, uint8_t signature[3], struct error *e)
{
    static const uint8_t none[2][3] = {{0x00, 0x00, 0x00}, {0xff, 0xff, 0xff}};
    const struct memory *m = part_memory(t->part, MEMORY_SIGNATURE);
    uint8_t bytes[3];
    if (m == NULL || !bootloader_readable(t, m))
        return error_set(e, STATUS_UNSUPPORTED, "%s does not tell the signature",
                         t->programmer->entry->id);
    TRY(bootloader_read(t, m, 0, bytes, sizeof bytes, e));
    if (memcmp(bytes, none[0], 3) == 0 || memcmp(bytes, none[1], 3) == 0)
        return error_set(e, STATUS_NO_TARGET,
                         "the boot loader says its signature is %02x %02x %02x, which no chip has",
                         bytes[0], bytes[1], bytes[2]);
    memcpy(signature, bytes, sizeof bytes);
    return STATUS_OK;
}

static enum status bootloader_write_run(struct target *t, const struct memory *m, uint32_t address,
                                        const uint8_t *data, size_t size, bool blank,
                                        struct error *e)
{
    (void)blank; /* the boot loader erases in any case */
    return t->programmer->driver->write(t->programmer, m, address, data, size, e);
}

/* Lock bits cannot be read here, and LB1/LB2 do not stop a boot loader. */
static bool bootloader_lock_blocks(const struct target *t, uint8_t lock)
{
    (void)t;
    (void)lock;
    return false;
}

const struct target_ops target_bootloader = {
    .name = "boot loader",
    .traits = bootloader_traits,
    .enter = bootloader_enter,
    .identify = bootloader_identify,
    .read = bootloader_read,
    .write_run = bootloader_write_run,
    .readable = bootloader_readable,
    .writable = bootloader_writable,
    .lock_blocks_read = bootloader_lock_blocks,
    .lock_blocks_write = bootloader_lock_blocks,
};
