/* Chips of any family: which table of operations serves, and what holds for all of them. */
#include "target/target.h"

#include <stdlib.h>
#include <string.h>

#include "family.h"

static const struct target_ops *ops_for(const struct programmer_driver *driver,
                                        const struct part *part)
{
    if ((driver->features & PROGRAMMER_BOOTLOADER) != 0)
        return &target_bootloader;
    switch (part->family) {
    case PART_AVR_ISP:
        return driver->exchange != NULL ? &target_avr : NULL;
    case PART_STM32F1:
        return driver->swd != NULL ? &target_stm32f1 : NULL;
    }
    return NULL;
}

const struct part *target_generic_part(const struct programmer_driver *driver)
{
    return driver->swd != NULL ? part_generic_stm32f1() : part_generic_avr();
}

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "out of memory");
}

static enum status cannot_reach(const struct programmer *p, const struct part *part,
                                struct error *e)
{
    (void)error_set(e, STATUS_UNSUPPORTED, "programmer %s cannot reach an %s", p->entry->id,
                    part->name);
    if (part->family == PART_STM32F1)
        error_hint(e, "an STM32 is programmed over SWD: -c stlink");
    return e->code;
}

enum status target_open(struct programmer *p, const struct part *part, struct target **out,
                        struct error *e)
{
    const struct target_ops *ops = ops_for(p->driver, part);
    if (ops == NULL)
        return cannot_reach(p, part, e);
    struct target *t = calloc(1, sizeof *t);
    if (t == NULL)
        return no_memory(e);
    *t = (struct target){.ops = ops, .programmer = p, .context = p->context, .part = part};
    t->state = calloc(1, ops->state_size > 0 ? ops->state_size : 1);
    enum status status = t->state != NULL ? STATUS_OK : no_memory(e);
    if (status == STATUS_OK)
        status = target_select(t, part, e);
    if (status != STATUS_OK) {
        target_close(t);
        return status;
    }
    *out = t;
    return STATUS_OK;
}

void target_close(struct target *t)
{
    if (t == NULL)
        return;
    if (t->programmer->entered) {
        struct error e = {0};
        if (target_leave(t, &e) != STATUS_OK)
            context_log(t->context, LOG_WARNING, "the chip may still be %s: %s",
                        programmer_hold(t->programmer), e.text);
    }
    free(t->state);
    free(t);
}

unsigned target_traits_of(const struct programmer_driver *driver, const struct part *part)
{
    const struct target_ops *ops = ops_for(driver, part);
    return ops != NULL ? ops->traits(driver) : 0;
}

unsigned target_traits(const struct target *t)
{
    return t->ops->traits(t->programmer->driver);
}

const struct part *target_part(const struct target *t)
{
    return t->part;
}

bool target_unreliable(const struct target *t)
{
    return t->unreliable;
}

uint32_t target_clock(const struct target *t)
{
    return t->sck_hz;
}

enum status target_enter(struct target *t, struct error *e)
{
    t->answers = false;
    return t->ops->enter(t, e);
}

enum status target_leave(struct target *t, struct error *e)
{
    t->answers = false;
    return t->ops->leave != NULL ? t->ops->leave(t, e) : programmer_leave(t->programmer, e);
}

enum status target_identify(struct target *t, uint8_t signature[3], struct error *e)
{
    t->answers = false;
    TRY(t->ops->identify(t, signature, e));
    t->answers = true;
    return STATUS_OK;
}

enum status target_select(struct target *t, const struct part *part, struct error *e)
{
    TRY(programmer_select(t->programmer, part, e));
    t->part = part;
    if (t->ops->selected != NULL)
        t->ops->selected(t);
    return STATUS_OK;
}

enum status target_set_clock(struct target *t, uint32_t hz, struct error *e)
{
    if (t->ops->set_clock == NULL)
        return error_set(e, STATUS_UNSUPPORTED, "the clock of %s is fixed",
                         t->programmer->entry->id);
    TRY(t->ops->set_clock(t, hz, e));
    t->chosen_hz = hz;
    return STATUS_OK;
}

bool target_voltage(struct target *t, uint32_t *millivolts)
{
    const struct programmer_driver *driver = t->programmer->driver;
    struct error e = {0};
    return driver->voltage != NULL && driver->voltage(t->programmer, millivolts, &e) == STATUS_OK;
}

enum status target_count_wrong(struct target *t, const uint8_t signature[3],
                               const struct memory *const *memories, const uint8_t *values,
                               size_t count, unsigned times, unsigned *wrong, struct error *e)
{
    if (t->ops->count_wrong == NULL)
        return error_set(e, STATUS_UNSUPPORTED, "%s has no instructions that could be repeated",
                         t->programmer->entry->id);
    return t->ops->count_wrong(t, signature, memories, values, count, times, wrong, e);
}

