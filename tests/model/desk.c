/* The desk: options, chip, commands and expectations that all rigs share; see desk.h. */
#include "model/desk.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/chip_file.h"

bool desk_complain(const char *name, const char *about, const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", name, about, what);
    return false;
}

static bool complain(const struct desk *desk, const char *what, const char *about)
{
    return desk_complain(desk->name, about, what);
}

bool desk_number(const char *text, unsigned long long *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == '\0';
}

bool desk_u32(const char *text, uint32_t *value)
{
    unsigned long long n;
    if (text == NULL || !desk_number(text, &n) || n > UINT32_MAX) {
        return false;
    }
    *value = (uint32_t)n;
    return true;
}

/* --- Command line ---------------------------------------------------------------------------- */

static bool add_expectation(struct desk *desk, enum desk_expectation_kind kind, const char *text)
{
    if (desk->expectation_count == DESK_EXPECTATIONS_MAX) {
        return false;
    }
    desk->expectations[desk->expectation_count++] = (struct desk_expectation){kind, text};
    return true;
}

/* Which family it is of was looked at before. */
static bool take_part(void *context, const char *value)
{
    struct desk *desk = context;
    desk->part = value;
    return desk->family->knows(value);
}

static bool take_flash(void *context, const char *value)
{
    ((struct desk *)context)->flash = value;
    return true;
}

static bool take_eeprom(void *context, const char *value)
{
    ((struct desk *)context)->eeprom = value;
    return true;
}

static bool take_expect(void *context, const char *value)
{
    return strchr(value, '=') != NULL && add_expectation(context, DESK_LINE, value);
}

static bool take_expect_min(void *context, const char *value)
{
    return strchr(value, '=') != NULL && add_expectation(context, DESK_LINE_MIN, value);
}

static bool take_expect_max(void *context, const char *value)
{
    return strchr(value, '=') != NULL && add_expectation(context, DESK_LINE_MAX, value);
}

static bool take_expect_flash(void *context, const char *value)
{
    return add_expectation(context, DESK_FLASH, value);
}

static bool take_expect_eeprom(void *context, const char *value)
{
    return add_expectation(context, DESK_EEPROM, value);
}

static bool take_save_flash(void *context, const char *value)
{
    return add_expectation(context, DESK_SAVE_FLASH, value);
}

static bool take_save_eeprom(void *context, const char *value)
{
    return add_expectation(context, DESK_SAVE_EEPROM, value);
}

static bool take_status(void *context, const char *value)
{
    ((struct desk *)context)->statuses = value;
    return true;
}

static bool take_timeout(void *context, const char *value)
{
    uint32_t seconds;
    const bool good = desk_u32(value, &seconds);
    ((struct desk *)context)->timeout_s = good ? seconds : 0;
    return good;
}

static bool take_paced(void *context, const char *value)
{
    (void)value;
    ((struct desk *)context)->paced = true;
    return true;
}

static bool take_each(void *context, const char *value)
{
    return desk_u32(value, &((struct desk *)context)->each);
}

static bool take_dumps(void *context, const char *value)
{
    ((struct desk *)context)->dumps = value;
    return true;
}

static bool take_dump(void *context, const char *value)
{
    (void)value;
    ((struct desk *)context)->dump = true;
    return true;
}

static bool take_trace(void *context, const char *value)
{
    struct desk *desk = context;
    desk->trace = strcmp(value, "-") == 0 ? stderr : fopen(value, "w");
    return desk->trace != NULL;
}

static const struct desk_option options[] = {
    {"part", "NAME", "the chip", take_part},
    {"flash", "FILE", "preset flash from a .hex or raw file", take_flash},
    {"eeprom", "FILE", "preset EEPROM", take_eeprom},
    {"paced", NULL, "the programmer runs at its real speed", take_paced},
    {"status", "LIST", "exit statuses expected of the commands, default 0", take_status},
    {"timeout", "SECONDS", "for each command, default 50", take_timeout},
    {"expect", "NAME=VALUE", "a line of the dump; counts that are 0 count as there", take_expect},
    {"expect-min", "NAME=VALUE", "at least so many", take_expect_min},
    {"expect-max", "NAME=VALUE", "at most so many", take_expect_max},
    {"expect-flash", "FILE", "flash is this and else 0xff", take_expect_flash},
    {"expect-eeprom", "FILE", "EEPROM is this and else 0xff", take_expect_eeprom},
    {"save-flash", "FILE", "write flash to a raw file at the end", take_save_flash},
    {"save-eeprom", "FILE", "write EEPROM to a raw file at the end", take_save_eeprom},
    {"each", "N", "run the command N times, RIG_N being 1 to N, each time on a chip as preset",
     take_each},
    {"dumps", "FOLDER", "with --each: the chip after each run, as N.chip", take_dumps},
    {"dump", NULL, "print chip and counts at the end", take_dump},
    {"trace", "FILE", "every instruction as the chip sees it; -: stderr", take_trace},
    {NULL, NULL, NULL, NULL},
};

