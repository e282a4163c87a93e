/* Fuse and lock bits by name: every part, every value, and what is wrong with a wish. */
#include "ispflash/fuses.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

static struct part_database *parts;
static struct error e;

static int open_parts(void **state)
{
    (void)state;
    return part_database_open(&parts, &e) == STATUS_OK ? 0 : -1;
}

static int close_parts(void **state)
{
    (void)state;
    part_database_close(parts);
    return 0;
}

static const struct part *part(const char *name)
{
    const struct part *found = NULL;
    if (part_find(parts, name, &found, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return found;
}

static struct fuse_set set_of(const char *name)
{
    struct fuse_set set;
    fuse_set_init(&set, part(name));
    return set;
}

static void assign(struct fuse_set *s, const char *text)
{
    if (fuse_set_assign(s, text, &e) != STATUS_OK)
        fail_msg("%s: %s", text, e.text);
}

static void refuse(struct fuse_set *s, const char *text, const char *error, const char *hint)
{
    const struct fuse_set before = *s;
    if (fuse_set_assign(s, text, &e) != STATUS_USAGE)
        fail_msg("%s was taken", text);
    if (strstr(e.text, error) == NULL)
        fail_msg("%s\nis not in: %s", error, e.text);
    if (hint != NULL && strstr(e.hint, hint) == NULL)
        fail_msg("%s\nis not in: %s", hint, e.hint);
    assert_memory_equal(s, &before, sizeof before);
}

static const struct fuse_byte *byte(const struct fuse_set *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->bytes[i].memory->name, name) == 0)
            return &s->bytes[i];
    fail_msg("no byte %s", name);
    return NULL;
}

static void expect(const char *name, const char *text, const char *memory, uint8_t given,
                   uint8_t value)
{
    struct fuse_set s = set_of(name);
    assign(&s, text);
    const struct fuse_byte *b = byte(&s, memory);
    if (b->given != given || (b->value & given) != value)
        fail_msg("%s: %s gives 0x%02x of 0x%02x", name, text, b->value & b->given, b->given);
}

/* --- every part ----------------------------------------------------------------------------- */

/* Each field in words, taken in again. */
static void rebuild(const struct part *p, const struct memory *m, uint8_t value)
{
    struct fuse_set s;
    uint8_t mask = 0;
    fuse_set_init(&s, p);
    for (size_t i = 0; i < m->field_count; i++) {
        char name[FUSE_TEXT_SIZE], text[2 * FUSE_TEXT_SIZE];
        const struct field *field = &m->fields[i];
        (void)snprintf(text, sizeof text, "%s.%s=%s", m->name, field->name,
                       fuse_value_name(field, field_get(field, value), name));
        assign(&s, text);
        mask |= field->mask;
    }
    const struct fuse_byte *b = fuse_set_find(&s, m);
    assert_non_null(b);
    if (b->given != mask || ((b->value ^ value) & mask) != 0)
        fail_msg("%s: %s 0x%02x became 0x%02x", p->name, m->name, value, b->value);
}

static void every_byte_of_every_part_survives_decoding_and_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < part_count(parts); i++) {
        const struct part *p = part(part_entry_at(parts, i).id);
        struct fuse_set s;
        fuse_set_init(&s, p);
        assert_in_range(s.count, 1, FUSE_BYTES_MAX - 1);
        for (size_t k = 0; k < s.count; k++)
            for (unsigned value = 0; value < 256; value++)
                rebuild(p, s.bytes[k].memory, (uint8_t)value);
    }
}

/* Values that share their name with another are reached by number. */
static void every_value_answers_to_avrdudes_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < part_count(parts); i++) {
        struct fuse_set s = set_of(part_entry_at(parts, i).id);
        for (size_t k = 0; k < s.count; k++) {
            const struct memory *m = s.bytes[k].memory;
            for (size_t f = 0; f < m->field_count; f++) {
                const struct field *field = &m->fields[f];
                for (size_t v = 0; v < fuse_value_count(field); v++) {
                    char alias[FUSE_TEXT_SIZE], text[2 * FUSE_TEXT_SIZE];
                    const uint8_t value = fuse_value_at(field, v);
                    char name[FUSE_TEXT_SIZE];
                    (void)fuse_value_name(field, value, name);
                    if (fuse_value_alias(field, value, alias)[0] == '\0' ||
                        (field->value_count > 0 && name[0] >= '0' && name[0] <= '9' &&
                         name[1] != 'V' && strchr(name, 'W') == NULL)) /* no name of its own */
                        continue;
                    fuse_set_init(&s, s.part);
                    (void)snprintf(text, sizeof text, "%s.%s=%s", m->name, field->name, alias);
                    assign(&s, text);
                    assert_int_equal(field_get(field, s.bytes[k].value), value);
                }
            }
        }
    }
}

