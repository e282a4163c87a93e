/* The one option table, and how the value of each row is taken in. */
#include <string.h>

#include "core/nearest.h"
#include "options.h"
#include "quantity.h"

static enum status apply_flag(const struct option_spec *spec, const char *value, void *member,
                              struct error *e)
{
    (void)spec, (void)value, (void)e;
    *(bool *)member = true;
    return STATUS_OK;
}

static enum status apply_choice(const struct option_spec *spec, const char *value, void *member,
                                struct error *e)
{
    (void)value, (void)e;
    *(enum choice *)member = (enum choice)spec->value;
    return STATUS_OK;
}

/* -D implies -A: what stays in the chip behind the image matters then. `member` is the whole. */
static enum status apply_no_erase(const struct option_spec *spec, const char *value, void *member,
                                  struct error *e)
{
    (void)spec, (void)value, (void)e;
    struct settings *s = member;
    s->no_erase = true;
    s->whole_read = true;
    return STATUS_OK;
}

static enum status apply_count(const struct option_spec *spec, const char *value, void *member,
                               struct error *e)
{
    (void)spec, (void)value, (void)e;
    ++*(unsigned *)member;
    return STATUS_OK;
}

static enum status apply_nothing(const struct option_spec *spec, const char *value, void *member,
                                 struct error *e)
{
    (void)spec, (void)value, (void)member, (void)e;
    return STATUS_OK;
}

static enum status apply_text(const struct option_spec *spec, const char *value, void *member,
                              struct error *e)
{
    (void)spec;
    if (value[0] == '\0')
        return error_set(e, STATUS_USAGE, "the value is empty");
    *(const char **)member = value;
    return STATUS_OK;
}

static enum status apply_list(const struct option_spec *spec, const char *value, void *member,
                              struct error *e)
{
    (void)spec;
    return text_list_add(member, value, strlen(value), e);
}

/* Several items may be given at once, separated by commas. */
static enum status apply_comma_list(const struct option_spec *spec, const char *value, void *member,
                                    struct error *e)
{
    (void)spec;
    while (*value != '\0') {
        const size_t length = strcspn(value, ",");
        if (length > 0)
            TRY(text_list_add(member, value, length, e));
        value += length + (value[length] == ',' ? 1 : 0);
    }
    return STATUS_OK;
}

static enum status apply_count_value(const struct option_spec *spec, const char *value,
                                     void *member, struct error *e)
{
    (void)spec;
    return quantity_count(value, UINT32_MAX, member, e);
}

static enum status apply_seconds(const struct option_spec *spec, const char *value, void *member,
                                 struct error *e)
{
    (void)spec;
    return quantity_count(value, 7 * 24 * 3600, member, e); /* a week */
}

static enum status apply_times(const struct option_spec *spec, const char *value, void *member,
                               struct error *e)
{
    struct times *times = member;
    (void)spec;
    times->count = 0;
    if (strcmp(value, "0") != 0)
        TRY(quantity_count(value, 1000000, &times->count, e));
    times->given = true;
    return STATUS_OK;
}

static enum status apply_retries(const struct option_spec *spec, const char *value, void *member,
                                 struct error *e)
{
    (void)spec;
    return quantity_count(value, 1000, member, e);
}

static enum status apply_sck(const struct option_spec *spec, const char *value, void *member,
                             struct error *e)
{
    (void)spec;
    return quantity_sck(value, member, e);
}

static enum status apply_task(const struct option_spec *spec, const char *value, void *member,
                              struct error *e)
{
    return settings_add_task(member, (enum task_kind)spec->value, value, e);
}

static enum status apply_action(const struct option_spec *spec, const char *value, void *member,
                                struct error *e)
{
    (void)value, (void)e;
    if (*(enum action *)member == ACTION_RUN) /* the first one asked for */
        *(enum action *)member = (enum action)spec->value;
    return STATUS_OK;
}

static const char *const when_words[] = {
    [WHEN_AUTO] = "auto", [WHEN_ALWAYS] = "always", [WHEN_NEVER] = "never", NULL};
static const char *const progress_words[] = {
    [PROGRESS_AUTO] = "auto", [PROGRESS_PLAIN] = "plain", [PROGRESS_NONE] = "none", NULL};