static void help_of(const struct desk_option *list)
{
    for (; list->name != NULL; list++) {
        printf("  --%s %s\n      %s\n", list->name, list->value != NULL ? list->value : "",
               list->help);
    }
}

static const struct desk_option *find_option(const struct desk_option *list, const char *name)
{
    while (list != NULL && list->name != NULL && strcmp(list->name, name) != 0) {
        list++;
    }
    return list != NULL && list->name != NULL ? list : NULL;
}

/* Everything up to the first "--". Returns its index, or -1 after a complaint. */
static int read_options(struct desk *desk, int argc, char **argv, const struct desk_option *own,
                        void *context)
{
    int i = 1;
    while (i < argc && strcmp(argv[i], "--") != 0) {
        const char *name = strncmp(argv[i], "--", 2) == 0 ? argv[i] + 2 : "";
        void *owner = desk;
        const struct desk_option *option = find_option(options, name);
        if (option == NULL && (option = find_option(own, name)) != NULL) {
            owner = context;
        } else if (option == NULL && (option = find_option(desk->family->options, name)) != NULL) {
            owner = desk->settings;
        }
        if (option == NULL) {
            complain(desk, "no such option; see --help", argv[i]);
            return -1;
        }
        const char *value = NULL;
        if (option->value != NULL && (value = argv[++i]) == NULL) {
            complain(desk, "needs a value", option->name);
            return -1;
        }
        if (!option->take(owner, value)) {
            complain(desk, "not acceptable", value != NULL ? value : option->name);
            return -1;
        }
        i++;
    }
    return i;
}

/* "-- command -- command": splits argv in place. */
static bool read_commands(struct desk *desk, int argc, char **argv, int i)
{
    while (i < argc) {
        argv[i++] = NULL;
        if (i == argc || desk->command_count == DESK_COMMANDS_MAX) {
            return complain(desk, "no command, or too many", "--");
        }
        desk->commands[desk->command_count++] = &argv[i];
        while (i < argc && strcmp(argv[i], "--") != 0) {
            i++;
        }
    }
    return desk->command_count > 0 || complain(desk, "no command; see --help", "--");
}

/* --- The chip -------------------------------------------------------------------------------- */

static bool load(struct desk *desk, const char *memory, const char *path)
{
    size_t size;
    uint8_t *bytes = desk->family->memory(desk->chip, memory, &size);
    return path == NULL || chip_file_load(path, bytes, size);
}

static bool make_chip(struct desk *desk)
{
    desk->chip = desk->family->make(desk->part, desk->settings, desk->trace);
    if (desk->chip == NULL || !load(desk, "flash", desk->flash) ||
        !load(desk, "eeprom", desk->eeprom)) {
        return false;
    }
    if (desk->family->power_up != NULL) {
        desk->family->power_up(desk->chip);
    }
    return true;
}

/* By the --part that is still to be read. */
static const struct desk_family *choose_family(const struct desk_family *const *families, int argc,
                                               char **argv)
{
    for (int i = 1; i + 1 < argc && strcmp(argv[i], "--") != 0; i++) {
        for (size_t j = 0; strcmp(argv[i], "--part") == 0 && families[j] != NULL; j++) {
            if (families[j]->knows(argv[i + 1])) {
                return families[j];
            }
        }
    }
    return families[0];
}

bool desk_start(struct desk *desk, int argc, char **argv, const char *name,
                const struct desk_family *const *families, const struct desk_option *own,
                void *context, int *status)
{
    const struct desk_family *family = choose_family(families, argc, argv);
    *desk = (struct desk){.name = name,
                          .family = family,
                          .settings = family->new_settings(),
                          .part = family->default_part,
                          .statuses = "0",
                          .timeout_s = 50};
    *status = 2;
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        printf("usage: %s [options] -- command [-- command]...\n", name);
        help_of(own);
        help_of(options);
        for (size_t i = 0; families[i] != NULL; i++) {
            printf("with %s and its like:\n", families[i]->default_part);
            help_of(families[i]->options);
        }
        free(desk->settings);
        *status = 0;
        return false;
    }
    const int commands = read_options(desk, argc, argv, own, context);
    if (commands < 0 || !read_commands(desk, argc, argv, commands) || !make_chip(desk)) {
        return false;
    }
    snprintf(desk->tmp, sizeof desk->tmp, "/tmp/rig-tmp-XXXXXX");
    (void)signal(SIGPIPE, SIG_IGN);
    return mkdtemp(desk->tmp) != NULL || complain(desk, strerror(errno), desk->tmp);
}

