/* From settings to a job: what the session is asked to do, and what is refused before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/job.h"
#include "ispflash/context.h"
#include "ispflash/image.h"
#include "ispflash/part.h"
#include "support/test.h"

enum { ARGUMENTS = 24 };

/* A line as typed, the settings it means and the job that comes of it. */
struct desk {
    char line[512];
    struct settings settings;
    struct conf conf;
    struct cli_job job;
    struct error e;
    enum status status;
};

static void desk_open(struct desk *d, const char *line)
{
    char *argv[ARGUMENTS];
    int argc = 0;
    *d = (struct desk){.status = STATUS_OK};
    (void)snprintf(d->line, sizeof d->line, "%s", line);
    for (char *word = strtok(d->line, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(argc < ARGUMENTS);
        argv[argc++] = word;
    }
    assert_int_equal(options_parse(argc, argv, 0, &d->settings, &d->e), STATUS_OK);
    d->status = cli_job_init(&d->job, &d->settings, &d->conf, &d->e);
}

static void desk_close(struct desk *d)
{
    cli_job_free(&d->job);
    settings_free(&d->settings);
}

static void operations_stand_in_the_order_given(void **state)
{
    (void)state;
    struct desk d;
    desk_open(&d, "-c sim -U flash:r:old.hex:i -U new.hex -U lfuse:v:0xff:m");
    assert_int_equal(d.status, STATUS_OK);
    assert_int_equal(d.job.job.operation_count, 3);
    const struct operation *o = d.job.job.operations;
    assert_int_equal(o[0].kind, OPERATION_READ);
    assert_string_equal(o[0].memory, "flash");
    assert_string_equal(o[0].destination->name, "old.hex");
    assert_null(o[0].source);
    assert_int_equal(o[1].kind, OPERATION_WRITE);
    assert_string_equal(o[1].memory, "flash");
    assert_string_equal(o[1].source->name, "new.hex");
    assert_null(o[1].destination);
    assert_int_equal(o[2].kind, OPERATION_VERIFY);
    assert_string_equal(o[2].memory, "lfuse");
    assert_string_equal(o[2].source->name, "lfuse:v:0xff:m");
    desk_close(&d);
}

static void only_a_file_that_an_earlier_read_makes_is_loaded_later(void **state)
{
    (void)state;
    struct desk d;
    desk_open(&d, "-c sim -U flash:w:a:r -U flash:r:a:r -U flash:v:a:r -U flash:v:b:r -U "
                  "eeprom:r:-:h -U eeprom:w:-:h -U eeprom:w:a:m");
    assert_int_equal(d.status, STATUS_OK);
    const struct operation *o = d.job.job.operations;
    assert_false(o[0].source->later);
    assert_true(o[2].source->later);
    assert_false(o[3].source->later);
    assert_false(o[5].source->later);
    assert_false(o[6].source->later);
    desk_close(&d);
}

static void options_become_flags(void **state)
{
    (void)state;
    static const struct {
        const char *option;
        unsigned flags;
    } rows[] = {
        {"-e", JOB_ERASE},
        {"-D", JOB_NO_ERASE | JOB_WHOLE_READ},
        {"-V", JOB_NO_VERIFY},
        {"-n", JOB_NO_WRITE},
        {"-A", JOB_WHOLE_READ},
        {"-F", JOB_FORCE_SIGNATURE},
        {"--allow=signature-mismatch", JOB_FORCE_SIGNATURE},
        {"--in-order", JOB_IN_ORDER},
        {"-Ereset", JOB_LEAVE_IN_RESET},
        {"-Ereset,noreset", 0},
        {"-Enoreset,vcc,novcc,d_high,d_low", 0},
        {"--allow=reset-disable,debugwire,external-clock", 0},
        {"-q", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct desk d;
        char line[80];
        (void)snprintf(line, sizeof line, "-c sim %s", rows[i].option);
        desk_open(&d, line);
        assert_int_equal(d.status, STATUS_OK);
        assert_int_equal(d.job.job.flags, rows[i].flags);
        desk_close(&d);
    }
}

static void the_programmer_is_described_as_typed(void **state)
{
    (void)state;
    struct desk d;
    desk_open(&d, "-c avrisp -P net:host:1 -b 19200 -B 4 -i 3 -x a=b -x c -E vcc,d_low -p m8");
    assert_int_equal(d.status, STATUS_OK);
    const struct programmer_config *p = &d.job.job.programmer;
    assert_string_equal(p->id, "avrisp");
    assert_string_equal(p->port, "net:host:1");
    assert_int_equal(p->baud, 19200);
    assert_int_equal(p->sck_hz, 250000);
    assert_int_equal(p->edge_delay_us, 3);
    assert_int_equal(p->option_count, 2);
    assert_string_equal(p->options[1], "c");
    assert_int_equal(p->exit_option_count, 2);
    assert_string_equal(p->exit_options[1], "d_low");
    assert_string_equal(d.job.job.part, "m8");
    desk_close(&d);
}

static void the_configuration_fills_what_is_not_typed(void **state)
{
    (void)state;
    char programmer[] = "avrisp";
    const struct conf conf = {.programmer = programmer, .baud = 9600, .sck_hz = 1000};
    for (int typed = 0; typed <= 1; typed++) {
        struct settings s = {
            .programmer = typed ? "sim" : NULL, .baud = typed ? 1 : 0, .sck_hz = typed ? 2 : 0};
        struct cli_job j;
        struct error e = {0};
        assert_int_equal(cli_job_init(&j, &s, &conf, &e), STATUS_OK);
        assert_string_equal(j.job.programmer.id, typed ? "sim" : "avrisp");
        assert_int_equal(j.job.programmer.baud, typed ? 1 : 9600);
        assert_int_equal(j.job.programmer.sck_hz, typed ? 2 : 1000);
        cli_job_free(&j);
    }
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum status status;
        const char *text;
    } rows[] = {
        {"-pm8", STATUS_USAGE, "no programmer is named"},
        {"-csim --allow=resetdisable", STATUS_USAGE, "--allow resetdisable"},
        {"-csim -Enovc", STATUS_USAGE, "-E novc"},
        {"-csim -Uflash:w:- -Ueeprom:v:-", STATUS_USAGE, "standard input can be read once"},
        {"-csim -Uflash:w:- -t", STATUS_USAGE, "standard input can be read once"},
        {"-csim -t -Tpart -t", STATUS_USAGE, "standard input can be read once"},
        {"-csim -Uflash:w:x -Uflash:q:x", STATUS_USAGE, "-U flash:q:x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct desk d;
        desk_open(&d, rows[i].line);
        assert_int_equal(d.status, rows[i].status);
        assert_memory_equal(d.e.text, rows[i].text, strlen(rows[i].text));
        desk_close(&d);
    }
}

static enum status load(struct source *source, const char *memory, struct image **image)
{
    struct part_database *parts = NULL;
    const struct part *part = NULL;
    const struct memory *m = NULL;
    struct context c;
    struct error e = {0};
    context_init(&c, clock_system(), NULL, NULL);
    assert_int_equal(part_database_open(&parts, &e), STATUS_OK);
    assert_int_equal(part_find(parts, "m8", &part, &e), STATUS_OK);
    assert_int_equal(part_memory_find(part, memory, &m), MEMORY_FOUND);
    const enum status status = source->load(source, part, m, &c, image, &e);
    part_database_close(parts);
    return status;
}

static void immediate_data_is_the_argument_itself(void **state)
{
    (void)state;
    struct desk d;
    struct image *image = NULL;
    uint8_t value = 0;
    desk_open(&d, "-csim -Ueeprom:w:0x12,0x34:m");
    for (int again = 0; again < 2; again++) { /* the same bytes each time */
        assert_int_equal(load(d.job.job.operations[0].source, "eeprom", &image), STATUS_OK);
        assert_int_equal(image_bytes(image), 2);
        assert_true(image_get(image, 1, &value));
        assert_int_equal(value, 0x34);
        image_free(image);
    }
    desk_close(&d);
}

static void no_immediate_data_is_an_empty_image(void **state)
{
    (void)state;
    struct desk d;
    struct image *image = NULL;
    desk_open(&d, "-csim -Ueeprom:w::m");
    assert_int_equal(load(d.job.job.operations[0].source, "eeprom", &image), STATUS_OK);
    assert_true(image_empty(image));
    image_free(image);
    desk_close(&d);
}

/* Blank flash is read into a file without a byte; to write that is to write nothing. */
static void an_empty_file_is_no_data_only_if_this_job_makes_it(void **state)
{
    (void)state;
    char path[] = "/tmp/ispflash-test-XXXXXX", there[128], back[128];
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    (void)snprintf(there, sizeof there, "-csim -Uflash:r:%s:r -Uflash:w:%s:r", path, path);
    (void)snprintf(back, sizeof back, "-csim -Uflash:w:%s:r -Uflash:r:%s:r", path, path);
    struct desk d;
    struct image *image = NULL;
    desk_open(&d, there);
    assert_int_equal(load(d.job.job.operations[1].source, "flash", &image), STATUS_OK);
    assert_true(image_empty(image));
    image_free(image);
    desk_close(&d);
    desk_open(&d, back);
    assert_int_equal(load(d.job.job.operations[0].source, "flash", &image), STATUS_INPUT);
    desk_close(&d);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_stand_in_the_order_given),
        cmocka_unit_test(only_a_file_that_an_earlier_read_makes_is_loaded_later),
        cmocka_unit_test(options_become_flags),
        cmocka_unit_test(the_programmer_is_described_as_typed),
        cmocka_unit_test(the_configuration_fills_what_is_not_typed),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(immediate_data_is_the_argument_itself),
        cmocka_unit_test(no_immediate_data_is_an_empty_image),
        cmocka_unit_test(an_empty_file_is_no_data_only_if_this_job_makes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
