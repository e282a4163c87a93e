/* `ispflash detect`: which chip it is, how it is set up and what is in it. Changes nothing. */
#include <string.h>

#include "boot_finding.h"
#include "cli.h"
#include "detection.h"
#include "fuse_json.h"
#include "job.h"
#include "run.h"

/* A program begins at the beginning: with these bytes it is seen without reading all of it. */
enum { FIRST = 256 };

struct detect {
    struct sink sink; /* first: listens in on what the layers below tell */
    struct run run;
    struct session *session;
    struct boot_image_list *images;
    struct bootloader_list *loaders;
    struct image *flash, *eeprom; /* what was read */
    struct detection found;
};

/* --- what is told on the way ----------------------------------------------------------------- */

static void keep_value(struct detection *f, const char *name, const char *text)
{
    static const char *const wanted[] = {"firmware", "core-id", "protection", "sram", "uid"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0] && f->told_count < TOLD_MAX; i++) {
        if (strcmp(name, wanted[i]) != 0)
            continue;
        struct told *told = &f->told[f->told_count++];
        (void)snprintf(told->name, sizeof told->name, "%s", name);
        (void)snprintf(told->text, sizeof told->text, "%s", text);
    }
}

static void listen_in(struct sink *self, const struct event *event)
{
    struct detect *d = (struct detect *)self;
    struct sink *listener = d->run.cli->listener;
    if (event->kind == EVENT_VALUE && event->value.text != NULL)
        keep_value(&d->found, event->value.name, event->value.text);
    listener->emit(listener, event);
}

/* --- content -------------------------------------------------------------------------------- */

/* Reads the first bytes of [m->base, end), and the rest only if those are blank. */
static enum status look(struct detect *d, const struct memory *m, uint32_t end, struct image *into,
                        bool *blank, struct error *e)
{
    const uint32_t first = end - m->base < FIRST ? end - m->base : FIRST;
    const uint32_t next = m->base + first;
    TRY(session_read(d->session, m, m->base, first, into, e));
    *blank = boot_range_is_blank(into, m->base, next);
    if (!*blank || next == end)
        return STATUS_OK;
    TRY(session_read(d->session, m, next, end - next, into, e));
    *blank = boot_range_is_blank(into, next, end);
    return STATUS_OK;
}

/* Whether the memory is worth a look; the answer if not. */
static bool can_look(const struct detect *d, const struct memory *m, enum content *content)
{
    *content = m == NULL || !m->readable ? CONTENT_ABSENT : CONTENT_LOCKED;
    return *content == CONTENT_LOCKED && !session_read_locked(d->session);
}

static enum status look_at_flash(struct detect *d, struct error *e)
{
    struct detection *f = &d->found;
    const struct memory *m = part_memory(f->part, MEMORY_FLASH);
    bool blank = true;
    if (!can_look(d, m, &f->flash))
        return STATUS_OK;
    const uint32_t end = f->boot.held ? f->boot.begin : m->base + m->size;
    TRY(look(d, m, end, d->flash, &blank, e));
    f->flash = !blank ? CONTENT_HOLDS : f->boot.held ? CONTENT_BOOT_ONLY : CONTENT_BLANK;
    return STATUS_OK;
}

static enum status look_at_eeprom(struct detect *d, struct error *e)
{
    struct detection *f = &d->found;
    const struct memory *m = part_memory(f->part, MEMORY_EEPROM);
    bool blank = true;
    if (!can_look(d, m, &f->eeprom))
        return STATUS_OK;
    TRY(look(d, m, m->base + m->size, d->eeprom, &blank, e));
    f->eeprom = blank ? CONTENT_BLANK : CONTENT_HOLDS;
    return STATUS_OK;
}

/* --- the boot loader ------------------------------------------------------------------------ */

static enum status look_for_loader(struct detect *d, struct error *e)
{
    struct detection *f = &d->found;
    const struct memory *flash = part_memory(f->part, MEMORY_FLASH);
    uint8_t fuses[32] = {0};
    uint32_t begin, end;
    enum content content;
    if (!can_look(d, flash, &content))
        return STATUS_OK;
    for (size_t i = 0; i < f->bytes.count; i++)
        fuses[f->bytes.bytes[i].memory - f->part->memories] = f->bytes.bytes[i].value;
    f->boot.section = part_boot_start(f->part, fuses, &f->boot.begin);
    f->boot.end = f->boot.section ? flash->base + flash->size : 0;
    const struct boot_question q = {.images = d->images,
                                    .loaders = d->loaders,
                                    .parts = f->candidates,
                                    .part_count = f->candidate_count,
                                    .flash = d->flash};
    if (!boot_region(&q, &f->boot, &begin, &end))
        return STATUS_OK;
    TRY(session_read(d->session, flash, begin, end - begin, d->flash, e));
    boot_recognise(&q, &f->boot);
    return STATUS_OK;
}