/* --- Commands -------------------------------------------------------------------------------- */

/* `text` with {port} and {tmp} filled in. The caller frees it. */
static char *fill_in(const struct desk *desk, const char *text, const char *port)
{
    char *filled;
    size_t size;
    FILE *file = open_memstream(&filled, &size);
    if (file == NULL) {
        abort();
    }
    while (*text != '\0') {
        if (strncmp(text, "{port}", 6) == 0) {
            fputs(port, file);
            text += 6;
        } else if (strncmp(text, "{tmp}", 5) == 0) {
            fputs(desk->tmp, file);
            text += 5;
        } else {
            fputc(*text++, file);
        }
    }
    fclose(file);
    return filled;
}

void desk_preload_umockdev(void)
{
    setenv("LD_PRELOAD", "libumockdev-preload.so.0", 1);
    /* The preloaded library comes before the sanitizer's runtime, which would complain. */
    const char *before = getenv("ASAN_OPTIONS");
    char sanitizer[256];
    snprintf(sanitizer, sizeof sanitizer, "%s%sverify_asan_link_order=0",
             before != NULL ? before : "", before != NULL ? ":" : "");
    setenv("ASAN_OPTIONS", sanitizer, 1);
}

static pid_t spawn(struct desk *desk, char **command, const char *port, void (*prepare)(void *),
                   void *context)
{
    fflush(NULL);
    const pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    for (char **arg = command; *arg != NULL; arg++) {
        *arg = fill_in(desk, *arg, port);
    }
    setenv("RIG_PORT", port, 1);
    setenv("RIG_TMP", desk->tmp, 1);
    if (prepare != NULL) {
        prepare(context);
    }
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setpgid(0, 0); /* so that what it starts ends with it */
    execvp(command[0], command);
    complain(desk, strerror(errno), command[0]);
    _exit(127);
}

static bool wait_for(struct desk *desk, pid_t pid, int *status)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    struct timespec now, begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        const pid_t ended = waitpid(pid, status, WNOHANG);
        if (ended == pid) {
            return true;
        }
        nanosleep(&pause, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - begin.tv_sec < (time_t)desk->timeout_s);
    kill(-pid, SIGKILL);
    (void)waitpid(pid, status, 0);
    return complain(desk, "does not end", desk->commands[0][0]);
}

/* --- One command many times ------------------------------------------------------------------ */

static const char *const kept_names[] = {"flash", "eeprom", "fuses", "lock", "options"};

enum { KEPT = sizeof kept_names / sizeof *kept_names };

/* What the chip was preset with. */
struct kept {
    uint8_t *bytes[KEPT]; /* owned; NULL: it has no such memory */
};

static void keep_chip(const struct desk *desk, struct kept *kept)
{
    for (size_t i = 0; i < KEPT; i++) {
        size_t size = 0;
        const uint8_t *bytes = desk->family->memory(desk->chip, kept_names[i], &size);
        kept->bytes[i] = bytes != NULL ? malloc(size) : NULL;
        if (kept->bytes[i] != NULL) {
            memcpy(kept->bytes[i], bytes, size);
        }
    }
}

static void restore_chip(const struct desk *desk, const struct kept *kept)
{
    for (size_t i = 0; i < KEPT; i++) {
        size_t size = 0;
        uint8_t *bytes = desk->family->memory(desk->chip, kept_names[i], &size);
        if (kept->bytes[i] != NULL) {
            memcpy(bytes, kept->bytes[i], size);
        }
    }
    if (desk->family->power_up != NULL) {
        desk->family->power_up(desk->chip);
    }
}

static bool save_dump(const struct desk *desk, uint32_t n)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%" PRIu32 ".chip", desk->dumps, n);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return complain(desk, strerror(errno), path);
    }
    desk->family->dump(desk->chip, file);
    return fclose(file) == 0;
}

/* What each run ends with is its own affair; only one that does not end is ours. */
static bool run_each(struct desk *desk, const char *port, void (*prepare)(void *), void *context)
{
    struct kept kept;
    bool good = true;
    keep_chip(desk, &kept);
    for (uint32_t n = 1; n <= desk->each && good; n++) {
        char number[16];
        int status;
        snprintf(number, sizeof number, "%" PRIu32, n);
        setenv("RIG_N", number, 1);
        const pid_t pid = spawn(desk, desk->commands[0], port, prepare, context);
        good =
            pid > 0 && wait_for(desk, pid, &status) && (desk->dumps == NULL || save_dump(desk, n));
        restore_chip(desk, &kept);
    }
    for (size_t i = 0; i < KEPT; i++) {
        free(kept.bytes[i]);
    }
    return good;
}

