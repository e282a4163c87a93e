/* Jobs on the chip model. */
#include "job_bench.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "support/test.h"

static enum status source_load(struct source *self, const struct part *part,
                               const struct memory *memory, struct context *c, struct image **out,
                               struct error *e)
{
    struct memory_source *s = (struct memory_source *)self;
    struct image *image = image_new();
    (void)part, (void)memory, (void)c;
    s->loads++;
    enum status status = image != NULL ? STATUS_OK : error_set(e, STATUS_NO_MEMORY, "no memory");
    if (status == STATUS_OK && s->made != NULL)
        status = image_merge(image, s->made, e);
    if (status == STATUS_OK && s->size > 0)
        status = image_put(image, s->address, s->data, s->size, IMAGE_OVERLAP_SAME, NULL, e);
    if (status == STATUS_OK)
        *out = image;
    else
        image_free(image);
    return status;
}

static enum status destination_prepare(struct destination *self, struct error *e)
{
    struct memory_destination *d = (struct memory_destination *)self;
    d->prepared++;
    return d->broken ? error_set(e, STATUS_OUTPUT, "%s: read-only", self->name) : STATUS_OK;
}

static enum status destination_store(struct destination *self, const struct memory *memory,
                                     const struct image *image, struct context *c, struct error *e)
{
    struct memory_destination *d = (struct memory_destination *)self;
    (void)memory;
    (void)c;
    d->stored++;
    if (d->image == NULL)
        d->image = image_new();
    image_truncate(d->image, 0);
    if (d->feeds != NULL)
        d->feeds->made = d->image;
    return image_merge(d->image, image, e);
}

static enum status destination_finish(struct destination *self, struct context *c, struct error *e)
{
    (void)c, (void)e;
    ((struct memory_destination *)self)->finished++;
    return STATUS_OK;
}

static struct memory_destination new_destination(const char *name)
{
    return (struct memory_destination){.destination = {.prepare = destination_prepare,
                                                       .store = destination_store,
                                                       .finish = destination_finish,
                                                       .name = name}};
}

struct job_bench *job_bench_new(const char *chip, enum chip_rig_kind kind, const char *part)
{
    return job_bench_with(chip, kind, part, NULL);
}

struct job_bench *job_bench_with(const char *chip, enum chip_rig_kind kind, const char *part,
                                 const struct avr_chip_options *options)
{
    struct job_bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    assert_int_equal(part_database_open(&b->parts, &b->error), STATUS_OK);
    b->rig = chip_rig_new(chip, kind, options);
    b->job = (struct job){.programmer = {.id = "rig"}, .part = part, .operations = b->operations};
    b->dry = new_destination("dry");
    b->job.dry_output = &b->dry.destination;
    return b;
}

static void forget(struct job_bench *b)
{
    for (size_t i = 0; i < JOB_OPERATIONS; i++)
        image_free(b->destinations[i].image);
    image_free(b->dry.image);
    b->dry = new_destination("dry");
    memset(b->destinations, 0, sizeof b->destinations);
    memset(b->sources, 0, sizeof b->sources);
    memset(b->operations, 0, sizeof b->operations);
    report_free(&b->report);
    b->job.operation_count = 0;
    b->job.flags = 0;
    b->error = (struct error){0};
}

void job_bench_free(struct job_bench *b)
{
    assert_true(chip_rig_released(b->rig));
    forget(b);
    chip_rig_free(b->rig);
    part_database_close(b->parts);
    free(b);
}

void job_again(struct job_bench *b)
{
    forget(b);
    chip_rig_clear(b->rig);
}

/* --- operations ----------------------------------------------------------------------------- */

static size_t add(struct job_bench *b, enum operation_kind kind, const char *memory)
{
    const size_t i = b->job.operation_count++;
    assert_true(i < JOB_OPERATIONS);
    b->operations[i] = (struct operation){.kind = kind, .memory = memory};
    return i;
}

static size_t add_source(struct job_bench *b, enum operation_kind kind, const char *memory,
                         uint32_t address, const uint8_t *data, uint32_t size)
{
    static const char *const names[JOB_OPERATIONS] = {"file0", "file1", "file2",  "file3",
                                                      "file4", "file5", "file6",  "file7",
                                                      "file8", "file9", "file10", "file11"};
    const size_t i = add(b, kind, memory);
    b->sources[i] = (struct memory_source){.source = {.load = source_load, .name = names[i]},
                                           .address = address,
                                           .data = data,
                                           .size = size};
    b->operations[i].source = &b->sources[i].source;
    return i;
}

