/* What values are called: by the data sheet, as the part files have it, and by avrdude 8 (its
 * manual, "config"). */
#include "names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool name_matches(const char *name, const char *text, bool start)
{
    const size_t length = strlen(text);
    return start ? length > 0 && strncasecmp(name, text, length) == 0 : strcasecmp(name, text) == 0;
}

bool name_is_number(const char *text, uint32_t *value)
{
    char *end = NULL;
    int base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X' || text[1] == 'b' || text[1] == 'B')) {
        base = text[1] == 'x' || text[1] == 'X' ? 16 : 2;
        text += 2;
    }
    if (!isxdigit((unsigned char)text[0]))
        return false;
    const unsigned long number = strtoul(text, &end, base);
    if (end == text || *end != '\0')
        return false;
    *value = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
    return true;
}

bool name_flag_word(const char *text, uint8_t *value)
{
    static const char *const words[2][5] = {{"programmed", "on", "yes", "true", "enabled"},
                                            {"unprogrammed", "off", "no", "false", "disabled"}};
    for (uint8_t bit = 0; bit < 2; bit++)
        for (size_t i = 0; i < sizeof words[bit] / sizeof words[bit][0]; i++)
            if (strcasecmp(words[bit][i], text) == 0) {
                *value = bit;
                return true;
            }
    return false;
}

/* --- avrdude's names ------------------------------------------------------------------------ */

/* Flags: the word for 0 and the word for 1. */
static const struct flag_alias {
    const char *field;
    const char *words[2];
} flag_aliases[] = {
    {"BODEN", {"bod_enabled", "bod_disabled"}},
    {"BOOTRST", {"boot_section", "application"}},
    {"CKDIV8", {"by_8", "by_1"}},
    {"CKOUT", {"gpio", "co_disabled"}}, /* 0 names the pin: gpio_pb0 */
    {"DWEN", {"dw_enabled", "dw_off"}},
    {"EESAVE", {"ee_preserved", "ee_erased"}},
    {"JTAGEN", {"jtag_enabled", "jtag_disabled"}},
    {"OCDEN", {"ocd_enabled", "ocd_disabled"}},
    {"PSCRB", {"rb_enabled", "rb_disabled"}},
    {"RSTDISBL", {"gpio", "external_reset"}}, /* 0 names the pin: gpio_pc6_warning_... */
    {"SELFPRGEN", {"spm_enabled", "spm_disabled"}},
    {"SPIEN", {"isp_enabled", "isp_disabled"}}, /* 1: isp_disabled_warning_... */
    {"WDTON", {"wdt_always_on", "wdt_programmable"}},
};

static const struct flag_alias *flag_alias(const struct field *field)
{
    for (size_t i = 0; i < sizeof flag_aliases / sizeof flag_aliases[0]; i++)
        if (strcasecmp(flag_aliases[i].field, field->name) == 0)
            return &flag_aliases[i];
    return NULL;
}

/* Fields with values: what stands before and behind the data sheet's name. */
static const struct value_alias {
    const char *field, *before, *behind;
} value_aliases[] = {
    {"BODLEVEL", "bod_", ""}, {"BOOTSZ", "bs_", ""},    {"SUT", "sut_", ""},
    {"BLB0", "", "_in_app"},  {"BLB1", "", "_in_boot"},
};

static const struct value_alias *value_alias(const struct field *field)
{
    for (size_t i = 0; i < sizeof value_aliases / sizeof value_aliases[0]; i++)
        if (strcasecmp(value_aliases[i].field, field->name) == 0)
            return &value_aliases[i];
    return NULL;
}

static const struct field_value *value_of(const struct field *field, uint8_t value)
{
    for (size_t i = 0; i < field->value_count; i++)
        if (field->values[i].value == value)
            return &field->values[i];
    return NULL;
}

/* "LPM_SPM_DISABLE" is lpm_spm_disabled there, and no name ends in _DEFAULT. */
static void adapt(const char *name, char *out, size_t capacity)
{
    static const char tail[] = "_default", disable[] = "disable";
    (void)snprintf(out, capacity, "%s", name);
    for (char *c = out; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    const size_t length = strlen(out);
    if (length > strlen(tail) && strcmp(out + length - strlen(tail), tail) == 0)
        out[length - strlen(tail)] = '\0';
    else if (length >= strlen(disable) && strcmp(out + length - strlen(disable), disable) == 0)
        (void)snprintf(out + length, capacity - length, "d");
}

const char *fuse_value_alias(const struct field *field, uint8_t value, char out[FUSE_TEXT_SIZE])
{
    char name[FUSE_TEXT_SIZE / 2] = "";
    const struct flag_alias *flag = flag_alias(field);
    const struct value_alias *around = value_alias(field);
    const struct field_value *known = value_of(field, value);
    out[0] = '\0';
    if (field->value_count == 0) {
        if (flag != NULL && value < 2)
            (void)snprintf(out, FUSE_TEXT_SIZE, "%s", flag->words[value]);
        return out;
    }
    if (known == NULL)
        return out;
    adapt(known->name, name, sizeof name);
    (void)snprintf(out, FUSE_TEXT_SIZE, "%s%s%s", around != NULL ? around->before : "", name,
                   around != NULL ? around->behind : "");
    return out;
}

/* --- the data sheet's names ----------------------------------------------------------------- */

/* Some lists give one name to several values; some names are numbers. */
static bool is_its_own(const struct field *field, const struct field_value *value)
{
    uint32_t number;
    if (name_is_number(value->name, &number))
        return false;
    for (size_t i = 0; i < field->value_count; i++)
        if (&field->values[i] != value && strcasecmp(field->values[i].name, value->name) == 0)
            return false;
    return true;
}

const char *fuse_value_name(const struct field *field, uint8_t value, char out[FUSE_TEXT_SIZE])
{
    const struct field_value *known = value_of(field, value);
    if (known != NULL && is_its_own(field, known))
        (void)snprintf(out, FUSE_TEXT_SIZE, "%s", known->name);
    else
        (void)snprintf(out, FUSE_TEXT_SIZE, field->value_count > 8 ? "0x%02x" : "%u",
                       (unsigned)value);
    return out;
}

const char *fuse_value_meaning(const struct field *field, uint8_t value)
{
    const struct field_value *known = value_of(field, value);
    if (field->value_count == 0)
        return (field->mask & (field->mask - 1)) == 0 ? (value == 0 ? "yes" : "no") : "";
    return known != NULL ? known->caption : "reserved";
}

/* Without names: all that its bits can count, for none of these fields has a gap. */
size_t fuse_value_count(const struct field *field)
{
    unsigned bits = 0;
    for (uint8_t mask = field->mask; mask != 0; mask >>= 1)
        bits += mask & 1;
    return field->value_count > 0 ? field->value_count : (size_t)1 << bits;
}

uint8_t fuse_value_at(const struct field *field, size_t index)
{
    if (field->value_count == 0)
        return (uint8_t)index;
    unsigned at = 0;
    for (unsigned value = 0; value < 256; value++)
        if (value_of(field, (uint8_t)value) != NULL && at++ == index)
            return (uint8_t)value;
    return 0;
}