/* --- the chip ------------------------------------------------------------------------------- */

static void take_candidates(struct detect *d, bool named)
{
    struct detection *f = &d->found;
    f->candidate_count = named ? 0 : session_candidates(d->session, f->candidates, CANDIDATES_MAX);
    f->candidate_count = f->candidate_count < CANDIDATES_MAX ? f->candidate_count : CANDIDATES_MAX;
    if (f->candidate_count == 0)
        f->candidates[f->candidate_count++] = f->part;
}

static enum lock_state lock_state(const struct detect *d)
{
    const struct memory *lock = part_memory(d->found.part, MEMORY_LOCK);
    uint8_t value;
    if (lock == NULL || !session_byte(d->session, lock, &value))
        return LOCK_UNKNOWN;
    return session_read_locked(d->session)    ? LOCK_NO_READ
           : session_write_locked(d->session) ? LOCK_NO_WRITE
                                              : LOCK_OPEN;
}

static enum status examine(struct detect *d, const char *part, unsigned flags, struct error *e)
{
    struct detection *f = &d->found;
    TRY(session_connect(d->session, part, flags, e));
    TRY(session_read_bytes(d->session, 2, e));
    f->part = session_part(d->session);
    memcpy(f->signature, session_report(d->session)->signature, sizeof f->signature);
    take_candidates(d, part != NULL);
    session_fuses(d->session, &f->bytes);
    f->lock = lock_state(d);
    f->clock_known = session_chip_clock(d->session, &f->clock);
    TRY(session_find_clock(d->session, e));
    f->sck_hz = session_clock(d->session);
    TRY(look_for_loader(d, e));
    TRY(look_at_flash(d, e));
    TRY(look_at_eeprom(d, e));
    return session_disconnect(d->session, e);
}

static void answer(const struct detect *d)
{
    FILE *out = d->run.cli->around->results;
    if (!d->run.cli->settings.json) {
        detection_text(out, &d->found);
        return;
    }
    detection_json(out, &d->found);
    fuse_json_set(out, &d->found.bytes);
}

static enum status on_chip(struct detect *d, const struct job *job, struct error *e)
{
    const unsigned flags = (job->flags & JOB_FORCE_SIGNATURE) != 0 ? SESSION_FORCE_SIGNATURE : 0;
    d->sink.emit = listen_in;
    d->run.context.sink = &d->sink;
    TRY(session_open(&job->programmer, d->run.parts, &d->run.context, &d->session, e));
    const enum status status = examine(d, job->part, flags, e);
    if (status == STATUS_OK)
        answer(d);
    else
        session_tell_state(d->session, e);
    return status;
}

static enum status prepare(struct detect *d, struct error *e)
{
    TRY(run_read_configuration(&d->run, e));
    TRY(boot_images_open(&d->images, e));
    TRY(bootloaders_open(&d->loaders, e));
    d->flash = image_new();
    d->eeprom = image_new();
    if (d->flash == NULL || d->eeprom == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    return STATUS_OK;
}

static enum status run_detect(struct detect *d, struct error *e)
{
    struct cli_job j;
    TRY(prepare(d, e));
    enum status status = cli_job_init(&j, &d->run.cli->settings, &d->run.conf, e);
    if (status == STATUS_OK)
        status = run_default_port(&d->run, &j.job.programmer, e);
    if (status == STATUS_OK)
        status = on_chip(d, &j.job, e);
    if (status != STATUS_OK && d->session == NULL)
        error_state(e, "the chip was not touched");
    session_close(d->session);
    cli_job_free(&j);
    return status;
}

enum status command_detect(struct cli *cli, struct error *e)
{
    struct detect d = {.session = NULL};
    if (cli->settings.operands.count > 0)
        return error_set(e, STATUS_USAGE, "detect takes no \"%s\": the chip tells what it is",
                         cli->settings.operands.items[0]);
    TRY(run_check_settings(cli, e));
    enum status status = run_open(&d.run, cli, e);
    if (status == STATUS_OK)
        status = run_detect(&d, e);
    image_free(d.flash);
    image_free(d.eeprom);
    boot_images_close(d.images);
    bootloaders_close(d.loaders);
    run_close(&d.run);
    return status;
}
