/* A table: comma-separated values (RFC 4180; semicolons or tabs will do as well), the names of the
 * columns in the first row. Each row is for one chip. A row whose column "result" is empty is free;
 * "result", "time" and "device" are added if they are not there, and filled in:
 *
 *     reserved                 before it goes to a chip
 *     programmed, failed: ...  afterwards
 *     in doubt                 a run ended without a word between the two
 *
 * The table is replaced as a whole, on disk before anybody acts on it, and what does not change in
 * it stays as it was written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ispflash/format.h"
#include "ledger_private.h"

enum { OURS = 3 };

static const char *const our_columns[OURS] = {"result", "time", "device"};

struct row {
    char *raw;    /* as in the file, without its end; owned */
    char **cells; /* owned */
    size_t count;
    unsigned line; /* in the file */
    bool changed;
};

struct table {
    const struct ledger *ledger;
    char separator;
    bool crlf;
    struct row *rows; /* owned; the first has the names */
    size_t count;
    size_t ours[OURS]; /* the index of each of our columns */
};

/* --- cells ---------------------------------------------------------------------------------- */

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "no memory for the table");
}

static enum status add_cell(struct row *row, char *cell, struct error *e)
{
    char **cells = cell != NULL ? realloc(row->cells, (row->count + 1) * sizeof *cells) : NULL;
    if (cells == NULL) {
        free(cell);
        return no_memory(e);
    }
    row->cells = cells;
    cells[row->count++] = cell;
    return STATUS_OK;
}

static enum status add_copy(struct row *row, const char *text, struct error *e)
{
    return add_cell(row, strdup(text), e);
}

/* Reads a cell at `at`; returns what stands behind it, NULL without memory. */
static const char *read_cell(const char *at, char separator, char **out)
{
    char *cell = malloc(strlen(at) + 1);
    size_t used = 0;
    bool quoted = *at == '"';
    *out = cell;
    if (cell == NULL)
        return NULL;
    at += quoted ? 1 : 0;
    while (*at != '\0' && (quoted || *at != separator)) {
        if (*at == '"' && quoted && at[1] != '"') {
            quoted = false;
            at++;
            continue;
        }
        at += *at == '"' && quoted ? 1 : 0;
        cell[used++] = *at++;
    }
    cell[used] = '\0';
    return at;
}

static enum status split(struct row *row, char separator, struct error *e)
{
    const char *at = row->raw;
    for (;;) {
        char *cell = NULL;
        at = read_cell(at, separator, &cell);
        TRY(add_cell(row, cell, e));
        if (*at == '\0')
            return STATUS_OK;
        at++;
    }
}

static void put_cell(FILE *out, const char *cell, char separator)
{
    if (strchr(cell, separator) == NULL && strpbrk(cell, "\"\r\n") == NULL) {
        (void)fputs(cell, out);
        return;
    }
    (void)fputc('"', out);
    for (; *cell != '\0'; cell++) {
        if (*cell == '"')
            (void)fputc('"', out);
        (void)fputc(*cell, out);
    }
    (void)fputc('"', out);
}

/* --- reading -------------------------------------------------------------------------------- */

static void table_free(struct table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = 0; k < t->rows[i].count; k++)
            free(t->rows[i].cells[k]);
        free(t->rows[i].cells);
        free(t->rows[i].raw);
    }
    free(t->rows);
    *t = (struct table){0};
}

/* The length of the row at `text`: a line's end between quotes belongs to it. */
static size_t row_length(const char *text)
{
    bool quoted = false;
    size_t length = 0;
    for (; text[length] != '\0' && (quoted || text[length] != '\n'); length++)
        quoted = quoted != (text[length] == '"');
    return length;
}

static char separator_of(const char *heading)
{
    const char *found = strpbrk(heading, ",;\t");
    if (found == NULL)
        return ',';
    return *found;
}

static enum status add_row(struct table *t, const char *text, size_t length, unsigned line,
                           struct error *e)
{
    struct row *rows = realloc(t->rows, (t->count + 1) * sizeof *rows);
    if (rows == NULL)
        return no_memory(e);
    t->rows = rows;
    struct row *row = &rows[t->count++];
    *row = (struct row){.raw = strndup(text, length), .line = line};
    if (row->raw == NULL)
        return no_memory(e);
    if (t->count == 1)
        t->separator = separator_of(row->raw);
    return split(row, t->separator, e);
}

