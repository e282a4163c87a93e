/* Data about parts and programmers, in the form of an avrdude.conf or of lines with tabs. */
#include "data_lists.h"

#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "programmer/programmer.h"

bool data_list_is_asked(const char *value)
{
    return strcmp(value, "*") == 0 || (value[0] != '?' && strchr(value, '/') != NULL);
}

/* --- what is asked for ---------------------------------------------------------------------- */

enum { PATTERN_SIZE = 64 };

struct question {
    char pattern[PATTERN_SIZE]; /* in lower case */
    const char *flags;
};

static struct question question_of(const char *value)
{
    struct question q = {.flags = "s"}; /* of "*" alone */
    const char *slash = strrchr(value, '/');
    const size_t length = slash != NULL ? (size_t)(slash - value) : strlen(value);
    for (size_t i = 0; i < length && i + 1 < sizeof q.pattern; i++)
        q.pattern[i] = (char)tolower((unsigned char)value[i]);
    if (slash != NULL && slash[1] != '\0')
        q.flags = slash + 1;
    return q;
}

static bool fits(const struct question *q, const char *name)
{
    char lower[PATTERN_SIZE] = "";
    for (size_t i = 0; name[i] != '\0' && i + 1 < sizeof lower; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    return fnmatch(q->pattern, lower, 0) == 0;
}

static bool has_flag(const struct question *q, const char *letters)
{
    return strpbrk(q->flags, letters) != NULL;
}

/* True if a letter is none of the known ones, which are then explained. */
static bool explain(FILE *talk, char option, const struct question *q, const char *known)
{
    if (strspn(q->flags, known) == strlen(q->flags))
        return false;
    (void)fprintf(
        talk,
        "-%c PATTERN/FLAGS prints what is known of the %s that match: * any characters, ? "
        "one,\n[...] one of these; case is ignored. FLAGS are\n"
        "  s  entries of an avrdude.conf, short\n"
        "  S  the same with all that is known; A and r likewise\n"
        "  t  with the others: a line a value, with tabs\n",
        option, option == 'p' ? "parts" : "programmers");
    if (option == 'p')
        (void)fputs("  d  one line a part: name, signature, sizes, interfaces\n", talk);
    else
        (void)fputs("  u  rules for udev\n", talk);
    return true;
}

/* --- the form ------------------------------------------------------------------------------- */

struct writer {
    FILE *out;
    bool tabs;
    const char *kind, *owner; /* ".prog", "usbasp": of the lines with tabs */
    const char *memory;       /* within the part; NULL: none */
};

static void put(const struct writer *w, const char *key, const char *format, ...) PRINTF(3, 4);
static void put(const struct writer *w, const char *key, const char *format, ...)
{
    va_list arguments;
    if (w->tabs && w->memory != NULL)
        (void)fprintf(w->out, "%smm\t%s\t%s\t%s\t", w->kind, w->owner, w->memory, key);
    else if (w->tabs)
        (void)fprintf(w->out, "%s\t%s\t%s\t", w->kind, w->owner, key);
    else
        (void)fprintf(w->out, "%s%-*s = ", w->memory != NULL ? "        " : "    ",
                      w->memory != NULL ? 18 : 22, key);
    va_start(arguments, format);
    (void)vfprintf(w->out, format, arguments);
    va_end(arguments);
    (void)fputs(w->tabs ? "\n" : ";\n", w->out);
}

static void put_title(const struct writer *w, const char *name, const char *word)
{
    static const char rule[] = "#------------------------------------------------------------\n";
    if (!w->tabs)
        (void)fprintf(w->out, "%s# %s\n%s\n%s\n", rule, name, rule, word);
}

static void put_end(const struct writer *w)
{
    if (!w->tabs)
        (void)fputs(w->memory != NULL ? "    ;\n" : ";\n\n", w->out);
}

/* --- parts ---------------------------------------------------------------------------------- */

/* As avrdude spells them. */
static void modes_text(const struct part *part, char *out, size_t size)
{
    static const char *const words[][2] = {{"isp", "PM_ISP"},
                                           {"hvpp", "PM_HVPP"},
                                           {"hvsp", "PM_HVSP"},
                                           {"jtag", "PM_JTAG"},
                                           {"debugwire", "PM_debugWIRE"}};
    size_t used = (size_t)snprintf(out, size, "PM_SPM");
    for (size_t i = 0; i < part->interface_count; i++)
        for (size_t k = 0; k < sizeof words / sizeof words[0] && used < size; k++)
            if (strcmp(part->interfaces[i], words[k][0]) == 0)
                used += (size_t)snprintf(out + used, size - used, " | %s", words[k][1]);
}

static void put_memory(struct writer *w, const struct memory *m)
{
    w->memory = m->name;
    if (!w->tabs)
        (void)fprintf(w->out, "\n    memory \"%s\"\n", m->name);
    put(w, "size", "%" PRIu32, m->size);
    if (m->page_size > 0) {
        put(w, "page_size", "%" PRIu32, m->page_size);
        put(w, "num_pages", "%" PRIu32, m->size / m->page_size);
    }
    if (m->base > 0)
        put(w, "offset", "0x%" PRIx32, m->base);
    if (m->initial_known)
        put(w, "initval", "0x%02x", m->initial);
    if (m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK)
        put(w, "bitmask", "0x%02x", m->mask);
    if (m->write_us > 0) {
        put(w, "min_write_delay", "%" PRIu32, m->write_min_us > 0 ? m->write_min_us : m->write_us);
        put(w, "max_write_delay", "%" PRIu32, m->write_us);
    }
    put_end(w);
    w->memory = NULL;
}

static void put_part(struct writer *w, const struct part *part, bool all)
{
    char modes[120];
    w->owner = part->name;
    put_title(w, part->name, "part");
    put(w, "desc", "\"%s\"", part->name);
    put(w, "id", "\"%s\"", part->alias_count > 0 ? part->aliases[0] : part->id);
    if (all) {
        modes_text(part, modes, sizeof modes);
        put(w, "prog_modes", "%s", modes);
        if (part->stk500_code != 0)
            put(w, "stk500_devcode", "0x%02x", part->stk500_code);
        put(w, "chip_erase_delay", "%" PRIu32, part->erase_us);
    }
    put(w, "signature", "0x%02x 0x%02x 0x%02x", part->signature[0], part->signature[1],
        part->signature[2]);
    for (size_t i = 0; all && i < part->memory_count; i++)
        put_memory(w, &part->memories[i]);
    put_end(w);
}

static uint32_t size_of(const struct part *part, enum memory_kind kind, bool page)
{
    const struct memory *m = part_memory(part, kind);
    return m == NULL ? 0 : page ? m->page_size : m->size;
}

static void put_description(FILE *out, const struct part *part)
{
    char modes[120];
    modes_text(part, modes, sizeof modes);
    (void)fprintf(out,
                  "%s\t0x%02x 0x%02x 0x%02x\tflash %" PRIu32 "/%" PRIu32 "\teeprom %" PRIu32
                  "/%" PRIu32 "\t%s\n",
                  part->name, part->signature[0], part->signature[1], part->signature[2],
                  size_of(part, MEMORY_FLASH, false), size_of(part, MEMORY_FLASH, true),
                  size_of(part, MEMORY_EEPROM, false), size_of(part, MEMORY_EEPROM, true), modes);
}

static bool part_fits(const struct question *q, const struct part_entry *entry)
{
    bool found = fits(q, entry->name) || fits(q, entry->id);
    for (size_t i = 0; i < entry->alias_count; i++)
        found = found || fits(q, entry->aliases[i]);
    return found;
}

enum status data_list_parts(FILE *out, FILE *talk, struct part_database *parts, const char *value,
                            struct error *e)
{
    const struct question q = question_of(value);
    struct writer w = {.out = out, .tabs = has_flag(&q, "t"), .kind = ".pt"};
    if (explain(talk, 'p', &q, "sSArtd*"))
        return STATUS_OK;
    for (size_t i = 0; i < part_count(parts); i++) {
        const struct part_entry entry = part_entry_at(parts, i);
        const struct part *part = NULL;
        if (!part_fits(&q, &entry))
            continue;
        TRY(part_find(parts, entry.id, &part, e));
        if (has_flag(&q, "d*"))
            put_description(out, part);
        if (has_flag(&q, "sSArt*"))
            put_part(&w, part, !has_flag(&q, "s"));
    }
    return STATUS_OK;
}

/* --- programmers ---------------------------------------------------------------------------- */

/* The value of a key in "key=value ..."; false: it is not there. */
static bool setting(const char *settings, const char *key, char *value, size_t size)
{
    const size_t length = strlen(key);
    for (const char *at = settings; at != NULL && *at != '\0'; at += strspn(at, " ")) {
        const size_t word = strcspn(at, " ");
        if (strncmp(at, key, length) == 0 && at[length] == '=') {
            (void)snprintf(value, size, "%.*s", (int)(word - length - 1), at + length + 1);
            return true;
        }
        at += word;
    }
    return false;
}

static void put_usb(const struct writer *w, const char *usb)
{
    char products[64] = "", *end = NULL;
    const unsigned long vendor = strtoul(usb, &end, 16);
    for (const char *at = usb; at != NULL; at = strchr(at + 1, ',')) {
        const char *colon = strchr(at, ':');
        if (colon == NULL || (strtoul(at + (*at == ',' ? 1 : 0), NULL, 16) != vendor))
            continue;
        const size_t used = strlen(products);
        (void)snprintf(products + used, sizeof products - used, "%s0x%04lx", used > 0 ? ", " : "",
                       strtoul(colon + 1, NULL, 16));
    }
    put(w, "usbvid", "0x%04lx", vendor);
    put(w, "usbpid", "%s", products);
}

static void put_programmer(struct writer *w, const struct programmer_entry *entry)
{
    const struct programmer_driver *driver = programmer_driver_of(entry);
    char value[120];
    w->owner = entry->id;
    put_title(w, entry->id, "programmer");
    put(w, "id", "\"%s\"", entry->id);
    put(w, "desc", "\"%s\"", entry->summary);
    put(w, "type", "\"%s\"", driver->name);
    put(w, "prog_modes", "%s",
        (driver->features & PROGRAMMER_BOOTLOADER) != 0 ? "PM_SPM" : "PM_ISP");
    const bool usb = setting(entry->settings, "usb", value, sizeof value);
    if ((driver->features & PROGRAMMER_SERIAL) != 0 || usb)
        put(w, "connection_type", "%s", usb ? "usb" : "serial");
    if (usb)
        put_usb(w, value);
    if (setting(entry->settings, "vendor", value, sizeof value))
        put(w, "usbvendor", "\"%s\"", value);
    if (setting(entry->settings, "product", value, sizeof value))
        put(w, "usbproduct", "\"%s\"", value);
    put_end(w);
}

static void put_rules(FILE *out, const struct programmer_entry *entry)
{
    char usb[120];
    if (!setting(entry->settings, "usb", usb, sizeof usb))
        return;
    (void)fprintf(out, "# %s: %s\n", entry->id, entry->summary);
    for (char *at = usb; at != NULL && *at != '\0';) {
        char *next = strchr(at, ',');
        if (next != NULL)
            *next++ = '\0';
        (void)fprintf(out,
                      "SUBSYSTEM==\"usb\", ATTRS{idVendor}==\"%.4s\", ATTRS{idProduct}==\"%.4s\", "
                      "MODE=\"0660\", TAG+=\"uaccess\"\n",
                      at, strlen(at) > 5 ? at + 5 : "");
        at = next;
    }
}

enum status data_list_programmers(FILE *out, FILE *talk, const char *value, struct error *e)
{
    const struct question q = question_of(value);
    struct writer w = {.out = out, .tabs = has_flag(&q, "t"), .kind = ".prog"};
    struct programmer_entry *entries = NULL;
    if (explain(talk, 'c', &q, "sSArtu*"))
        return STATUS_OK;
    TRY(programmer_entries(&entries, e));
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        bool found = fits(&q, entry->id);
        for (size_t i = 0; entry->aliases != NULL && entry->aliases[i] != NULL; i++)
            found = found || fits(&q, entry->aliases[i]);
        if (!found || programmer_driver_of(entry) == NULL)
            continue;
        if (has_flag(&q, "sSArt*"))
            put_programmer(&w, entry);
        if (has_flag(&q, "u"))
            put_rules(out, entry);
    }
    programmer_entries_free(entries);
    return STATUS_OK;
}