static const char *const erase_words[] = {
    [ERASE_CHIP] = "chip", [ERASE_AUTO] = "auto", [ERASE_NONE] = "none", NULL};

const char *const exit_option_words[] = {"reset",  "noreset", "vcc", "novcc",
                                         "d_high", "d_low",   NULL};

/* The index of `value` in the option's choices. */
static enum status find_choice(const struct option_spec *spec, const char *value, size_t *index,
                               struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, value);
    for (size_t i = 0; spec->choices[i] != NULL; i++) {
        if (strcmp(value, spec->choices[i]) == 0) {
            *index = i;
            return STATUS_OK;
        }
        nearest_offer(&nearest, spec->choices[i]);
    }
    (void)error_set(e, STATUS_USAGE, "\"%s\" is not one of the choices", value);
    nearest_hint(&nearest, e);
    return e->code;
}

static enum status apply_when(const struct option_spec *spec, const char *value, void *member,
                              struct error *e)
{
    size_t index = 0;
    TRY(find_choice(spec, value, &index, e));
    *(enum when *)member = (enum when)index;
    return STATUS_OK;
}

static enum status apply_progress(const struct option_spec *spec, const char *value, void *member,
                                  struct error *e)
{
    size_t index = 0;
    TRY(find_choice(spec, value, &index, e));
    *(enum progress_style *)member = (enum progress_style)index;
    return STATUS_OK;
}

/* `member` is the whole: none is the same as -D. */
static enum status apply_erase_mode(const struct option_spec *spec, const char *value, void *member,
                                    struct error *e)
{
    struct settings *s = member;
    size_t index = 0;
    TRY(find_choice(spec, value, &index, e));
    s->erase_mode = (enum erase_mode)index;
    return s->erase_mode == ERASE_NONE ? apply_no_erase(spec, value, member, e) : STATUS_OK;
}

#define AT(member) offsetof(struct settings, member)

