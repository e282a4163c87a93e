/* The STM32F1 family over a made-up SWD programmer. What the chip does here is only as much as the
 * host's side needs; the code of the loader runs in tests/wire, on the model of the chip. */
#include <stdlib.h>
#include <string.h>

#include "../../src/target/stm32f1/loader.h"
#include "../../src/target/stm32f1/stm32f1.h"
#include "support/record.h"
#include "support/test.h"

enum {
    RAM_SIZE = 20480,
    FLASH_SIZE_BYTES = 65536,
    FLASH_BASE = 0x08000000,
    OPTION_BASE = 0x1ffff800
};

struct chip {
    struct fake_clock clock;
    struct record record;
    sig_atomic_t cancel;
    struct context context;
    struct programmer_driver driver;
    struct programmer_entry entry;
    struct programmer_config config;
    struct programmer programmer;
    struct part_database *parts;
    struct target *target;
    struct error e;
    uint8_t ram[RAM_SIZE], flash[FLASH_SIZE_BYTES], options[16];
    uint32_t idcode[2], cpuid, core_id, size_word, obr, wrpr, dhcsr, cr;
    unsigned id_reads, erases, option_erases;
    bool size_refused, lockup, nonsense, stuck, line_low, line_cut, silent_after_reset;
    unsigned guide_s;
    unsigned deaf_attempts; /* attach() fails so often, unless the line is low */
    unsigned attempts, line_falls;
    uint32_t protected_page; /* an address; 0: none */
    uint32_t cancel_at;      /* done bytes after which the user wants out; 0: never */
};

static struct chip *chip_of(struct programmer *p)
{
    return p->state;
}