enum status target_probe(struct target *t, uint32_t sck_hz, struct isp_probe *out, struct error *e)
{
    t->answers = false;
    if (t->ops->probe == NULL)
        return error_set(e, STATUS_UNSUPPORTED, "%s shows nothing of the wires to the chip",
                         t->programmer->entry->id);
    return t->ops->probe(t, sck_hz, out, e);
}

/* Nothing is written into a chip that does not answer, whatever the caller believes. */
static enum status check_answers(const struct target *t, struct error *e)
{
    return t->answers
               ? STATUS_OK
               : error_set(e, STATUS_NO_TARGET, "no chip has answered yet, so none is written to");
}

enum status target_erase(struct target *t, struct error *e)
{
    TRY(check_answers(t, e));
    if (t->ops->erase == NULL)
        return error_set(e, STATUS_UNSUPPORTED, "%s cannot erase the chip",
                         t->programmer->entry->id);
    return t->ops->erase(t, e);
}

enum status target_unlock(struct target *t, struct error *e)
{
    TRY(check_answers(t, e));
    if (t->ops->unlock == NULL)
        return error_set(e, STATUS_UNSUPPORTED, "the %s is unlocked by a chip erase (-e)",
                         t->part->name);
    return t->ops->unlock(t, e);
}

bool target_is_clone(const struct target *t, const struct part *part, char *out, size_t capacity)
{
    return t->ops->is_clone != NULL && t->ops->is_clone(t, part, out, capacity);
}

bool target_write_protected(const struct target *t, uint32_t from, struct target_run *run)
{
    return t->ops->write_protected != NULL && t->ops->write_protected(t, from, run);
}

enum status target_unprotect(struct target *t, const struct target_run *runs, size_t count,
                             struct error *e)
{
    TRY(check_answers(t, e));
    if (t->ops->unprotect == NULL)
        return error_set(e, STATUS_UNSUPPORTED, "the %s has no write protection by pages",
                         t->part->name);
    return t->ops->unprotect(t, runs, count, e);
}

static enum status check_range(const struct memory *m, uint64_t address, uint64_t size,
                               struct error *e)
{
    if (address + size > m->size)
        return error_set(e, STATUS_INTERNAL, "%s: 0x%llx to 0x%llx is outside its %lu bytes",
                         m->name, (unsigned long long)address, (unsigned long long)(address + size),
                         (unsigned long)m->size);
    return STATUS_OK;
}

enum status target_read(struct target *t, const struct memory *m, uint32_t address, uint8_t *data,
                        size_t size, struct error *e)
{
    TRY(check_range(m, address, size, e));
    if (!target_readable(t, m))
        return error_set(e, STATUS_UNSUPPORTED, "%s of the %s cannot be read by %s", m->name,
                         t->part->name, t->programmer->entry->id);
    return size > 0 ? t->ops->read(t, m, address, data, size, e) : STATUS_OK;
}

enum status target_read_bytes(struct target *t, const struct memory *const *memories,
                              uint8_t *values, size_t count, struct error *e)
{
    for (size_t i = 0; i < count; i++)
        if (t->ops->read_bytes == NULL || !target_readable(t, memories[i]))
            return error_set(e, STATUS_UNSUPPORTED, "%s of the %s cannot be read by %s",
                             memories[i]->name, t->part->name, t->programmer->entry->id);
    return count > 0 ? t->ops->read_bytes(t, memories, values, count, e) : STATUS_OK;
}

bool target_readable(const struct target *t, const struct memory *m)
{
    return t->ops->readable(t, m);
}

bool target_writable(const struct target *t, const struct memory *m)
{
    return t->ops->writable(t, m);
}

bool target_lock_can_become(const struct target *t, const struct memory *m, uint8_t held,
                            uint8_t value)
{
    if (t->ops->lock_can_become != NULL)
        return t->ops->lock_can_become(held, value);
    return (value & ~held & m->mask) == 0;
}

bool target_lock_blocks_read(const struct target *t, uint8_t lock)
{
    return t->ops->lock_blocks_read(t, lock);
}

bool target_lock_blocks_write(const struct target *t, uint8_t lock)
{
    return t->ops->lock_blocks_write(t, lock);
}

static enum status not_writable(const struct target *t, const struct memory *m, struct error *e)
{
    return error_set(e, STATUS_UNSUPPORTED, "%s of the %s cannot be written by %s", m->name,
                     t->part->name, t->programmer->entry->id);
}

enum status target_write_byte(struct target *t, const struct memory *m, uint8_t value,
                              struct error *e)
{
    TRY(check_answers(t, e));
    if (t->ops->write_byte == NULL || !target_writable(t, m))
        return not_writable(t, m, e);
    return t->ops->write_byte(t, m, value, e);
}

