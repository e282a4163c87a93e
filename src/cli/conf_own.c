/* From avrdude.conf's programmers and parts to ours. */
#include "conf_own.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "programmer/programmer.h"

static enum status note(struct conf *conf, struct error *e, const char *format, ...) PRINTF(3, 4);
static enum status note(struct conf *conf, struct error *e, const char *format, ...)
{
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text_list_add(&conf->notes, text, strlen(text), e);
}

/* The first of the words in `value`. */
static void first_word(const char *value, char *out, size_t size)
{
    (void)snprintf(out, size, "%.*s", (int)strcspn(value, " "), value);
}

/* True for a name that our own files can hold. */
static bool is_name(const char *text)
{
    return text[0] != '\0' && strpbrk(text, " \t\n[];=#,/") == NULL;
}

/* --- programmers ---------------------------------------------------------------------------- */

/* avrdude's types that we speak, the driver, and one of ours whose USB id stands in for a missing
 * one. */
static const struct type {
    const char *type, *driver, *model;
} types[] = {
    {"usbasp", "usbasp", "usbasp"},       {"usbtiny", "usbtiny", "usbtiny"},
    {"stk500", "stk500v1", NULL},         {"arduino", "arduino", NULL},
    {"buspirate", "buspirate", NULL},     {"avrftdi", "mpsse", "ft232h"},
    {"ftdi_syncbb", "bitbang", "ft232r"},
};

static const struct type *type_of(const char *name, bool of_driver)
{
    for (size_t i = 0; name != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(of_driver ? types[i].driver : types[i].type, name) == 0)
            return &types[i];
    return NULL;
}

static const struct programmer_entry *entry_of(const struct programmer_entry *entries,
                                               const char *id)
{
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        if (strcasecmp(entry->id, id) == 0)
            return entry;
        for (size_t i = 0; entry->aliases != NULL && entry->aliases[i] != NULL; i++)
            if (strcasecmp(entry->aliases[i], id) == 0)
                return entry;
    }
    return NULL;
}

enum { SETTINGS_SIZE = 150 };

/* Puts key=value in place of what `settings` has for the key. */
static void set_setting(char settings[SETTINGS_SIZE], const char *key, const char *value)
{
    char kept[SETTINGS_SIZE] = "";
    const size_t length = strlen(key);
    for (const char *at = settings; *at != '\0';) {
        const size_t word = strcspn(at, " ");
        const size_t used = strlen(kept);
        if (word > 0 && (strncmp(at, key, length) != 0 || at[length] != '='))
            (void)snprintf(kept + used, sizeof kept - used, "%s%.*s", used > 0 ? " " : "",
                           (int)word, at);
        at += word + strspn(at + word, " ");
    }
    (void)snprintf(settings, SETTINGS_SIZE, "%s%s%s=%s", kept, kept[0] != '\0' ? " " : "", key,
                   value);
}

/* "usb=16c0:05dc,16c0:0478" of usbvid and usbpid. */
static void set_usb(const struct conf_block *block, char settings[SETTINGS_SIZE])
{
    const char *vendor = conf_block_value(block, "usbvid");
    const char *products = conf_block_value(block, "usbpid");
    char list[80] = "";
    size_t used = 0;
    if (vendor == NULL || products == NULL)
        return;
    for (const char *at = products; *at != '\0' && used < sizeof list;) {
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%04lx:%04lx", used > 0 ? "," : "",
                             strtoul(vendor, NULL, 0) & 0xffff, strtoul(at, NULL, 0) & 0xffff);
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    set_setting(settings, "usb", list);
}

/* USB strings and pins. Each is a word; a text with blanks cannot be a setting. */
static enum status set_others(const struct conf_block *block, const char *id, bool pins,
                              char settings[SETTINGS_SIZE], struct conf *conf, struct error *e)
{
    static const struct {
        const char *key, *ours;
        bool pin;
    } keys[] = {{"usbvendor", "vendor", false}, {"usbproduct", "product", false},
                {"reset", "reset", true},       {"sck", "sck", true},
                {"sdo", "mosi", true},          {"mosi", "mosi", true},
                {"sdi", "miso", true},          {"miso", "miso", true},
                {"buff", "buff", true},         {"rdyled", "rdy", true},
                {"pgmled", "pgm", true},        {"vfyled", "vfy", true},
                {"errled", "err", true},        {"usbdev", "channel", true}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char value[CONF_VALUE_SIZE];
        const char *given = conf_block_value(block, keys[i].key);
        if (given == NULL || given[0] == '\0' || (keys[i].pin && !pins))
            continue;
        (void)snprintf(value, sizeof value, "%s", given);
        for (char *c = value; keys[i].pin && *c != '\0'; c++)
            if (*c == ' ')
                *c = ',';
        if (strpbrk(value, " ;=") != NULL)
            TRY(note(conf, e, "programmer %s: %s \"%s\" is not looked at", id, keys[i].key, given));
        else
            set_setting(settings, keys[i].ours, value);
    }
    return STATUS_OK;
}

