/* Boot loaders: from the text of parts/bootloaders.ini, which describes its form, to a table. */
#include "ispflash/bootloader.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/arena.h"
#include "core/embed.h"
#include "core/ini.h"
#include "core/nearest.h"

extern const struct embedded_file bootloader_files[];
extern const size_t bootloader_files_count;

enum { PARTS_MAX = 8, USB_ID_SIZE = 9 /* "VVVV:PPPP" */ };

struct bootloader_list {
    struct arena arena;
    struct bootloader *rows;
    size_t count;
};

struct reader {
    struct bootloader_list *list;
    struct bootloader *row; /* of the section being read; NULL: before the first */
};

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "out of memory for the boot loaders");
}

/* --- values --------------------------------------------------------------------------------- */

static enum status read_text(struct reader *r, const char *value, void *member, struct error *e)
{
    const char **text = member;
    *text = arena_text(&r->list->arena, value, strlen(value));
    return *text != NULL ? STATUS_OK : no_memory(e);
}

static enum status read_number(struct reader *r, const char *value, void *member, struct error *e)
{
    char *end = NULL;
    (void)r;
    const unsigned long number = strtoul(value, &end, 10);
    if (value[0] < '1' || value[0] > '9' || *end != '\0' || number > UINT32_MAX)
        return error_set(e, STATUS_INPUT, "\"%s\" is no whole number", value);
    *(uint32_t *)member = (uint32_t)number;
    return STATUS_OK;
}

/* Exactly `digits` hexadecimal digits. */
static bool read_hex(const char *text, size_t digits, unsigned long *out)
{
    if (strspn(text, "0123456789abcdef") < digits)
        return false;
    char copy[8] = "";
    memcpy(copy, text, digits);
    *out = strtoul(copy, NULL, 16);
    return true;
}

static enum status read_byte(struct reader *r, const char *value, void *member, struct error *e)
{
    unsigned long number = 0;
    (void)r;
    if (strlen(value) != 4 || strncmp(value, "0x", 2) != 0 || !read_hex(value + 2, 2, &number))
        return error_set(e, STATUS_INPUT, "\"%s\" is no byte like 0x5e", value);
    *(struct bootloader_byte *)member =
        (struct bootloader_byte){.known = true, .value = (uint8_t)number};
    return STATUS_OK;
}

static enum status read_parts(struct reader *r, const char *value, void *member, struct error *e)
{
    const char **parts = arena_alloc(&r->list->arena, (PARTS_MAX + 1) * sizeof *parts);
    size_t count = 0;
    if (parts == NULL)
        return no_memory(e);
    for (; *value != '\0'; value += strspn(value, " ")) {
        const size_t length = strcspn(value, " ");
        if (count == PARTS_MAX)
            return error_set(e, STATUS_INPUT, "more than %d parts", PARTS_MAX);
        parts[count] = arena_text(&r->list->arena, value, length);
        if (parts[count++] == NULL)
            return no_memory(e);
        value += length;
    }
    *(const char *const **)member = parts;
    return STATUS_OK;
}

static enum status read_usb(struct reader *r, const char *value, void *member, struct error *e)
{
    struct bootloader *row = member;
    (void)r;
    unsigned long vendor = 0, product = 0;
    if (strlen(value) != USB_ID_SIZE || value[4] != ':' || !read_hex(value, 4, &vendor) ||
        !read_hex(value + 5, 4, &product))
        return error_set(e, STATUS_INPUT, "\"%s\" is no USB id like 03eb:2ff4", value);
    row->has_usb = true;
    row->usb_vendor = (uint16_t)vendor;
    row->usb_product = (uint16_t)product;
    return STATUS_OK;
}

#define AT(member) offsetof(struct bootloader, member)

static const struct key {
    const char *name;
    enum status (*read)(struct reader *r, const char *value, void *member, struct error *e);
    size_t offset;
    bool required;
} keys[] = {
    {"name", read_text, AT(name), true},
    {"kind", read_text, AT(kind), true},
    {"part", read_parts, AT(parts), true},
    {"lfuse", read_byte, AT(lfuse), true},
    {"hfuse", read_byte, AT(hfuse), true},
    {"hfuse_no_jtag", read_byte, AT(hfuse_no_jtag), false},
    {"efuse", read_byte, AT(efuse), false},
    {"unlock", read_byte, AT(unlock), false},
    {"lock", read_byte, AT(lock), false},
    {"usb", read_usb, 0, false},
    {"file", read_text, AT(file), false},
    {"clock", read_number, AT(clock_hz), false},
    {"protocol", read_text, AT(protocol), false},
    {"baud", read_number, AT(baud), false},
    {"application", read_number, AT(application_size), false},
    {"note", read_text, AT(note), false},
    {"source", read_text, AT(source), true},
};

enum { KEYS = sizeof keys / sizeof keys[0] };

/* Whether the row has that key already. No member is given as 0, NULL or not known. */
static bool is_given(const struct bootloader *row, const struct key *key)
{
    const char *member = (const char *)row + key->offset;
    if (key->read == read_usb)
        return row->has_usb;
    if (key->read == read_byte)
        return ((const struct bootloader_byte *)(const void *)member)->known;
    if (key->read == read_number)
        return *(const uint32_t *)(const void *)member != 0;
    return *(const void *const *)(const void *)member != NULL;
}

/* --- sections ------------------------------------------------------------------------------- */

