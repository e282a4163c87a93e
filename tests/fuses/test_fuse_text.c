/* What `ispflash fuses` shows: the fuse values of keyboards' boot loaders against golden text. */
#include "cli/fuse_text.h"

#include <stdlib.h>
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

/* `wishes` end with NULL. */
static struct fuse_set set_of(const char *name, const char *const *wishes)
{
    const struct part *part = NULL;
    struct fuse_set s;
    assert_int_equal(part_find(parts, name, &part, &e), STATUS_OK);
    fuse_set_init(&s, part);
    for (; *wishes != NULL; wishes++)
        if (fuse_set_assign(&s, *wishes, &e) != STATUS_OK)
            fail_msg("%s", e.text);
    return s;
}

struct paper {
    char *text;
    size_t size;
    FILE *file;
};

static void begin(struct paper *p)
{
    p->file = open_memstream(&p->text, &p->size);
    assert_non_null(p->file);
}

static void expect(struct paper *p, const char *text)
{
    assert_int_equal(fclose(p->file), 0);
    if (strcmp(p->text, text) != 0)
        fail_msg("%s\ninstead of\n%s", p->text, text);
    free(p->text);
}

static void shows(const char *part, const char *const *wishes, const char *text)
{
    struct paper p;
    const struct fuse_set s = set_of(part, wishes);
    begin(&p);
    fuse_text_set(p.file, &s);
    fuse_text_options(p.file, &s);
    expect(&p, text);
}

static void an_atmega32u4_with_the_dfu_boot_loader(void **state)
{
    (void)state;
    static const char *const wishes[] = {"lfuse=0x5e", "hfuse=0x99", "efuse=0xf3", NULL};
    shows("m32u4", wishes,
          "lfuse 0x5e\n"
          "  CKDIV8     0     Clock divided by 8: yes\n"
          "  CKOUT      1     Clock output on CLKO: no\n"
          "  SUT_CKSEL  0x1e  Clock source and start-up time: External crystal oscillator from 8.0 "
          "MHz, start-up 258 CK + 65 ms\n"
          "hfuse 0x99\n"
          "  OCDEN      1     On-chip debug enabled: no\n"
          "  JTAGEN     0     JTAG enabled: yes\n"
          "  SPIEN      0     Serial programming enabled: yes\n"
          "  WDTON      1     Watchdog always on: no\n"
          "  EESAVE     1     EEPROM survives Chip Erase: no\n"
          "  BOOTSZ     0     Size of the boot section: 2048 words, 0x7000 to 0x7fff\n"
          "  BOOTRST    1     Reset goes to the boot section: no\n"
          "efuse 0xf3\n"
          "  HWBE       0     Hardware boot enabled (HWB pin): yes\n"
          "  BODLEVEL   3     Brown-out detection level: 2.6 V\n"
          "-U lfuse:w:0x5e:m -U hfuse:w:0x99:m -U efuse:w:0xf3:m\n");
}

static void an_at90usb1286_with_the_dfu_boot_loader(void **state)
{
    (void)state;
    static const char *const wishes[] = {"lfuse=0x5e", "hfuse=0x99", "efuse=0xf3", NULL};
    shows("usb1286", wishes,
          "lfuse 0x5e\n"
          "  CKDIV8     0     Clock divided by 8: yes\n"
          "  CKOUT      1     Clock output on CLKO: no\n"
          "  SUT_CKSEL  0x1e  Clock source and start-up time: External crystal oscillator from 8.0 "
          "MHz, start-up 258 CK + 65 ms\n"
          "hfuse 0x99\n"
          "  OCDEN      1     On-chip debug enabled: no\n"
          "  JTAGEN     0     JTAG enabled: yes\n"
          "  SPIEN      0     Serial programming enabled: yes\n"
          "  WDTON      1     Watchdog always on: no\n"
          "  EESAVE     1     EEPROM survives Chip Erase: no\n"
          "  BOOTSZ     0     Size of the boot section: 4096 words, 0x1e000 to 0x1ffff\n"
          "  BOOTRST    1     Reset goes to the boot section: no\n"
          "efuse 0xf3\n"
          "  HWBE       0     Hardware boot enabled (HWB pin): yes\n"
          "  BODLEVEL   3     Brown-out detection level: 2.6 V\n"
          "-U lfuse:w:0x5e:m -U hfuse:w:0x99:m -U efuse:w:0xf3:m\n");
}

static void an_atmega32a_with_bootloadhid(void **state)
{
    (void)state;
    static const char *const wishes[] = {"lfuse=0x0f", "hfuse=0xd0", NULL};
    shows("m32a", wishes,
          "lfuse 0x0f\n"
          "  BODLEVEL   0     Brown-out detection level: 4.0 V\n"
          "  BODEN      0     Brown-out detection enabled: yes\n"
          "  SUT_CKSEL  0x0f  Clock source and start-up time: External crystal or resonator, high "
          "frequency, start-up 1K CK + 64 ms\n"
          "hfuse 0xd0\n"
          "  OCDEN      1     On-chip debug enabled: no\n"
          "  JTAGEN     1     JTAG enabled: no\n"
          "  SPIEN      0     Serial programming enabled: yes\n"
          "  CKOPT      1     Oscillator option, see CKSEL: no\n"
          "  EESAVE     0     EEPROM survives Chip Erase: yes\n"
          "  BOOTSZ     0     Size of the boot section: 2048 words, 0x7000 to 0x7fff\n"
          "  BOOTRST    0     Reset goes to the boot section: yes\n"
          "-U lfuse:w:0x0f:m -U hfuse:w:0xd0:m\n");
}

