/* The file of a recording: what is read, what is refused with its line, and where a run differs.
 * The links themselves are recorded and played in tests/wire. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link/recording.h"
#include "recording_link.h"
#include "support/test.h"

static char path[] = "/tmp/ispflash-recording-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    const int fd = mkstemp(path);
    return fd >= 0 ? close(fd) : -1;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct recording *open_text(const char *text)
{
    struct recording *r = NULL;
    struct error e = {0};
    write_file(text);
    if (recording_open(path, &r, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return r;
}

static void refuse(const char *text, const char *message)
{
    struct recording *r = NULL;
    struct error e = {0};
    write_file(text);
    assert_int_equal(recording_open(path, &r, &e), STATUS_INPUT);
    if (strstr(e.text, message) == NULL)
        fail_msg("%s\nis not in: %s", message, e.text);
}

#define HEAD "ispflash-recording 1\n# a comment\n"

static void files_that_are_no_recording_are_refused(void **state)
{
    (void)state;
    struct recording *r = NULL;
    struct error e = {0};
    assert_int_equal(recording_open("/tmp/no/such/file", &r, &e), STATUS_INPUT);
    refuse("", ":1: an empty file");
    refuse("ispflash-recording 2\n", ":1: not a recording of this version");
    refuse(HEAD "10 out :30", ":3: the recording is cut short");
    refuse(HEAD "out :30\n", ":3: not an event");
    refuse(HEAD "10\n", ":3: not an event");
    refuse(HEAD "10 out :3\n", ":3: not an event");
    refuse(HEAD "10 out :30x\n", ":3: not an event");
    refuse(HEAD "10 out \"text\n", ":3: not an event");
    refuse(HEAD "10 out ! \"link-lost\"\n", ":3: not an event");
    refuse(HEAD "10 averylongword\n", ":3: not an event");
    refuse(HEAD "10 out 1 2 3 4 5 6 7 8 9\n", ":3: not an event");
    refuse(HEAD "10 a \"1\" \"2\" \"3\" \"4\" \"5\"\n", ":3: not an event");
}

static void a_failure_comes_back_with_its_status_and_time(void **state)
{
    (void)state;
    struct recording *r =
        open_text(HEAD "10 baud 4b00\n2000 in ! \"link-lost\" \"it is \\x22gone\\x22\"\n");
    struct error e = {0};
    const unsigned long baud[] = {19200};
    assert_null(replay_answer(r)); /* not before the command */
    assert_int_equal(replay_command(r, "baud", baud, 1, &e), STATUS_OK);
    struct record_event *event = replay_answer(r);
    assert_non_null(event);
    assert_int_equal(replay_use(r, event, &e), STATUS_LINK);
    assert_string_equal(e.text, "it is \"gone\"");
    assert_int_equal(recording_clock(r)->now_us(recording_clock(r)), 2000);
    assert_int_equal(recording_close(r, &e), STATUS_OK);
}

static void what_the_run_does_instead_is_told(void **state)
{
    (void)state;
    struct recording *r = open_text(HEAD "1500000 baud 4b00\n");
    struct error e = {0};
    const unsigned long baud[] = {115200};
    assert_int_equal(replay_command(r, "baud", baud, 1, &e), STATUS_INPUT);
    assert_non_null(strstr(e.text, "in line 3, at 1.500000 s: it gives the command baud 1c200"));
    assert_non_null(strstr(e.hint, "recorded is: baud"));
    assert_int_equal(recording_close(r, &e), STATUS_OK); /* said already */
}

static void a_run_that_ends_early_is_told_at_the_end(void **state)
{
    (void)state;
    struct recording *r = open_text(HEAD "10 baud 4b00\n");
    struct error e = {0};
    assert_int_equal(recording_close(r, &e), STATUS_INPUT);
    assert_non_null(strstr(e.text, "line 3"));
    r = open_text(HEAD "10 idle\n"); /* an answer that nobody wanted is none */
    assert_int_equal(recording_close(r, &e), STATUS_OK);
    assert_int_equal(recording_close(NULL, &e), STATUS_OK);
}

static void a_recording_ends_before_the_run(void **state)
{
    (void)state;
    struct recording *r = open_text(HEAD);
    struct error e = {0};
    assert_int_equal(replay_command(r, "drain", NULL, 0, &e), STATUS_INPUT);
    assert_non_null(strstr(e.text, "at its end"));
    assert_int_equal(recording_close(r, &e), STATUS_OK);
}

static void what_is_recorded_is_read_back(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x30, 0x20, 0xff};
    struct recording *r = NULL;
    struct context c;
    struct error e = {0};
    assert_int_equal(recording_create(path, "a title", &r, &e), STATUS_OK);
    context_init(&c, recording_clock(r), NULL, NULL);
    c.recording = r;
    const struct record_event out = {
        .kind = "out", .bytes = bytes, .size = 3, .numbers = {0xabc}, .number_count = 1};
    record(&c, out, STATUS_OK, NULL);
    const struct record_event name = {.kind = "usb", .texts = {"a \"b\\\x01"}, .text_count = 1};
    record(&c, name, STATUS_OK, NULL);
    assert_int_equal(recording_close(r, &e), STATUS_OK);

    assert_int_equal(recording_open(path, &r, &e), STATUS_OK);
    assert_int_equal(r->count, 2);
    assert_int_equal(r->events[0].numbers[0], 0xabc);
    assert_int_equal(r->events[0].size, 3);
    assert_memory_equal(r->events[0].bytes, bytes, 3);
    assert_string_equal(r->events[1].texts[0], "a \"b\\\x01");
    assert_int_equal(recording_close(r, &e), STATUS_INPUT);
}

static void a_file_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    struct recording *r = NULL;
    struct context c;
    struct error e = {0};
    assert_int_equal(recording_create("/tmp/no/such/folder", "", &r, &e), STATUS_OUTPUT);
    if (access("/dev/full", W_OK) != 0)
        return;
    assert_int_equal(recording_create("/dev/full", "", &r, &e), STATUS_OK);
    context_init(&c, recording_clock(r), NULL, NULL);
    c.recording = r;
    record(&c, (struct record_event){.kind = "drain"}, STATUS_OK, NULL);
    assert_int_equal(recording_close(r, &e), STATUS_OUTPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_no_recording_are_refused),
        cmocka_unit_test(a_failure_comes_back_with_its_status_and_time),
        cmocka_unit_test(what_the_run_does_instead_is_told),
        cmocka_unit_test(a_run_that_ends_early_is_told_at_the_end),
        cmocka_unit_test(a_recording_ends_before_the_run),
        cmocka_unit_test(what_is_recorded_is_read_back),
        cmocka_unit_test(a_file_that_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests_name("link_recording", tests, make_file, remove_file);
}