static uint32_t get32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static void put32(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static uint8_t *cells(struct chip *c, uint32_t address)
{
    if (address >= FLASH_BASE && address < FLASH_BASE + FLASH_SIZE_BYTES)
        return c->flash + (address - FLASH_BASE);
    if (address >= OPTION_BASE && address < OPTION_BASE + sizeof c->options)
        return c->options + (address - OPTION_BASE);
    fail_msg("0x%08x is neither flash nor option bytes", (unsigned)address);
    return NULL;
}

static void end_loader(struct chip *c, uint32_t sr, uint32_t address)
{
    put32(c->ram + LOADER_RESULT, sr);
    put32(c->ram + LOADER_ADDRESS, address);
    c->dhcsr = S_HALT;
}

/* What the loader would have done by now: one page, if all of it is in the ring. */
static void run_loader(struct chip *c)
{
    const uint8_t *p = c->ram + LOADER_PARAMETERS;
    const uint32_t address = get32(p + 4 * PARAMETER_ADDRESS), end = get32(p + 4 * PARAMETER_END);
    const uint32_t page = get32(p + 4 * PARAMETER_PAGE_MASK) + 1;
    const uint32_t ring = get32(p + 4 * PARAMETER_RING_SIZE);
    const uint32_t done = get32(c->ram + LOADER_DONE), ready = get32(c->ram + LOADER_READY);
    if (c->stuck || ready - done < page)
        return;
    assert_true(ready - done <= ring);
    if (address + done == c->protected_page) {
        end_loader(c, SR_PROTECTED, address + done);
        return;
    }
    uint8_t *to = cells(c, address + done);
    c->erases += get32(p + 4 * PARAMETER_ERASE);
    memcpy(to, c->ram + LOADER_RING + done % ring, page);
    put32(c->ram + LOADER_DONE, c->nonsense ? 3 : done + page);
    if (c->cancel_at != 0 && done + page >= c->cancel_at)
        c->cancel = 2;
    if (address + done + page == end || get32(c->ram + LOADER_STOP) != 0)
        end_loader(c, 0, address + done + page);
}

static enum status read_word(struct chip *c, uint32_t address, uint32_t *value, struct error *e)
{
    *value = 0;
    switch (address) {
    case CPUID:
        *value = c->cpuid;
        return STATUS_OK;
    case DBGMCU_IDCODE:
        *value = c->idcode[c->id_reads++ % 2];
        return STATUS_OK;
    case FLASH_SIZE:
        *value = c->size_word;
        return c->size_refused ? error_set(e, STATUS_PROTECTED, "bus error") : STATUS_OK;
    case FLASH_REGISTERS + FLASH_OBR:
        *value = c->obr;
        return STATUS_OK;
    case FLASH_REGISTERS + FLASH_WRPR:
        *value = c->wrpr;
        return STATUS_OK;
    case FLASH_REGISTERS + FLASH_CR:
        *value = c->cr;
        return STATUS_OK;
    case DHCSR:
        if (c->silent_after_reset)
            return error_set(e, STATUS_NO_TARGET, "silence");
        if ((c->dhcsr & S_HALT) == 0)
            run_loader(c);
        *value = c->dhcsr | (c->lockup ? S_LOCKUP : 0) | S_RESET;
        return STATUS_OK;
    default:
        break;
    }
    if (address >= SRAM && address < SRAM + RAM_SIZE)
        *value = get32(c->ram + (address - SRAM));
    else if (address >= OPTION_BASE && address < OPTION_BASE + sizeof c->options)
        *value = get32(cells(c, address));
    return STATUS_OK;
}

static void write_word(struct chip *c, uint32_t address, uint32_t value)
{
    if (address >= SRAM && address < SRAM + RAM_SIZE)
        put32(c->ram + (address - SRAM), value);
    else if (address == FLASH_REGISTERS + FLASH_CR && (value & CR_LOCK) != 0)
        c->cr |= CR_LOCK;
    else if (address == FLASH_REGISTERS + FLASH_KEYR && value == FLASH_KEY2)
        c->cr &= ~(uint32_t)CR_LOCK;
    else if (address == FLASH_REGISTERS + FLASH_CR && (value & CR_STRT) != 0) {
        if ((value & CR_OPTER) != 0) {
            assert_true((value & CR_OPTWRE) != 0);
            memset(c->options, 0xff, sizeof c->options);
            c->option_erases++;
        } else {
            memset(c->flash, 0xff, sizeof c->flash);
        }
    } else if (address == DHCSR && value == DHCSR_RUN)
        c->dhcsr = 0;
    else if (address == AIRCR) {
        c->dhcsr = S_HALT;
        c->obr = c->options[0] == RDP_OFF ? 0 : OBR_PROTECTED;
        c->wrpr = (uint32_t)c->options[8] | (uint32_t)c->options[10] << 8 |
                  (uint32_t)c->options[12] << 16 | (uint32_t)c->options[14] << 24;
    }
}

static enum status fake_words(struct programmer *p, struct swd_word *words, size_t count,
                              struct error *e)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].write)
            write_word(chip_of(p), words[i].address, words[i].value);
        else
            TRY(read_word(chip_of(p), words[i].address, &words[i].value, e));
    }
    return STATUS_OK;
}

static enum status fake_read(struct programmer *p, uint32_t address, uint8_t *data, size_t size,
                             struct error *e)
{
    (void)e;
    assert_int_equal((address | size) % 4, 0);
    memcpy(data, cells(chip_of(p), address), size);
    context_advance(p->context, (uint32_t)size);
    return STATUS_OK;
}

static enum status fake_write(struct programmer *p, uint32_t address, const uint8_t *data,
                              size_t size, struct error *e)
{
    (void)e;
    assert_in_range(address, SRAM, SRAM + RAM_SIZE - size);
    memcpy(chip_of(p)->ram + (address - SRAM), data, size);
    return STATUS_OK;
}

static enum status fake_register(struct programmer *p, unsigned number, uint32_t value,
                                 struct error *e)
{
    (void)p;
    (void)e;
    assert_true((number == 15 && value == SRAM) || (number == 16 && value == 0x01000000));
    return STATUS_OK;
}

static enum status fake_line(struct programmer *p, bool low, struct error *e)
{
    struct chip *c = chip_of(p);
    (void)e;
    c->line_falls += low && !c->line_low;
    c->line_low = low;
    c->dhcsr = S_HALT;
    return STATUS_OK;
}

static uint32_t fake_core_id(const struct programmer *p)
{
    return ((const struct chip *)p->state)->core_id;
}