static void an_atmega328p_with_usbasploader(void **state)
{
    (void)state;
    static const char *const wishes[] = {"lfuse=0xd7", "hfuse=0xd0", "efuse=0x04", NULL};
    shows("m328p", wishes,
          "lfuse 0xd7\n"
          "  CKDIV8     1     Clock divided by 8: no\n"
          "  CKOUT      1     Clock output on CLKO: no\n"
          "  SUT_CKSEL  0x17  Clock source and start-up time: External full-swing crystal, "
          "start-up 16K CK/14 CK + 0 ms\n"
          "hfuse 0xd0\n"
          "  RSTDISBL   1     RESET is a port pin: no\n"
          "  DWEN       1     debugWIRE enabled: no\n"
          "  SPIEN      0     Serial programming enabled: yes\n"
          "  WDTON      1     Watchdog always on: no\n"
          "  EESAVE     0     EEPROM survives Chip Erase: yes\n"
          "  BOOTSZ     0     Size of the boot section: 2048 words, 0x7000 to 0x7fff\n"
          "  BOOTRST    0     Reset goes to the boot section: yes\n"
          "efuse 0x04\n"
          "  BODLEVEL   4     Brown-out detection level: 4.3 V\n"
          "-U lfuse:w:0xd7:m -U hfuse:w:0xd0:m -U efuse:w:0x04:m\n");
}

static void what_shuts_isp_is_marked(void **state)
{
    (void)state;
    static const char *const wishes[] = {"hfuse=0x59", NULL}, *const part[] = {"CKSEL=0", "SUT=2",
                                                                               NULL};
    struct fuse_set s = set_of("m328p", wishes);
    struct paper p;
    begin(&p);
    fuse_text_set(p.file, &s);
    assert_int_equal(fclose(p.file), 0);
    assert_non_null(strstr(p.text, "\n  ! reset-disable: RESET becomes a port pin"));
    free(p.text);
    shows(
        "m328p", part,
        "lfuse, in part\n"
        "  SUT_CKSEL  0x20  Clock source and start-up time: External clock, start-up 6 CK/14 CK + "
        "65 ms\n"
        "  ! external-clock: needs a clock signal on the clock input; without one the chip does "
        "not answer over ISP\n");
}

static void a_difference_names_the_fields(void **state)
{
    (void)state;
    static const char *const a[] = {"lfuse=0x62", "hfuse=0xd9", "efuse=0xfd", NULL};
    static const char *const b[] = {"lfuse=0xe2", "BOOTRST=0", "efuse=0x05", NULL};
    const struct fuse_set x = set_of("m328p", a), y = set_of("m328p", b);
    struct paper p;
    begin(&p);
    assert_true(fuse_text_difference(p.file, &x, &y));
    expect(&p, "lfuse 0x62 -> 0xe2\n"
               "  CKDIV8     0 -> 1  Clock divided by 8: yes -> no\n"
               "hfuse\n"
               "  BOOTRST    1 -> 0  Reset goes to the boot section: no -> yes\n"
               "efuse 0xfd and 0x05 are the same setting: they differ only in bits that the "
               "ATmega328P does not have\n");
    begin(&p);
    assert_false(fuse_text_difference(p.file, &x, &x));
    expect(&p, "");
}

static void the_choices_of_a_field_mark_the_present_one(void **state)
{
    (void)state;
    static const char *const wishes[] = {"efuse=0xfd", NULL}, *const nothing[] = {NULL};
    struct fuse_set s = set_of("m328p", wishes), empty = set_of("m328p", nothing);
    struct fuse_field f;
    struct paper p;
    assert_int_equal(fuse_field_find(s.part, "BODLEVEL", &f, &e), STATUS_OK);
    begin(&p);
    fuse_text_choices(p.file, &f, fuse_set_find(&s, f.memory));
    expect(&p, "BODLEVEL, in efuse: Brown-out detection level\n"
               "  4     4V3  4.3 V  (bod_4v3)\n"
               "* 5     2V7  2.7 V  (bod_2v7)\n"
               "  6     1V8  1.8 V  (bod_1v8)\n"
               "  7     DISABLED  off  (bod_disabled)\n");
    assert_int_equal(fuse_field_find(s.part, "EESAVE", &f, &e), STATUS_OK);
    begin(&p);
    fuse_text_choices(p.file, &f, fuse_set_find(&empty, f.memory));
    expect(&p, "EESAVE, in hfuse: EEPROM survives Chip Erase\n"
               "  0     yes  (ee_preserved)\n"
               "  1     no  (ee_erased)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_atmega32u4_with_the_dfu_boot_loader),
        cmocka_unit_test(an_at90usb1286_with_the_dfu_boot_loader),
        cmocka_unit_test(an_atmega32a_with_bootloadhid),
        cmocka_unit_test(an_atmega328p_with_usbasploader),
        cmocka_unit_test(what_shuts_isp_is_marked),
        cmocka_unit_test(a_difference_names_the_fields),
        cmocka_unit_test(the_choices_of_a_field_mark_the_present_one),
    };
    return cmocka_run_group_tests_name("fuse_text", tests, open_parts, close_parts);
}
