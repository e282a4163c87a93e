/* Commands on a memory's bytes: dump, write, save, erase, pgerase, flush, abort. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/nearest.h"
#include "data.h"
#include "ispflash/format.h"
#include "range.h"
#include "terminal.h"

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "no memory for the bytes");
}

/* --- memories ------------------------------------------------------------------------------- */

static void hint_memories(const struct terminal *t, struct error *e)
{
    char list[160] = "";
    size_t used = 0;
    for (size_t i = 0; i < t->part->memory_count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "",
                                 t->part->memories[i].name);
    error_hint(e, "the %s has %s", t->part->name, list);
}

enum status terminal_memory(const struct terminal *t, const char *name, const struct memory **out,
                            struct error *e)
{
    switch (part_memory_find(t->part, name, out)) {
    case MEMORY_FOUND:
        return STATUS_OK;
    case MEMORY_ABSENT:
        (void)error_set(e, STATUS_USAGE, "the %s has no memory %s", t->part->name, name);
        break;
    case MEMORY_UNKNOWN:
        (void)error_set(e, STATUS_USAGE, "memory %s: no part has one of that name", name);
        break;
    case MEMORY_AMBIGUOUS:
        (void)error_set(e, STATUS_USAGE, "memory %s: several begin like that", name);
        break;
    }
    hint_memories(t, e);
    return STATUS_USAGE;
}

/* --- reading -------------------------------------------------------------------------------- */

static enum status read_straight(struct terminal *t, const struct memory *m, uint32_t start,
                                 uint32_t size, uint8_t *data, struct error *e)
{
    if (size == 0)
        return STATUS_OK;
    if (cache_holds(m))
        return cache_read(t->cache, m, m->base + start, data, size, e);
    struct image *image = image_new();
    if (image == NULL)
        return no_memory(e);
    const enum status status = session_read(t->session, m, m->base + start, size, image, e);
    (void)image_copy(image, m->base + start, data, size, 0xff);
    image_free(image);
    return status;
}

enum status terminal_read(struct terminal *t, const struct memory *m, uint32_t start, uint32_t size,
                          uint8_t *data, struct error *e)
{
    const uint32_t room = m->size - start, first = size < room ? size : room;
    TRY(read_straight(t, m, start, first, data, e));
    return read_straight(t, m, 0, size - first, data + first, e);
}

/* "7fc0  d2 02 96 49 41 56 52 55  f8 2d 40 aa bb cc 48 65  |...IAVRU.-@...He|" */
static void put_row(FILE *out, int digits, uint32_t address, const uint8_t *data, uint32_t size)
{
    enum { PER_ROW = 16 };
    char text[PER_ROW + 1];
    (void)fprintf(out, "%0*" PRIx32 " ", digits, address);
    for (uint32_t i = 0; i < PER_ROW; i++) {
        const char *gap = i % 8 == 0 ? " " : "";
        if (i < size)
            (void)fprintf(out, "%s%02x ", gap, data[i]);
        else
            (void)fprintf(out, "%s   ", gap);
        text[i] = (char)(i >= size ? ' ' : data[i] >= ' ' && data[i] <= '~' ? data[i] : '.');
    }
    text[PER_ROW] = '\0';
    (void)fprintf(out, " |%s|\n", text);
}

static void put_rows(FILE *out, const struct memory *m, uint32_t start, const uint8_t *data,
                     uint32_t size)
{
    const int digits = m->size > 0x10000 ? 5 : 4;
    for (uint32_t done = 0; done < size;) {
        const uint32_t address = (start + done) % m->size, room = m->size - address;
        uint32_t count = size - done < 16 ? size - done : 16;
        count = count < room ? count : room;
        put_row(out, digits, address, data + done, count);
        done += count;
    }
}

enum status terminal_stretch(struct terminal *t, const struct text_list *arguments, size_t which,
                             uint32_t usual, const struct memory **m, struct range *range,
                             struct error *e)
{
    const size_t count = arguments->count;
    char *const *words = arguments->items;
    const bool all = count > 1 && strcmp(words[count - 1], "...") == 0; /* to the end */
    *m = t->last[which];
    if (count > 0)
        TRY(terminal_memory(t, words[0], m, e));
    if (*m == NULL)
        return error_set(e, STATUS_USAGE,
                         "no memory was looked at yet, so there is nothing to "
                         "go on with");
    struct terminal_spot *spot = &t->spots[which][*m - t->part->memories];
    *range = (struct range){.start = spot->next, .size = spot->size > 0 ? spot->size : usual};
    if (count == 3 || all)
        return range_parse(*m, count == 2 ? "0" : words[1], all ? "-1" : words[2], RANGE_WRAPS,
                           range, e);
    if (count == 2)
        TRY(range_address(*m, words[1], &range->start, e));
    if (range->size > (*m)->size)
        range->size = (*m)->size;
    return STATUS_OK;
}

void terminal_remember(struct terminal *t, size_t which, const struct memory *m,
                       const struct range *range)
{
    t->last[which] = m;
    t->spots[which][m - t->part->memories] =
        (struct terminal_spot){.next = (range->start + range->size) % m->size, .size = range->size};
}

