/* Numbers as people type them behind options. */
#include "quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

enum status quantity_count(const char *text, uint32_t limit, uint32_t *out, struct error *e)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 0) : 0;
    if (end == NULL || *end != '\0')
        return error_set(e, STATUS_USAGE, "\"%s\" is not a whole number", text);
    if (errno == ERANGE || value < 1 || value > limit)
        return error_set(e, STATUS_USAGE, "%s is not between 1 and %lu", text,
                         (unsigned long)limit);
    *out = (uint32_t)value;
    return STATUS_OK;
}

struct sck_unit {
    const char *name;
    double hz_factor; /* 0: the number is a period in microseconds */
};

static const struct sck_unit sck_units[] = {
    {"", 0}, {"us", 0}, {"hz", 1}, {"k", 1e3}, {"khz", 1e3}, {"m", 1e6}, {"mhz", 1e6},
};

static const struct sck_unit *sck_unit_find(const char *name)
{
    for (size_t i = 0; i < sizeof sck_units / sizeof sck_units[0]; i++)
        if (strcasecmp(sck_units[i].name, name) == 0)
            return &sck_units[i];
    return NULL;
}

enum status quantity_sck(const char *text, uint32_t *hz, struct error *e)
{
    /* Decimal only: strtod alone would also take "inf", "nan" and hexadecimal. */
    char *end = NULL;
    double number = 0;
    if ((isdigit((unsigned char)text[0]) || text[0] == '.') && tolower(text[1]) != 'x')
        number = strtod(text, &end);
    const struct sck_unit *unit = NULL;
    if (end != NULL && end != text)
        unit = sck_unit_find(end + (*end == ' ' ? 1 : 0));
    if (unit == NULL || !(number > 0)) {
        (void)error_set(e, STATUS_USAGE, "\"%s\" is no bit clock", text);
        error_hint(e, "a number is the SCK period in microseconds; or say it in us, Hz, kHz or "
                      "MHz: -B 4, -B 250kHz");
        return e->code;
    }
    const double rate = unit->hz_factor > 0 ? number * unit->hz_factor : 1e6 / number;
    if (rate < 1 || rate > UINT32_MAX)
        return error_set(e, STATUS_USAGE, "a bit clock of %s is not between 1 Hz and 4 GHz", text);
    *hz = (uint32_t)(rate + 0.5);
    return STATUS_OK;
}
