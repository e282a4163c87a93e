#include "buspirate_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "driver_options.h"

const char buspirate_options_help[] =
    "reset=PIN             what RESET is wired to: cs (default), aux, or cs,aux for both\n"
    "spifreq=0..11         SCK by the firmware's own number: 0 30 kHz, 1 125 kHz, 2 250 kHz,\n"
    "                      3 1 MHz, 4 to 7 2, 2.6, 4, 8 MHz or what the firmware makes of them\n"
    "rawfreq=0..3          raw-wire mode instead of SPI mode: 5, 50, 100, 400 kHz\n"
    "cpufreq=125..4000     a clock signal for the chip on AUX, in kHz\n"
    "serial_recv_timeout=MS  how long to wait for an answer (default 1500)\n"
    "nopagedwrite          single instructions instead of the firmware's write-then-read\n"
    "nopagedread           single instructions instead of its AVR extended commands\n"
    "pullups               pull-up resistors on, outputs open drain (Vpu must have a voltage)\n"
    "hiz                   outputs open drain";

/* Each option's function takes its value, NULL for those without one. */

static enum status option_number(const char *value, unsigned long least, unsigned long most,
                                 unsigned long *out, struct error *e)
{
    char *end = NULL;
    *out = strtoul(value, &end, 0);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || *out < least || *out > most)
        return error_set(e, STATUS_USAGE, "\"%s\" is not a number from %lu to %lu", value, least,
                         most);
    return STATUS_OK;
}

static enum status option_reset(void *into, const char *value, struct error *e)
{
    struct buspirate_options *o = into;
    o->reset_cs = o->reset_aux = false;
    while (*value != '\0') {
        const size_t size = strcspn(value, ",");
        const bool cs = size == 2 && strncasecmp(value, "cs", size) == 0;
        const bool aux = (size == 3 && strncasecmp(value, "aux", size) == 0) ||
                         (size == 4 && strncasecmp(value, "aux1", size) == 0);
        if (size == 4 && strncasecmp(value, "aux2", size) == 0)
            return error_set(e, STATUS_UNSUPPORTED,
                             "aux2 is the switch of the pull-ups in SPI mode, not a pin");
        if (!cs && !aux)
            return error_set(e, STATUS_USAGE, "\"%.*s\" is neither cs nor aux", (int)size, value);
        o->reset_cs = o->reset_cs || cs;
        o->reset_aux = o->reset_aux || aux;
        value += size;
        value += *value == ',' ? 1 : 0;
    }
    return STATUS_OK;
}

static enum status option_speed(struct buspirate_options *o, const char *value, bool raw,
                                struct error *e)
{
    unsigned long number;
    if (o->speed_given && o->raw != raw)
        return error_set(e, STATUS_USAGE, "either spifreq or rawfreq");
    TRY(option_number(value, 0, raw ? 3 : 11, &number, e));
    o->speed_given = true;
    o->raw = raw;
    o->speed = (unsigned)number;
    return STATUS_OK;
}

static enum status option_spifreq(void *into, const char *value, struct error *e)
{
    struct buspirate_options *o = into;
    return option_speed(o, value, false, e);
}

static enum status option_rawfreq(void *into, const char *value, struct error *e)
{
    struct buspirate_options *o = into;
    return option_speed(o, value, true, e);
}

static enum status option_cpufreq(void *into, const char *value, struct error *e)
{
    struct buspirate_options *o = into;
    unsigned long number;
    TRY(option_number(value, 125, 4000, &number, e));
    o->clock_khz = (uint32_t)number;
    return STATUS_OK;
}

static enum status option_timeout(void *into, const char *value, struct error *e)
{
    struct buspirate_options *o = into;
    unsigned long number;
    TRY(option_number(value, 1, 60000, &number, e));
    o->reply_ms = (unsigned)number;
    return STATUS_OK;
}

static enum status option_nopagedwrite(void *into, const char *value, struct error *e)
{
    struct buspirate_options *o = into;
    (void)value;
    (void)e;
    o->no_write_then_read = true;
    return STATUS_OK;
}

static enum status option_nopagedread(void *into, const char *value, struct error *e)
{
    struct buspirate_options *o = into;
    (void)value;
    (void)e;
    o->no_extended = true;
    return STATUS_OK;
}

static enum status option_pullups(void *into, const char *value, struct error *e)
{
    struct buspirate_options *o = into;
    (void)value;
    (void)e;
    o->pull_ups = o->open_drain = true;
    return STATUS_OK;
}

static enum status option_hiz(void *into, const char *value, struct error *e)
{
    struct buspirate_options *o = into;
    (void)value;
    (void)e;
    o->open_drain = true;
    return STATUS_OK;
}

static enum status option_ascii(void *into, const char *value, struct error *e)
{
    struct buspirate_options *o = into;
    (void)o;
    (void)value;
    return error_set(e, STATUS_UNSUPPORTED,
                     "programming by way of the terminal is not possible: firmware 2.4 or later "
                     "has the binary mode that is used");
}

static const struct driver_option options[] = {
    {"reset", true, option_reset},
    {"spifreq", true, option_spifreq},
    {"rawfreq", true, option_rawfreq},
    {"cpufreq", true, option_cpufreq},
    {"serial_recv_timeout", true, option_timeout},
    {"nopagedwrite", false, option_nopagedwrite},
    {"nopagedread", false, option_nopagedread},
    {"pullups", false, option_pullups},
    {"hiz", false, option_hiz},
    {"ascii", false, option_ascii},
};

enum status buspirate_options_parse(const struct programmer_config *config,
                                    struct buspirate_options *out, struct error *e)
{
    struct buspirate_options o = {.reset_cs = true};
    TRY(driver_options_parse(config, options, sizeof options / sizeof options[0], &o, e));
    if (o.clock_khz != 0 && o.reset_aux)
        return error_set(e, STATUS_USAGE,
                         "-x cpufreq and -x reset=aux: AUX is either a clock or RESET");
    *out = o;
    return STATUS_OK;
}