size_t job_read(struct job_bench *b, const char *memory)
{
    const size_t i = add(b, OPERATION_READ, memory);
    b->destinations[i] = new_destination("out");
    b->operations[i].destination = &b->destinations[i].destination;
    return i;
}

size_t job_write(struct job_bench *b, const char *memory, uint32_t address, const uint8_t *data,
                 uint32_t size)
{
    return add_source(b, OPERATION_WRITE, memory, address, data, size);
}

size_t job_verify(struct job_bench *b, const char *memory, uint32_t address, const uint8_t *data,
                  uint32_t size)
{
    return add_source(b, OPERATION_VERIFY, memory, address, data, size);
}

size_t job_write_byte(struct job_bench *b, const char *memory, uint8_t value)
{
    const size_t i = b->job.operation_count;
    b->bytes[i] = value;
    return job_write(b, memory, 0, &b->bytes[i], 1);
}

size_t job_verify_byte(struct job_bench *b, const char *memory, uint8_t value)
{
    const size_t i = b->job.operation_count;
    b->bytes[i] = value;
    return job_verify(b, memory, 0, &b->bytes[i], 1);
}

size_t job_erase(struct job_bench *b)
{
    return add(b, OPERATION_ERASE, NULL);
}

/* --- running and looking -------------------------------------------------------------------- */

enum status job_run(struct job_bench *b)
{
    b->rig->context.leaving = false;
    return session_run_on(&b->job, b->parts, &b->rig->context, &b->rig->programmer, &b->report,
                          &b->error);
}

void job_expect(struct job_bench *b, enum status status)
{
    const enum status got = job_run(b);
    if (got != status)
        fail_msg("%s instead of %s: %s\n%s", error_status_name(got), error_status_name(status),
                 b->error.text, b->rig->log);
    assert_true(chip_rig_released(b->rig));
    job_assert_rules(b);
}

uint8_t *job_chip(struct job_bench *b, enum avr_memory m)
{
    avr_chip_settle(b->rig->chip, b->rig->now_ns);
    return avr_chip_memory(b->rig->chip, m, NULL);
}

uint64_t job_instructions(const struct job_bench *b, enum avr_op op)
{
    return avr_chip_stats(b->rig->chip)->instructions[op];
}

void job_assert_untouched(const struct job_bench *b)
{
    static const enum avr_op changing[] = {
        AVR_OP_ERASE,      AVR_OP_LOAD_PAGE,        AVR_OP_WRITE_PAGE,
        AVR_OP_WRITE_FUSE, AVR_OP_WRITE_FLASH_BYTE, AVR_OP_WRITE_EEPROM_BYTE,
        AVR_OP_WRITE_LOCK, AVR_OP_LOAD_EEPROM_PAGE, AVR_OP_WRITE_EEPROM_PAGE};
    for (size_t i = 0; i < sizeof changing / sizeof changing[0]; i++)
        assert_int_equal(job_instructions(b, changing[i]), 0);
}

static void assert_no_cry(const char *log, const char *word)
{
    for (const char *line = log; *line != '\0';) {
        const char *end = strchr(line, '\n');
        const size_t size = end != NULL ? (size_t)(end - line) : strlen(line);
        for (size_t i = 0; i + strlen(word) <= size && strncmp(line, "note: ", 6) == 0; i++)
            if (strncasecmp(line + i, word, strlen(word)) == 0)
                fail_msg("a note cries wolf: %.*s", (int)size, line);
        line += size + (end != NULL ? 1 : 0);
    }
}

void job_assert_rules(const struct job_bench *b)
{
    const struct avr_stats *s = avr_chip_stats(b->rig->chip);
    assert_int_equal(b->rig->begun, b->rig->ended);
    assert_false(b->rig->progress_wrong);
    assert_int_equal(b->rig->reports + b->rig->errors, 1);
    assert_no_cry(b->rig->log, "error");
    assert_no_cry(b->rig->log, "fail");
    if (s->bit_errors == 0) { /* a search for the fastest SCK may make some */
        assert_int_equal(s->busy_violations, 0);
        assert_int_equal(s->undefined, 0);
    }
    if (b->error.code != STATUS_OK)
        assert_true(b->error.state[0] != '\0');
}

const struct memory_report *job_report(const struct job_bench *b, const char *memory)
{
    for (size_t i = 0; i < b->report.memory_count; i++)
        if (strcmp(b->report.memories[i].memory->name, memory) == 0)
            return &b->report.memories[i];
    fail_msg("no report on %s", memory);
    return NULL;
}

void job_assert_said(const struct job_bench *b, const char *text)
{
    if (strstr(b->rig->log, text) == NULL)
        fail_msg("not said: %s\nbut: %s", text, b->rig->log);
}
