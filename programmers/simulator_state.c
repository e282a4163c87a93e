#include "simulator_state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ini.h"

enum { VERSION = 1, ROW_SIZE = 16 };

struct state_reader {
    struct chip *chip; /* NULL: only the heading counts */
    char part[SIM_PART_NAME_SIZE];
    bool in_heading, has_version;
    bool *seen;    /* of each memory of the part */
    size_t memory; /* of the section being read */
    uint32_t next; /* the lowest address the next row may have */
};

static enum status state_begin_memory(struct state_reader *r, const char *name, struct error *e)
{
    const struct part *part = chip_part(r->chip);
    for (size_t i = 0; i < part->memory_count; i++) {
        if (strcmp(part->memories[i].name, name) != 0)
            continue;
        if (r->seen[i])
            return error_set(e, STATUS_INPUT, "double section [%s]", name);
        r->seen[i] = true;
        r->memory = i;
        r->next = 0;
        return STATUS_OK;
    }
    return error_set(e, STATUS_INPUT, "%s has no memory \"%s\"", part->name, name);
}

static enum status state_section(void *user, const char *name, struct error *e)
{
    struct state_reader *r = user;
    const bool heading = strcmp(name, "chip") == 0;
    if (heading && (r->has_version || r->part[0] != '\0'))
        return error_set(e, STATUS_INPUT, "double section [chip]");
    if (!heading && (!r->has_version || r->part[0] == '\0'))
        return error_set(e, STATUS_INPUT,
                         "not a simulated chip: it begins with [chip], version and part");
    r->in_heading = heading;
    return heading || r->chip == NULL ? STATUS_OK : state_begin_memory(r, name, e);
}

static enum status state_heading(struct state_reader *r, const char *key, const char *value,
                                 struct error *e)
{
    if (strcmp(key, "version") == 0) {
        if (r->has_version)
            return error_set(e, STATUS_INPUT, "double key version");
        if (strcmp(value, "1") != 0)
            return error_set(e, STATUS_INPUT, "version %s is not known here, only %d", value,
                             VERSION);
        r->has_version = true;
        return STATUS_OK;
    }
    if (strcmp(key, "part") != 0)
        return error_set(e, STATUS_INPUT, "unknown key %s", key);
    if (r->part[0] != '\0')
        return error_set(e, STATUS_INPUT, "double key part");
    if (value[0] == '\0' || strlen(value) >= sizeof r->part)
        return error_set(e, STATUS_INPUT, "\"%s\" is not the name of a part", value);
    strcpy(r->part, value);
    return STATUS_OK;
}

static int state_hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* "0c 94 34": two digits a byte, one blank between them. */
static enum status state_row_bytes(const char *value, uint8_t bytes[ROW_SIZE], uint32_t *count,
                                   struct error *e)
{
    *count = 0;
    for (const char *at = value; *count < ROW_SIZE; at += 3) {
        const int high = state_hex_digit(at[0]);
        const int low = high >= 0 ? state_hex_digit(at[1]) : -1;
        if (low < 0 || (at[2] != ' ' && at[2] != '\0'))
            break;
        bytes[(*count)++] = (uint8_t)(high << 4 | low);
        if (at[2] == '\0')
            return STATUS_OK;
    }
    return error_set(e, STATUS_INPUT, "a row has 1 to %d bytes such as \"0c 94\"", ROW_SIZE);
}

static enum status state_row(struct state_reader *r, const char *key, const char *value,
                             struct error *e)
{
    const struct memory *m = &chip_part(r->chip)->memories[r->memory];
    uint8_t bytes[ROW_SIZE];
    uint32_t count = 0;
    char *end = NULL;
    errno = 0;
    const unsigned long address = strtoul(key, &end, 16);
    if (strncmp(key, "0x", 2) != 0 || state_hex_digit(key[2]) < 0 || *end != '\0' || errno != 0)
        return error_set(e, STATUS_INPUT, "\"%s\" is not an address such as 0x0010", key);
    TRY(state_row_bytes(value, bytes, &count, e));
    if (address >= m->size || count > m->size - address)
        return error_set(e, STATUS_INPUT, "row %s ends beyond the %u bytes of %s", key,
                         (unsigned)m->size, m->name);
    if (address < r->next)
        return error_set(e, STATUS_INPUT, "row %s: rows must ascend and not overlap", key);
    memcpy(chip_bytes(r->chip, r->memory) + address, bytes, count);
    if (m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK)
        chip_bytes(r->chip, r->memory)[address] |= (uint8_t)~m->mask; /* unimplemented: 1 */
    r->next = (uint32_t)address + count;
    return STATUS_OK;
}

static enum status state_key(void *user, const char *key, const char *value, struct error *e)
{
    struct state_reader *r = user;
    if (r->in_heading)
        return state_heading(r, key, value, e);
    return r->chip != NULL ? state_row(r, key, value, e) : STATUS_OK;
}

static enum status state_read(const char *name, const char *text, struct state_reader *r,
                              struct error *e)
{
    static const struct ini_handler handler = {.section = state_section, .key = state_key};
    TRY(ini_read(name, text, STATUS_INPUT, &handler, r, e));
    if (!r->has_version || r->part[0] == '\0')
        return error_set(e, STATUS_INPUT, "%s: not a simulated chip: no version and part", name);
    return STATUS_OK;
}

enum status sim_state_part(const char *name, const char *text, char part[SIM_PART_NAME_SIZE],
                           struct error *e)
{
    struct state_reader r = {.chip = NULL};
    TRY(state_read(name, text, &r, e));
    memcpy(part, r.part, sizeof r.part);
    return STATUS_OK;
}

enum status sim_state_load(const char *name, const char *text, struct chip *chip, struct error *e)
{
    struct state_reader r = {.chip = chip};
    r.seen = calloc(chip_part(chip)->memory_count, sizeof *r.seen);
    if (r.seen == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    const enum status status = state_read(name, text, &r, e);
    free(r.seen);
    return status;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool state_row_is_blank(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (bytes[i] != 0xff)
            return false;
    }
    return true;
}

/* A blank row of a large memory is left out; small memories are written whole, so that nobody has
 * to know what the factory does. */
static void state_write_memory(FILE *file, const struct memory *m, const uint8_t *bytes)
{
    const bool large = m->kind == MEMORY_FLASH || m->kind == MEMORY_EEPROM;
    fprintf(file, "\n[%s]\n", m->name);
    for (uint32_t at = 0; at < m->size; at += ROW_SIZE) {
        const uint32_t count = m->size - at < ROW_SIZE ? m->size - at : ROW_SIZE;
        if (large && state_row_is_blank(bytes + at, count))
            continue;
        fprintf(file, "0x%04x =", (unsigned)at);
        for (uint32_t i = 0; i < count; i++)
            fprintf(file, " %02x", bytes[at + i]);
        fputc('\n', file);
    }
}

enum status sim_state_save(struct chip *chip, char **text, size_t *size, struct error *e)
{
    const struct part *part = chip_part(chip);
    char *buffer = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&buffer, &length);
    if (file == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    fprintf(file, "# A simulated chip, see ispflash(1), SIMULATED PROGRAMMERS.\n");
    fprintf(file, "[chip]\nversion = %d\npart    = %s\n", VERSION, part->id);
    for (size_t i = 0; i < part->memory_count; i++)
        state_write_memory(file, &part->memories[i], chip_bytes(chip, i));
    const bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed) {
        free(buffer);
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    }
    *text = buffer;
    *size = length;
    return STATUS_OK;
}
