/* Files on a real disk, in a directory of the test's own. Permission cases run in a child that has
 * left root behind. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ispflash/format.h"
#include "support/test.h"

enum { NOBODY = 65534 };

/* A fresh directory that is the working directory of each test. */
static int enter_directory(void **state)
{
    char *path = strdup("/tmp/ispflash-files-XXXXXX");
    if (path == NULL || mkdtemp(path) == NULL || chmod(path, 0777) != 0 || chdir(path) != 0)
        return -1;
    *state = path;
    return 0;
}

static int leave_directory(void **state)
{
    static const char *const names[] = {"a",    "b",    "dir/a", "dir/b",    "dir",
                                        "link", "dead", "pipe",  "closed/a", "closed"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)remove(names[i]);
    const int result = chdir("/") != 0 || rmdir(*state) != 0; /* not empty: something was left */
    free(*state);
    return result;
}

static void make_file(const char *path, const char *text, mode_t mode)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void assert_file(const char *path, const char *text)
{
    struct error e = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(file_read(path, &data, &size, &e), STATUS_OK);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(data, text, size);
    free(data);
}

static void assert_unreadable(const char *path, const char *message)
{
    struct error e = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(file_read(path, &data, &size, &e), STATUS_INPUT);
    assert_string_equal(e.text, message);
    assert_null(data);
}

static void assert_unwritable(const char *path, const char *message)
{
    struct error e = {0};
    struct output *o = NULL;
    assert_int_equal(output_open(path, &o, &e), STATUS_OUTPUT);
    assert_string_equal(e.text, message);
    assert_null(o);
}

static void write_file(const char *path, const char *text)
{
    struct error e = {0};
    struct output *o = NULL;
    assert_int_equal(output_open(path, &o, &e), STATUS_OK);
    assert_int_equal(output_commit(o, (const uint8_t *)text, strlen(text), &e), STATUS_OK);
    output_close(o);
}