static enum status read_rows(struct table *t, const char *text, struct error *e)
{
    unsigned line = 1;
    while (*text != '\0') {
        const size_t length = row_length(text);
        const bool cr = length > 0 && text[length - 1] == '\r';
        if (t->count == 0)
            t->crlf = cr;
        if (length > (cr ? 1u : 0u))
            TRY(add_row(t, text, length - (cr ? 1 : 0), line, e));
        for (size_t i = 0; i < length; i++)
            line += text[i] == '\n' ? 1 : 0;
        line++;
        text += length + (text[length] == '\n' ? 1 : 0);
    }
    return STATUS_OK;
}

/* SIZE_MAX: there is none. */
static size_t column_of(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->rows[0].count; i++)
        if (strcmp(t->rows[0].cells[i], name) == 0)
            return i;
    return SIZE_MAX;
}

static enum status check(struct table *t, struct error *e)
{
    const char *path = t->ledger->path;
    if (t->count == 0)
        return error_set(e, STATUS_INPUT, "%s: the row with the columns' names is missing", path);
    const size_t columns = t->rows[0].count;
    for (size_t i = 0; i < columns; i++)
        if (column_of(t, t->rows[0].cells[i]) != i)
            return error_set(e, STATUS_INPUT, "%s: two columns are named \"%s\"", path,
                             t->rows[0].cells[i]);
    for (size_t i = 1; i < t->count; i++)
        if (t->rows[i].count > columns)
            return error_set(e, STATUS_INPUT, "%s:%u: %zu cells, but only %zu columns have a name",
                             path, t->rows[i].line, t->rows[i].count, columns);
    return STATUS_OK;
}

/* Gives the table our columns, and each row a cell for every column. */
static enum status complete(struct table *t, struct error *e)
{
    for (size_t i = 0; i < OURS; i++) {
        t->ours[i] = column_of(t, our_columns[i]);
        if (t->ours[i] != SIZE_MAX)
            continue;
        t->ours[i] = t->rows[0].count;
        t->rows[0].changed = true;
        TRY(add_copy(&t->rows[0], our_columns[i], e));
    }
    for (size_t i = 1; i < t->count; i++)
        while (t->rows[i].count < t->rows[0].count)
            TRY(add_copy(&t->rows[i], "", e));
    return STATUS_OK;
}

/* `t` is to be freed also after a failure. */
static enum status read_table(const struct ledger *l, struct table *t, struct error *e)
{
    uint8_t *data = NULL;
    size_t size = 0;
    *t = (struct table){.ledger = l};
    TRY(file_read(l->path, &data, &size, e));
    char *text = strndup((const char *)data, size);
    free(data);
    if (text == NULL)
        return no_memory(e);
    enum status status = strlen(text) == size
                             ? read_rows(t, text, e)
                             : error_set(e, STATUS_INPUT, "%s: not a text file", l->path);
    free(text);
    if (status == STATUS_OK)
        status = check(t, e);
    return status == STATUS_OK ? complete(t, e) : status;
}

/* --- writing -------------------------------------------------------------------------------- */

static enum status set_result(struct table *t, size_t at, const char *result, const char *device,
                              struct error *e)
{
    char now[LEDGER_TIME_SIZE];
    const char *const values[OURS] = {result, ledger_time(now), device};
    struct row *row = &t->rows[at];
    row->changed = true;
    for (size_t i = 0; i < OURS; i++) {
        char *copy = values[i] != NULL ? strdup(values[i]) : NULL;
        if (values[i] == NULL)
            continue; /* stays */
        if (copy == NULL)
            return no_memory(e);
        free(row->cells[t->ours[i]]);
        row->cells[t->ours[i]] = copy;
    }
    return STATUS_OK;
}

static void put_row(FILE *out, const struct table *t, const struct row *row)
{
    if (!row->changed)
        (void)fputs(row->raw, out);
    for (size_t i = 0; row->changed && i < row->count; i++) {
        if (i > 0)
            (void)fputc(t->separator, out);
        put_cell(out, row->cells[i], t->separator);
    }
    (void)fputs(t->crlf ? "\r\n" : "\n", out);
}

static enum status write_table(const struct table *t, struct error *e)
{
    char *text = NULL;
    size_t size = 0;
    struct output *output = NULL;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return no_memory(e);
    for (size_t i = 0; i < t->count; i++)
        put_row(out, t, &t->rows[i]);
    const bool failed = ferror(out) != 0;
    enum status status = fclose(out) == 0 && !failed ? STATUS_OK : no_memory(e);
    if (status == STATUS_OK)
        status = output_open(t->ledger->path, &output, e);
    if (status == STATUS_OK)
        status = output_commit(output, (const uint8_t *)text, size, e);
    output_close(output);
    free(text);
    return status;
}

/* --- rows ----------------------------------------------------------------------------------- */

static const char *result_of(const struct table *t, size_t at)
{
    return t->rows[at].cells[t->ours[0]];
}