enum status terminal_dump(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    enum { DUMP = 0, USUAL = 256 };
    const struct memory *m = NULL;
    struct range range;
    TRY(terminal_stretch(t, arguments, DUMP, USUAL, &m, &range, e));
    uint8_t *data = malloc(range.size + 1);
    if (data == NULL)
        return no_memory(e);
    const enum status status = terminal_read(t, m, range.start, range.size, data, e);
    if (status == STATUS_OK) {
        put_rows(t->out, m, range.start, data, range.size);
        terminal_remember(t, DUMP, m, &range);
    }
    free(data);
    return status;
}

/* --- writing -------------------------------------------------------------------------------- */

static bool is_byte(const struct memory *m)
{
    return m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK;
}

static enum status write_byte(struct terminal *t, const struct memory *m, uint8_t value,
                              struct error *e)
{
    struct fuse_set wish;
    fuse_set_init(&wish, t->part);
    struct fuse_byte *byte = fuse_set_find(&wish, m);
    if (byte == NULL)
        return error_set(e, STATUS_INTERNAL, "%s is no fuse or lock byte", m->name);
    byte->value = value;
    byte->given = 0xff;
    return session_set_fuses(t->session, &wish, t->job->allow, t->job->allow_count, e);
}

static enum status write_cached(struct terminal *t, const struct memory *m,
                                const struct image *image, struct error *e)
{
    struct extent extent;
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        TRY(cache_write(t->cache, m, extent.address, extent.data, extent.size, e));
    return STATUS_OK;
}

enum status terminal_write(struct terminal *t, const struct memory *m, const struct image *image,
                           struct error *e)
{
    uint8_t value = 0;
    if (cache_holds(m))
        return write_cached(t, m, image, e);
    if (!m->writable) {
        TRY(session_verify(t->session, m, image, e));
        context_log(t->context, LOG_NOTE, "%s cannot be written, but holds just that", m->name);
        return STATUS_OK;
    }
    if (is_byte(m))
        return image_get(image, m->base, &value) ? write_byte(t, m, value, e) : STATUS_OK;
    TRY(session_write(t->session, m, image, e));
    return session_verify(t->session, m, image, e);
}

/* Which words of the command are what. */
struct write_words {
    uint32_t address;
    uint32_t fill; /* bytes; 0: no filling */
    size_t data;   /* the first word of data */
    size_t end;    /* one past the last */
};

static enum status split_fill(const struct memory *m, const struct text_list *words,
                              struct write_words *out, struct error *e)
{
    struct range range;
    if (words->count < 5)
        return error_set(e, STATUS_USAGE, "filling needs MEM ADDR LEN DATA before the ...");
    TRY(range_parse(m, words->items[1], words->items[2], RANGE_STOPS, &range, e));
    *out = (struct write_words){
        .address = range.start, .fill = range.size, .data = 3, .end = words->count - 1};
    return STATUS_OK;
}

/* write MEM FILE, or write MEM DATA where there is only one address. */
static enum status check_alone(const struct memory *m, const char *word,
                               const struct data_place *place, struct error *e)
{
    struct data data = {0};
    if (m->size == 1)
        return STATUS_OK;
    TRY(data_parse(word, place, &data, e));
    const bool is_file = data.kind == DATA_FILE;
    data_free(&data);
    if (is_file)
        return STATUS_OK;
    (void)error_set(e, STATUS_USAGE, "%s %s: either the address or the data is missing", m->name,
                    word);
    error_hint(e, "write %s ADDR DATA...", m->name);
    return STATUS_USAGE;
}

static enum status split_words(const struct memory *m, const struct text_list *words,
                               const struct data_place *place, struct write_words *out,
                               struct error *e)
{
    if (strcmp(words->items[words->count - 1], "...") == 0)
        return split_fill(m, words, out, e);
    *out = (struct write_words){.data = words->count == 2 ? 1 : 2, .end = words->count};
    if (words->count == 2)
        return check_alone(m, words->items[1], place, e);
    return range_address(m, words->items[1], &out->address, e);
}

enum status terminal_write_data(struct terminal *t, const struct text_list *arguments,
                                struct error *e)
{
    const struct memory *m = NULL;
    struct write_words w = {0};
    TRY(terminal_memory(t, arguments->items[0], &m, e));
    const struct data_place place = {
        .part = t->part, .memory = m, .context = t->context, .allow = t->format_allow};
    TRY(split_words(m, arguments, &place, &w, e));
    if (w.data == 3 && w.fill == 0)
        return STATUS_OK; /* a length of nothing */
    struct image *image = image_new();
    if (image == NULL)
        return no_memory(e);
    enum status status =
        data_image(arguments->items + w.data, w.end - w.data, &place, w.address, w.fill, image, e);
    if (status == STATUS_OK)
        status = terminal_write(t, m, image, e);
    image_free(image);
    return status;
}

/* --- erasing -------------------------------------------------------------------------------- */