static unsigned fake_guide(const struct programmer *p)
{
    return ((const struct chip *)p->state)->guide_s;
}

static enum status fake_enter(struct programmer *p, struct error *e)
{
    struct chip *c = chip_of(p);
    c->attempts++;
    return c->attempts > c->deaf_attempts || (c->line_low && !c->line_cut)
               ? STATUS_OK
               : error_set(e, STATUS_NO_TARGET, "no chip answers");
}

static enum status fake_leave(struct programmer *p, struct error *e)
{
    (void)p;
    (void)e;
    return STATUS_OK;
}

static const struct swd_ops fake_swd = {.words = fake_words,
                                        .read = fake_read,
                                        .write = fake_write,
                                        .set_register = fake_register,
                                        .reset_line = fake_line,
                                        .core_id = fake_core_id,
                                        .guide_s = fake_guide};

static void set_options(struct chip *c, const uint8_t values[8])
{
    for (size_t i = 0; i < 8; i++) {
        c->options[2 * i] = values[i];
        c->options[2 * i + 1] = (uint8_t)~values[i];
    }
}

static struct chip *chip_new(void)
{
    static const uint8_t usual[8] = {0xa5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct chip *c = calloc(1, sizeof *c);
    const struct part *part = NULL;
    assert_non_null(c);
    c->clock = fake_clock_new();
    c->record = record_new();
    context_init(&c->context, &c->clock.base, &c->record.base, &c->cancel);
    c->idcode[0] = c->idcode[1] = 0x20036410;
    c->cpuid = 0x411fc231;
    c->core_id = 0x1ba01477;
    c->size_word = 0xffff0040;
    c->cr = CR_LOCK;
    c->dhcsr = S_HALT;
    set_options(c, usual);
    c->driver = (struct programmer_driver){
        .name = "fake", .swd = &fake_swd, .enter = fake_enter, .leave = fake_leave};
    c->entry = (struct programmer_entry){.id = "fake"};
    c->programmer = (struct programmer){.driver = &c->driver,
                                        .entry = &c->entry,
                                        .config = &c->config,
                                        .context = &c->context,
                                        .state = c};
    assert_int_equal(part_database_open(&c->parts, &c->e), STATUS_OK);
    assert_int_equal(part_find(c->parts, "stm32f103c8", &part, &c->e), STATUS_OK);
    assert_int_equal(target_open(&c->programmer, part, &c->target, &c->e), STATUS_OK);
    return c;
}

static void chip_free(struct chip *c)
{
    target_close(c->target);
    part_database_close(c->parts);
    free(c);
}

static void must(struct chip *c, enum status status)
{
    if (status != STATUS_OK)
        fail_msg("%s", c->e.text);
}

static struct chip *connected(void)
{
    struct chip *c = chip_new();
    uint8_t signature[3];
    must(c, target_enter(c->target, &c->e));
    must(c, target_identify(c->target, signature, &c->e));
    assert_memory_equal(signature, "\x04\x10\x04", 3);
    return c;
}

static const struct memory *memory(struct chip *c, const char *name)
{
    const struct memory *m = NULL;
    assert_int_equal(part_memory_find(target_part(c->target), name, &m), MEMORY_FOUND);
    return m;
}

/* --- identity ------------------------------------------------------------------------------- */

static void stale_and_failed_ids_are_no_ids(void **state)
{
    (void)state;
    static const uint32_t bad[][2] = {
        {0, 0}, {0xffffffff, 0xffffffff}, {0xe0042000, 0xe0042000}, {0x20036410, 0x20036412}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct chip *c = chip_new();
        uint8_t signature[3];
        memcpy(c->idcode, bad[i], sizeof c->idcode);
        must(c, target_enter(c->target, &c->e));
        assert_int_equal(target_identify(c->target, signature, &c->e), STATUS_NO_TARGET);
        assert_true(c->e.hint[0] != '\0');
        assert_int_equal(target_unreliable(c->target), bad[i][0] != bad[i][1]);
        assert_int_equal(target_erase(c->target, &c->e), STATUS_NO_TARGET);
        chip_free(c);
    }
}

static void size_that_no_such_chip_has_is_named_and_not_believed(void **state)
{
    (void)state;
    static const uint32_t words[] = {0, 0xffff, 0xffff6410, 0xffff0000};
    for (size_t i = 0; i <= sizeof words / sizeof words[0]; i++) {
        struct chip *c = chip_new();
        uint8_t signature[3];
        if (i < sizeof words / sizeof words[0])
            c->size_word = words[i];
        else
            c->size_refused = true;
        must(c, target_enter(c->target, &c->e));
        must(c, target_identify(c->target, signature, &c->e));
        assert_memory_equal(signature, "\x04\x10\x04", 3);
        assert_non_null(strstr(c->record.log, "warning: the size register reads as"));
        chip_free(c);
    }
}

static void clone_is_told_by_its_debug_port(void **state)
{
    (void)state;
    char text[160];
    struct chip *c = connected();
    assert_false(target_is_clone(c->target, target_part(c->target), text, sizeof text));
    chip_free(c);
    c = chip_new();
    c->core_id = 0x2ba01477;
    uint8_t signature[3];
    must(c, target_enter(c->target, &c->e));
    must(c, target_identify(c->target, signature, &c->e));
    assert_true(target_is_clone(c->target, target_part(c->target), text, sizeof text));
    assert_non_null(strstr(text, "0x2ba01477 instead of 0x1ba01477"));
    chip_free(c);
}

/* --- the way in and out --------------------------------------------------------------------- */

static void silent_chip_is_tried_slower_and_then_under_reset(void **state)
{
    (void)state;
    struct chip *c = chip_new();
    c->deaf_attempts = 99;
    must(c, target_enter(c->target, &c->e));
    assert_int_equal(c->attempts, 3);
    assert_int_equal(c->line_falls, 1);
    assert_false(c->line_low);
    chip_free(c);
    c = chip_new();
    c->deaf_attempts = 1;
    must(c, target_enter(c->target, &c->e));
    assert_int_equal(c->attempts, 2);
    assert_int_equal(c->line_falls, 0);
    chip_free(c);
}

static void person_is_asked_for_a_finger_on_reset_where_the_line_is_not_wired(void **state)
{
    (void)state;
    struct chip *c = chip_new();
    c->line_cut = true;
    c->deaf_attempts = 20;
    c->guide_s = 5;
    must(c, target_enter(c->target, &c->e));
    const char *hold = strstr(c->record.log, "hold the RESET button");
    assert_non_null(hold);
    assert_non_null(strstr(hold, "release the RESET button"));
    chip_free(c);
    c = chip_new();
    c->line_cut = true;
    c->deaf_attempts = 100000;
    c->guide_s = 5;
    const uint64_t begin_us = c->clock.now_us;
    assert_int_equal(target_enter(c->target, &c->e), STATUS_NO_TARGET);
    assert_in_range(c->clock.now_us - begin_us, 5000000, 6000000);
    assert_non_null(strstr(c->e.hint, "SWDIO"));
    assert_false(c->line_low);
    chip_free(c);
}

static void firmware_that_is_silent_at_once_is_no_error_on_the_way_out(void **state)
{
    (void)state;
    struct chip *c = connected();
    c->silent_after_reset = true;
    must(c, target_leave(c->target, &c->e));
    assert_non_null(strstr(c->record.log, "turns SWD off"));
    chip_free(c);
}

/* --- writing -------------------------------------------------------------------------------- */

static enum status write_flash(struct chip *c, uint32_t size)
{
    struct image *image = image_new(), *present = image_new();
    uint8_t *data = malloc(size);
    assert_true(image != NULL && present != NULL && data != NULL);
    for (uint32_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    must(c, image_put(image, FLASH_BASE, data, size, IMAGE_OVERLAP_SAME, NULL, &c->e));
    const enum status status = target_write(c->target, memory(c, "flash"), image, present, &c->e);
    if (status == STATUS_OK)
        assert_memory_equal(c->flash, data, size);
    image_free(image);
    image_free(present);
    free(data);
    return status;
}

static void pages_go_through_the_ring_as_often_as_it_takes(void **state)
{
    (void)state;
    struct chip *c = connected();
    must(c, write_flash(c, FLASH_SIZE_BYTES - 1024));
    assert_int_equal(c->erases, 63);
    assert_int_equal(c->cr & CR_LOCK, CR_LOCK);
    chip_free(c);
}

static void all_of_the_chip_is_erased_at_once(void **state)
{
    (void)state;
    struct chip *c = connected();
    must(c, write_flash(c, FLASH_SIZE_BYTES));
    assert_int_equal(c->erases, 0);
    assert_int_equal(c->cr & CR_LOCK, CR_LOCK);
    chip_free(c);
}

static void loader_that_does_not_do_its_work_is_an_error(void **state)
{
    (void)state;
    struct chip *c = connected();
    c->nonsense = true;
    assert_int_equal(write_flash(c, 4096), STATUS_NO_TARGET);
    assert_non_null(strstr(c->e.text, "nonsense"));
    chip_free(c);
    c = connected();
    c->lockup = true;
    assert_int_equal(write_flash(c, 4096), STATUS_NO_TARGET);
    assert_non_null(strstr(c->e.text, "crashed"));
    chip_free(c);
    c = connected();
    c->stuck = true;
    assert_int_equal(write_flash(c, 4096), STATUS_TIMEOUT);
    assert_non_null(strstr(c->e.text, "0x08000000"));
    chip_free(c);
    c = connected();
    c->protected_page = FLASH_BASE + 2048;
    assert_int_equal(write_flash(c, 4096), STATUS_PROTECTED);
    assert_non_null(strstr(c->e.text, "0x08000800"));
    chip_free(c);
}

static void wish_to_stop_is_heeded_between_two_pages(void **state)
{
    (void)state;
    struct chip *c = connected();
    c->cancel_at = 3072;
    assert_int_equal(write_flash(c, FLASH_SIZE_BYTES), STATUS_CANCELLED);
    assert_int_equal(get32(c->ram + LOADER_STOP), 1);
    const uint32_t done = get32(c->ram + LOADER_DONE);
    assert_int_equal(done % 1024, 0);
    assert_in_range(done, 3072, 8192);
    assert_int_equal(c->dhcsr, S_HALT);
    chip_free(c);
}

static void unaligned_bytes_are_read_by_words(void **state)
{
    (void)state;
    struct chip *c = connected();
    uint8_t found[11];
    for (uint32_t i = 0; i < 16; i++)
        c->options[i] = (uint8_t)(0x30 + i);
    struct memory m = *memory(c, "flash");
    m.base = OPTION_BASE;
    m.size = 16;
    must(c, target_read(c->target, &m, 3, found, sizeof found, &c->e));
    for (uint32_t i = 0; i < sizeof found; i++)
        assert_int_equal(found[i], 0x33 + i);
    chip_free(c);
}

/* --- option bytes --------------------------------------------------------------------------- */

static void option_byte_is_changed_and_the_others_are_put_back(void **state)
{
    (void)state;
    static const uint8_t before[8] = {0xa5, 0xff, 0x12, 0x34, 0xfe, 0xff, 0x7f, 0xff};
    static const uint8_t after[8] = {0xa5, 0xfd, 0x12, 0x34, 0xfe, 0xff, 0x7f, 0xff};
    struct chip *c = connected();
    set_options(c, before);
    must(c, target_write_byte(c->target, memory(c, "user"), 0xfd, &c->e));
    assert_int_equal(c->option_erases, 1);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(c->options[2 * i], after[i]);
        assert_int_equal(c->options[2 * i + 1], (uint8_t)~after[i]);
    }
    chip_free(c);
}

static void failure_behind_the_erase_of_option_bytes_names_the_way_back(void **state)
{
    (void)state;
    struct chip *c = connected();
    c->stuck = true;
    assert_int_equal(target_write_byte(c->target, memory(c, "user"), 0xfd, &c->e), STATUS_TIMEOUT);
    assert_non_null(strstr(c->e.hint, "ispflash unlock"));
    chip_free(c);
}

static void protection_lies_on_blocks_of_4_kib(void **state)
{
    (void)state;
    struct target_run run;
    struct chip *c = connected();
    assert_false(target_write_protected(c->target, 0, &run));
    static const uint8_t some[8] = {0xa5, 0xff, 0xff, 0xff, 0xfa, 0x7f, 0xff, 0x7f};
    set_options(c, some);
    must(c, stm32f1_restart(c->target, &c->e));
    assert_true(target_write_protected(c->target, 0, &run));
    assert_int_equal(run.address, 0);
    assert_int_equal(run.size, 4096);
    assert_true(target_write_protected(c->target, 4096, &run));
    assert_int_equal(run.address, 8192);
    assert_true(target_write_protected(c->target, 12288, &run));
    assert_int_equal(run.address, 15 * 4096);
    assert_false(target_write_protected(c->target, 65536, &run)); /* bit 31 is beyond this flash */
    run = (struct target_run){.address = 8192, .size = 4096};
    must(c, target_unprotect(c->target, &run, 1, &c->e));
    assert_int_equal(c->options[8], 0xfe);
    assert_int_equal(c->options[10], 0x7f);
    chip_free(c);
}

static void unlocking_lifts_all_protection_and_keeps_the_rest(void **state)
{
    (void)state;
    static const uint8_t locked[8] = {0x00, 0xfd, 0x12, 0x34, 0xf0, 0xff, 0xff, 0xff};
    struct chip *c = chip_new();
    uint8_t signature[3];
    set_options(c, locked);
    must(c, target_enter(c->target, &c->e));
    must(c, target_identify(c->target, signature, &c->e));
    assert_true(target_lock_blocks_read(c->target, 0x00));
    assert_true(target_lock_blocks_write(c->target, RDP_OFF)); /* what was loaded counts */
    must(c, target_unlock(c->target, &c->e));
    assert_int_equal(c->options[0], RDP_OFF);
    assert_int_equal(c->options[2], 0xfd);
    assert_int_equal(c->options[4], 0x12);
    assert_int_equal(c->options[8], 0xff);
    assert_false(target_lock_blocks_read(c->target, RDP_OFF));
    chip_free(c);
}

static void read_protection_may_be_set_and_is_lifted_by_unlocking_only(void **state)
{
    (void)state;
    struct chip *c = connected();
    const struct memory *rdp = memory(c, "rdp");
    assert_true(target_lock_can_become(c->target, rdp, RDP_OFF, 0x00));
    assert_false(target_lock_can_become(c->target, rdp, 0x00, RDP_OFF));
    assert_false(target_lock_can_become(c->target, rdp, 0xff, RDP_OFF));
    assert_int_equal(target_traits(c->target) & TARGET_UNLOCK, TARGET_UNLOCK);
    chip_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stale_and_failed_ids_are_no_ids),
        cmocka_unit_test(size_that_no_such_chip_has_is_named_and_not_believed),
        cmocka_unit_test(clone_is_told_by_its_debug_port),
        cmocka_unit_test(silent_chip_is_tried_slower_and_then_under_reset),
        cmocka_unit_test(person_is_asked_for_a_finger_on_reset_where_the_line_is_not_wired),
        cmocka_unit_test(firmware_that_is_silent_at_once_is_no_error_on_the_way_out),
        cmocka_unit_test(pages_go_through_the_ring_as_often_as_it_takes),
        cmocka_unit_test(all_of_the_chip_is_erased_at_once),
        cmocka_unit_test(loader_that_does_not_do_its_work_is_an_error),
        cmocka_unit_test(wish_to_stop_is_heeded_between_two_pages),
        cmocka_unit_test(unaligned_bytes_are_read_by_words),
        cmocka_unit_test(option_byte_is_changed_and_the_others_are_put_back),
        cmocka_unit_test(failure_behind_the_erase_of_option_bytes_names_the_way_back),
        cmocka_unit_test(protection_lies_on_blocks_of_4_kib),
        cmocka_unit_test(unlocking_lifts_all_protection_and_keeps_the_rest),
        cmocka_unit_test(read_protection_may_be_set_and_is_lifted_by_unlocking_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
