/* --unique: bytes that differ from chip to chip, from a ledger into a job. */
#include "unique.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ispflash/part.h"

/* Bytes of one operation's source, with this chip's put into it. */
struct unique_source {
    struct source source; /* first */
    struct unique *unique;
    struct source *inner; /* NULL: nothing but this chip's bytes */
};

/* --- what is given -------------------------------------------------------------------------- */

static enum status value_of(const struct unique *u, const struct unique_template *t,
                            const char **out, struct error *e)
{
    *out = ledger_entry_value(&u->entry, t->field);
    if (*out != NULL)
        return STATUS_OK;
    (void)error_set(e, STATUS_USAGE, "--unique %s: nothing is named \"%s\" there", t->text,
                    t->field);
    for (size_t i = 0; i < u->entry.count; i++)
        error_hint(e, "there is %s", u->entry.names[i]);
    return STATUS_USAGE;
}

static enum status check_entry(const struct unique *u, struct error *e)
{
    for (size_t i = 0; i < u->template_count; i++) {
        uint8_t bytes[UNIQUE_WIDTH_MAX];
        const char *value;
        TRY(value_of(u, &u->templates[i], &value, e));
        TRY(unique_encode(&u->templates[i], value, bytes, e));
    }
    return STATUS_OK;
}

static bool overlap(const struct unique_template *a, const struct unique_template *b)
{
    return strcmp(a->memory, b->memory) == 0 && a->address < b->address + b->width &&
           b->address < a->address + a->width;
}

static enum status read_templates(struct unique *u, const struct settings *s, struct error *e)
{
    if (s->unique.count > UNIQUE_TEMPLATES_MAX)
        return error_set(e, STATUS_USAGE, "--unique: more than %d of them", UNIQUE_TEMPLATES_MAX);
    for (size_t i = 0; i < s->unique.count; i++) {
        TRY(unique_parse(s->unique.items[i], &u->templates[i], e));
        for (size_t k = 0; k < i; k++)
            if (overlap(&u->templates[i], &u->templates[k]))
                return error_set(e, STATUS_USAGE, "--unique %s and %s want the same bytes",
                                 u->templates[k].text, u->templates[i].text);
        u->template_count++;
    }
    return STATUS_OK;
}

static enum status check_settings(const struct settings *s, struct error *e)
{
    if (s->unique.count == 0 && s->unique_file != NULL)
        return error_set(e, STATUS_USAGE, "--unique-file: --unique has to say where it goes");
    if (s->unique.count > 0 && s->unique_file == NULL) {
        (void)error_set(e, STATUS_USAGE, "--unique: --unique-file has to say what is given");
        error_hint(e, "a counter (echo \"first = 1\" >serial.count) or a table (boards.csv)");
        return STATUS_USAGE;
    }
    if (s->unique.count > 0 && (s->in_order || s->skip_if_same == CHOICE_YES))
        return error_set(e, STATUS_USAGE,
                         "--unique does not go with --in-order and --skip-if-same");
    return STATUS_OK;
}

enum status unique_next(struct unique *u, struct context *c, struct error *e)
{
    if (u->ledger == NULL)
        return STATUS_OK;
    ledger_entry_free(&u->entry);
    u->taken = false;
    TRY(ledger_peek(u->ledger, c, &u->entry, e));
    return check_entry(u, e);
}

/* Called once all has passed that can fail without changing the chip. */
static enum status take(struct per_chip *self, const struct session *s, struct context *c,
                        struct error *e)
{
    struct unique *u = (struct unique *)self;
    (void)s;
    if (u->taken) /* another attempt on the same chip */
        return STATUS_OK;
    ledger_entry_free(&u->entry);
    TRY(ledger_reserve(u->ledger, u->device, c, &u->entry, e));
    u->taken = true;
    for (size_t i = 0; i < u->template_count; i++) {
        const char *value;
        char text[128];
        TRY(value_of(u, &u->templates[i], &value, e));
        (void)snprintf(text, sizeof text, "%s=%s", u->templates[i].field, value);
        context_value(c, "unique", text, NULL, 0);
    }
    return check_entry(u, e);
}

enum status unique_open(struct unique *u, const struct settings *s, struct context *c,
                        struct error *e)
{
    *u = (struct unique){.per_chip = {.take = take}};
    TRY(check_settings(s, e));
    TRY(read_templates(u, s, e));
    if (u->template_count == 0)
        return STATUS_OK;
    TRY(ledger_open(s->unique_file, &u->ledger, e));
    return unique_next(u, c, e);
}

void unique_close(struct unique *u)
{
    ledger_close(u->ledger);
    ledger_entry_free(&u->entry);
    free(u->operations);
    free(u->sources);
    *u = (struct unique){0};
}

enum status unique_settle(struct unique *u, enum status outcome, struct context *c, struct error *e)
{
    const bool good = outcome == STATUS_OK;
    if (!u->taken)
        return STATUS_OK;
    TRY(ledger_settle(u->ledger, good ? NULL : error_status_name(outcome), c, e));
    if (good)
        context_log(c, LOG_NOTE, "%s is programmed and on record", u->entry.key);
    else
        context_log(c, LOG_WARNING,
                    "%s is spent: it may be in the chip, is on record as failed, and is not given "
                    "again",
                    u->entry.key);
    u->taken = false;
    return STATUS_OK;
}

/* --- into the images ------------------------------------------------------------------------ */