/* Runs `body` as a user whom permissions bind; its assertions count. */
static void as_nobody(void (*body)(void))
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
            _exit(77);
        body();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("skipped: no unprivileged user can be had here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* In the child cmocka's assertions have nowhere to jump: say it by the exit status. */
static void expect(enum status status, enum status wanted, const char *text,
                   const char *wanted_text)
{
    if (status == wanted && strcmp(text, wanted_text) == 0)
        return;
    (void)fprintf(stderr, "status %d: %s\n", (int)status, text);
    _exit(1);
}

static void what_keeps_a_file_from_being_read_is_told_apart(void **state)
{
    (void)state;
    make_file("a", "", 0600);
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_unreadable("b", "b: no such file");
    assert_unreadable("dir", "dir: is a directory");
    assert_unreadable("a", "a: empty");
    assert_unreadable("a/b", "a/b: part of the path is not a directory");
}

static void read_forbidden(void)
{
    struct error e = {0};
    uint8_t *data;
    size_t size;
    const enum status status = file_read("a", &data, &size, &e);
    expect(status, STATUS_INPUT, e.text, "a: may not be read (permission denied)");
}

static void a_file_without_permission_says_so(void **state)
{
    (void)state;
    make_file("a", "x", 0000);
    as_nobody(read_forbidden);
}

static void a_long_file_is_read_whole(void **state)
{
    (void)state;
    enum { SIZE = 300000 };
    char *text = malloc(SIZE + 1);
    assert_non_null(text);
    memset(text, 'x', SIZE);
    text[SIZE] = '\0';
    write_file("a", text);
    assert_file("a", text);
    free(text);
}

static void an_endless_device_is_given_up(void **state)
{
    (void)state;
    assert_unreadable("/dev/zero", "/dev/zero: longer than 64 MiB, no image for a chip");
}

/* Makes `fd` what `replacement` is; returns what it was. */
static int swap_descriptor(int fd, int replacement)
{
    const int saved = dup(fd);
    assert_true(saved >= 0 && replacement >= 0);
    assert_int_equal(dup2(replacement, fd), fd);
    (void)close(replacement);
    return saved;
}

static void a_dash_is_standard_input(void **state)
{
    (void)state;
    make_file("a", "hello", 0600);
    const int saved = swap_descriptor(STDIN_FILENO, open("a", O_RDONLY));
    struct error e = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    const enum status first = file_read("-", &data, &size, &e);
    uint8_t *none = NULL;
    size_t none_size;
    const enum status second = file_read("-", &none, &none_size, &e);
    (void)close(swap_descriptor(STDIN_FILENO, saved));
    assert_int_equal(first, STATUS_OK);
    assert_int_equal(size, 5);
    free(data);
    assert_int_equal(second, STATUS_INPUT);
    assert_string_equal(e.text, "standard input: empty");
}

static void a_dash_is_standard_output_after_what_was_printed(void **state)
{
    (void)state;
    (void)fflush(stdout);
    const int saved = swap_descriptor(STDOUT_FILENO, open("a", O_WRONLY | O_CREAT | O_TRUNC, 0600));
    (void)printf("first ");
    write_file("-", "second");
    (void)close(swap_descriptor(STDOUT_FILENO, saved));
    assert_file("a", "first second");
}

static void a_full_standard_output_is_an_error(void **state)
{
    (void)state;
    (void)fflush(stdout);
    const int saved = swap_descriptor(STDOUT_FILENO, open("/dev/full", O_WRONLY));
    struct error e = {0};
    struct output *o = NULL;
    const enum status opened = output_open("-", &o, &e);
    const enum status committed =
        opened == STATUS_OK ? output_commit(o, (const uint8_t *)"x", 1, &e) : opened;
    output_close(o);
    (void)close(swap_descriptor(STDOUT_FILENO, saved));
    assert_int_equal(opened, STATUS_OK);
    assert_int_equal(committed, STATUS_OUTPUT);
    assert_string_equal(e.text, "standard output: no space left");
}

static void a_pipe_is_read_to_its_end(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const int fd = open("pipe", O_WRONLY);
        const bool written = write(fd, "one ", 4) == 4 && write(fd, "two", 3) == 3;
        _exit(written ? 0 : 1);
    }
    assert_file("pipe", "one two");
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void nothing_is_there_before_the_commit_and_nothing_left_without(void **state)
{
    (void)state;
    struct error e = {0};
    struct output *o = NULL;
    assert_int_equal(output_open("a", &o, &e), STATUS_OK);
    assert_int_equal(access("a", F_OK), -1);
    output_close(o);
    assert_int_equal(access("a", F_OK), -1);
    output_close(NULL);
}

static void an_old_file_stays_until_the_commit(void **state)
{
    (void)state;
    make_file("a", "old", 0640);
    struct error e = {0};
    struct output *o = NULL;
    assert_int_equal(output_open("a", &o, &e), STATUS_OK);
    assert_file("a", "old");
    assert_int_equal(output_commit(o, (const uint8_t *)"new", 3, &e), STATUS_OK);
    output_close(o);
    assert_file("a", "new");
}

static mode_t mode_of(const char *path)
{
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    return found.st_mode & 07777;
}

static void mode_and_owner_of_an_old_file_are_kept(void **state)
{
    (void)state;
    make_file("a", "old", 0604);
    const bool root = geteuid() == 0;
    if (root)
        assert_int_equal(chown("a", NOBODY, NOBODY), 0);
    write_file("a", "new");
    assert_int_equal(mode_of("a"), 0604);
    struct stat found;
    assert_int_equal(stat("a", &found), 0);
    assert_int_equal(found.st_uid, root ? NOBODY : geteuid());
}

static void a_new_file_follows_the_umask(void **state)
{
    (void)state;
    const mode_t old = umask(027);
    write_file("a", "new");
    (void)umask(old);
    assert_int_equal(mode_of("a"), 0640);
}

static void a_link_stays_a_link_and_its_file_is_replaced(void **state)
{
    (void)state;
    assert_int_equal(mkdir("dir", 0700), 0);
    make_file("dir/a", "old", 0600);
    assert_int_equal(symlink("dir/a", "link"), 0);
    write_file("link", "new");
    assert_file("dir/a", "new");
    struct stat found;
    assert_int_equal(lstat("link", &found), 0);
    assert_true(S_ISLNK(found.st_mode));
}

static void a_link_to_nothing_makes_the_file_it_names(void **state)
{
    (void)state;
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_int_equal(symlink("dir/b", "dead"), 0);
    write_file("dead", "new");
    assert_file("dir/b", "new");
}

static void links_in_a_circle_are_an_error(void **state)
{
    (void)state;
    assert_int_equal(symlink("dead", "link"), 0);
    assert_int_equal(symlink("link", "dead"), 0);
    assert_unwritable("link", "link: cannot be written: Too many levels of symbolic links");
}

static void what_keeps_a_file_from_being_written_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(mkdir("dir", 0700), 0);
    make_file("a", "x", 0600);
    assert_unwritable("dir", "dir: is a directory");
    assert_unwritable("none/a", "none/a: its directory does not exist");
    assert_unwritable("a/b", "a/b: part of the path is not a directory");
    assert_unwritable("b/", "b/: is a directory");
    assert_unwritable("", ": its directory does not exist");
}