/* One line of at most 100 characters. */
static void summary_of(const struct conf_block *block, const char *id, char out[101])
{
    const char *given = conf_block_value(block, "desc");
    (void)snprintf(out, 101, "%s", given != NULL && given[0] != '\0' ? given : id);
    for (char *c = out; *c != '\0'; c++)
        if (*c == ';' || *c < ' ')
            *c = ' ';
}

/* Appends the section, unless the whole could no longer be read then. */
static enum status append(struct conf *conf, const char *id, const char *section, struct error *e)
{
    const size_t used = conf->programmers != NULL ? strlen(conf->programmers) : 0;
    struct programmer_entry *entries = NULL;
    struct error broken = {0};
    char *text = malloc(used + strlen(section) + 1);
    if (text == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the configuration");
    (void)strcpy(text, conf->programmers != NULL ? conf->programmers : "");
    (void)strcat(text, section);
    if (programmer_entries_with(text, &entries, &broken) != STATUS_OK) {
        free(text);
        return note(conf, e, "programmer %s: %s", id, broken.text);
    }
    programmer_entries_free(conf->entries);
    conf->entries = entries;
    free(conf->programmers);
    conf->programmers = text;
    return STATUS_OK;
}

static enum status add_programmer(const struct conf_block *block, const char *id, struct conf *conf,
                                  struct error *e)
{
    char settings[SETTINGS_SIZE] = "", summary[101], section[600];
    const struct programmer_entry *base =
        block->parent[0] != '\0' ? entry_of(conf->entries, block->parent) : NULL;
    const char *named = conf_block_value(block, "type");
    const struct type *type =
        named != NULL ? type_of(named, false) : type_of(base != NULL ? base->driver : NULL, true);
    if (type == NULL)
        return note(conf, e, "programmer %s: %s%s is not spoken here", id,
                    named != NULL ? "type " : "its parent ", named != NULL ? named : block->parent);
    if (base != NULL && (base->driver == NULL || strcmp(base->driver, type->driver) != 0))
        base = NULL;
    if (base == NULL && type->model != NULL)
        base = entry_of(conf->entries, type->model);
    if (base != NULL && base->settings != NULL)
        (void)snprintf(settings, sizeof settings, "%s", base->settings);
    if (type->model != NULL) {
        set_usb(block, settings);
        const bool pins =
            strcmp(type->driver, "mpsse") == 0 || strcmp(type->driver, "bitbang") == 0;
        TRY(set_others(block, id, pins, settings, conf, e));
    }
    summary_of(block, id, summary);
    (void)snprintf(section, sizeof section, "\n[%s]\nsummary = %s\ndriver = %s\n", id, summary,
                   type->driver);
    const char *others = strchr(conf_block_value(block, "id"), ' ');
    if (others != NULL && strpbrk(others, "[];=#") == NULL) {
        const size_t used = strlen(section);
        (void)snprintf(section + used, sizeof section - used, "aliases =%s\n", others);
    }
    const char *baud = conf_block_value(block, "baudrate");
    if (type->model == NULL && baud != NULL && strtoul(baud, NULL, 0) > 0)
        set_setting(settings, "baud", baud);
    if (settings[0] != '\0') {
        const size_t used = strlen(section);
        (void)snprintf(section + used, sizeof section - used, "settings = %s\n", settings);
    }
    return append(conf, id, section, e);
}

enum status conf_own_programmer(const struct conf_block *block, struct conf *conf, struct error *e)
{
    char id[64] = "";
    const char *ids = conf_block_value(block, "id");
    if (ids != NULL)
        first_word(ids, id, sizeof id);
    if (!is_name(id))
        return STATUS_OK;
    if (conf->entries == NULL)
        TRY(programmer_entries(&conf->entries, e));
    return entry_of(conf->entries, id) == NULL ? add_programmer(block, id, conf, e) : STATUS_OK;
}

/* --- parts ---------------------------------------------------------------------------------- */

/* The first key that would change how the chip is programmed; NULL: only names and ids are given,
 * and what matters to other interfaces. */
static const char *changes(const struct conf_block *block)
{
    static const char *const harmless[] = {
        "desc",
        "id",
        "signature",
        "mcuid",
        "variants",
        "family_id",
        "n_interrupts",
        "n_page_erase",
        "prog_modes",
        "hvupdi_variant",
        "n_boot_sections",
        "boot_section_size",
        "stk500_devcode",
        "avr910_devcode",
        "archnum",
        "factory_fcpu",
    };
    if (block->memory[0] != '\0')
        return block->memory;
    for (size_t i = 0; i < block->count; i++) {
        size_t k = 0;
        while (k < sizeof harmless / sizeof harmless[0] &&
               strcmp(harmless[k], block->items[i].key) != 0)
            k++;
        if (k == sizeof harmless / sizeof harmless[0])
            return block->items[i].key;
    }
    return NULL;
}

static bool read_signature(const char *value, uint8_t out[3])
{
    for (size_t i = 0; i < 3; i++) {
        char *end = NULL;
        const unsigned long byte = strtoul(value, &end, 0);
        if (end == value || byte > 0xff)
            return false;
        out[i] = (uint8_t)byte;
        value = end;
    }
    return true;
}

enum status conf_own_part(const struct conf_block *block, struct conf *conf, struct error *e)
{
    struct conf_part part = {.has_signature = false};
    const char *id = conf_block_value(block, "id"), *name = conf_block_value(block, "desc");
    const char *signature = conf_block_value(block, "signature"), *other = changes(block);
    if (id == NULL || !is_name(id) || id[0] == '.' || block->parent[0] == '\0' ||
        block->parent[0] == '.')
        return STATUS_OK; /* a whole description, as the file that comes with avrdude has them */
    (void)snprintf(part.id, sizeof part.id, "%s", id);
    (void)snprintf(part.name, sizeof part.name, "%s", name != NULL && is_name(name) ? name : id);
    (void)snprintf(part.parent, sizeof part.parent, "%s", block->parent);
    (void)snprintf(part.changes, sizeof part.changes, "%s", other != NULL ? other : "");
    part.has_signature = signature != NULL && read_signature(signature, part.signature);
    struct conf_part *parts = realloc(conf->parts, (conf->part_count + 1) * sizeof *parts);
    if (parts == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the configuration");
    conf->parts = parts;
    parts[conf->part_count++] = part;
    return STATUS_OK;
}

/* Its section of a part file. A signature that others have is declared. */
static enum status part_text(const struct conf_part *own, const struct part *parent,
                             const struct part *root, struct part_database *parts, char *out,
                             size_t size, struct error *e)
{
    const uint8_t *signature = own->has_signature ? own->signature : parent->signature;
    const struct part *twin = NULL;
    size_t count = 0;
    TRY(part_by_signature(parts, signature, &twin, 1, &count, e));
    (void)snprintf(out, size,
                   "[part %s]\nuse = part %s\nsignature = %02x %02x %02x\nsource = avrdude.conf\n"
                   "%s%s%s%s%s%s",
                   own->name, root->name, signature[0], signature[1], signature[2],
                   strcasecmp(own->id, own->name) != 0 ? "aliases = " : "",
                   strcasecmp(own->id, own->name) != 0 ? own->id : "",
                   strcasecmp(own->id, own->name) != 0 ? "\n" : "", count > 0 ? "twin_of = " : "",
                   count > 0 ? twin->name : "", count > 0 ? "\n" : "");
    return STATUS_OK;
}

/* The built-in part that an own one goes back to. */
static const char *root_of(const struct conf *conf, const struct conf_part *own)
{
    const char *name = own->parent;
    for (size_t i = (size_t)(own - conf->parts); i-- > 0;) /* parents stand before it */
        if (strcmp(conf->parts[i].id, name) == 0)
            name = conf->parts[i].parent;
    return name;
}

static enum status add_part(const struct conf *conf, const struct conf_part *own,
                            struct part_database *parts, struct context *c, struct error *e)
{
    struct error problem = {0};
    const struct part *known = NULL, *parent = NULL, *root = NULL;
    char text[400];
    if (part_find(parts, own->id, &known, &problem) != STATUS_USAGE)
        return STATUS_OK; /* built in, or known to need what ispflash does not speak */
    enum status status = part_find(parts, own->parent, &parent, &problem);
    if (status == STATUS_OK && own->changes[0] != '\0')
        status = error_set(&problem, STATUS_UNSUPPORTED,
                           "it changes \"%s\" of its parent, which an own part file can do",
                           own->changes);
    if (status == STATUS_OK)
        status = part_find(parts, root_of(conf, own), &root, &problem);
    if (status == STATUS_OK)
        status = part_text(own, parent, root, parts, text, sizeof text, &problem);
    if (status == STATUS_OK)
        status = part_database_add_text(parts, "avrdude.conf", text, &problem);
    if (status == STATUS_NO_MEMORY)
        return error_set(e, status, "%s", problem.text);
    if (status != STATUS_OK)
        context_log(c, LOG_DETAIL, "not taken over: part %s: %s", own->id, problem.text);
    return STATUS_OK;
}

enum status conf_own_add_parts(const struct conf *conf, struct part_database *parts,
                               struct context *c, struct error *e)
{
    for (size_t i = 0; i < conf->part_count; i++)
        TRY(add_part(conf, &conf->parts[i], parts, c, e));
    return STATUS_OK;
}