static bool is_for(const struct unique_template *t, const struct part *part,
                   const struct memory *memory)
{
    const struct memory *found = NULL;
    return part_memory_find(part, t->memory, &found) == MEMORY_FOUND && found == memory;
}

static enum status check_place(const struct unique_template *t, const struct memory *m,
                               struct error *e)
{
    if (m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK)
        return error_set(e, STATUS_USAGE, "--unique %s: fuses and lock bits are the same in all",
                         t->text);
    if (t->address >= m->base && t->address - m->base <= m->size &&
        t->width <= m->size - (t->address - m->base))
        return STATUS_OK;
    return error_set(e, STATUS_USAGE, "--unique %s: the last byte of %s is at 0x%lx", t->text,
                     m->name, (unsigned long)(m->base + m->size - 1));
}

/* An image may have the room blank, as 0xff, or not at all. */
static enum status check_room(const struct unique_template *t, const struct memory *m,
                              const struct image *image, const char *name, struct error *e)
{
    for (uint32_t i = 0; i < t->width; i++) {
        uint8_t held;
        if (!image_get(image, t->address + i, &held) || held == 0xff)
            continue;
        (void)error_set(e, STATUS_INPUT, "%s holds 0x%02x at 0x%04lx of %s, where --unique %s goes",
                        name, held, (unsigned long)(t->address + i), m->name, t->text);
        error_hint(e, "leave that room out of the image, or fill it with 0xff");
        return STATUS_INPUT;
    }
    return STATUS_OK;
}

static enum status put(const struct unique *u, const struct unique_template *t, struct image *image,
                       struct error *e)
{
    uint8_t bytes[UNIQUE_WIDTH_MAX];
    const char *value;
    TRY(value_of(u, t, &value, e));
    TRY(unique_encode(t, value, bytes, e));
    return image_put(image, t->address, bytes, t->width, IMAGE_OVERLAP_REPLACE, NULL, e);
}

/* Images of all of this job's sources agree where they have such bytes, so that they can be merged.
 * Of a memory that an image has nothing for, it stays empty: another source brings them. */
static enum status put_all(const struct unique_source *s, const struct part *part,
                           const struct memory *memory, struct image *image, struct error *e)
{
    const bool empty = image_empty(image);
    for (size_t i = 0; i < s->unique->template_count; i++) {
        const struct unique_template *t = &s->unique->templates[i];
        if (!is_for(t, part, memory))
            continue;
        TRY(check_place(t, memory, e));
        TRY(check_room(t, memory, image, s->source.name, e));
        if (s->inner == NULL || !empty)
            TRY(put(s->unique, t, image, e));
    }
    return STATUS_OK;
}

static enum status load(struct source *self, const struct part *part, const struct memory *memory,
                        struct context *c, struct image **out, struct error *e)
{
    const struct unique_source *s = (const struct unique_source *)self;
    struct image *image = NULL;
    if (s->inner != NULL)
        TRY(s->inner->load(s->inner, part, memory, c, &image, e));
    else
        image = image_new();
    if (image == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for an image");
    const enum status status =
        part != NULL && memory != NULL ? put_all(s, part, memory, image, e) : STATUS_OK;
    if (status == STATUS_OK)
        *out = image;
    else
        image_free(image);
    return status;
}

/* --- into the job --------------------------------------------------------------------------- */

static void wrap(struct unique *u, size_t index, const struct operation *o)
{
    u->operations[index] = *o;
    if (o->source == NULL)
        return;
    u->sources[index] =
        (struct unique_source){.source = *o->source, .unique = u, .inner = o->source};
    u->sources[index].source.load = load;
    u->sources[index].source.per_chip = true;
    u->operations[index].source = &u->sources[index].source;
}

/* A write of nothing but this chip's bytes, once for each memory. Returns the next free index. */
static size_t add_own(struct unique *u, size_t index)
{
    for (size_t i = 0; i < u->template_count; i++) {
        const struct unique_template *t = &u->templates[i];
        bool first = true;
        for (size_t k = 0; k < i; k++)
            first = first && strcmp(u->templates[k].memory, t->memory) != 0;
        if (!first)
            continue;
        u->sources[index] = (struct unique_source){
            .source = {.load = load, .name = t->text, .per_chip = true}, .unique = u};
        u->operations[index] = (struct operation){
            .kind = OPERATION_WRITE, .memory = t->memory, .source = &u->sources[index].source};
        index++;
    }
    return index;
}

/* They stand among the first writes, before anything that could lock them out. */
static void fill_operations(struct unique *u, struct job *job)
{
    size_t count = 0;
    bool added = false;
    for (size_t i = 0; i < job->operation_count; i++) {
        if (!added && job->operations[i].kind == OPERATION_WRITE) {
            count = add_own(u, count);
            added = true;
        }
        wrap(u, count++, &job->operations[i]);
    }
    job->operation_count = added ? count : add_own(u, count);
    job->operations = u->operations;
}

enum status unique_join(struct unique *u, struct job *job, const char *device, struct error *e)
{
    const size_t most = job->operation_count + u->template_count;
    if (u->template_count == 0)
        return STATUS_OK;
    u->operations = calloc(most, sizeof *u->operations);
    u->sources = calloc(most, sizeof *u->sources);
    if (u->operations == NULL || u->sources == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the operations");
    fill_operations(u, job);
    job->per_chip = &u->per_chip;
    job->flags &= ~(unsigned)JOB_SKIP_IF_SAME; /* no chip holds the next number already */
    u->device = device;
    return STATUS_OK;
}