static void write_forbidden(void)
{
    struct error e = {0};
    struct output *o;
    expect(output_open("a", &o, &e), STATUS_OUTPUT, e.text,
           "a: may not be written (permission denied)");
    expect(output_open("closed/a", &o, &e), STATUS_OUTPUT, e.text,
           "closed/a: may not be written (permission denied)");
}

static void a_read_only_file_or_directory_is_found_before_the_commit(void **state)
{
    (void)state;
    make_file("a", "x", 0444);
    assert_int_equal(mkdir("closed", 0555), 0);
    as_nobody(write_forbidden);
    assert_file("a", "x");
}

static void devices_are_written_in_place(void **state)
{
    (void)state;
    write_file("/dev/null", "gone");
    struct stat found;
    assert_int_equal(stat("/dev/null", &found), 0);
    assert_true(S_ISCHR(found.st_mode));
}

static void a_full_device_is_an_error(void **state)
{
    (void)state;
    struct error e = {0};
    struct output *o = NULL;
    assert_int_equal(output_open("/dev/full", &o, &e), STATUS_OK);
    assert_int_equal(output_commit(o, (const uint8_t *)"x", 1, &e), STATUS_OUTPUT);
    assert_string_equal(e.text, "/dev/full: no space left");
    output_close(o);
}

static void a_commit_that_fails_leaves_the_old_file_and_nothing_else(void **state)
{
    (void)state;
    make_file("a", "old", 0600);
    struct error e = {0};
    struct output *o = NULL;
    assert_int_equal(output_open("a", &o, &e), STATUS_OK);
    assert_int_equal(remove("a"), 0);
    assert_int_equal(mkdir("a", 0700), 0); /* what rename() cannot replace */
    assert_int_equal(output_commit(o, (const uint8_t *)"new", 3, &e), STATUS_OUTPUT);
    assert_string_equal(e.text, "a: is a directory");
    output_close(o);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(what_keeps_a_file_from_being_read_is_told_apart),
        FILE_TEST(a_file_without_permission_says_so),
        FILE_TEST(a_long_file_is_read_whole),
        FILE_TEST(an_endless_device_is_given_up),
        FILE_TEST(a_dash_is_standard_input),
        FILE_TEST(a_dash_is_standard_output_after_what_was_printed),
        FILE_TEST(a_full_standard_output_is_an_error),
        FILE_TEST(a_pipe_is_read_to_its_end),
        FILE_TEST(nothing_is_there_before_the_commit_and_nothing_left_without),
        FILE_TEST(an_old_file_stays_until_the_commit),
        FILE_TEST(mode_and_owner_of_an_old_file_are_kept),
        FILE_TEST(a_new_file_follows_the_umask),
        FILE_TEST(a_link_stays_a_link_and_its_file_is_replaced),
        FILE_TEST(a_link_to_nothing_makes_the_file_it_names),
        FILE_TEST(links_in_a_circle_are_an_error),
        FILE_TEST(what_keeps_a_file_from_being_written_is_told_apart),
        FILE_TEST(a_read_only_file_or_directory_is_found_before_the_commit),
        FILE_TEST(devices_are_written_in_place),
        FILE_TEST(a_full_device_is_an_error),
        FILE_TEST(a_commit_that_fails_leaves_the_old_file_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