/* --- words ---------------------------------------------------------------------------------- */

static void values_answer_to_many_names(void **state)
{
    (void)state;
    expect("m328p", "lfuse=0x5e", "lfuse", 0xff, 0x5e);
    expect("m328p", "LFUSE=94", "lfuse", 0xff, 0x5e);
    expect("m328p", "lock=0b11001111", "lock", 0xff, 0xcf);
    expect("m328p", "lockbits=0xcf", "lock", 0xff, 0xcf);
    expect("m328p", "BODLEVEL=2V7", "efuse", 0x07, 0x05);
    expect("m328p", "bodlevel=2v7", "efuse", 0x07, 0x05);
    expect("m328p", "bodlevel=bod_2v7", "efuse", 0x07, 0x05);
    expect("m328p", "BODLEVEL=5", "efuse", 0x07, 0x05);
    expect("m328p", "bod=dis", "efuse", 0x07, 0x07);
    expect("m328p", "efuse.BODLEVEL=4V3", "efuse", 0x07, 0x04);
    expect("m328p", "CKDIV8=0", "lfuse", 0x80, 0x00);
    expect("m328p", "CKDIV8=on", "lfuse", 0x80, 0x00);
    expect("m328p", "CKDIV8=unprogrammed", "lfuse", 0x80, 0x80);
    expect("m328p", "ckdiv8=by_1", "lfuse", 0x80, 0x80);
    expect("m328p", "eesave=ee_erased", "hfuse", 0x08, 0x08);
    expect("m328p", "eesave=ee_pres", "hfuse", 0x08, 0x00);
    expect("m328p", "wdton=wdt_programmable", "hfuse", 0x10, 0x10);
    expect("m328p", "bootsz=bs_256w", "hfuse", 0x06, 0x06);
    expect("m328p", "BOOTSZ=256W", "hfuse", 0x06, 0x06);
    expect("m328p", "bootrst=boot", "hfuse", 0x01, 0x00);
    expect("m328p", "spien=isp_disabled_warning_might_brick_the_board", "hfuse", 0x20, 0x20);
    expect("m328p", "rstdisbl=gpio_pc6_warning_external_reset_disabled", "hfuse", 0x80, 0x00);
    expect("m328p", "ckout=gpio_pb0", "lfuse", 0x40, 0x00);
    expect("m328p", "blb1=lpm_spm_disabled_in_boot", "lock", 0x30, 0x00);
    expect("m328p", "lb=prog_disabled", "lock", 0x03, 0x02);
    expect("m328p", "sut_cksel=intrcosc_8mhz_6ck_14ck_65ms", "lfuse", 0x3f, 0x22);
    expect("m48pa", "sut_cksel=intrcosc_8mhz_6ck_14ck_65ms", "lfuse", 0x3f, 0x22);
    expect("m328p", "su=0x37", "lfuse", 0x3f, 0x37);
    expect("m128rfa1", "sut_cksel=0x22", "lfuse", 0x3f, 0x22);
}

static void sut_and_cksel_are_reached_in_their_common_field(void **state)
{
    (void)state;
    expect("m328p", "CKSEL=2", "lfuse", 0x0f, 0x02);
    expect("m328p", "SUT=2", "lfuse", 0x30, 0x20);
    expect("t13", "CKSEL=2", "lfuse", 0x03, 0x02);
    expect("t13", "SUT=2", "lfuse", 0x0c, 0x08);
    expect("t26", "PLLCK=0", "lfuse", 0x80, 0x00);
    expect("t26", "CKSEL=1", "lfuse", 0x0f, 0x01);
    expect("t828", "SUT=2", "lfuse", 0x30, 0x20);
    expect("t1634", "SUT=1", "lfuse", 0x10, 0x10);
    expect("t88", "CKSEL=2", "lfuse", 0x03, 0x02);
    struct fuse_set s = set_of("m328p");
    assign(&s, "CKSEL=0");
    assign(&s, "SUT=3");
    assert_int_equal(byte(&s, "lfuse")->given, 0x3f);
    assert_int_equal(byte(&s, "lfuse")->value & 0x3f, 0x30);
    refuse(&s, "SUT=fast", "SUT takes a number", NULL);
    refuse(&s, "CKSEL=16", "CKSEL holds 0 to 15", NULL);
}

