/* The user's defaults and jobs: who wins, what a job becomes, and what is refused with its line. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "support/test.h"

static const char *port_variable, *part_variable;

static const char *variable(const char *name)
{
    if (strcmp(name, "ISPFLASH_PORT") == 0)
        return port_variable;
    return strcmp(name, "ISPFLASH_PART") == 0 ? part_variable : NULL;
}

static void expect_parse(struct config *c, const char *origin, const char *text)
{
    struct error e = {0};
    if (config_parse(c, origin, text, &e) != STATUS_OK)
        fail_msg("%s", e.text);
}

static void refuse(const char *text, const char *message)
{
    struct config c = {0};
    struct error e = {0};
    assert_int_equal(config_parse(&c, "file", text, &e), STATUS_INPUT);
    if (strstr(e.text, message) == NULL)
        fail_msg("%s\nis not in: %s", message, e.text);
    config_free(&c);
}

static void a_later_file_wins(void **state)
{
    (void)state;
    struct config c = {0};
    expect_parse(&c, "a", "[defaults]\nprogrammer = usbasp\npart = m8\nbitclock = 250kHz\n");
    expect_parse(&c, "b", "[defaults]\npart = m328p\n");
    assert_string_equal(c.defaults[DEFAULT_PROGRAMMER].text, "usbasp");
    assert_string_equal(c.defaults[DEFAULT_PROGRAMMER].origin, "a");
    assert_string_equal(c.defaults[DEFAULT_PART].text, "m328p");
    assert_string_equal(c.defaults[DEFAULT_PART].origin, "b");
    assert_null(c.defaults[DEFAULT_PORT].text);
    config_free(&c);
}

static void defaults_stand_above_an_avrdude_conf(void **state)
{
    (void)state;
    struct config c = {0};
    struct conf conf = {0};
    struct error e = {0};
    expect_parse(&c, "a", "[defaults]\nprogrammer = usbasp\nbitclock = 4\nbaud = 57600\n");
    assert_int_equal(conf_set(&conf.programmer, "avrisp", &e), STATUS_OK);
    assert_int_equal(conf_set(&conf.serial, "/dev/ttyS0", &e), STATUS_OK);
    assert_int_equal(config_apply(&c, &conf, &e), STATUS_OK);
    assert_string_equal(conf.programmer, "usbasp");
    assert_string_equal(conf.serial, "/dev/ttyS0");
    assert_int_equal(conf.sck_hz, 250000);
    assert_int_equal(conf.baud, 57600);
    conf_free(&conf);
    config_free(&c);
}

static void the_environment_stands_above_the_files(void **state)
{
    (void)state;
    struct config c = {0};
    struct error e = {0};
    const struct surroundings around = {.variable = variable};
    expect_parse(&c, "a", "[defaults]\npart = m8\nport = /dev/ttyUSB0\n");
    port_variable = "/dev/ttyACM3";
    part_variable = "";
    assert_int_equal(config_read(&c, &around, true, &e), STATUS_OK);
    assert_string_equal(c.defaults[DEFAULT_PORT].text, "/dev/ttyACM3");
    assert_string_equal(c.defaults[DEFAULT_PORT].origin, "ISPFLASH_PORT");
    assert_string_equal(c.defaults[DEFAULT_PART].text, "m8"); /* an empty one says nothing */
    config_free(&c);
}

static void a_job_is_a_line_of_options(void **state)
{
    (void)state;
    struct config c = {0};
    struct settings s = {0};
    struct error e = {0};
    const char *command = NULL;
    expect_parse(&c, "a",
                 "[job production]\ncommand = burn  promicro16 \"my boot.hex\"\n"
                 "programmer = usbasp\npart = m32u4\nyes = yes\nforce = no\n"
                 "memory = eeprom:w:a.eep:i\nmemory = lfuse:w:0xff:m\nallow = a,b\n");
    assert_int_equal(config_apply_job(&c, "production", &s, &command, &e), STATUS_OK);
    assert_string_equal(command, "burn");
    assert_int_equal(s.operands.count, 2);
    assert_string_equal(s.operands.items[0], "promicro16");
    assert_string_equal(s.operands.items[1], "my boot.hex");
    assert_string_equal(s.programmer, "usbasp");
    assert_true(s.yes);
    assert_false(s.force);
    assert_int_equal(s.task_count, 2);
    assert_string_equal(s.tasks[1].text, "lfuse:w:0xff:m");
    assert_int_equal(s.allow.count, 2);
    settings_free(&s);
    config_free(&c);
}