/* What shows only when a section is complete. */
static enum status check_complete(const struct reader *r, struct error *e)
{
    for (size_t i = 0; r->row != NULL && i < KEYS; i++)
        if (keys[i].required && !is_given(r->row, &keys[i]))
            return error_set(e, STATUS_INPUT, "[%s] has no %s", r->row->id, keys[i].name);
    return STATUS_OK;
}

static enum status take_section(void *user, const char *name, struct error *e)
{
    struct reader *r = user;
    struct bootloader_list *list = r->list;
    TRY(check_complete(r, e));
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->rows[i].id, name) == 0)
            return error_set(e, STATUS_INPUT, "double section [%s]", name);
    struct bootloader *rows = realloc(list->rows, (list->count + 1) * sizeof *rows);
    if (rows == NULL)
        return no_memory(e);
    list->rows = rows;
    r->row = &rows[list->count++];
    *r->row = (struct bootloader){.id = arena_text(&list->arena, name, strlen(name))};
    return r->row->id != NULL ? STATUS_OK : no_memory(e);
}

static enum status take_key(void *user, const char *name, const char *value, struct error *e)
{
    struct reader *r = user;
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].name, name) != 0)
            continue;
        if (is_given(r->row, &keys[i]))
            return error_set(e, STATUS_INPUT, "double key %s", name);
        if (value[0] == '\0')
            return error_set(e, STATUS_INPUT, "no value for %s", name);
        return keys[i].read(r, value, (char *)r->row + keys[i].offset, e);
    }
    return error_set(e, STATUS_INPUT, "unknown key %s", name);
}

static int compare_ids(const void *a, const void *b)
{
    const struct bootloader *one = a, *other = b;
    return strcmp(one->id, other->id);
}

static enum status read_list(const char *name, const char *text, struct bootloader_list *list,
                             struct error *e)
{
    static const struct ini_handler handler = {.section = take_section, .key = take_key};
    struct reader r = {.list = list};
    TRY(ini_read(name, text, STATUS_INPUT, &handler, &r, e));
    if (check_complete(&r, e) != STATUS_OK)
        return error_in(e, "%s", name);
    if (list->count > 0)
        qsort(list->rows, list->count, sizeof *list->rows, compare_ids);
    return STATUS_OK;
}

enum status bootloaders_read(const char *name, const char *text, struct bootloader_list **out,
                             struct error *e)
{
    struct bootloader_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return no_memory(e);
    const enum status status = read_list(name, text, list, e);
    if (status != STATUS_OK) {
        bootloaders_close(list);
        return status;
    }
    *out = list;
    return STATUS_OK;
}

enum status bootloaders_open(struct bootloader_list **out, struct error *e)
{
    const struct embedded_file *file = &bootloader_files[0];
    if (bootloaders_read(file->name, file->data, out, e) == STATUS_OK)
        return STATUS_OK;
    if (e->code == STATUS_INPUT) /* not a file of the user's */
        e->code = STATUS_INTERNAL;
    return e->code;
}

void bootloaders_close(struct bootloader_list *list)
{
    if (list == NULL)
        return;
    free(list->rows);
    arena_free(&list->arena);
    free(list);
}

/* --- questions ------------------------------------------------------------------------------ */

size_t bootloader_count(const struct bootloader_list *list)
{
    return list->count;
}

const struct bootloader *bootloader_at(const struct bootloader_list *list, size_t index)
{
    return &list->rows[index];
}

/* The first row that begins with `id`; `*count`: how many do. */
static const struct bootloader *begins_with(const struct bootloader_list *list, const char *id,
                                            size_t *count)
{
    const struct bootloader *first = NULL;
    *count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (strncasecmp(list->rows[i].id, id, strlen(id)) != 0)
            continue;
        first = first == NULL ? &list->rows[i] : first;
        ++*count;
    }
    return first;
}

static enum status ambiguous(const struct bootloader *first, const char *id, size_t count,
                             struct error *e)
{
    (void)error_set(e, STATUS_USAGE, "boot loader %s: %zu begin like that", id, count);
    for (size_t i = 0; i < count; i++) /* sorted: they stand together */
        error_hint(e, "%s", first[i].id);
    return STATUS_USAGE;
}

static enum status unknown(const struct bootloader_list *list, const char *id, struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, id);
    for (size_t i = 0; i < list->count; i++)
        nearest_offer(&nearest, list->rows[i].id);
    (void)error_set(e, STATUS_USAGE, "there is no boot loader \"%s\"", id);
    nearest_hint(&nearest, e);
    error_hint(e, "`ispflash bootloaders` lists them");
    return STATUS_USAGE;
}

enum status bootloader_find(const struct bootloader_list *list, const char *id,
                            const struct bootloader **out, struct error *e)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (strcasecmp(list->rows[i].id, id) == 0) {
            *out = &list->rows[i];
            return STATUS_OK;
        }
    }
    const struct bootloader *first = id[0] != '\0' ? begins_with(list, id, &count) : NULL;
    if (count == 0)
        return unknown(list, id, e);
    if (count > 1)
        return ambiguous(first, id, count, e);
    *out = first;
    return STATUS_OK;
}

bool bootloader_is_for(const struct bootloader *b, const char *part_id)
{
    for (const char *const *part = b->parts; *part != NULL; part++)
        if (strcmp(*part, part_id) == 0)
            return true;
    return false;
}