static void a_wrong_wish_is_answered_with_what_might_be_meant(void **state)
{
    (void)state;
    struct fuse_set s = set_of("m328p");
    refuse(&s, "BODLEVL=2V7", "the ATmega328P has no fuse or lock bits called BODLEVL", "BODLEVEL");
    refuse(&s, "lfsue=0x62", "lfsue", "lfuse");
    refuse(&s, "JTAGEN=0", "no fuse or lock bits called JTAGEN", "ispflash fuses -p m328p");
    refuse(&s, "BODLEVEL=2V8", "BODLEVEL has no such value", "2V7");
    refuse(&s, "BODLEVEL=8", "BODLEVEL holds 0 to 7", NULL);
    refuse(&s, "BODLEVEL=99999999999", "BODLEVEL holds 0 to 7", NULL);
    refuse(&s, "CKDIV8=2", "CKDIV8 holds 0 to 1", NULL);
    refuse(&s, "CKDIV8=perhaps", "CKDIV8 has no such value", NULL);
    refuse(&s, "lfuse=0x1ff", "one byte", NULL);
    refuse(&s, "lfuse=fast", "no number", "lfuse=0x62");
    refuse(&s, "BO=1", "several fields", NULL);
    refuse(&s, "sut_cksel=extfs", "several values of SUT_CKSEL begin like that", NULL);
    refuse(&s, "lfuse", "not NAME=VALUE", NULL);
    refuse(&s, "=1", "not NAME=VALUE", NULL);
    refuse(&s, "lfuse=", "not NAME=VALUE", NULL);
    refuse(&s, "hfuse.BODLEVEL=2V7", "BODLEVEL", NULL);
    s = set_of("t828");
    refuse(&s, "SUT_CKSEL=0x0e", "has only the bits 0x33", NULL);
}

static void contradictions_are_found_and_repetitions_are_not(void **state)
{
    (void)state;
    struct fuse_set s = set_of("m328p");
    assign(&s, "lfuse=0x62");
    assign(&s, "CKDIV8=0");
    assign(&s, "lfuse=0x62");
    refuse(&s, "CKDIV8=1",
           "CKDIV8=1 contradicts what was given before: bits 0x80 of lfuse are 0x00", NULL);
    refuse(&s, "lfuse=0xe2", "contradicts", NULL);
    assign(&s, "efuse=0xfd");
    assign(&s, "efuse=0x05"); /* the same in the bits there are */
}

static void a_wish_changes_only_its_bits(void **state)
{
    (void)state;
    struct fuse_set base = set_of("m328p"), wish = set_of("m328p");
    fuse_set_factory(&base);
    assert_true(fuse_set_empty(&wish));
    assign(&wish, "EESAVE=0");
    assert_false(fuse_set_empty(&wish));
    fuse_set_apply(&wish, &base);
    assert_int_equal(byte(&base, "hfuse")->value, 0xd1);
    assert_int_equal(byte(&base, "lfuse")->value, 0x62);
    assert_int_equal(byte(&base, "lock")->value, 0xff);
}

static void unimplemented_bits_are_no_difference(void **state)
{
    (void)state;
    struct fuse_set a = set_of("m32u4"), b = set_of("m32u4");
    assign(&a, "efuse=0xfb");
    assign(&b, "efuse=0xcb");
    assert_false(fuse_byte_differs(byte(&a, "efuse"), byte(&b, "efuse")));
    assert_false(fuse_byte_differs(byte(&a, "lfuse"), byte(&b, "lfuse")));
    b = set_of("m32u4");
    assign(&b, "efuse=0xca");
    assert_true(fuse_byte_differs(byte(&a, "efuse"), byte(&b, "efuse")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_every_part_survives_decoding_and_encoding),
        cmocka_unit_test(every_value_answers_to_avrdudes_name),
        cmocka_unit_test(values_answer_to_many_names),
        cmocka_unit_test(sut_and_cksel_are_reached_in_their_common_field),
        cmocka_unit_test(a_wrong_wish_is_answered_with_what_might_be_meant),
        cmocka_unit_test(contradictions_are_found_and_repetitions_are_not),
        cmocka_unit_test(a_wish_changes_only_its_bits),
        cmocka_unit_test(unimplemented_bits_are_no_difference),
    };
    return cmocka_run_group_tests_name("fuses", tests, open_parts, close_parts);
}