const struct option_spec option_table[] = {
    {.letters = "c",
     .name = "programmer",
     .argument = "ID",
     .group = GROUP_CHIP,
     .common = true,
     .help = "which programmer: a name, or its beginning; ? lists them",
     .offset = AT(programmer),
     .apply = apply_text},
    {.letters = "P",
     .name = "port",
     .argument = "PORT",
     .group = GROUP_CHIP,
     .common = true,
     .help = "where it is plugged in: a path, usb:VID:PID, usb:SERIAL, net:HOST:PORT; ?s lists "
             "the serial ports. Left out, the one port that fits is used",
     .offset = AT(port),
     .apply = apply_text},
    {.letters = "p",
     .name = "part",
     .argument = "PART",
     .group = GROUP_CHIP,
     .common = true,
     .help = "which chip: ATmega328P, m328p, ...; ? lists them. Left out, the chip is found by its "
             "signature",
     .offset = AT(part),
     .apply = apply_text},
    {.letters = "b",
     .name = "baud",
     .argument = "RATE",
     .group = GROUP_CHIP,
     .common = true,
     .help = "rate of the serial port. Left out, the usual ones are tried",
     .offset = AT(baud),
     .apply = apply_count_value},
    {.letters = "B",
     .name = "bitclock",
     .argument = "CLOCK",
     .group = GROUP_CHIP,
     .common = true,
     .help = "SCK, as a period in microseconds (4) or a frequency (250kHz)",
     .offset = AT(sck_hz),
     .apply = apply_sck},
    {.letters = "i",
     .name = "isp-clock-delay",
     .argument = "US",
     .group = GROUP_CHIP,
     .help = "microseconds between two SCK edges, for programmers that toggle pins",
     .offset = AT(edge_delay_us),
     .apply = apply_count_value},
    {.name = "wait-port",
     .argument = "SECONDS",
     .group = GROUP_CHIP,
     .own = true,
     .help = "wait that long for a programmer that another program uses",
     .offset = AT(wait_port_s),
     .apply = apply_seconds},
    {.name = "sync-timeout",
     .argument = "SECONDS",
     .group = GROUP_CHIP,
     .own = true,
     .help = "look that long for a programmer that does not answer",
     .offset = AT(sync_timeout_s),
     .apply = apply_seconds},
    {.name = "timeout",
     .argument = "SECONDS",
     .group = GROUP_CHIP,
     .own = true,
     .help = "give up, with exit status 15, when the whole run takes longer",
     .offset = AT(timeout_s),
     .apply = apply_seconds},
    {.name = "retries",
     .argument = "N",
     .group = GROUP_CHIP,
     .own = true,
     .help = "do it again, up to N times, after the programmer was lost or fell silent",
     .offset = AT(retries),
     .apply = apply_retries},
    {.letters = "x",
     .name = "extended",
     .argument = "PARAM",
     .group = GROUP_CHIP,
     .help = "a setting of the programmer's own; help lists them",
     .offset = AT(extended),
     .apply = apply_list},
    {.letters = "E",
     .name = "exitspecs",
     .argument = "LIST",
     .group = GROUP_CHIP,
     .choices = exit_option_words,
     .help = "how to leave the pins: reset, noreset, vcc, novcc, d_high, d_low",
     .offset = AT(exit_options),
     .apply = apply_comma_list},
    {.letters = "r",
     .name = "reconnect",
     .group = GROUP_CHIP,
     .help = "touch the port at 1200 baud first; for boot loaders, none of which is supported yet",
     .offset = AT(reconnect),
     .apply = apply_count},
    {.letters = "C",
     .name = "config",
     .argument = "FILE",
     .group = GROUP_CHIP,
     .help = "take defaults, own programmers and own parts of an avrdude.conf; +FILE: of one more",
     .offset = AT(configs),
     .apply = apply_list},
    {.letters = "N",
     .name = "noconfig",
     .group = GROUP_CHIP,
     .help = "leave the user's own files alone",
     .offset = AT(no_config),
     .apply = apply_flag},
    {.name = "part-file",
     .argument = "FILE",
     .group = GROUP_CHIP,
     .own = true,
     .help = "read more parts from FILE",
     .offset = AT(part_files),
     .apply = apply_list},
    {.letters = "U",
     .name = "memory",
     .argument = "MEM:OP:FILE[:FMT]",
     .group = GROUP_WORK,
     .common = true,
     .help = "write (w), read (r) or verify (v) a memory; FILE alone is written to flash. "
             "Repeatable, done in the order given",
     .apply = apply_task,
     .value = TASK_UPDATE},
    {.letters = "e",
     .name = "erase",
     .group = GROUP_WORK,
     .common = true,
     .help = "erase the chip first",
     .offset = AT(erase),
     .apply = apply_flag},
    {.letters = "D",
     .name = "noerase",
     .group = GROUP_WORK,
     .common = true,
     .help = "do not erase the chip because flash is written; implies -A",
     .apply = apply_no_erase},
    {.letters = "A",
     .name = "keep-trailing-0xff",
     .group = GROUP_WORK,
     .help = "do not cut 0xff from the end of flash that is read or written",
     .offset = AT(whole_read),
     .apply = apply_flag},
    {.letters = "V",
     .name = "noverify-memory",
     .group = GROUP_WORK,
     .common = true,
     .help = "do not verify what was written",
     .offset = AT(no_verify),
     .apply = apply_flag},
    {.letters = "n",
     .name = "test-memory",
     .group = GROUP_WORK,
     .common = true,
     .help = "write nothing to the chip; print what would be written as Intel HEX",
     .offset = AT(no_write),
     .apply = apply_flag},
    {.name = "in-order",
     .group = GROUP_WORK,
     .own = true,
     .help = "merge and move nothing: every step as it stands",
     .offset = AT(in_order),
     .apply = apply_flag},
    {.name = "erase-mode",
     .argument = "MODE",
     .group = GROUP_WORK,
     .own = true,
     .choices = erase_words,
     .help = "when flash is written: chip (erase first), auto (only if bits have to rise) or none "
             "(as -D)",
     .apply = apply_erase_mode},
    {.name = "keep-eeprom",
     .group = GROUP_WORK,
     .own = true,
     .help = "read the EEPROM before an erase that takes it, and put it back",
     .offset = AT(keep_eeprom),
     .apply = apply_flag},
    {.name = "keep",
     .argument = "WHAT",
     .group = GROUP_WORK,
     .own = true,
     .help = "what of flash survives an erase: boot (the boot section), or FROM-TO, byte addresses",
     .offset = AT(keep),
     .apply = apply_comma_list},
    {.name = "rescue-file",
     .argument = "FILE",
     .group = GROUP_WORK,
     .own = true,
     .help = "where what is to be kept is saved until it is back in the chip",
     .offset = AT(rescue_file),
     .apply = apply_text},
    {.name = "no-clock-boost",
     .group = GROUP_WORK,
     .own = true,
     .help = "leave the chip's clock alone while it is written, however slow it is",
     .offset = AT(no_clock_boost),
     .apply = apply_flag},
    {.name = "skip-if-same",
     .group = GROUP_WORK,
     .own = true,
     .help = "compare first, and leave a chip alone that holds all of it already",
     .offset = AT(skip_if_same),
     .apply = apply_choice,
     .value = CHOICE_YES},
    {.name = "no-skip-if-same",
     .group = GROUP_WORK,
     .own = true,
     .help = "do it all in any case; for burn, which compares first",
     .offset = AT(skip_if_same),
     .apply = apply_choice,
     .value = CHOICE_NO},
    {.name = "no-jtag",
     .group = GROUP_WORK,
     .own = true,
     .help = "burn: the fuses that leave the JTAG pins free",
     .offset = AT(no_jtag),
     .apply = apply_flag},
    {.name = "expect-usb",
     .group = GROUP_WORK,
     .own = true,
     .help = "burn: wait until the boot loader shows on USB",
     .offset = AT(expect_usb),
     .apply = apply_flag},
    {.letters = "o",
     .name = "output",
     .argument = "FILE",
     .group = GROUP_WORK,
     .own = true,
     .help = "where a command writes its file; - is standard output",
     .offset = AT(output),
     .apply = apply_text},
    {.name = "check",
     .argument = "FILE",
     .group = GROUP_WORK,
     .own = true,
     .help = "fuses: compare with FILE; exit status 13 if anything differs",
     .offset = AT(check),
     .apply = apply_text},
    {.name = "soak",
     .group = GROUP_WORK,
     .own = true,
     .help = "doctor: count the wrong ones of COUNT (10000) readings at each SCK",
     .offset = AT(soak),
     .apply = apply_flag},
    {.letters = "t",
     .name = "terminal",
     .group = GROUP_WORK,
     .help = "commands that look at the chip and change it one by one, typed or from a pipe",
     .apply = apply_task,
     .value = TASK_TERMINAL},
    {.letters = "T",
     .name = "command",
     .argument = "LINE",
     .group = GROUP_WORK,
     .help = "one line of the same commands; in its turn among the -U. ispflash help terminal "
             "lists them",
     .apply = apply_task,
     .value = TASK_COMMAND},
    {.letters = "O",
     .name = "osccal",
     .group = GROUP_WORK,
     .help = "calibrate the RC oscillator, where a programmer can",
     .offset = AT(osccal),
     .apply = apply_flag},
    {.name = "dry-run",
     .group = GROUP_SAFETY,
     .common = true,
     .own = true,
     .help = "read the chip, print every step byte by byte, and change nothing",
     .offset = AT(dry_run),
     .apply = apply_flag},
    {.name = "yes",
     .group = GROUP_SAFETY,
     .own = true,
     .help = "do it without asking",
     .offset = AT(yes),
     .apply = apply_flag},
    {.letters = "F",
     .name = "force",
     .group = GROUP_SAFETY,
     .common = true,
     .help = "go on with a chip of another signature; permits nothing else",
     .offset = AT(force),
     .apply = apply_flag},
    {.name = "require-genuine",
     .group = GROUP_SAFETY,
     .own = true,
     .help = "stop at a chip that is not made by the maker of its part; clones are only named "
             "otherwise",
     .offset = AT(require_genuine),
     .apply = apply_flag},
    {.name = "allow",
     .argument = "NAME",
     .group = GROUP_SAFETY,
     .own = true,
     .help = "permit one thing that is refused otherwise; the refusal tells its name",
     .offset = AT(allow),
     .apply = apply_comma_list},
    {.name = "gang",
     .argument = "PORT",
     .group = GROUP_BOARDS,
     .own = true,
     .help =
         "do it on several programmers at the same time, one on each PORT (repeatable); usb: on "
         "all that are plugged in and fit -c",
     .offset = AT(gang),
     .apply = apply_list},
    {.name = "unique",
     .argument = "MEM@ADDR=FIELD:WIDTH[:FMT]",
     .group = GROUP_BOARDS,
     .own = true,
     .help = "bytes of each board's own, such as eeprom@0x10=serial:8, from --unique-file; "
             "repeatable. FMT: dec, hex, le, be, text, bytes",
     .offset = AT(unique),
     .apply = apply_list},
    {.name = "unique-file",
     .argument = "FILE",
     .group = GROUP_BOARDS,
     .own = true,
     .help = "what --unique gives, each only once: a counter, or a table (.csv)",
     .offset = AT(unique_file),
     .apply = apply_text},
    {.name = "wait",
     .argument = "SECONDS",
     .group = GROUP_BOARDS,
     .own = true,
     .help = "wait that long for the programmer, and for a chip behind it",
     .offset = AT(wait_s),
     .apply = apply_seconds},
    {.name = "repeat",
     .argument = "COUNT",
     .group = GROUP_BOARDS,
     .own = true,
     .help = "COUNT boards, one after another is clipped on; 0: until Ctrl-C",
     .offset = AT(repeat),
     .apply = apply_times},
    {.letters = "q",
     .name = "quell",
     .group = GROUP_TALK,
     .common = true,
     .help = "say less; up to five times",
     .offset = AT(quell),
     .apply = apply_count},
    {.letters = "v",
     .name = "verbose",
     .group = GROUP_TALK,
     .common = true,
     .help = "say more; up to four times",
     .offset = AT(verbose),
     .apply = apply_count},
    {.letters = "l",
     .name = "logfile",
     .argument = "FILE",
     .group = GROUP_TALK,
     .help = "say it into FILE instead of standard error",
     .offset = AT(logfile),
     .apply = apply_text},
    {.name = "record",
     .argument = "FILE",
     .group = GROUP_TALK,
     .own = true,
     .help = "keep all that goes over the wire, with times, in FILE: for a bug report",
     .offset = AT(record),
     .apply = apply_text},
    {.name = "replay",
     .argument = "FILE",
     .group = GROUP_TALK,
     .own = true,
     .help = "no hardware: run against what --record has kept, and say where it differs",
     .offset = AT(replay),
     .apply = apply_text},
    {.name = "progress",
     .argument = "STYLE",
     .group = GROUP_TALK,
     .own = true,
     .choices = progress_words,
     .help = "auto (a bar on a terminal, else lines), plain (lines) or none",
     .offset = AT(progress),
     .apply = apply_progress},
    {.name = "json",
     .group = GROUP_TALK,
     .own = true,
     .help = "for programs: all that is told and answered, as one JSON object a line on standard "
             "output; see ispflash-json(5)",
     .offset = AT(json),
     .apply = apply_flag},
    {.name = "color",
     .argument = "WHEN",
     .group = GROUP_TALK,
     .own = true,
     .choices = when_words,
     .help = "auto (on a terminal), always or never",
     .offset = AT(color),
     .apply = apply_when},
    {.letters = "h?",
     .group = GROUP_OTHER,
     .common = true,
     .help = "the most used options",
     .offset = AT(action),
     .apply = apply_action,
     .value = ACTION_SHORT_HELP},
    {.name = "help",
     .group = GROUP_OTHER,
     .common = true,
     .help = "all options",
     .offset = AT(action),
     .apply = apply_action,
     .value = ACTION_HELP},
    {.name = "version",
     .group = GROUP_OTHER,
     .help = "the version; with -v what it is built with",
     .offset = AT(action),
     .apply = apply_action,
     .value = ACTION_VERSION},
    {.letters = "suyY",
     .group = GROUP_HIDDEN,
     .help = "have no meaning any more",
     .apply = apply_nothing},
};

_Static_assert(sizeof option_table / sizeof option_table[0] <= OPTIONS_MAX, "too many options");

const size_t option_count = sizeof option_table / sizeof option_table[0];

const char *option_group_title(enum option_group group)
{
    switch (group) {
    case GROUP_CHIP:
        return "Programmer and chip";
    case GROUP_WORK:
        return "What to do";
    case GROUP_SAFETY:
        return "What to permit";
    case GROUP_BOARDS:
        return "Many boards";
    case GROUP_TALK:
        return "What to say";
    case GROUP_OTHER:
        return "About ispflash";
    case GROUP_HIDDEN:
    case GROUP_COUNT:
        break;
    }
    return "For old scripts";
}
