/* The terminal as a person meets it: the built program behind a pseudo-terminal, with line editing,
 * completion, history and interrupts. */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"

enum { PATIENCE_MS = 20000, SCREEN = 1 << 16 };

struct person {
    char folder[64];
    int terminal;
    pid_t program;
    char screen[SCREEN]; /* all that was shown */
    size_t shown, seen;  /* how much of it see() has gone past */
};

static int set_up(void **state)
{
    struct person *p = calloc(1, sizeof *p);
    if (p == NULL)
        return -1;
    *state = p;
    strcpy(p->folder, "/tmp/ispflash-test-XXXXXX");
    return mkdtemp(p->folder) != NULL && chdir(p->folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    struct person *p = *state;
    (void)unlink("chip");
    const int result = chdir("/") == 0 && rmdir(p->folder) == 0 ? 0 : -1;
    free(p);
    return result;
}

static void start(struct person *p, const char *const *arguments)
{
    struct winsize size = {.ws_row = 40, .ws_col = 120};
    p->program = forkpty(&p->terminal, NULL, NULL, &size);
    assert_true(p->program >= 0);
    if (p->program > 0)
        return;
    (void)setenv("TERM", "xterm", 1);
    (void)setenv("HOME", p->folder, 1);
    (void)execv(ISPFLASH, (char *const *)arguments);
    _exit(127);
}

static void start_terminal(struct person *p)
{
    static const char *const arguments[] = {"ispflash", "-q", "-c",    "sim", "-P",
                                            "chip",     "-p", "m328p", "-t",  NULL};
    start(p, arguments);
}

/* Waits until more was shown; false at the end. */
static bool look(struct person *p)
{
    struct pollfd fd = {.fd = p->terminal, .events = POLLIN};
    if (poll(&fd, 1, PATIENCE_MS) <= 0)
        fail_msg("nothing more is shown; so far:\n%s", p->screen);
    const ssize_t count = read(p->terminal, p->screen + p->shown, SCREEN - 1 - p->shown);
    if (count <= 0)
        return false;
    p->shown += (size_t)count;
    p->screen[p->shown] = '\0';
    return true;
}

/* Waits until the text is shown, behind what was seen before. */
static void see(struct person *p, const char *text)
{
    const char *found;
    while ((found = strstr(p->screen + p->seen, text)) == NULL)
        if (!look(p))
            fail_msg("not shown: %s\nbut: %s", text, p->screen + p->seen);
    p->seen = (size_t)(found - p->screen) + strlen(text);
}

static void type(struct person *p, const char *keys)
{
    assert_int_equal(write(p->terminal, keys, strlen(keys)), strlen(keys));
}

/* The status that the program ends with. */
static int leave(struct person *p)
{
    int status = 0;
    while (look(p))
        ;
    assert_int_equal(waitpid(p->program, &status, 0), p->program);
    (void)close(p->terminal);
    return status;
}

static void a_line_is_edited_and_run(void **state)
{
    struct person *p = *state;
    start_terminal(p);
    see(p, "ispflash> ");
    type(p, "dup\b\b\b\x1b[Cig\x01s\x05 junk\x1b[D\x1b[D\x1b[D\x1b[D\x0b\r");
    see(p, "Device signature = 0x1e950f");
    see(p, "ispflash> ");
    type(p, "quit\r");
    assert_int_equal(leave(p), 0);
}

static void the_tabulator_completes_and_the_arrow_recalls(void **state)
{
    struct person *p = *state;
    start_terminal(p);
    see(p, "ispflash> ");
    type(p, "wri\teep\t0 0x42\r");
    see(p, "ispflash> ");
    type(p, "par\t");
    see(p, "parms  part\r\n");
    see(p, "ispflash> par");
    type(p, "\x15"
            "dump eeprom 0 1\r");
    see(p, "0000  42");
    see(p, "ispflash> ");
    type(p, "bogus\r");
    see(p, "\"bogus\" is no command");
    see(p, "ispflash> ");
    type(p, "\x1b[A\x1b[A\r");
    see(p, "0000  42");
    see(p, "ispflash> ");
    type(p, "\x04"); /* the end of the input writes what waits */
    assert_int_equal(leave(p), 0);
    start_terminal(p);
    see(p, "ispflash> ");
    type(p, "dump eeprom 0 1\r");
    see(p, "0000  42");
    type(p, "q\r");
    assert_int_equal(leave(p), 0);
}

static void an_interrupt_clears_the_line_and_no_more(void **state)
{
    struct person *p = *state;
    start_terminal(p);
    see(p, "ispflash> ");
    type(p, "write eeprom 0 7\r");
    see(p, "ispflash> ");
    for (int i = 0; i < 3; i++) {
        type(p, "erase\x03");
        see(p, "ispflash> ");
    }
    type(p, "dump eeprom 0 1\r");
    see(p, "0000  07");
    type(p, "quit\r");
    assert_int_equal(leave(p), 0);
}

/* A chip with a slow clock takes its time. */
static void an_interrupt_stops_the_command_and_not_the_terminal(void **state)
{
    static const char *const arguments[] = {"ispflash", "-c",   "sim", "-P",    "chip",
                                            "-B",       "2kHz", "-p",  "m328p", "-x",
                                            "realtime", "-t",   NULL};
    struct person *p = *state;
    start(p, arguments);
    see(p, "ispflash> ");
    type(p, "dump flash 0 -1\r");
    see(p, "Reading flash");
    type(p, "\x03");
    see(p, "interrupted");
    see(p, "ispflash> ");
    type(p, "sig\r");
    see(p, "0x1e950f");
    type(p, "quit\r");
    assert_int_equal(leave(p), 0);
}

static void a_signal_to_end_ends_the_terminal(void **state)
{
    struct person *p = *state;
    start_terminal(p);
    see(p, "ispflash> ");
    type(p, "write eeprom 0 7\r");
    see(p, "ispflash> ");
    assert_int_equal(kill(p->program, SIGTERM), 0);
    see(p, "1 byte waited to be written and is not");
    const int status = leave(p);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_edited_and_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_tabulator_completes_and_the_arrow_recalls, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_interrupt_clears_the_line_and_no_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_interrupt_stops_the_command_and_not_the_terminal, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_signal_to_end_ends_the_terminal, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
