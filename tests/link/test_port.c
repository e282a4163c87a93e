/* Ports by name, over real pseudo-terminals and sockets. */
#include "support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "link/stream.h"
#include "support/record.h"

enum { NOBODY = 65534 };

static const struct stream_options options = {.baud = 19200, .lines_alone = true};

struct bench {
    struct context context;
    struct record record;
    int master;
    char path[64]; /* of the slave */
    char folder[64];
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->record = record_new();
    context_init(&b->context, clock_system(), &b->record.base, NULL);
    int slave = -1;
    assert_int_equal(openpty(&b->master, &slave, b->path, NULL, NULL), 0);
    (void)close(slave);
    (void)snprintf(b->folder, sizeof b->folder, "/tmp/ispflash-test-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    if (b->master >= 0)
        (void)close(b->master);
    (void)rmdir(b->folder);
    free(b);
    return 0;
}

static struct stream *open_ok(struct bench *b, const char *port)
{
    struct stream *s = NULL;
    struct error e;
    const enum status status = stream_open(port, &options, &b->context, &s, &e);
    if (status != STATUS_OK)
        print_error("%s\n", e.text);
    assert_int_equal(status, STATUS_OK);
    return s;
}

static void bytes_travel_both_ways_over_a_bare_pseudo_terminal(void **state)
{
    struct bench *b = *state;
    struct stream *s = open_ok(b, b->path);
    struct error e;
    uint8_t all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    assert_int_equal(stream_write(s, all, sizeof all, 500, &e), STATUS_OK);
    uint8_t back[256];
    size_t have = 0;
    while (have < sizeof back) {
        const ssize_t count = read(b->master, back + have, sizeof back - have);
        assert_true(count > 0);
        have += (size_t)count;
    }
    assert_memory_equal(all, back, sizeof all);

    assert_int_equal(write(b->master, all, sizeof all), sizeof all);
    memset(back, 0, sizeof back);
    assert_int_equal(stream_read(s, back, sizeof back, 500, NULL, &e), STATUS_OK);
    assert_memory_equal(all, back, sizeof all);
    assert_int_equal(stream_drain(s, &e), STATUS_OK);
    stream_close(s);
}

static void rates_are_set_with_and_without_a_termios_constant(void **state)
{
    struct bench *b = *state;
    struct stream *s = open_ok(b, b->path);
    struct error e;
    struct termios now;
    assert_int_equal(tcgetattr(b->master, &now), 0);
    assert_int_equal(cfgetospeed(&now), B19200);
    assert_int_equal(stream_set_baud(s, 115200, &e), STATUS_OK);
    assert_int_equal(tcgetattr(b->master, &now), 0);
    assert_int_equal(cfgetospeed(&now), B115200);
    assert_int_equal(stream_set_baud(s, 76800, &e), STATUS_OK);
    assert_int_equal(stream_set_lines(s, true, true, &e), STATUS_OK);
    stream_close(s);
}

static void settings_are_restored_on_close(void **state)
{
    struct bench *b = *state;
    struct termios before;
    struct termios after;
    assert_int_equal(tcgetattr(b->master, &before), 0);
    assert_true((before.c_lflag & ICANON) != 0);
    struct stream *s = open_ok(b, b->path);
    assert_int_equal(tcgetattr(b->master, &after), 0);
    assert_true((after.c_lflag & (ICANON | ECHO | ISIG)) == 0);
    stream_close(s);
    assert_int_equal(tcgetattr(b->master, &after), 0);
    assert_int_equal(after.c_lflag, before.c_lflag);
    assert_int_equal(after.c_iflag, before.c_iflag);
    assert_int_equal(after.c_oflag, before.c_oflag);
    assert_int_equal(cfgetospeed(&after), cfgetospeed(&before));
}

static void symbolic_link_names_a_port(void **state)
{
    struct bench *b = *state;
    char link[128];
    (void)snprintf(link, sizeof link, "%s/programmer", b->folder);
    assert_int_equal(symlink(b->path, link), 0);
    struct stream *s = open_ok(b, link);
    assert_string_equal(s->name, link);
    stream_close(s);
    assert_int_equal(unlink(link), 0);
}

static void hung_up_port_is_a_lost_link(void **state)
{
    struct bench *b = *state;
    struct stream *s = open_ok(b, b->path);
    (void)close(b->master);
    b->master = -1;
    uint8_t data[4] = {0};
    struct error e;
    assert_int_equal(stream_read(s, data, sizeof data, 2000, NULL, &e), STATUS_LINK);
    assert_non_null(strstr(e.text, b->path));
    assert_int_equal(stream_write(s, data, sizeof data, 2000, &e), STATUS_LINK);
    stream_close(s);
}

static void second_opener_is_told_who_holds_the_port(void **state)
{
    struct bench *b = *state;
    int ready[2];
    int done[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct stream *held = NULL;
        struct error ignored;
        char go = 'x';
        const bool ok = stream_open(b->path, &options, &b->context, &held, &ignored) == STATUS_OK &&
                        write(ready[1], &go, 1) == 1 && read(done[0], &go, 1) == 1;
        _exit(ok ? 0 : 1);
    }
    char go = 'x';
    assert_int_equal(read(ready[0], &go, 1), 1);
    struct stream *s = NULL;
    struct error e;
    assert_int_equal(stream_open(b->path, &options, &b->context, &s, &e), STATUS_BUSY);
    char process[32];
    (void)snprintf(process, sizeof process, "(process %ld)", (long)child);
    assert_non_null(strstr(e.text, process));
    assert_non_null(strstr(e.text, "test_port"));
    assert_true(e.hint[0] != '\0');
    assert_int_equal(write(done[1], &go, 1), 1);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    s = open_ok(b, b->path); /* free again */
    stream_close(s);
    (void)close(ready[0]);
    (void)close(ready[1]);
    (void)close(done[0]);
    (void)close(done[1]);
}

/* Runs stream_open() as a user without rights; returns its status through the exit code. */
static enum status open_as_nobody(struct bench *b, const char *path, struct error *e)
{
    struct {
        enum status status;
        struct error error;
    } answer;
    int result[2];
    assert_int_equal(pipe(result), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        memset(&answer, 0, sizeof answer);
        if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
            _exit(1);
        struct stream *s = NULL;
        answer.status = stream_open(path, &options, &b->context, &s, &answer.error);
        _exit(write(result[1], &answer, sizeof answer) == sizeof answer ? 0 : 1);
    }
    assert_int_equal(read(result[0], &answer, sizeof answer), sizeof answer);
    (void)close(result[0]);
    (void)close(result[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    *e = answer.error;
    return answer.status;
}

static void missing_permission_names_the_owning_group(void **state)
{
    struct bench *b = *state;
    if (geteuid() != 0)
        skip(); /* only root can hand a device to a group it is not in */
    assert_int_equal(chown(b->path, 0, 20), 0); /* dialout on Debian */
    assert_int_equal(chmod(b->path, 0660), 0);
    struct error e;
    assert_int_equal(open_as_nobody(b, b->path, &e), STATUS_PERMISSION);
    assert_non_null(strstr(e.text, b->path));
    assert_non_null(strstr(e.hint, "usermod -aG"));
    assert_int_equal(chmod(b->path, 0600), 0);
    assert_int_equal(open_as_nobody(b, b->path, &e), STATUS_PERMISSION);
    assert_non_null(strstr(e.hint, "udev"));
}

static void port_taken_by_a_program_that_only_sets_tiocexcl_is_busy(void **state)
{
    struct bench *b = *state;
    if (geteuid() != 0)
        skip(); /* a user may not switch to another; root ignores TIOCEXCL */
    assert_int_equal(chmod(b->path, 0666), 0);
    const int other = open(b->path, O_RDWR | O_NOCTTY);
    assert_true(other >= 0);
    assert_int_equal(ioctl(other, TIOCEXCL), 0);
    struct error e;
    assert_int_equal(open_as_nobody(b, b->path, &e), STATUS_BUSY);
    assert_non_null(strstr(e.text, "in use"));
    (void)close(other);
}

static void a_port_is_checked_without_being_opened(void **state)
{
    struct bench *b = *state;
    struct error e = {0};
    int ready[2], done[2];
    assert_int_equal(stream_check(b->path, &e), STATUS_OK);
    assert_int_equal(stream_check("/dev/ttyNOSUCH9", &e), STATUS_NO_DEVICE);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* somebody else has it open */
        char byte = open(b->path, O_RDWR | O_NOCTTY) >= 0;
        (void)close(done[1]);
        _exit(write(ready[1], &byte, 1) == 1 && read(done[0], &byte, 1) == 0 ? 0 : 1);
    }
    char opened = 0;
    (void)close(done[0]);
    assert_int_equal(read(ready[0], &opened, 1), 1);
    assert_true(opened);
    assert_int_equal(stream_check(b->path, &e), STATUS_BUSY);
    char process[32];
    (void)snprintf(process, sizeof process, "(process %d)", (int)child);
    assert_non_null(strstr(e.text, process));
    (void)close(done[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(stream_check(b->path, &e), STATUS_OK);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static void absent_port_is_no_device(void **state)
{
    struct bench *b = *state;
    struct stream *s = NULL;
    struct error e;
    assert_int_equal(stream_open("/dev/ttyNOSUCH9", &options, &b->context, &s, &e),
                     STATUS_NO_DEVICE);
    assert_string_equal(e.text, "/dev/ttyNOSUCH9: no such port");
    assert_true(e.hint[0] != '\0');
    assert_int_equal(stream_open("usb:1234:5678", &options, &b->context, &s, &e), STATUS_NO_DEVICE);
    assert_int_equal(stream_open("usb:NOSUCHSERIAL", &options, &b->context, &s, &e),
                     STATUS_NO_DEVICE);
}

static void what_is_no_terminal_is_refused(void **state)
{
    struct bench *b = *state;
    struct stream *s = NULL;
    struct error e;
    assert_int_equal(stream_open("/dev/null", &options, &b->context, &s, &e), STATUS_NO_DEVICE);
    assert_non_null(strstr(e.text, "not a serial port"));
    assert_int_equal(stream_open(b->folder, &options, &b->context, &s, &e), STATUS_NO_DEVICE);
}

/* A listening socket on the loop-back interface. */
static int listen_on(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void network_port_carries_bytes_and_notices_its_end(void **state)
{
    struct bench *b = *state;
    uint16_t port = 0;
    const int listener = listen_on(&port);
    char name[64];
    (void)snprintf(name, sizeof name, "net:127.0.0.1:%u", (unsigned)port);
    struct stream *s = open_ok(b, name);
    assert_false(stream_has_baud(s));
    const int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    struct error e;
    uint8_t data[3];
    assert_int_equal(stream_write(s, (const uint8_t *)"abc", 3, 500, &e), STATUS_OK);
    assert_int_equal(recv(peer, data, 3, MSG_WAITALL), 3);
    assert_int_equal(send(peer, "xyz", 3, 0), 3);
    assert_int_equal(stream_read(s, data, 3, 500, NULL, &e), STATUS_OK);
    assert_memory_equal(data, "xyz", 3);
    assert_int_equal(stream_read(s, data, 1, 30, NULL, &e), STATUS_TIMEOUT);
    (void)close(peer);
    assert_int_equal(stream_read(s, data, 1, 500, NULL, &e), STATUS_LINK);
    for (int i = 0; i < 2; i++) /* the first draws the reset, the second meets it: no SIGPIPE */
        (void)!stream_write(s, data, 1, 500, &e);
    stream_close(s);

    (void)close(listener);
    s = NULL;
    assert_int_equal(stream_open(name, &options, &b->context, &s, &e), STATUS_NO_DEVICE);
    assert_non_null(strstr(e.text, name));
}

static void malformed_network_addresses_are_usage_errors(void **state)
{
    struct bench *b = *state;
    static const char *const bad[] = {
        "net:", "net:host", "net:host:", "net::2000", "net:::1:2000", "net:[]:2000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct stream *s = NULL;
        struct error e;
        assert_int_equal(stream_open(bad[i], &options, &b->context, &s, &e), STATUS_USAGE);
        assert_non_null(strstr(e.hint, "net:host:port"));
    }
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BENCH(bytes_travel_both_ways_over_a_bare_pseudo_terminal),
        WITH_BENCH(rates_are_set_with_and_without_a_termios_constant),
        WITH_BENCH(settings_are_restored_on_close),
        WITH_BENCH(symbolic_link_names_a_port),
        WITH_BENCH(hung_up_port_is_a_lost_link),
        WITH_BENCH(second_opener_is_told_who_holds_the_port),
        WITH_BENCH(missing_permission_names_the_owning_group),
        WITH_BENCH(port_taken_by_a_program_that_only_sets_tiocexcl_is_busy),
        WITH_BENCH(a_port_is_checked_without_being_opened),
        WITH_BENCH(absent_port_is_no_device),
        WITH_BENCH(what_is_no_terminal_is_refused),
        WITH_BENCH(network_port_carries_bytes_and_notices_its_end),
        WITH_BENCH(malformed_network_addresses_are_usage_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
