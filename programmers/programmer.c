/* An open programmer: the driver's operations with what is the same for all drivers around them. */
#include "programmer/programmer.h"

#include <stdlib.h>
#include <string.h>

/* What programmer_open() allocates: the public part and what it borrows from. */
struct instance {
    struct programmer programmer; /* first: the two are converted into one another */
    struct programmer_entry *entries;
};

static void instance_free(struct instance *self)
{
    programmer_entries_free(self->entries);
    free(self->programmer.state);
    free(self);
}

/* Everything short of touching the device. */
static enum status instance_prepare(struct instance *self, struct error *e)
{
    struct programmer *p = &self->programmer;
    TRY(programmer_entries_with(p->config->programmers, &self->entries, e));
    TRY(programmer_find(self->entries, p->config->id, &p->entry, &p->driver, e));
    if (p->driver->options_help == NULL && p->config->option_count > 0)
        return error_set(e, STATUS_USAGE, "-x %s: %s takes no such options", p->config->options[0],
                         p->entry->id);
    if (p->driver->check != NULL)
        TRY(p->driver->check(p->entry, p->config, e));
    p->state = calloc(1, p->driver->state_size > 0 ? p->driver->state_size : 1);
    return p->state != NULL ? STATUS_OK : error_set(e, STATUS_NO_MEMORY, "out of memory");
}

enum status programmer_open(const struct programmer_config *config, struct context *c,
                            struct programmer **out, struct error *e)
{
    struct instance *self = calloc(1, sizeof *self);
    if (self == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    struct programmer *p = &self->programmer;
    p->config = config;
    p->context = c;
    p->part = part_generic_avr();
    enum status status = instance_prepare(self, e);
    if (status == STATUS_OK) {
        status = p->driver->open(p, e);
        if (status != STATUS_OK)
            p->driver->close(p);
    }
    if (status != STATUS_OK) {
        instance_free(self);
        return status;
    }
    *out = p;
    return STATUS_OK;
}

void programmer_close(struct programmer *p)
{
    if (p == NULL)
        return;
    if (p->entered) {
        struct error e = {0};
        if (programmer_leave(p, &e) != STATUS_OK)
            context_log(p->context, LOG_WARNING, "the chip may still be %s: %s", programmer_hold(p),
                        e.text);
    }
    p->driver->close(p);
    instance_free((struct instance *)p);
}

enum status programmer_select(struct programmer *p, const struct part *part, struct error *e)
{
    const struct part *before = p->part;
    p->part = part;
    const enum status status =
        p->driver->select != NULL ? p->driver->select(p, part, e) : STATUS_OK;
    if (status != STATUS_OK)
        p->part = before;
    return status;
}

enum status programmer_enter(struct programmer *p, struct error *e)
{
    TRY(context_check(p->context, e));
    p->entered = true; /* also if it fails: RESET may be low by then */
    return p->driver->enter(p, e);
}

enum status programmer_leave(struct programmer *p, struct error *e)
{
    const bool leaving = p->context->leaving;
    p->context->leaving = true; /* nobody interrupts the way out */
    const enum status status = p->driver->leave(p, e);
    p->context->leaving = leaving;
    p->entered = false;
    return status;
}

enum status programmer_exchange(struct programmer *p, struct isp_exchange *batch, size_t count,
                                struct error *e)
{
    if (p->driver->exchange == NULL)
        return error_set(e, STATUS_UNSUPPORTED,
                         "%s is a boot loader: it takes no serial programming instructions",
                         p->entry->id);
    if (count == 0)
        return STATUS_OK;
    TRY(context_check(p->context, e));
    return p->driver->exchange(p, batch, count, e);
}

bool programmer_entry_setting(const struct programmer_entry *entry, const char *key, char *out,
                              size_t capacity)
{
    const size_t key_size = strlen(key);
    const char *at = entry->settings;
    while (at != NULL && *at != '\0') {
        const size_t size = strcspn(at, " ");
        if (size > key_size && strncmp(at, key, key_size) == 0 && at[key_size] == '=') {
            const size_t value_size = size - key_size - 1;
            if (value_size >= capacity)
                return false;
            memcpy(out, at + key_size + 1, value_size);
            out[value_size] = '\0';
            return true;
        }
        at += size;
        at += strspn(at, " ");
    }
    return false;
}

const char *programmer_hold(const struct programmer *p)
{
    return p->driver->swd != NULL ? "halted" : "held in reset";
}

bool programmer_setting(const struct programmer *p, const char *key, char *out, size_t capacity)
{
    return programmer_entry_setting(p->entry, key, out, capacity);
}
