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
    *(enum action *)member = (enum action)spec->value;
    return STATUS_OK;
}

/* The index of `value` in `words`. */
static enum status find_word(const char *value, const char *const *words, size_t count,
                             size_t *index, struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, value);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0) {
            *index = i;
            return STATUS_OK;
        }
        nearest_offer(&nearest, words[i]);
    }
    (void)error_set(e, STATUS_USAGE, "\"%s\" is not one of the choices", value);
    nearest_hint(&nearest, e);
    return e->code;
}

static enum status apply_when(const struct option_spec *spec, const char *value, void *member,
                              struct error *e)
{
    static const char *const words[] = {
        [WHEN_AUTO] = "auto", [WHEN_ALWAYS] = "always", [WHEN_NEVER] = "never"};
    size_t index = 0;
    TRY(find_word(value, words, sizeof words / sizeof words[0], &index, e));
    *(enum when *)member = (enum when)index;
    (void)spec;
    return STATUS_OK;
}

static enum status apply_progress(const struct option_spec *spec, const char *value, void *member,
                                  struct error *e)
{
    static const char *const words[] = {
        [PROGRESS_AUTO] = "auto", [PROGRESS_PLAIN] = "plain", [PROGRESS_NONE] = "none"};
    size_t index = 0;
    TRY(find_word(value, words, sizeof words / sizeof words[0], &index, e));
    *(enum progress_style *)member = (enum progress_style)index;
    (void)spec;
    return STATUS_OK;
}

#define AT(member) offsetof(struct settings, member)

const struct option_spec option_table[] = {
    {"c", "programmer", "ID", GROUP_CHIP, false,
     "which programmer: a name, or its beginning; ? lists them", AT(programmer), apply_text, 0},
    {"P", "port", "PORT", GROUP_CHIP, false,
     "where it is plugged in: a path, usb:VID:PID, usb:SERIAL, net:HOST:PORT; ?s lists the serial "
     "ports. Left out, the one port that fits is used",
     AT(port), apply_text, 0},
    {"p", "part", "PART", GROUP_CHIP, false,
     "which chip: ATmega328P, m328p, ...; ? lists them. Left out, the chip is found by its "
     "signature",
     AT(part), apply_text, 0},
    {"b", "baud", "RATE", GROUP_CHIP, false,
     "rate of the serial port. Left out, the usual ones are tried", AT(baud), apply_count_value, 0},
    {"B", "bitclock", "CLOCK", GROUP_CHIP, false,
     "SCK, as a period in microseconds (4) or a frequency (250kHz)", AT(sck_hz), apply_sck, 0},
    {"i", "isp-clock-delay", "US", GROUP_CHIP, false,
     "microseconds between two SCK edges, for programmers that toggle pins", AT(edge_delay_us),
     apply_count_value, 0},
    {"x", "extended", "PARAM", GROUP_CHIP, false,
     "a setting of the programmer's own; help lists them", AT(extended), apply_list, 0},
    {"E", "exitspecs", "LIST", GROUP_CHIP, false,
     "how to leave the pins: reset, noreset, vcc, novcc, d_high, d_low", AT(exit_options),
     apply_comma_list, 0},
    {"r", "reconnect", NULL, GROUP_CHIP, false,
     "touch the port at 1200 baud first, for boot loaders that want it", AT(reconnect), apply_count,
     0},
    {"C", "config", "FILE", GROUP_CHIP, false,
     "take the defaults of an avrdude.conf; +FILE: of one more", AT(configs), apply_list, 0},
    {"N", "noconfig", NULL, GROUP_CHIP, false, "leave the user's own files alone", AT(no_config),
     apply_flag, 0},
    {NULL, "part-file", "FILE", GROUP_CHIP, true, "read more parts from FILE", AT(part_files),
     apply_list, 0},

    {"U", "memory", "MEM:OP:FILE[:FMT]", GROUP_WORK, false,
     "write (w), read (r) or verify (v) a memory; FILE alone is written to flash. Repeatable, done "
     "in the order given",
     0, apply_task, TASK_UPDATE},
    {"e", "erase", NULL, GROUP_WORK, false, "erase the chip first", AT(erase), apply_flag, 0},
    {"D", "noerase", NULL, GROUP_WORK, false,
     "do not erase the chip because flash is written; implies -A", 0, apply_no_erase, 0},
    {"A", "keep-trailing-0xff", NULL, GROUP_WORK, false,
     "do not cut 0xff from the end of flash that is read or written", AT(whole_read), apply_flag,
     0},
    {"V", "noverify-memory", NULL, GROUP_WORK, false, "do not verify what was written",
     AT(no_verify), apply_flag, 0},
    {"n", "test-memory", NULL, GROUP_WORK, false,
     "write nothing to the chip; print what would be written as Intel HEX", AT(no_write),
     apply_flag, 0},
    {NULL, "in-order", NULL, GROUP_WORK, true, "merge and move nothing: every step as it stands",
     AT(in_order), apply_flag, 0},
    {"t", "terminal", NULL, GROUP_WORK, false, "interactive commands (not yet)", 0, apply_task,
     TASK_TERMINAL},
    {"T", "command", "LINE", GROUP_WORK, false, "one line of interactive commands (not yet)", 0,
     apply_task, TASK_COMMAND},
    {"O", "osccal", NULL, GROUP_WORK, false, "calibrate the RC oscillator, where a programmer can",
     AT(osccal), apply_flag, 0},

    {"F", "force", NULL, GROUP_SAFETY, false,
     "go on with a chip of another signature; permits nothing else", AT(force), apply_flag, 0},
    {NULL, "allow", "NAME", GROUP_SAFETY, true,
     "permit one thing that is refused otherwise; the refusal tells its name", AT(allow),
     apply_comma_list, 0},

    {"q", "quell", NULL, GROUP_TALK, false, "say less; up to five times", AT(quell), apply_count,
     0},
    {"v", "verbose", NULL, GROUP_TALK, false, "say more; up to four times", AT(verbose),
     apply_count, 0},
    {"l", "logfile", "FILE", GROUP_TALK, false, "say it into FILE instead of standard error",
     AT(logfile), apply_text, 0},
    {NULL, "progress", "STYLE", GROUP_TALK, true,
     "auto (a bar on a terminal, else lines), plain (lines) or none", AT(progress), apply_progress,
     0},
    {NULL, "color", "WHEN", GROUP_TALK, true, "auto (on a terminal), always or never", AT(color),
     apply_when, 0},

    {"h?", NULL, NULL, GROUP_OTHER, false, "the most used options", AT(action), apply_action,
     ACTION_SHORT_HELP},
    {NULL, "help", NULL, GROUP_OTHER, false, "all options", AT(action), apply_action, ACTION_HELP},
    {NULL, "version", NULL, GROUP_OTHER, false, "the version; with -v what it is built with",
     AT(action), apply_action, ACTION_VERSION},

    {"suyY", NULL, NULL, GROUP_HIDDEN, false, "have no meaning any more", 0, apply_nothing, 0},
};

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
