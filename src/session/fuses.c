/* Some bits of fuses and lock bytes, the others as they are. */
#include <string.h>

#include "session_private.h"

void session_fuses(const struct session *s, struct fuse_set *out)
{
    fuse_set_init(out, s->part);
    for (size_t i = 0; i < out->count; i++) {
        uint8_t value;
        if (!session_byte(s, out->bytes[i].memory, &value))
            continue;
        out->bytes[i].value = value;
        out->bytes[i].given = 0xff;
    }
}

static bool is_wanted(const struct fuse_byte *wish, const struct fuse_byte *wanted)
{
    return wish->given != 0 && wanted->given == 0xff;
}

/* A byte that cannot be read has bits that nobody knows: then all of them must be given. */
static enum status check_readable(const struct fuse_set *wish, const struct fuse_set *wanted,
                                  struct error *e)
{
    for (size_t i = 0; i < wish->count; i++)
        if (wish->bytes[i].given != 0 && wanted->bytes[i].given != 0xff) {
            (void)error_set(e, STATUS_UNSUPPORTED,
                            "%s of the %s cannot be read, so its other bits are not known",
                            wish->bytes[i].memory->name, wish->part->name);
            error_hint(e, "give the whole byte: %s=0x..", wish->bytes[i].memory->name);
            return STATUS_UNSUPPORTED;
        }
    return STATUS_OK;
}

static enum status judge(struct session *s, const struct fuse_set *wish,
                         const struct fuse_set *wanted, const char *const *allow,
                         size_t allow_count, struct error *e)
{
    struct guard_byte bytes[FUSE_BYTES_MAX];
    struct guard_request r = {.part = s->part,
                              .bytes = bytes,
                              .chip_was_read = true,
                              .allow = allow,
                              .allow_count = allow_count};
    for (size_t i = 0; i < wish->count; i++) {
        const struct memory *m = wish->bytes[i].memory;
        if (!is_wanted(&wish->bytes[i], &wanted->bytes[i]))
            continue;
        struct guard_byte *b = &bytes[r.count++];
        *b = (struct guard_byte){.memory = m, .wanted = wanted->bytes[i].value};
        b->known = session_byte(s, m, &b->present);
        if (b->known)
            TRY(session_check_lock(s, m, b->present, b->wanted, e));
        if (b->known && m->kind != MEMORY_LOCK && session_write_locked(s) &&
            ((b->wanted ^ b->present) & m->mask & m->write_mask) != 0) {
            (void)error_set(e, STATUS_PROTECTED, "%s cannot be written: lock bits forbid it",
                            m->name);
            session_hint_lift(s, LIFT_AT_ALL, e);
            return STATUS_PROTECTED;
        }
    }
    TRY(session_guard(&r, e));
    session_guard_say(&r, s->context);
    return STATUS_OK;
}

static enum status write_one(struct session *s, const struct fuse_byte *b, struct error *e)
{
    const struct memory *m = b->memory;
    struct image *image = image_new();
    if (image == NULL)
        return session_no_memory(e);
    enum status status = image_put(image, m->base, &b->value, 1, IMAGE_OVERLAP_REPLACE, NULL, e);
    if (status == STATUS_OK)
        status = session_write(s, m, image, e);
    if (status == STATUS_OK && target_readable(s->target, m))
        status = session_verify_bits(s, m, image, m->mask & m->write_mask, e);
    image_free(image);
    return status;
}

/* As at the end of a job: the clock behind the other fuses, lock bits behind both. */
static int rank(const struct session *s, const struct memory *m)
{
    return m->kind == MEMORY_LOCK ? 2 : part_sets_clock(s->part, m) ? 1 : 0;
}

/* A field that the wish for its byte leaves open, and that is not as it left the factory: parts of
 * nearly the same name differ in such bits (the ATmega328PB has CFD where the ATmega328P has
 * nothing), so a person may not know that there is one. */
static void say_left_open(struct session *s, const struct fuse_byte *wish,
                          const struct fuse_byte *wanted)
{
    const struct memory *m = wish->memory;
    for (size_t i = 0; i < m->field_count; i++) {
        const struct field *field = &m->fields[i];
        const uint8_t value = field_get(field, wanted->value);
        char is[FUSE_TEXT_SIZE], was[FUSE_TEXT_SIZE];
        if ((field->mask & wish->given) != 0 || value == field_get(field, m->initial))
            continue;
        context_log(s->context, LOG_NOTE, "%s: %s stays %s (%s: %s); from the factory it is %s",
                    m->name, field->name, fuse_value_name(field, value, is), field->caption,
                    fuse_value_meaning(field, value),
                    fuse_value_name(field, field_get(field, m->initial), was));
    }
}

enum status session_set_fuses(struct session *s, const struct fuse_set *wish,
                              const char *const *allow, size_t allow_count, struct error *e)
{
    struct fuse_set wanted;
    TRY(session_may_change(s, e));
    TRY(session_read_bytes(s, 3, e));
    session_fuses(s, &wanted);
    fuse_set_apply(wish, &wanted);
    TRY(check_readable(wish, &wanted, e));
    TRY(judge(s, wish, &wanted, allow, allow_count, e));
    for (size_t i = 0; i < wish->count; i++)
        if (is_wanted(&wish->bytes[i], &wanted.bytes[i]) && wish->bytes[i].memory->initial_known)
            say_left_open(s, &wish->bytes[i], &wanted.bytes[i]);
    for (int turn = 0; turn <= 2; turn++)
        for (size_t i = 0; i < wish->count; i++)
            if (is_wanted(&wish->bytes[i], &wanted.bytes[i]) &&
                rank(s, wish->bytes[i].memory) == turn)
                TRY(write_one(s, &wanted.bytes[i], e));
    return session_prove(s, e);
}