static void a_job_of_a_stronger_file_replaces_the_other_whole(void **state)
{
    (void)state;
    struct config c = {0};
    struct settings s = {0};
    struct error e = {0};
    const char *command = NULL, *origin = NULL;
    expect_parse(&c, "a", "[job x]\npart = m8\nerase = yes\n[job y]\npart = m16\n");
    expect_parse(&c, "b", "[job x]\npart = m328p\n");
    assert_int_equal(config_apply_job(&c, "x", &s, &command, &e), STATUS_OK);
    assert_string_equal(s.part, "m328p");
    assert_false(s.erase);
    assert_string_equal(config_job_name(&c, 0, &origin), "x");
    assert_string_equal(origin, "b");
    assert_string_equal(config_job_name(&c, 1, &origin), "y");
    assert_null(config_job_name(&c, 2, &origin));
    settings_free(&s);
    config_free(&c);
}

static void a_job_that_is_not_there_is_named_with_what_is(void **state)
{
    (void)state;
    struct config c = {0};
    struct settings s = {0};
    struct error e = {0};
    const char *command = NULL;
    expect_parse(&c, "a", "[job production]\npart = m8\n");
    assert_int_equal(config_apply_job(&c, "prodcution", &s, &command, &e), STATUS_USAGE);
    assert_non_null(strstr(e.hint, "did you mean \"production\""));
    config_free(&c);
}

static void what_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    refuse("[defaults]\nprogramer = usbasp\n", "file:2: there is no default \"programer\"");
    refuse("[defaults]\npart =\n", "file:2: ");
    refuse("[defaults]\nbitclock = fast\n", "file:2: ");
    refuse("[default]\n", "file:1: [default] is neither [defaults] nor [job NAME]");
    refuse("[job ]\n", "file:1: ");
    refuse("[job a b]\n", "file:1: ");
    refuse("[job a]\n[job a]\n", "file:2: the job a was there already");
    refuse("[job a]\nparts = m8\n", "file:2: a job has no \"parts\"");
    refuse("[job a]\nhelp = yes\n", "file:2: a job has no \"help\"");
    refuse("[job a]\nerase = perhaps\n", "file:2: erase is yes or no");
    refuse("[job a]\ncommand = burn \"x\n", "file:2: a quoted word does not end");
    refuse("[job a]\ncommand = burn x\ncommand = erase\n", "file:3: a job runs one command");
    refuse("part = m8\n", "file:1: ");
}

static void a_file_that_is_no_text_is_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/ispflash-config-XXXXXX", path[80];
    struct config c = {0};
    struct error e = {0};
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/ispflash", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    const struct surroundings around = {.config_home = folder};
    (void)snprintf(path, sizeof path, "%s/ispflash/config", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite("[defaults]\0\n", 1, 12, file), 12);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(config_read(&c, &around, false, &e), STATUS_INPUT);
    assert_non_null(strstr(e.text, "no text"));
    assert_non_null(strstr(e.hint, "-N"));
    config_free(&c);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(config_read(&c, &around, false, &e), STATUS_INPUT); /* a folder */
    config_free(&c);
    (void)rmdir(path);
    (void)snprintf(path, sizeof path, "%s/ispflash", folder);
    (void)rmdir(path);
    (void)rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_later_file_wins),
        cmocka_unit_test(defaults_stand_above_an_avrdude_conf),
        cmocka_unit_test(the_environment_stands_above_the_files),
        cmocka_unit_test(a_job_is_a_line_of_options),
        cmocka_unit_test(a_job_of_a_stronger_file_replaces_the_other_whole),
        cmocka_unit_test(a_job_that_is_not_there_is_named_with_what_is),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(a_file_that_is_no_text_is_refused),
    };
    return cmocka_run_group_tests_name("cli_config", tests, NULL, NULL);
}
