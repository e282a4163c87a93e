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

static bool complain(const struct desk *desk, const char *what, const char *about)
{
    fprintf(stderr, "%s: %s: %s\n", desk->name, about, what);
    return false;
}

static bool number(const char *text, unsigned long long *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == '\0';
}

/* --- Command line ---------------------------------------------------------------------------- */

static bool take_u32(const char *text, uint32_t *value)
{
    unsigned long long n;
    if (text == NULL || !number(text, &n) || n > UINT32_MAX) {
        return false;
    }
    *value = (uint32_t)n;
    return true;
}

static bool add_expectation(struct desk *desk, enum desk_expectation_kind kind, const char *text)
{
    if (desk->expectation_count == DESK_EXPECTATIONS_MAX) {
        return false;
    }
    desk->expectations[desk->expectation_count++] = (struct desk_expectation){kind, text};
    return true;
}

static bool add_preset(struct desk *desk, enum desk_preset_kind kind, const char *text)
{
    if (desk->preset_count == DESK_EXPECTATIONS_MAX) {
        return false;
    }
    desk->presets[desk->preset_count++] = (struct desk_preset){kind, text};
    return true;
}

static bool choose(const char *text, const char *const *names, int *value)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(text, names[i]) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static bool take_part(void *context, const char *value)
{
    struct desk *desk = context;
    desk->part = value;
    return avr_chip_spec(value) != NULL;
}

static bool take_crystal(void *context, const char *value)
{
    return take_u32(value, &((struct desk *)context)->chip_options.crystal_hz);
}

static bool take_external(void *context, const char *value)
{
    return take_u32(value, &((struct desk *)context)->chip_options.external_hz);
}

static bool take_enable_wait(void *context, const char *value)
{
    return take_u32(value, &((struct desk *)context)->chip_options.enable_wait_us);
}

static bool take_seed(void *context, const char *value)
{
    uint32_t seed;
    const bool good = take_u32(value, &seed);
    ((struct desk *)context)->chip_options.seed = good ? seed : 0;
    return good;
}

static bool take_busy(void *context, const char *value)
{
    static const char *const names[] = {"typical", "longest", "random", NULL};
    int i;
    const bool good = choose(value, names, &i);
    if (good) {
        ((struct desk *)context)->chip_options.busy = (enum avr_busy)i;
    }
    return good;
}

static bool take_idle(void *context, const char *value)
{
    static const char *const names[] = {"high", "low", "noise", NULL};
    int i;
    const bool good = choose(value, names, &i);
    if (good) {
        ((struct desk *)context)->chip_options.idle = (enum avr_float)i;
    }
    return good;
}

static bool take_locked_read(void *context, const char *value)
{
    static const char *const names[] = {"address", "ff", "00", NULL};
    int i;
    const bool good = choose(value, names, &i);
    if (good) {
        ((struct desk *)context)->chip_options.locked_read = (enum avr_locked_read)i;
    }
    return good;
}

static bool take_unused_0(void *context, const char *value)
{
    (void)value;
    ((struct desk *)context)->chip_options.unused_fuse_bits_read_0 = true;
    return true;
}

static bool take_flash(void *context, const char *value)
{
    return add_preset(context, DESK_PRESET_FLASH, value);
}

static bool take_eeprom(void *context, const char *value)
{
    return add_preset(context, DESK_PRESET_EEPROM, value);
}

static bool take_set(void *context, const char *value)
{
    return add_preset(context, DESK_PRESET_SET, value);
}

static bool take_fault(void *context, const char *value)
{
    return avr_fault_find(value) != AVR_FAULT_COUNT &&
           add_preset(context, DESK_PRESET_FAULT, value);
}

static bool take_bad_cell(void *context, const char *value)
{
    return add_preset(context, DESK_PRESET_CELL, value);
}

static bool take_error_rate(void *context, const char *value)
{
    return add_preset(context, DESK_PRESET_RATE, value);
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
    const bool good = take_u32(value, &seconds);
    ((struct desk *)context)->timeout_s = good ? seconds : 0;
    return good;
}