/* The first free row; 0: there is none. */
static size_t free_row(const struct table *t)
{
    for (size_t i = 1; i < t->count; i++)
        if (result_of(t, i)[0] == '\0')
            return i;
    return 0;
}

static bool is_ours(const char *column)
{
    for (size_t i = 0; i < OURS; i++)
        if (strcmp(our_columns[i], column) == 0)
            return true;
    return false;
}

static enum status entry_of(const struct table *t, size_t at, struct ledger_entry *out,
                            struct error *e)
{
    const struct row *row = &t->rows[at];
    out->key = strdup(row->cells[0]);
    if (out->key == NULL)
        return no_memory(e);
    for (size_t i = 0; i < row->count; i++)
        if (!is_ours(t->rows[0].cells[i]))
            TRY(ledger_entry_add(out, t->rows[0].cells[i], row->cells[i], e));
    return STATUS_OK;
}

static bool is_row_of(const struct table *t, size_t at, const struct ledger_entry *entry)
{
    for (size_t i = 0; i < entry->count; i++) {
        const size_t column = column_of(t, entry->names[i]);
        if (column == SIZE_MAX || strcmp(t->rows[at].cells[column], entry->values[i]) != 0)
            return false;
    }
    return strcmp(result_of(t, at), "reserved") == 0;
}

static enum status none_left(const struct ledger *l, struct error *e)
{
    return error_set(e, STATUS_INPUT, "%s: no row is left whose result is empty", l->path);
}

/* A row's mark is its number: rows are not moved while there are reservations. */
static enum status record_doubts(struct table *t, struct context *c, struct error *e)
{
    for (size_t i = 1; i < t->count; i++) {
        if (strcmp(result_of(t, i), "reserved") != 0 || ledger_is_marked(t->ledger, (off_t)i))
            continue;
        TRY(set_result(t, i, "in doubt", NULL, e));
        ledger_say_doubt(t->ledger, c, t->rows[i].cells[0]);
    }
    return STATUS_OK;
}

/* --- the operations ------------------------------------------------------------------------- */

static enum status table_peek(struct ledger *l, struct ledger_entry *out, struct error *e)
{
    struct table t;
    enum status status = read_table(l, &t, e);
    if (status == STATUS_OK) {
        const size_t at = free_row(&t);
        status = at > 0 ? entry_of(&t, at, out, e) : none_left(l, e);
    }
    table_free(&t);
    return status;
}

static enum status reserve(struct ledger *l, struct table *t, struct context *c,
                           struct ledger_entry *out, struct error *e)
{
    TRY(record_doubts(t, c, e));
    const size_t at = free_row(t);
    if (at == 0) {
        TRY(write_table(t, e)); /* the doubts */
        return none_left(l, e);
    }
    TRY(entry_of(t, at, out, e));
    TRY(set_result(t, at, "reserved", l->device, e));
    TRY(ledger_mark(l, (off_t)at, e));
    const enum status status = write_table(t, e);
    if (status != STATUS_OK)
        ledger_unmark(l);
    return status;
}

static enum status table_reserve(struct ledger *l, struct context *c, struct ledger_entry *out,
                                 struct error *e)
{
    struct table t;
    enum status status = read_table(l, &t, e);
    if (status == STATUS_OK)
        status = reserve(l, &t, c, out, e);
    table_free(&t);
    return status;
}

/* The row may have been moved by somebody who edited the table meanwhile. */
static size_t find_reserved(const struct ledger *l, const struct table *t)
{
    if (l->mark > 0 && (size_t)l->mark < t->count && is_row_of(t, (size_t)l->mark, &l->entry))
        return (size_t)l->mark;
    for (size_t i = 1; i < t->count; i++)
        if (is_row_of(t, i, &l->entry))
            return i;
    return 0;
}

static enum status settle(struct ledger *l, struct table *t, const char *failure, struct error *e)
{
    char result[64] = "programmed";
    const size_t at = find_reserved(l, t);
    if (at == 0)
        return error_set(e, STATUS_OUTPUT,
                         "%s: the row of %s, which was reserved, is not there any more", l->path,
                         l->entry.key);
    if (failure != NULL)
        (void)snprintf(result, sizeof result, "failed: %s", failure);
    TRY(set_result(t, at, result, l->device, e));
    return write_table(t, e);
}

static enum status table_settle(struct ledger *l, const char *failure, struct error *e)
{
    struct table t;
    enum status status = read_table(l, &t, e);
    if (status == STATUS_OK)
        status = settle(l, &t, failure, e);
    table_free(&t);
    return status;
}

const struct ledger_ops ledger_table_ops = {
    .peek = table_peek, .reserve = table_reserve, .settle = table_settle};
