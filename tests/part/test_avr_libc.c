/* The parts beside avr-libc's device headers: an independent source, wrong in places that are
 * listed here with the reason. Skipped where avr-gcc or avr-libc is not installed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ispflash/part.h"
#include "support/test.h"

#ifndef AVR_LIBC_PROBE
#error "AVR_LIBC_PROBE is the path of probe.c"
#endif

/* What a header is known to say and we do not. */
struct exception {
    const char *value; /* as probe.c names it */
    const char *part;
    long header;
    const char *reason;
};

#include "avr_libc/exceptions.h"

struct comparison {
    struct part_database *db;
    size_t loaded, compared, values, excused, disagreements;
    bool used[sizeof exceptions / sizeof exceptions[0]];
};

static long fuse_count(const struct part *part)
{
    long count = 0;
    for (size_t i = 0; i < part->memory_count; i++)
        count += part->memories[i].kind == MEMORY_FUSE ? 1 : 0;
    return count;
}

/* The fuse byte that a header means: some call the only one lfuse. NULL: the name is no fuse's. */
static const struct memory *fuse_of(const struct part *part, const char *name)
{
    const bool only = fuse_count(part) == 1 && strcmp(name, "lfuse") == 0;
    const struct memory *memory = NULL;
    if (part_memory_find(part, only ? "fuse" : name, &memory) != MEMORY_FOUND ||
        memory->kind != MEMORY_FUSE)
        return NULL;
    return memory;
}

/* What the part says of the same thing; false: nothing to compare. */
static bool our_value(const struct part *part, const char *name, long *out)
{
    const struct memory *const flash = part_memory(part, MEMORY_FLASH);
    const struct memory *const eeprom = part_memory(part, MEMORY_EEPROM);
    const struct memory *const fuse = fuse_of(part, name);
    if (strcmp(name, "signature") == 0)
        *out = part->signature[0] * 65536L + part->signature[1] * 256L + part->signature[2];
    else if (strcmp(name, "flash_end") == 0 && flash != NULL)
        *out = (long)(flash->base + flash->size) - 1;
    else if (strcmp(name, "flash_page") == 0 && flash != NULL)
        *out = (long)flash->page_size;
    else if (strcmp(name, "eeprom_end") == 0)
        *out = eeprom != NULL ? (long)eeprom->size - 1 : 0;
    else if (strcmp(name, "eeprom_page") == 0 && eeprom != NULL)
        *out = (long)eeprom->page_size;
    else if (strcmp(name, "fuse_count") == 0)
        *out = fuse_count(part);
    else if (fuse != NULL && fuse->initial_known)
        *out = fuse->initial;
    else
        return false;
    return true;
}

static bool is_excused(struct comparison *c, const char *id, const char *name, long header)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (strcmp(exceptions[i].part, id) == 0 && strcmp(exceptions[i].value, name) == 0 &&
            exceptions[i].header == header) {
            c->used[i] = true;
            return true;
        }
    return false;
}

static void compare_value(struct comparison *c, const struct part *part, const char *name,
                          long header)
{
    const struct memory *const fuse = fuse_of(part, name);
    long ours = 0;
    if (!our_value(part, name, &ours))
        return;
    c->values++;
    header &= fuse != NULL ? 0xff : -1L;
    long difference = ours ^ header;
    /* Bits that are not implemented count for nothing: headers have them as 0 or 1. */
    if (fuse != NULL)
        difference &= fuse->mask;
    if (difference == 0)
        return;
    if (is_excused(c, part->id, name, header)) {
        c->excused++;
        return;
    }
    c->disagreements++;
    print_message("%s: %s: ours 0x%lx, avr-libc 0x%lx\n", part->id, name, (unsigned long)ours,
                  (unsigned long)header);
}

static void compare_part(struct comparison *c, const struct part *part)
{
    char command[1024], symbol[64], line[256];
    (void)snprintf(symbol, sizeof symbol, "%s", part->name);
    char *const revision = strstr(symbol, "revB"); /* avr-libc has ATmega16HVBREVB */
    if (revision != NULL)
        memcpy(revision, "REVB", 4);
    (void)snprintf(command, sizeof command,
                   "avr-gcc -mmcu=avr2 -D__AVR_%s__ -w -O1 -S -o - '%s' 2>/dev/null", symbol,
                   AVR_LIBC_PROBE);
    FILE *const pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t values = c->values;
    while (fgets(line, sizeof line, pipe) != NULL) {
        char name[32];
        long value = 0;
        if (sscanf(line, " @ %31s %ld", name, &value) == 2)
            compare_value(c, part, name, value);
    }
    (void)pclose(pipe); /* fails for parts that avr-libc does not know: then it said nothing */
    c->compared += c->values > values ? 1 : 0;
}

static void parts_agree_with_the_headers_of_avr_libc(void **state)
{
    (void)state;
    static struct comparison c; /* too large for the stack of some */
    struct error e = {0};
    if (system("avr-gcc -mmcu=avr5 -E -x c -include avr/io.h /dev/null >/dev/null 2>&1") != 0) {
        print_message("not compared: avr-gcc or avr-libc is not installed\n");
        skip();
    }
    assert_int_equal(part_database_open(&c.db, &e), STATUS_OK);
    for (size_t i = 0; i < part_count(c.db); i++) {
        const struct part *part = NULL;
        if (part_find(c.db, part_entry_at(c.db, i).id, &part, &e) != STATUS_OK)
            fail_msg("%s", e.text);
        c.loaded++;
        compare_part(&c, part);
    }
    part_database_close(c.db);
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (!c.used[i])
            fail_msg("%s %s: the header no longer says 0x%lx", exceptions[i].part,
                     exceptions[i].value, (unsigned long)exceptions[i].header);
    print_message("%zu parts loaded, %zu compared with avr-libc in %zu values: %zu known "
                  "differences, %zu disagreements\n",
                  c.loaded, c.compared, c.values, c.excused, c.disagreements);
    assert_true(c.compared > 150);
    assert_int_equal(c.disagreements, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_agree_with_the_headers_of_avr_libc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