static bool take_paced(void *context, const char *value)
{
    (void)value;
    ((struct desk *)context)->paced = true;
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
    {"part", "NAME", "the chip; default m328p", take_part},
    {"flash", "FILE", "preset flash from a .hex or raw file", take_flash},
    {"eeprom", "FILE", "preset EEPROM", take_eeprom},
    {"set", "NAME=VALUE", "preset fuse.low, fuse.high, fuse.extended or lock", take_set},
    {"crystal", "HZ", "on XTAL1 and XTAL2; 0: none; default 16000000", take_crystal},
    {"external-clock", "HZ", "signal on XTAL1; default 0: none", take_external},
    {"busy", "HOW", "typical, longest or random: how long the chip writes", take_busy},
    {"idle", "HOW", "high, low or noise: MISO while nobody drives it", take_idle},
    {"locked-read", "HOW", "address, ff or 00: what locked memories read as", take_locked_read},
    {"unused-fuse-bits-0", NULL, "unused fuse bits read 0 instead of 1", take_unused_0},
    {"enable-wait", "US", "from RESET to Programming Enable; default 20000", take_enable_wait},
    {"fault", "NAME", "a fault of wiring or chip, see avr_chip.h; repeatable", take_fault},
    {"bad-cell", "MEM:ADDRESS:STUCK:VALUE:UNSTABLE", "bits that stick or waver", take_bad_cell},
    {"bit-error-rate", "BITS", "with --fault bit-errors: one in so many", take_error_rate},
    {"seed", "N", "of all that is random", take_seed},
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
        const struct desk_option *common = find_option(options, name);
        const struct desk_option *option = common != NULL ? common : find_option(own, name);
        if (option == NULL) {
            complain(desk, "no such option; see --help", argv[i]);
            return -1;
        }
        const char *value = NULL;
        if (option->value != NULL && (value = argv[++i]) == NULL) {
            complain(desk, "needs a value", option->name);
            return -1;
        }
        if (!option->take(common != NULL ? desk : context, value)) {
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

static bool preset_value(struct desk *desk, const char *text)
{
    static const struct {
        const char *name;
        enum avr_memory memory;
        size_t index;
    } names[] = {
        {"fuse.low=", AVR_FUSES, 0},
        {"fuse.high=", AVR_FUSES, 1},
        {"fuse.extended=", AVR_FUSES, 2},
        {"lock=", AVR_LOCK, 0},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t length = strlen(names[i].name);
        unsigned long long value;
        size_t size;
        uint8_t *bytes = avr_chip_memory(desk->chip, names[i].memory, &size);
        if (strncmp(text, names[i].name, length) == 0 && number(text + length, &value) &&
            value <= 0xff && names[i].index < size) {
            bytes[names[i].index] = (uint8_t)value;
            return true;
        }
    }
    return complain(desk, "not a fuse or lock byte of this chip", text);
}

static bool preset_cell(struct desk *desk, const char *text)
{
    char memory[8];
    unsigned address, stuck, value, unstable;
    if (sscanf(text, "%7[a-z]:%i:%i:%i:%i", memory, (int *)&address, (int *)&stuck, (int *)&value,
               (int *)&unstable) != 5) {
        return complain(desk, "not MEM:ADDRESS:STUCK:VALUE:UNSTABLE", text);
    }
    const enum avr_memory m = strcmp(memory, "eeprom") == 0 ? AVR_EEPROM : AVR_FLASH;
    size_t size;
    (void)avr_chip_memory(desk->chip, m, &size);
    if (address >= size) {
        return complain(desk, "beyond the memory", text);
    }
    avr_chip_add_bad_cell(desk->chip, m, address, (uint8_t)stuck, (uint8_t)value,
                          (uint8_t)unstable);
    return true;
}

static bool preset(struct desk *desk, const struct desk_preset *p)
{
    size_t size;
    unsigned long long rate;
    switch (p->kind) {
    case DESK_PRESET_FLASH: {
        uint8_t *flash = avr_chip_memory(desk->chip, AVR_FLASH, &size);
        return chip_file_load(p->text, flash, size);
    }
    case DESK_PRESET_EEPROM: {
        uint8_t *eeprom = avr_chip_memory(desk->chip, AVR_EEPROM, &size);
        return chip_file_load(p->text, eeprom, size);
    }
    case DESK_PRESET_SET:
        return preset_value(desk, p->text);
    case DESK_PRESET_FAULT:
        avr_chip_set_fault(desk->chip, avr_fault_find(p->text), true);
        return true;
    case DESK_PRESET_CELL:
        return preset_cell(desk, p->text);
    case DESK_PRESET_RATE:
        if (!number(p->text, &rate) || rate == 0 || rate > UINT32_MAX) {
            return complain(desk, "not a rate", p->text);
        }
        avr_chip_set_bit_error_rate(desk->chip, (uint32_t)rate);
        return true;
    }
    return false;
}

static bool make_chip(struct desk *desk)
{
    desk->chip = avr_chip_new(avr_chip_spec(desk->part), &desk->chip_options);
    avr_chip_trace(desk->chip, desk->trace);
    for (size_t i = 0; i < desk->preset_count; i++) {
        if (!preset(desk, &desk->presets[i])) {
            return false;
        }
    }
    return true;
}

bool desk_start(struct desk *desk, int argc, char **argv, const char *name,
                const struct desk_option *own, void *context, int *status)
{
    *desk = (struct desk){.name = name,
                          .part = "m328p",
                          .chip_options = avr_chip_defaults(),
                          .statuses = "0",
                          .timeout_s = 50};
    *status = 2;
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        printf("usage: %s [options] -- command [-- command]...\n", name);
        help_of(own);
        help_of(options);
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

bool desk_run(struct desk *desk, const char *port, void (*prepare)(void *context), void *context)
{
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
    avr_chip_dump(desk->chip, file);
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
    const bool numbers = number(found, &a) && number(wanted, &b);
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
    const uint8_t *data = avr_chip_memory(desk->chip, eeprom ? AVR_EEPROM : AVR_FLASH, &size);
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
    avr_chip_free(desk->chip);
    if (desk->trace != NULL && desk->trace != stderr) {
        fclose(desk->trace);
    }
    (void)nftw(desk->tmp, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return good ? 0 : 1;
}
