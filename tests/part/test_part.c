/* Questions to a part: memories by name, layouts, fields, hazards. */
#include <stdio.h>
#include <string.h>

#include "ispflash/part.h"
#include "support/test.h"

static int open_database(void **state)
{
    struct part_database *db = NULL;
    struct error e = {0};
    if (part_database_open(&db, &e) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", e.text);
        return -1;
    }
    *state = db;
    return 0;
}

static int close_database(void **state)
{
    part_database_close(*state);
    return 0;
}

static const struct part *part_named(struct part_database *db, const char *name)
{
    struct error e = {0};
    const struct part *part = NULL;
    if (part_find(db, name, &part, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return part;
}

static void assert_lookup(const struct part *part, const char *name, enum memory_lookup result,
                          const char *found)
{
    const struct memory *memory = NULL;
    const enum memory_lookup lookup = part_memory_find(part, name, &memory);
    if (lookup != result)
        fail_msg("\"%s\": %d instead of %d", name, (int)lookup, (int)result);
    if (found == NULL)
        assert_null(memory);
    else
        assert_string_equal(memory->name, found);
}

static void memories_are_found_by_name_and_by_unique_start(void **state)
{
    const struct part *const part = part_named(*state, "m328p");
    assert_lookup(part, "flash", MEMORY_FOUND, "flash");
    assert_lookup(part, "fl", MEMORY_FOUND, "flash");
    assert_lookup(part, "lfuse", MEMORY_FOUND, "lfuse");
    assert_lookup(part, "lf", MEMORY_FOUND, "lfuse");
    assert_lookup(part, "ee", MEMORY_FOUND, "eeprom");
    assert_lookup(part, "h", MEMORY_FOUND, "hfuse");
    assert_lookup(part, "sig", MEMORY_FOUND, "signature");
    assert_lookup(part, "cal", MEMORY_FOUND, "calibration");
    assert_lookup(part, "lockbits", MEMORY_FOUND, "lock");
}

static void starts_of_several_memories_are_ambiguous(void **state)
{
    const struct part *const part = part_named(*state, "m328p");
    assert_lookup(part, "l", MEMORY_AMBIGUOUS, NULL); /* lfuse, lock */
    assert_lookup(part, "e", MEMORY_AMBIGUOUS, NULL); /* eeprom, efuse */
}

static void the_case_of_a_memory_counts(void **state)
{
    assert_lookup(part_named(*state, "m328p"), "FLASH", MEMORY_UNKNOWN, NULL);
    assert_lookup(part_named(*state, "m328p"), "Lfuse", MEMORY_UNKNOWN, NULL);
}

static void memories_of_other_parts_are_absent_and_not_unknown(void **state)
{
    const struct part *const three = part_named(*state, "m328p");
    const struct part *const one = part_named(*state, "attiny15");
    assert_lookup(three, "fuse", MEMORY_ABSENT, NULL);
    assert_lookup(one, "lfuse", MEMORY_ABSENT, NULL);
    assert_lookup(one, "efuse", MEMORY_ABSENT, NULL);
    assert_lookup(three, "usersig", MEMORY_ABSENT, NULL);
    assert_lookup(three, "userrow", MEMORY_ABSENT, NULL);
    assert_lookup(three, "prodsig", MEMORY_ABSENT, NULL);
    assert_lookup(three, "fuse0", MEMORY_ABSENT, NULL);
    assert_lookup(three, "fuses", MEMORY_ABSENT, NULL);
    assert_lookup(one, "boot", MEMORY_ABSENT, NULL);
    assert_lookup(part_named(*state, "at89s52"), "eeprom", MEMORY_ABSENT, NULL);
    assert_lookup(part_named(*state, "m256rfr2"), "userrow", MEMORY_FOUND, "usersig");
}

static void what_no_part_has_is_unknown(void **state)
{
    const struct part *const part = part_named(*state, "m328p");
    assert_lookup(part, "flesh", MEMORY_UNKNOWN, NULL);
    assert_lookup(part, "flash2", MEMORY_UNKNOWN, NULL);
    assert_lookup(part, "", MEMORY_UNKNOWN, NULL);
}

static void without_a_part_a_known_memory_is_absent(void **state)
{
    (void)state;
    assert_lookup(NULL, "flash", MEMORY_ABSENT, NULL);
    assert_lookup(NULL, "fl", MEMORY_ABSENT, NULL);
    assert_lookup(NULL, "prodsig", MEMORY_ABSENT, NULL);
    assert_lookup(NULL, "flesh", MEMORY_UNKNOWN, NULL);
    assert_lookup(NULL, "", MEMORY_UNKNOWN, NULL);
}

static void memories_are_found_by_kind(void **state)
{
    const struct part *const part = part_named(*state, "m328p");
    assert_string_equal(part_memory(part, MEMORY_FUSE)->name, "lfuse");
    assert_string_equal(part_memory(part, MEMORY_EEPROM)->name, "eeprom");
    assert_null(part_memory(part, MEMORY_USERSIG));
}

static void the_generic_part_reads_and_writes_nothing(void **state)
{
    (void)state;
    const struct part *const part = part_generic_avr();
    assert_lookup(part, "signature", MEMORY_FOUND, "signature");
    assert_lookup(part, "lfuse", MEMORY_FOUND, "lfuse");
    assert_lookup(part, "hfuse", MEMORY_FOUND, "hfuse");
    assert_lookup(part, "efuse", MEMORY_FOUND, "efuse");
    assert_lookup(part, "lock", MEMORY_FOUND, "lock");
    assert_null(part_memory(part, MEMORY_FLASH));
    assert_false(part->chip_erase.present);
    for (size_t i = 0; i < part->memory_count; i++) {
        assert_false(part->memories[i].writable);
        assert_true(part->memories[i].isp.read[0].present);
    }
}

static void layouts_are_the_same_if_images_and_fuses_are(void **state)
{
    const struct part *const p = part_named(*state, "m328p");
    assert_true(part_same_layout(p, p));
    assert_true(part_same_layout(p, part_named(*state, "m328")));
    assert_false(part_same_layout(p, part_named(*state, "m328pb"))); /* efuse has CFD */
    assert_false(part_same_layout(p, part_named(*state, "m168p")));
    assert_false(part_same_layout(p, part_named(*state, "m8")));
}

static void fields_are_found_whatever_their_case(void **state)
{
    const struct part *const part = part_named(*state, "m32u4");
    const struct memory *hfuse = NULL;
    assert_int_equal(part_memory_find(part, "hfuse", &hfuse), MEMORY_FOUND);
    const struct field *const bootsz = memory_field(hfuse, "bootsz");
    assert_string_equal(bootsz->name, "BOOTSZ");
    assert_int_equal(field_get(bootsz, 0xd8), 0); /* the largest boot section */
    assert_int_equal(field_get(bootsz, 0xdf), 3);
    assert_int_equal(field_get(memory_field(hfuse, "BOOTRST"), 0xd8), 0);
    assert_null(memory_field(hfuse, "RSTDISBL"));
}

static const struct hazard *hazard_of(const struct part *part, enum hazard_kind kind)
{
    for (size_t i = 0; i < part->hazard_count; i++)
        if (part->hazards[i].kind == kind)
            return &part->hazards[i];
    return NULL;
}

static void hazards_look_at_their_own_bits_only(void **state)
{
    const struct part *const part = part_named(*state, "m328p");
    const struct hazard *const reset = hazard_of(part, HAZARD_RESET_DISABLE);
    const struct hazard *const external = hazard_of(part, HAZARD_EXTERNAL_CLOCK);
    assert_string_equal(reset->memory->name, "hfuse");
    assert_true(hazard_hit(reset, 0x59));
    assert_false(hazard_hit(reset, 0xd9));
    assert_true(hazard_hit(external, 0xe0));
    assert_true(hazard_hit(external, 0x60));
    assert_false(hazard_hit(external, 0x62));
    assert_false(hazard_hit(external, 0xff)); /* a crystal */
    assert_true(hazard_hit(hazard_of(part, HAZARD_CRYSTAL), 0xff));
    assert_true(hazard_hit(hazard_of(part, HAZARD_LOCK), 0xfc));
    assert_false(hazard_hit(hazard_of(part, HAZARD_LOCK), 0xcf)); /* boot lock bits only */
}

static void the_way_back_depends_on_the_interfaces(void **state)
{
    assert_string_equal(hazard_of(part_named(*state, "m328p"), HAZARD_RESET_DISABLE)->recovery,
                        "high-voltage parallel programming");
    assert_string_equal(hazard_of(part_named(*state, "t85"), HAZARD_RESET_DISABLE)->recovery,
                        "high-voltage serial programming");
    assert_string_equal(hazard_of(part_named(*state, "t85"), HAZARD_DEBUGWIRE)->recovery,
                        "a debugWIRE tool, or high-voltage serial programming");
    assert_string_equal(hazard_of(part_named(*state, "m32u4"), HAZARD_SPI_DISABLE)->recovery,
                        "JTAG, or high-voltage parallel programming");
    assert_non_null(strstr(hazard_of(part_named(*state, "ata8510"), HAZARD_RESET_DISABLE)->recovery,
                           "none is known"));
}

static void every_hazard_has_a_name_for_allow(void **state)
{
    (void)state;
    assert_string_equal(part_hazard_name(HAZARD_RESET_DISABLE), "reset-disable");
    assert_string_equal(part_hazard_name(HAZARD_DEBUGWIRE), "debugwire");
    assert_string_equal(part_hazard_name(HAZARD_EXTERNAL_CLOCK), "external-clock");
    for (int i = 0; i <= HAZARD_OTHER; i++)
        assert_non_null(part_hazard_name((enum hazard_kind)i));
}

/* `name` is the fuse byte that holds EESAVE, `value` what it is set to. */
static bool survives(const struct part *part, const char *name, uint8_t value, bool *known)
{
    uint8_t fuses[16];
    memset(fuses, 0xff, sizeof fuses);
    for (size_t i = 0; i < part->memory_count; i++)
        if (strcmp(part->memories[i].name, name) == 0)
            fuses[i] = value;
    return part_eeprom_survives(part, fuses, known);
}

static void eeprom_survives_where_eesave_is_programmed(void **state)
{
    bool known = false;
    assert_true(survives(part_named(*state, "m328p"), "hfuse", 0xd1, &known));
    assert_true(known);
    assert_false(survives(part_named(*state, "m328p"), "hfuse", 0xd9, &known));
    assert_true(known);
    assert_true(survives(part_named(*state, "t13"), "lfuse", 0x2a, &known));
    assert_true(survives(part_named(*state, "t2313"), "hfuse", 0x9f, &known));
    assert_false(survives(part_named(*state, "at90s8515"), "fuse", 0x00, &known));
    assert_false(known);
}

/* Of a part with these fuse bytes, in the order lfuse, hfuse, efuse. */
static void assert_boot_start(const struct part *part, uint8_t low, uint8_t high, uint8_t extended,
                              uint32_t wanted)
{
    uint8_t fuses[16] = {0};
    uint32_t start = 0;
    for (size_t i = 0; i < part->memory_count; i++)
        if (part->memories[i].kind == MEMORY_FUSE)
            fuses[i] = part->memories[i].name[0] == 'l'   ? low
                       : part->memories[i].name[0] == 'h' ? high
                                                          : extended;
    assert_true(part_boot_start(part, fuses, &start));
    assert_int_equal(start, wanted);
}

static void the_boot_section_is_where_the_fuses_put_it(void **state)
{
    struct part_database *db = *state;
    const uint8_t fuses[16] = {0};
    uint32_t start;
    assert_boot_start(part_named(db, "m32u4"), 0x5e, 0x99, 0xf3, 0x7000);
    assert_boot_start(part_named(db, "m328p"), 0xff, 0xde, 0xfd, 0x7e00);
    assert_boot_start(part_named(db, "m328p"), 0xff, 0xda, 0xfd, 0x7800);
    assert_boot_start(part_named(db, "m168"), 0xff, 0xdd, 0xf8, 0x3800); /* BOOTSZ in efuse */
    assert_boot_start(part_named(db, "m2560"), 0xff, 0xd8, 0xfd, 0x3e000);
    assert_boot_start(part_named(db, "m8"), 0xdf, 0xca, 0, 0x1c00);
    assert_false(part_boot_start(part_named(db, "t85"), fuses, &start));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memories_are_found_by_name_and_by_unique_start),
        cmocka_unit_test(starts_of_several_memories_are_ambiguous),
        cmocka_unit_test(the_case_of_a_memory_counts),
        cmocka_unit_test(memories_of_other_parts_are_absent_and_not_unknown),
        cmocka_unit_test(what_no_part_has_is_unknown),
        cmocka_unit_test(without_a_part_a_known_memory_is_absent),
        cmocka_unit_test(memories_are_found_by_kind),
        cmocka_unit_test(the_generic_part_reads_and_writes_nothing),
        cmocka_unit_test(layouts_are_the_same_if_images_and_fuses_are),
        cmocka_unit_test(fields_are_found_whatever_their_case),
        cmocka_unit_test(hazards_look_at_their_own_bits_only),
        cmocka_unit_test(the_way_back_depends_on_the_interfaces),
        cmocka_unit_test(every_hazard_has_a_name_for_allow),
        cmocka_unit_test(eeprom_survives_where_eesave_is_programmed),
        cmocka_unit_test(the_boot_section_is_where_the_fuses_put_it),
    };
    return cmocka_run_group_tests(tests, open_database, close_database);
}