static enum status blank(struct terminal *t, const struct memory *m, const struct range *range,
                         struct error *e)
{
    if (!cache_holds(m)) {
        (void)error_set(e, STATUS_USAGE, "%s cannot be erased by itself", m->name);
        error_hint(e, "erase without a name erases the chip");
        return STATUS_USAGE;
    }
    if (range->size == 0)
        return STATUS_OK;
    uint8_t *data = malloc(range->size);
    if (data == NULL)
        return no_memory(e);
    memset(data, 0xff, range->size);
    const enum status status =
        cache_write(t->cache, m, m->base + range->start, data, range->size, e);
    free(data);
    return status;
}

enum status terminal_erase(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    const struct memory *m = NULL;
    char *const *words = arguments->items;
    if (arguments->count == 0)
        return cache_erase(t->cache, e);
    TRY(terminal_memory(t, words[0], &m, e));
    struct range range = {.start = 0, .size = m->size};
    if (arguments->count == 2)
        return error_set(e, STATUS_USAGE, "a length is missing behind the address");
    if (arguments->count == 3)
        TRY(range_parse(m, words[1], words[2], RANGE_STOPS, &range, e));
    return blank(t, m, &range, e);
}

enum status terminal_pgerase(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    const struct memory *m = NULL;
    uint32_t address = 0;
    TRY(terminal_memory(t, arguments->items[0], &m, e));
    TRY(range_address(m, arguments->items[1], &address, e));
    const uint32_t page = m->page_size > 0 ? m->page_size : 1;
    const struct range range = {.start = address / page * page, .size = page};
    return blank(t, m, &range, e);
}

enum status terminal_flush(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    (void)arguments;
    return cache_flush(t->cache, e);
}

enum status terminal_abort(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    uint32_t bytes = 0;
    (void)arguments, (void)e;
    for (size_t i = 0; i < t->part->memory_count; i++)
        bytes += cache_dirty(t->cache, &t->part->memories[i]);
    cache_forget(t->cache);
    context_log(t->context, LOG_NOTE, "%" PRIu32 " byte%s that waited to be written %s forgotten",
                bytes, bytes == 1 ? "" : "s", bytes == 1 ? "is" : "are");
    return STATUS_OK;
}

/* --- saving --------------------------------------------------------------------------------- */

static bool keeps_addresses(enum format format)
{
    return format == FORMAT_IHEX || format == FORMAT_IHEX_COMMENTS || format == FORMAT_SREC;
}

static enum status add_stretch(struct terminal *t, const struct memory *m,
                               const struct range *range, uint32_t address, struct image *image,
                               struct error *e)
{
    uint8_t *data = malloc(range->size + 1);
    if (data == NULL)
        return no_memory(e);
    enum status status = terminal_read(t, m, range->start, range->size, data, e);
    if (status == STATUS_OK && range->size > 0)
        status = image_put(image, address, data, range->size, IMAGE_OVERLAP_SAME, NULL, e);
    free(data);
    return status;
}

/* With their addresses, or one behind the other. */
static enum status add_stretches(struct terminal *t, const struct memory *m,
                                 const struct text_list *words, bool addressed, struct image *image,
                                 struct error *e)
{
    uint32_t next = m->base;
    const struct range whole = {.start = 0, .size = m->size};
    if (words->count == 2)
        return add_stretch(t, m, &whole, m->base, image, e);
    for (size_t i = 1; i + 2 < words->count; i += 2) {
        struct range range;
        TRY(range_parse(m, words->items[i], words->items[i + 1], RANGE_STOPS, &range, e));
        TRY(add_stretch(t, m, &range, addressed ? m->base + range.start : next, image, e));
        next += range.size;
    }
    return STATUS_OK;
}

static enum status write_file(const char *file, enum format format, const struct memory *m,
                              const struct image *image, struct error *e)
{
    uint8_t *data = NULL;
    size_t size = 0;
    struct output *output = NULL;
    TRY(output_open(file, &output, e));
    enum status status = format_write(format, image, m, &data, &size, e);
    if (status == STATUS_OK)
        status = output_commit(output, data, size, e);
    free(data);
    output_close(output);
    return status == STATUS_OK ? STATUS_OK : error_in(e, "%s", file);
}

static enum status save(struct terminal *t, const struct memory *m, const struct text_list *words,
                        const char *file, enum format format, struct error *e)
{
    if (!format_writable(format))
        return error_set(e, STATUS_USAGE, "%s: format '%c' cannot be written", file, (char)format);
    struct image *image = image_new();
    if (image == NULL)
        return no_memory(e);
    enum status status = add_stretches(t, m, words, keeps_addresses(format), image, e);
    if (status == STATUS_OK)
        status = write_file(file, format, m, image, e);
    image_free(image);
    return status;
}

enum status terminal_save(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    const struct memory *m = NULL;
    char *file = NULL;
    enum format format = FORMAT_RAW;
    TRY(terminal_memory(t, arguments->items[0], &m, e));
    if (arguments->count % 2 != 0)
        return error_set(e, STATUS_USAGE,
                         "a length or the file is missing: MEM [ADDR LEN]... "
                         "FILE");
    TRY(data_split_file(arguments->items[arguments->count - 1], &file, &format, e));
    const enum status status = save(t, m, arguments, file, format, e);
    free(file);
    return status;
}