bool desk_run(struct desk *desk, const char *port, void (*prepare)(void *context), void *context)
{
    if (desk->each > 0) {
        return run_each(desk, port, prepare, context);
    }
    const char *expected = desk->statuses;
    for (size_t i = 0; i < desk->command_count; i++) {
        const pid_t pid = spawn(desk, desk->commands[i], port, prepare, context);
        int status;
        if (pid < 0 || !wait_for(desk, pid, &status)) {
            return false;
        }
        const long wanted = strtol(expected, NULL, 0);
        const int got = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (got != wanted) {
            fprintf(stderr, "%s: command %zu (%s): wanted status %ld, got %d\n", desk->name, i + 1,
                    desk->commands[i][0], wanted, got);
            return false;
        }
        const char *comma = strchr(expected, ',');
        expected = comma != NULL ? comma + 1 : expected;
    }
    return true;
}

/* --- Expectations ---------------------------------------------------------------------------- */

static char *dump_text(struct desk *desk, const struct desk_count *counts, size_t count)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL) {
        abort();
    }
    desk->family->dump(desk->chip, file);
    for (size_t i = 0; i < count; i++) {
        fprintf(file, "%s %" PRIu64 "\n", counts[i].name, counts[i].value);
    }
    fclose(file);
    return text;
}

/* The value of "NAME=VALUE"'s name in the dump; "0" where it does not appear. */
static const char *dump_value(const char *dump, const char *expectation, char *value, size_t size)
{
    const size_t length = (size_t)(strchr(expectation, '=') - expectation);
    for (const char *line = dump; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        if (strncmp(line, expectation, length) == 0 && line[length] == ' ') {
            const char *begin = line + length + 1;
            snprintf(value, size, "%.*s", (int)(end - begin), begin);
            return value;
        }
        line = end != NULL ? end + 1 : NULL;
    }
    snprintf(value, size, "0");
    return value;
}

static bool check_line(struct desk *desk, const char *dump, const char *text,
                       enum desk_expectation_kind kind)
{
    char found[128];
    const char *wanted = strchr(text, '=') + 1;
    (void)dump_value(dump, text, found, sizeof found);
    unsigned long long a, b;
    const bool numbers = desk_number(found, &a) && desk_number(wanted, &b);
    const char *how = "";
    bool good = (numbers && a == b) || strcmp(found, wanted) == 0;
    if (kind == DESK_LINE_MIN) {
        how = "at least ";
        good = numbers && a >= b;
    } else if (kind == DESK_LINE_MAX) {
        how = "at most ";
        good = numbers && a <= b;
    }
    if (!good) {
        fprintf(stderr, "%s: expected %s%s, found %s\n", desk->name, how, text, found);
    }
    return good;
}

static bool check(struct desk *desk, const char *dump, const struct desk_expectation *x)
{
    size_t size;
    const bool eeprom = x->kind == DESK_EEPROM || x->kind == DESK_SAVE_EEPROM;
    const uint8_t *data = desk->family->memory(desk->chip, eeprom ? "eeprom" : "flash", &size);
    if (x->kind == DESK_LINE || x->kind == DESK_LINE_MIN || x->kind == DESK_LINE_MAX) {
        return check_line(desk, dump, x->text, x->kind);
    }
    char *path = fill_in(desk, x->text, "");
    const bool save = x->kind == DESK_SAVE_FLASH || x->kind == DESK_SAVE_EEPROM;
    const bool good = save ? chip_file_save(path, data, size)
                           : chip_file_compare(path, data, size, eeprom ? "EEPROM" : "flash");
    free(path);
    return good;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

int desk_finish(struct desk *desk, bool commands_good, const struct desk_count *counts,
                size_t count)
{
    bool good = commands_good;
    char *dump = dump_text(desk, counts, count);
    for (size_t i = 0; i < desk->expectation_count; i++) {
        good = check(desk, dump, &desk->expectations[i]) && good;
    }
    if (desk->dump || !good) {
        fputs(dump, desk->dump ? stdout : stderr);
    }
    free(dump);
    desk->family->free(desk->chip);
    free(desk->settings);
    if (desk->trace != NULL && desk->trace != stderr) {
        fclose(desk->trace);
    }
    (void)nftw(desk->tmp, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return good ? 0 : 1;
}
