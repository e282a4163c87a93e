/* What boot loaders look like: from the text of parts/boot-images.ini, which describes its form, to
 * a table; and what else their bytes tell. */
#include "ispflash/boot_image.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/embed.h"
#include "core/ini.h"

extern const struct embedded_file boot_image_files[];
extern const size_t boot_image_files_count;

enum { PARTS_MAX = 8 };

struct boot_image_list {
    struct arena arena;
    struct boot_image *rows;
    size_t count;
};

struct reader {
    struct boot_image_list *list;
    struct boot_image *row; /* of the section being read; NULL: before the first */
    unsigned given;         /* the keys of the row, by their index */
};

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "out of memory for the boot loaders' images");
}

/* --- values --------------------------------------------------------------------------------- */

static enum status read_text(struct reader *r, const char *value, void *member, struct error *e)
{
    const char **text = member;
    *text = arena_text(&r->list->arena, value, strlen(value));
    return *text != NULL ? STATUS_OK : no_memory(e);
}

/* 512 or 0x7e00 */
static enum status read_number(struct reader *r, const char *value, void *member, struct error *e)
{
    char *end = NULL;
    const bool hex = strncmp(value, "0x", 2) == 0;
    const unsigned long number = strtoul(value, &end, hex ? 16 : 10);
    (void)r;
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || number > UINT32_MAX)
        return error_set(e, STATUS_INPUT, "\"%s\" is no whole number", value);
    *(uint32_t *)member = (uint32_t)number;
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

#define AT(member) offsetof(struct boot_image, member)

static const struct key {
    const char *name;
    enum status (*read)(struct reader *r, const char *value, void *member, struct error *e);
    size_t offset;
    bool required;
} keys[] = {
    {"what", read_text, AT(what), true},     {"file", read_text, AT(file), false},
    {"part", read_parts, AT(parts), true},   {"begin", read_number, AT(begin), true},
    {"size", read_number, AT(size), true},   {"crc32", read_number, AT(crc32), true},
    {"source", read_text, AT(source), true},
};

enum { KEYS = sizeof keys / sizeof keys[0] };

/* --- sections ------------------------------------------------------------------------------- */

/* What shows only when a section is complete. */
static enum status check_complete(const struct reader *r, struct error *e)
{
    for (size_t i = 0; r->row != NULL && i < KEYS; i++)
        if (keys[i].required && (r->given & 1u << i) == 0)
            return error_set(e, STATUS_INPUT, "[%s] has no %s", r->row->id, keys[i].name);
    if (r->row != NULL && r->row->size == 0)
        return error_set(e, STATUS_INPUT, "[%s] has no bytes", r->row->id);
    return STATUS_OK;
}

static enum status take_section(void *user, const char *name, struct error *e)
{
    struct reader *r = user;
    struct boot_image_list *list = r->list;
    TRY(check_complete(r, e));
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->rows[i].id, name) == 0)
            return error_set(e, STATUS_INPUT, "double section [%s]", name);
    struct boot_image *rows = realloc(list->rows, (list->count + 1) * sizeof *rows);
    if (rows == NULL)
        return no_memory(e);
    list->rows = rows;
    r->given = 0;
    r->row = &rows[list->count++];
    *r->row = (struct boot_image){.id = arena_text(&list->arena, name, strlen(name))};
    return r->row->id != NULL ? STATUS_OK : no_memory(e);
}

static enum status take_key(void *user, const char *name, const char *value, struct error *e)
{
    struct reader *r = user;
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].name, name) != 0)
            continue;
        if ((r->given & 1u << i) != 0)
            return error_set(e, STATUS_INPUT, "double key %s", name);
        if (value[0] == '\0')
            return error_set(e, STATUS_INPUT, "no value for %s", name);
        r->given |= 1u << i;
        return keys[i].read(r, value, (char *)r->row + keys[i].offset, e);
    }
    return error_set(e, STATUS_INPUT, "unknown key %s", name);
}

static enum status read_list(const char *name, const char *text, struct boot_image_list *list,
                             struct error *e)
{
    static const struct ini_handler handler = {.section = take_section, .key = take_key};
    struct reader r = {.list = list};
    TRY(ini_read(name, text, STATUS_INPUT, &handler, &r, e));
    if (check_complete(&r, e) != STATUS_OK)
        return error_in(e, "%s", name);
    return STATUS_OK;
}

enum status boot_images_read(const char *name, const char *text, struct boot_image_list **out,
                             struct error *e)
{
    struct boot_image_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return no_memory(e);
    const enum status status = read_list(name, text, list, e);
    if (status != STATUS_OK) {
        boot_images_close(list);
        return status;
    }
    *out = list;
    return STATUS_OK;
}

enum status boot_images_open(struct boot_image_list **out, struct error *e)
{
    const struct embedded_file *file = &boot_image_files[0];
    if (boot_images_read(file->name, file->data, out, e) == STATUS_OK)
        return STATUS_OK;
    if (e->code == STATUS_INPUT) /* not a file of the user's */
        e->code = STATUS_INTERNAL;
    return e->code;
}

void boot_images_close(struct boot_image_list *list)
{
    if (list == NULL)
        return;
    free(list->rows);
    arena_free(&list->arena);
    free(list);
}

/* --- questions ------------------------------------------------------------------------------ */

size_t boot_image_count(const struct boot_image_list *list)
{
    return list->count;
}

const struct boot_image *boot_image_at(const struct boot_image_list *list, size_t index)
{
    return &list->rows[index];
}

bool boot_image_is_for(const struct boot_image *image, const char *part_id)
{
    for (const char *const *part = image->parts; *part != NULL; part++)
        if (strcmp(*part, part_id) == 0)
            return true;
    return false;
}

/* bLength 18, bDescriptorType 1, bcdUSB 1.x or 2.x, bMaxPacketSize0 8, 16, 32 or 64, and at least
 * one configuration. */
static bool is_device_descriptor(const uint8_t *d)
{
    const bool usb = d[3] == 0x01 || d[3] == 0x02;
    const bool packet = d[7] == 8 || d[7] == 16 || d[7] == 32 || d[7] == 64;
    return d[0] == 18 && d[1] == 1 && usb && packet && d[17] >= 1 && d[17] <= 8;
}

bool boot_image_usb_id(const uint8_t *bytes, size_t size, uint16_t *vendor, uint16_t *product)
{
    for (size_t at = 0; at + 18 <= size; at++) {
        const uint8_t *d = &bytes[at];
        if (!is_device_descriptor(d))
            continue;
        *vendor = (uint16_t)(d[8] | d[9] << 8);
        *product = (uint16_t)(d[10] | d[11] << 8);
        return true;
    }
    return false;
}