enum status target_instruction(struct target *t, const uint8_t mosi[4], uint8_t miso[4],
                               struct error *e)
{
    if (t->ops->instruction == NULL)
        return error_set(e, STATUS_UNSUPPORTED, "%s takes no raw instructions",
                         t->programmer->entry->id);
    return t->ops->instruction(t, mosi, miso, e);
}

/* --- writing -------------------------------------------------------------------------------- */

static uint32_t unit_of(const struct memory *m)
{
    return m->page_size > 0 ? m->page_size : 1;
}

/* True if the unit (page or byte) at offset `start` holds a wanted byte that is not known to be
 * there. */
static bool unit_differs(const struct memory *m, const struct image *image,
                         const struct image *present, uint32_t start)
{
    const uint64_t end = (uint64_t)m->base + start + unit_of(m);
    struct extent extent;
    uint64_t at = (uint64_t)m->base + start;
    while (image_next(image, at, &extent) && extent.address < end) {
        for (uint32_t i = 0; i < extent.size && extent.address + (uint64_t)i < end; i++) {
            uint8_t held;
            if (!image_get(present, extent.address + i, &held) || held != extent.data[i])
                return true;
        }
        at = (uint64_t)extent.address + extent.size;
    }
    return false;
}

bool target_next_run(const struct memory *m, const struct image *image, const struct image *present,
                     uint32_t from, struct target_run *run)
{
    const uint32_t unit = unit_of(m);
    struct extent extent;
    uint64_t at = m->base + (uint64_t)from;
    run->size = 0;
    while (image_next(image, at, &extent) && extent.address - m->base < m->size) {
        const uint32_t start = (extent.address - m->base) / unit * unit;
        if (run->size > 0 && start > run->address + run->size)
            break; /* a hole ends the run */
        if (unit_differs(m, image, present, start)) {
            if (run->size == 0)
                run->address = start;
            run->size = start + unit - run->address;
        } else if (run->size > 0) {
            break;
        }
        at = m->base + (uint64_t)start + unit;
    }
    return run->size > 0;
}

/* Puts what the image holds of [address, address + size) over `data`. */
static void overlay(const struct memory *m, const struct image *image, uint32_t address,
                    uint8_t *data, size_t size)
{
    const uint64_t begin = (uint64_t)m->base + address, end = begin + size;
    struct extent extent;
    for (uint64_t at = begin; image_next(image, at, &extent) && extent.address < end;
         at = (uint64_t)extent.address + extent.size) {
        const uint64_t left = end - extent.address;
        memcpy(data + (extent.address - begin), extent.data,
               extent.size < left ? extent.size : (size_t)left);
    }
}

/* Programming only clears bits of flash that is not erased on the way, so a hole there is 0xff:
 * the cells keep what they have. Elsewhere it must be known what they have. */
static enum status fill_run(struct target *t, const struct memory *m, const struct image *image,
                            const struct image *present, const struct target_run *run,
                            uint8_t *data, struct error *e)
{
    const bool erases = m->kind != MEMORY_FLASH || (target_traits(t) & TARGET_ERASES_PAGES) != 0;
    memset(data, 0xff, run->size);
    if (erases)
        overlay(m, present, run->address, data, run->size);
    overlay(m, image, run->address, data, run->size);
    for (uint32_t i = 0; erases && i < run->size; i++)
        if (!image_get(image, m->base + run->address + i, NULL) &&
            !image_get(present, m->base + run->address + i, NULL))
            return error_set(e, STATUS_INTERNAL, "%s: what to keep at 0x%lx is not known", m->name,
                             (unsigned long)(run->address + i));
    return STATUS_OK;
}

/* True if all of the run is known to be 0xff. */
static bool is_blank(const struct memory *m, const struct image *present,
                     const struct target_run *run)
{
    for (uint32_t i = 0; i < run->size; i++) {
        uint8_t held;
        if (!image_get(present, m->base + run->address + i, &held) || held != 0xff)
            return false;
    }
    return true;
}

enum status target_write(struct target *t, const struct memory *m, const struct image *image,
                         const struct image *present, struct error *e)
{
    TRY(check_answers(t, e));
    if (!target_writable(t, m))
        return not_writable(t, m, e);
    struct target_run run;
    for (uint32_t from = 0; target_next_run(m, image, present, from, &run);
         from = run.address + run.size) {
        TRY(check_range(m, run.address, run.size, e));
        uint8_t *data = malloc(run.size);
        if (data == NULL)
            return no_memory(e);
        enum status status = fill_run(t, m, image, present, &run, data, e);
        if (status == STATUS_OK)
            status =
                t->ops->write_run(t, m, run.address, data, run.size, is_blank(m, present, &run), e);
        free(data);
        TRY(status);
    }
    return STATUS_OK;
}
