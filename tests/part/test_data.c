/* The built-in parts: what must hold for every one of them, and some known ones in full. */
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

static const struct part *part_at(struct part_database *db, size_t index)
{
    struct error e = {0};
    const struct part *part = NULL;
    if (part_find(db, part_entry_at(db, index).id, &part, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return part;
}

static const struct part *part_named(struct part_database *db, const char *name)
{
    struct error e = {0};
    const struct part *part = NULL;
    if (part_find(db, name, &part, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return part;
}

static const struct memory *memory_named(const struct part *part, const char *name)
{
    const struct memory *memory = NULL;
    if (part_memory_find(part, name, &memory) != MEMORY_FOUND)
        fail_msg("%s has no %s", part->id, name);
    return memory;
}

static void every_part_loads(void **state)
{
    assert_true(part_count(*state) >= 211);
    for (size_t i = 0; i < part_count(*state); i++) {
        const struct part *const part = part_at(*state, i);
        const struct part_entry entry = part_entry_at(*state, i);
        assert_ptr_equal(part->name, entry.name);
        assert_memory_equal(part->signature, entry.signature, 3);
    }
    print_message("%zu parts loaded\n", part_count(*state));
}

static void listings_are_sorted_by_name(void **state)
{
    for (size_t i = 1; i < part_count(*state); i++)
        assert_true(strcmp(part_entry_at(*state, i - 1).id, part_entry_at(*state, i).id) < 0);
}

static bool entry_has(const struct part_entry *entry, const char *name)
{
    if (strcmp(entry->id, name) == 0)
        return true;
    for (size_t i = 0; i < entry->alias_count; i++)
        if (strcmp(entry->aliases[i], name) == 0)
            return true;
    return false;
}

static void no_name_means_two_parts(void **state)
{
    for (size_t i = 0; i < part_count(*state); i++) {
        const struct part_entry entry = part_entry_at(*state, i);
        for (size_t j = 0; j < part_count(*state); j++) {
            const struct part_entry other = part_entry_at(*state, j);
            if (i == j)
                continue;
            if (entry_has(&other, entry.id))
                fail_msg("%s is also %s", entry.id, other.id);
            for (size_t k = 0; k < entry.alias_count; k++)
                if (entry_has(&other, entry.aliases[k]))
                    fail_msg("%s is %s and %s", entry.aliases[k], entry.id, other.id);
        }
    }
}

/* Those that say twin_of come behind the one they name; so exactly one may come without. */
static void shared_signatures_are_declared(void **state)
{
    for (size_t i = 0; i < part_count(*state); i++) {
        const struct part_entry entry = part_entry_at(*state, i);
        const struct part *parts[16] = {NULL};
        struct error e = {0};
        size_t count = 0;
        assert_int_equal(part_by_signature(*state, entry.signature, parts, 16, &count, &e),
                         STATUS_OK);
        assert_in_range(count, 1, 16);
        size_t first = 0;
        for (size_t j = 0; j < count; j++)
            first += parts[j]->twin_of == NULL ? 1 : 0;
        if (first != 1)
            fail_msg("%s: %zu parts of its signature say no twin_of", entry.id, first);
        for (size_t j = 1; j < count; j++)
            if (strcmp(parts[j]->twin_of, parts[0]->name) != 0)
                fail_msg("%s is a twin of %s, not of %s", parts[j]->id, parts[j]->twin_of,
                         parts[0]->name);
    }
}

/* RM0008: pages of 1 or 2 KiB from 0x08000000 on, by density. */
static void check_stm32_flash(const struct part *part, const struct memory *m)
{
    const bool small =
        part->signature[1] == 0x10 || part->signature[1] == 0x12 || part->signature[1] == 0x20;
    assert_int_equal(m->base, 0x08000000);
    assert_int_equal(m->page_size, small ? 1024 : 2048);
    assert_int_equal(m->size, 16384u * part->signature[2]);
    assert_int_equal(m->bank_size, part->signature[1] == 0x30 ? 524288 : 0);
    assert_true(m->erase_us >= m->erase_min_us && m->erase_min_us > 0);
    assert_true(part->sram_size >= 4096);
}

static void check_array(const struct part *part, const struct memory *m)
{
    if (part->family == PART_STM32F1) {
        check_stm32_flash(part, m);
        return;
    }
    if (m->page_size != 0 && m->size % m->page_size != 0)
        fail_msg("%s %s: pages do not divide the size", part->id, m->name);
    if (m->kind == MEMORY_FLASH)
        assert_int_equal(m->isp.commit.present, m->page_size != 0);
    if (m->kind != MEMORY_FLASH || m->page_size == 0)
        assert_true(m->isp.write[0].present);
    assert_int_equal(m->isp.load[0].present, m->page_size != 0);
    assert_true(m->isp.read[0].present);
    assert_true(m->write_us >= m->write_min_us && m->write_us > 0);
    if (m->poll == POLL_VALUE && m->poll_value_count == 0)
        fail_msg("%s %s: polled by value without busy values", part->id, m->name);
    if (m->kind == MEMORY_FLASH && m->size > 128 * 1024 && !part->extended_address)
        fail_msg("%s: flash above 128 KiB needs extended addresses", part->id);
}

static void check_bits(const struct part *part, const struct memory *m)
{
    unsigned bits = 0;
    for (size_t i = 0; i < m->field_count; i++) {
        assert_int_equal(bits & m->fields[i].mask, 0);
        assert_true(m->fields[i].name[0] != '\0' && m->fields[i].caption[0] != '\0');
        bits |= m->fields[i].mask;
    }
    assert_int_equal(m->size, 1);
    assert_int_equal(bits, m->mask);
    assert_int_equal(m->write_mask & ~m->mask, 0);
    assert_int_equal(m->writable, m->write_mask != 0);
    assert_true(!m->writable || m->isp.write[0].present || part->family == PART_STM32F1);
    assert_true(m->readable == m->isp.read[0].present || part->family == PART_STM32F1);
    if (m->initial_known && (m->initial | m->mask) != 0xff)
        fail_msg("%s %s: the factory value 0x%02x has zeros where nothing is", part->id, m->name,
                 m->initial);
    const struct field *const spien = memory_field(m, "SPIEN");
    if (spien != NULL) {
        assert_int_equal(m->write_mask & spien->mask, 0);
        assert_true(!m->initial_known || (m->initial & spien->mask) == 0);
    }
}

static void memories_are_consistent(void **state)
{
    for (size_t i = 0; i < part_count(*state); i++) {
        const struct part *const part = part_at(*state, i);
        for (size_t j = 0; j < part->memory_count; j++) {
            const struct memory *const m = &part->memories[j];
            if (m->kind == MEMORY_FLASH || m->kind == MEMORY_EEPROM)
                check_array(part, m);
            else if (m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK)
                check_bits(part, m);
            else
                assert_false(m->writable);
        }
        const bool avr = part->family == PART_AVR_ISP;
        assert_true((part_memory(part, MEMORY_SIGNATURE) != NULL) == avr);
        assert_non_null(part_memory(part, MEMORY_LOCK));
        assert_true(part->erase_us >= part->erase_min_us && part->erase_us > 0);
        assert_true(part->chip_erase.present == avr);
        for (size_t j = 1; j < part->boot_size_count; j++)
            assert_true(part->boot_sizes[j - 1] < part->boot_sizes[j]);
    }
}

static void every_part_says_where_its_values_come_from(void **state)
{
    for (size_t i = 0; i < part_count(*state); i++) {
        const struct part *const part = part_at(*state, i);
        assert_non_null(part->source);
        if (strstr(part->source, "times: ") == NULL)
            fail_msg("%s: no source of its times", part->id);
        if (part->mosi_pin != NULL && strstr(part->source, "pins: ") == NULL)
            fail_msg("%s: no source of its pins", part->id);
        assert_true(part->interface_count > 0);
        assert_string_equal(part->interfaces[0], part->family == PART_STM32F1 ? "swd" : "isp");
    }
}

static bool is_hazard(const struct part *part, const struct memory *m, enum hazard_kind kind,
                      uint8_t value)
{
    for (size_t i = 0; i < part->hazard_count; i++)
        if (part->hazards[i].memory == m && part->hazards[i].kind == kind &&
            hazard_hit(&part->hazards[i], value))
            return true;
    return false;
}

/* RSTDISBL, DWEN and SPIEN are in other places from part to part: the field must tell, always. */
static void fields_that_shut_isp_off_are_hazards(void **state)
{
    static const struct {
        const char *field;
        enum hazard_kind kind;
        bool when_set;
    } rows[] = {
        {"RSTDISBL", HAZARD_RESET_DISABLE, false}, {"DWEN", HAZARD_DEBUGWIRE, false},
        {"SPIEN", HAZARD_SPI_DISABLE, true},       {"EXTCLKEN", HAZARD_EXTERNAL_CLOCK, false},
        {"CKDIV8", HAZARD_CLOCK_DIVIDED, false},   {"LB", HAZARD_LOCK, false}};
    for (size_t i = 0; i < part_count(*state); i++) {
        const struct part *const part = part_at(*state, i);
        for (size_t j = 0; j < part->memory_count; j++)
            for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
                const struct memory *const m = &part->memories[j];
                const struct field *const field = memory_field(m, rows[k].field);
                if (field == NULL || strncmp(part->id, "at89", 4) == 0)
                    continue;
                if (!is_hazard(part, m, rows[k].kind,
                               (uint8_t)(rows[k].when_set ? 0xff : 0xff & ~field->mask)))
                    fail_msg("%s %s: %s is no hazard", part->id, m->name, rows[k].field);
            }
    }
}

static void check_clock_value(const struct part *part, const struct memory *m,
                              const struct field *field, const struct field_value *value)
{
    static const struct {
        const char *word;
        enum hazard_kind kind;
    } rows[] = {{"xternal clock", HAZARD_EXTERNAL_CLOCK},
                {"crystal", HAZARD_CRYSTAL},
                {"resonator", HAZARD_CRYSTAL},
                {"External RC", HAZARD_CRYSTAL},
                {"ransceiver", HAZARD_CRYSTAL},
                {"128 kHz", HAZARD_SLOW_CLOCK},
                {"32 kHz", HAZARD_SLOW_CLOCK},
                {"low-frequency", HAZARD_SLOW_CLOCK}};
    unsigned shift = 0;
    while ((field->mask >> shift & 1) == 0)
        shift++;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strstr(value->caption, rows[i].word) != NULL &&
            !is_hazard(part, m, rows[i].kind, (uint8_t)(value->value << shift)))
            fail_msg("%s %s = 0x%02x: \"%s\" is no %s", part->id, field->name, value->value,
                     value->caption, part_hazard_name(rows[i].kind));
}

/* Whoever adds a clock field cannot forget what its values need on the board. */
static void clocks_that_need_parts_on_the_board_are_hazards(void **state)
{
    for (size_t i = 0; i < part_count(*state); i++) {
        const struct part *const part = part_at(*state, i);
        for (size_t j = 0; j < part->memory_count; j++)
            for (size_t k = 0; k < part->memories[j].field_count; k++) {
                const struct field *const field = &part->memories[j].fields[k];
                if (strstr(field->name, "CKSEL") == NULL)
                    continue;
                for (size_t v = 0; v < field->value_count; v++)
                    check_clock_value(part, &part->memories[j], field, &field->values[v]);
            }
    }
}

static void hazards_have_words_and_a_way_back(void **state)
{
    for (size_t i = 0; i < part_count(*state); i++) {
        const struct part *const part = part_at(*state, i);
        for (size_t j = 0; j < part->hazard_count; j++) {
            const struct hazard *const h = &part->hazards[j];
            assert_non_null(h->caption);
            assert_non_null(h->recovery);
            assert_true(h->value_count > 0);
            for (size_t k = 0; k < h->value_count; k++)
                assert_int_equal(h->values[k] & ~h->mask, 0);
        }
    }
}

static void stm32f103c8_is_as_its_data_sheet_says(void **state)
{
    const struct part *const part = part_named(*state, "STM32F103C8T6");
    assert_string_equal(part->name, "STM32F103x8");
    assert_ptr_equal(part, part_named(*state, "stm32f103c8"));
    assert_int_equal(part->core_id, 0x1ba01477);
    assert_int_equal(part->sram_size, 20480);
    assert_int_equal(memory_named(part, "flash")->size, 65536);
    assert_ptr_equal(memory_named(part, "lock"), memory_named(part, "rdp"));
    assert_int_equal(memory_named(part, "rdp")->base, 0x1ffff800);
    assert_int_equal(memory_named(part, "wrp3")->base, 0x1ffff80e);
    assert_int_equal(memory_named(part, "uid")->size, 12);
    const struct field *const watchdog = memory_field(memory_named(part, "user"), "WDG_SW");
    assert_non_null(watchdog);
    assert_int_equal(watchdog->mask, 1);
    assert_null(memory_field(memory_named(part, "user"), "BFB2"));
    assert_non_null(memory_field(memory_named(part_named(*state, "stm32f103zg"), "user"), "BFB2"));
    assert_null(part_memory(part, MEMORY_EEPROM));
}

static void a_chip_with_more_flash_may_be_called_by_less(void **state)
{
    const struct part *const part = part_named(*state, "stm32f103c8");
    const uint8_t same[3] = {0x04, 0x10, 4}, more[3] = {0x04, 0x10, 8}, less[3] = {0x04, 0x10, 2},
                  other[3] = {0x04, 0x14, 16};
    char text[PART_SIGNATURE_TEXT];
    assert_true(part_accepts(part, same));
    assert_true(part_accepts(part, more));
    assert_false(part_accepts(part, less));
    assert_false(part_accepts(part, other));
    assert_false(part_accepts(part_named(*state, "m328p"), same));
    assert_string_equal(part_signature_text(PART_STM32F1, more, text), "0x410 with 128 KiB");
}

static void atmega328p_is_as_its_data_sheet_says(void **state)
{
    const struct part *const part = part_named(*state, "m328p");
    const struct memory *const flash = memory_named(part, "flash");
    const struct memory *const hfuse = memory_named(part, "hfuse");
    const struct memory *const efuse = memory_named(part, "efuse");
    assert_int_equal(flash->size, 32768);
    assert_int_equal(flash->page_size, 128);
    assert_int_equal(flash->write_min_us, 4500);
    assert_int_equal(flash->poll, POLL_READY);
    assert_int_equal(memory_named(part, "eeprom")->size, 1024);
    assert_int_equal(memory_named(part, "eeprom")->page_size, 4);
    assert_int_equal(hfuse->initial, 0xd9);
    assert_int_equal(hfuse->write_mask, 0xdf);
    assert_int_equal(memory_field(hfuse, "RSTDISBL")->mask, 0x80);
    assert_int_equal(memory_field(hfuse, "BOOTSZ")->mask, 0x06);
    assert_int_equal(efuse->mask, 0x07);
    assert_int_equal(memory_field(efuse, "bodlevel")->value_count, 4);
    assert_int_equal(part->boot_size_count, 4);
    assert_int_equal(part->boot_sizes[0], 512);
    assert_int_equal(part->boot_sizes[3], 4096);
    assert_int_equal(part->clock_max_hz, 20000000);
    assert_int_equal(part->stk500_code, 0x86);
    assert_string_equal(part->reset_pin, "PC6");
    assert_string_equal(part->mosi_pin, "PB3");
    assert_true(part->reset_as_io);
    assert_int_equal(part->enable_reply_byte, 2);
    assert_int_equal(part->enable_reply_value, 0x53);
}

static void atmega2560_needs_extended_addresses(void **state)
{
    const struct part *const part = part_named(*state, "m2560");
    assert_true(part->extended_address);
    assert_int_equal(memory_named(part, "flash")->size, 262144);
    assert_int_equal(memory_named(part, "flash")->page_size, 256);
}

static void at89s52_has_its_own_instructions(void **state)
{
    const struct part *const part = part_named(*state, "at89s52");
    const struct memory *const flash = memory_named(part, "flash");
    const struct memory *const signature = memory_named(part, "signature");
    assert_true(part->reset_active_high);
    assert_int_equal(part->enable_reply_byte, 3);
    assert_int_equal(part->enable_reply_value, 0x69);
    assert_int_equal(part->erase_us, 500000);
    assert_false(flash->isp.read[1].present);
    assert_false(flash->isp.write[1].present);
    assert_int_equal(signature->isp.read[0].bytes[0], 0x28);
    assert_int_equal(signature->isp.read[0].address_shift, 8);
    assert_false(memory_named(part, "lock")->writable);
    assert_null(part_memory(part, MEMORY_EEPROM));
    assert_null(part_memory(part, MEMORY_FUSE));
}

static void at90s2323_carries_fuse_and_lock_bits_in_its_own_places(void **state)
{
    const struct part *const part = part_named(*state, "at90s2323");
    const struct memory *const fuse = memory_named(part, "fuse");
    const struct memory *const lock = memory_named(part, "lock");
    assert_int_equal(fuse->write_mask, 0x01);
    assert_int_equal(fuse->isp.write[0].bytes[1], 0xbe);
    assert_int_equal(fuse->isp.write[0].map_count, 1);
    assert_int_equal(fuse->isp.write[0].maps[0].byte, 1);
    assert_int_equal(fuse->isp.write[0].maps[0].shift, 0);
    assert_int_equal(lock->isp.read[0].map_count, 2); /* 58: LB1 in bit 7, LB2 in bit 6 */
    assert_int_equal(lock->isp.read[0].maps[0].mask, 0x02);
    assert_int_equal(lock->isp.read[0].maps[0].shift, 6);
    assert_int_equal(lock->isp.read[0].maps[1].mask, 0x04);
    assert_int_equal(lock->isp.read[0].maps[1].shift, 4);
    assert_true(part->reenter_after_erase);
    assert_true(part->old_lock_hides_signature);
    assert_false(fuse->initial_known);
}

static void at90s1200_hides_fuses_and_gives_no_echo(void **state)
{
    const struct part *const part = part_named(*state, "at90s1200");
    const struct memory *const fuse = memory_named(part, "fuse");
    assert_int_equal(part->enable_reply_value, 0);
    assert_false(fuse->isp.read[0].present);
    assert_false(fuse->writable);
    assert_false(memory_named(part, "lock")->isp.read[0].present);
    assert_true(memory_named(part, "lock")->writable);
    assert_int_equal(memory_named(part, "eeprom")->poll, POLL_VALUE);
    assert_int_equal(memory_named(part, "eeprom")->poll_value_count, 2);
}

static void attiny13_has_spien_in_the_low_fuse(void **state)
{
    const struct part *const part = part_named(*state, "t13");
    assert_int_equal(memory_field(memory_named(part, "lfuse"), "SPIEN")->mask, 0x80);
    assert_int_equal(memory_field(memory_named(part, "hfuse"), "RSTDISBL")->mask, 0x01);
    assert_int_equal(memory_named(part, "hfuse")->mask, 0x1f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_loads),
        cmocka_unit_test(listings_are_sorted_by_name),
        cmocka_unit_test(no_name_means_two_parts),
        cmocka_unit_test(shared_signatures_are_declared),
        cmocka_unit_test(memories_are_consistent),
        cmocka_unit_test(every_part_says_where_its_values_come_from),
        cmocka_unit_test(fields_that_shut_isp_off_are_hazards),
        cmocka_unit_test(clocks_that_need_parts_on_the_board_are_hazards),
        cmocka_unit_test(hazards_have_words_and_a_way_back),
        cmocka_unit_test(stm32f103c8_is_as_its_data_sheet_says),
        cmocka_unit_test(a_chip_with_more_flash_may_be_called_by_less),
        cmocka_unit_test(atmega328p_is_as_its_data_sheet_says),
        cmocka_unit_test(atmega2560_needs_extended_addresses),
        cmocka_unit_test(at89s52_has_its_own_instructions),
        cmocka_unit_test(at90s2323_carries_fuse_and_lock_bits_in_its_own_places),
        cmocka_unit_test(at90s1200_hides_fuses_and_gives_no_echo),
        cmocka_unit_test(attiny13_has_spien_in_the_low_fuse),
    };
    return cmocka_run_group_tests(tests, open_database, close_database);
}
