/* The reader of part files, by way of a user's own: what it takes, and what it says when it does
 * not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ispflash/part.h"
#include "support/test.h"

struct fixture {
    struct part_database *db;
    char directory[64];
    char path[128];
};

static int set_up(void **state)
{
    struct fixture *const f = calloc(1, sizeof *f);
    struct error e = {0};
    if (f == NULL)
        return -1;
    (void)snprintf(f->directory, sizeof f->directory, "/tmp/ispflash-parts-XXXXXX");
    if (mkdtemp(f->directory) == NULL || part_database_open(&f->db, &e) != STATUS_OK)
        return -1;
    (void)snprintf(f->path, sizeof f->path, "%s/my.part", f->directory);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *const f = *state;
    part_database_close(f->db);
    (void)unlink(f->path);
    (void)rmdir(f->directory);
    free(f);
    return 0;
}

static void write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *const file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static enum status add(struct fixture *f, const char *text, struct error *e)
{
    write_bytes(f->path, text, strlen(text));
    return part_database_add_file(f->db, f->path, e);
}

static const struct part *find(struct fixture *f, const char *name)
{
    struct error e = {0};
    const struct part *part = NULL;
    if (part_find(f->db, name, &part, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return part;
}

/* `what` is all of the error behind the path: ":line: ...". */
static void assert_refused(struct fixture *f, const char *text, const char *what)
{
    struct error e = {0};
    const enum status status = add(f, text, &e);
    if (status != STATUS_INPUT)
        fail_msg("status %d (%s) for:\n%s", (int)status, e.text, text);
    if (strncmp(e.text, f->path, strlen(f->path)) != 0 ||
        strcmp(e.text + strlen(f->path), what) != 0)
        fail_msg("\"%s\" instead of \"%s\" for:\n%s", e.text, what, text);
}

/* A part that is right but for the lines given. */
#define PART "[part Mine]\nuse = part ATmega328P\nsignature = 1e 95 77\n"
#define FAMILY "[part Mine]\nuse = family avr\nsignature = 1e 95 77\n"

struct row {
    const char *text, *what;
};

static void assert_all_refused(struct fixture *f, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_refused(f, rows[i].text, rows[i].what);
}
#define ASSERT_ALL_REFUSED(f, rows) assert_all_refused(f, rows, sizeof(rows) / sizeof(rows)[0])

static void sections_are_checked(void **state)
{
    static const struct row rows[] = {
        {"max_hz = 1\n", ":1: a line before the first section"},
        {"# fine\n\n\nmax_hz = 1\n", ":4: a line before the first section"},
        {"[part Mine\n", ":1: a section title must end in ]"},
        {"[part Mine] twice\n", ":1: a section title must end in ]"},
        {"[chip Mine]\n", ":1: [chip Mine]: a section is a part, a family, a field or unsupported, "
                          "and a name"},
        {"[part ]\n", ":1: [part ]: has no name"},
        {"[part My Chip]\n", ":1: [part My Chip]: names have letters, digits and - _ / . only"},
        {"[part A23456789012345678901234567890123456789012345678]\n",
         ":1: a section title has at most 47 characters"},
        {PART PART, ":4: [part Mine] is already in line 1"},
        {PART "[part mine]\nsignature = 1e 95 77\n", ":4: [part mine] is already in line 1"},
    };
    ASSERT_ALL_REFUSED(*state, rows);
}

static void lines_are_checked(void **state)
{
    static const struct row rows[] = {
        {PART "max_hz\n", ":4: neither a [section], a key = value, nor a # comment"},
        {PART "= 8\n", ":4: a value without a key"},
        {PART "max_hz =\n", ":4: max_hz: has no value"},
        {PART "max_hz = ; later\n", ":4: max_hz: has no value"},
        {PART "max_hz = 1\n\nmax_hz = 1\n", ":6: max_hz: is already in line 4"},
        {PART "notes = one\n  two\n", ":5: a line must not begin with a blank"},
        {PART "flash.pgae = 4\n", ":4: flash.pgae: unknown key"},
        {PART "hertz = 4\n", ":4: hertz: unknown key"},
    };
    ASSERT_ALL_REFUSED(*state, rows);
}

static void a_line_too_long_is_refused_and_not_cut(void **state)
{
    char text[512] = PART "notes = ";
    const size_t begin = strlen(text);
    memset(text + begin, 'x', 300);
    text[begin + 300] = '\n';
    assert_refused(*state, text, ":4: a line has at most 198 characters");
}

static void a_file_that_is_no_text_is_refused(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    write_bytes(f->path, "[part Mine]\n\0\n", 14);
    assert_int_equal(part_database_add_file(f->db, f->path, &e), STATUS_INPUT);
    assert_non_null(strstr(e.text, "not a text file"));
}

static void identities_are_checked(void **state)
{
    static const struct row rows[] = {
        {"[part Mine]\nuse = part ATmega328P\n", ":1: [part Mine]: signature is missing"},
        {"[part Mine]\nsignature = 1e 95\n", ":2: signature: a signature has three bytes"},
        {"[part Mine]\nsignature = 1e 95 0f 00\n", ":2: signature: more than 3 bytes"},
        {"[part Mine]\nsignature = 1e95 0f\n",
         ":2: signature: \"1e95 0f\" is not a list of bytes such as 1e 95 0f"},
        {"[part Mine]\nsignature = 1e 95 f\n",
         ":2: signature: \"1e 95 f\" is not a list of bytes such as 1e 95 0f"},
        {PART "aliases = Mine1\n", ":4: aliases: aliases are written in lower case"},
        {PART "twin_of = ATmega328P\n",
         ":1: [part Mine]: twin_of: ATmega328P is no part of this signature"},
        {PART "twin_of = Nobody\n",
         ":1: [part Mine]: twin_of: Nobody is no part of this signature"},
        {"[family x]\nsignature = 1e 95 0f\n[part Mine]\nuse = family x\nsignature = 1e 95 77\n"
         "poll = wait\n",
         ":3: [part Mine]: interfaces is missing"},
    };
    ASSERT_ALL_REFUSED(*state, rows);
}

static void a_family_cannot_say_who_a_part_is(void **state)
{
    assert_refused(*state,
                   "[family x]\nuse = part ATmega328P\naliases = both\n" //
                   "[part Mine]\nuse = family x\nsignature = 1e 95 77\n",
                   ":3: aliases: unknown key");
}

static void use_is_checked(void **state)
{
    static const struct row rows[] = {
        {"[part Mine]\nuse = ATmega328P\nsignature = 1e 95 77\n",
         ":2: use: there is no [ATmega328P]; it names a family or a part"},
        {"[part Mine]\nuse = field CKDIV8\nsignature = 1e 95 77\n",
         ":2: use: there is no [field CKDIV8]; it names a family or a part"},
        {"[part Mine]\nuse = part Mine\nsignature = 1e 95 77\n",
         ":2: use: there is no [part Mine]; it names a family or a part"},
        {"[family a]\nuse = family b\n[family b]\nuse = family a\n"
         "[part Mine]\nuse = family a\nsignature = 1e 95 77\n",
         ":5: [part Mine]: more than 8 uses deep, or in a circle"},
    };
    ASSERT_ALL_REFUSED(*state, rows);
}

static void what_is_missing_is_named(void **state)
{
    static const char rest[] =
        "interfaces = isp\nseries = S\nsource = s\nerase_us = 9\nflash.size = none\n"
        "eeprom.size = none\nfuses.write_us = 9\nlock.fields = 1-0:LB\n";
    static const struct {
        const char *without, *what;
    } rows[] = {
        {"interfaces", ":1: [part Mine]: interfaces is missing"},
        {"series", ":1: [part Mine]: series is missing"},
        {"source", ":1: [part Mine]: source is missing"},
        {"erase_us", ":1: [part Mine]: erase_us is missing"},
        {"flash.size", ":1: [part Mine]: flash.size is missing"},
        {"eeprom.size", ":1: [part Mine]: eeprom.size is missing"},
        {"fuses.write_us", ":1: [part Mine]: fuses.write_us is missing"},
        {"lock.fields", ":1: [part Mine]: lock.fields is missing"},
    };
    char text[512];
    struct error e = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(text, sizeof text, FAMILY "%s", rest);
        char *const line = strstr(text, rows[i].without);
        *line = '#';
        assert_refused(*state, text, rows[i].what);
    }
    (void)snprintf(text, sizeof text, FAMILY "%s", rest);
    assert_int_equal(add(*state, text, &e), STATUS_OK);
    assert_refused(*state, "[part Mine]\nsignature = 1e 95 77\n",
                   ":1: [part Mine]: poll is missing");
    assert_refused(*state, PART "enable_reply = 2 0x53\nflash.write_us = none\n",
                   ":1: [part Mine]: flash.write_us is missing");
    assert_refused(*state, PART "lock.fields = none\n", ":1: [part Mine]: lock.fields is missing");
}

static void numbers_are_checked(void **state)
{
    static const struct row rows[] = {
        {PART "max_hz = 8x\n", ":4: max_hz: \"8x\" is not a number from 0 to 100000000"},
        {PART "max_hz = 0x\n", ":4: max_hz: \"0x\" is not a number from 0 to 100000000"},
        {PART "max_hz = -1\n", ":4: max_hz: \"-1\" is not a number from 0 to 100000000"},
        {PART "max_hz = 99999999999999999999999\n",
         ":4: max_hz: \"99999999999999999999999\" is not a number from 0 to 100000000"},
        {PART "stk500 = 0x100\n", ":4: stk500: \"0x100\" is not a number from 0 to 255"},
        {PART "extended_address = maybe\n",
         ":4: extended_address: \"maybe\" is neither yes nor no"},
        {PART "poll = often\n", ":4: poll: \"often\" is not wait, ready or value"},
        {PART "fuses.poll = often\n", ":4: fuses.poll: \"often\" is not wait, ready or value"},
        {PART "erase_poll = value\n", ":4: erase_poll: is wait or ready"},
        {PART "erase_min_us = 900000\n", ":4: erase_min_us: more than erase_us"},
        {PART "flash.write_min_us = 900000\n", ":4: flash.write_min_us: more than write_us"},
        {PART "flash.size = 0\n",
         ":4: flash.size: 0 bytes; \"none\" means that there is no such memory"},
        {PART "flash.page = 100\n", ":4: flash.page: pages of 100 bytes do not divide 32768 bytes"},
        {PART "flash.busy = ff 00 ff\n", ":4: flash.busy: more than 2 bytes"},
        {PART "efuse.initial = 0x07\n", ":4: efuse.initial: bits that no field has must be 1"},
        {PART "fuse.initial = 0xff\n", ":4: fuse.initial: without fuse.fields"},
        {PART "boot = 512\n", ":4: boot: a part with BOOTSZ has no fixed boot section"},
        {PART "enable_reply = 1 0x53\n", ":4: enable_reply: is byte 2 or 3 and its value, or none"},
        {PART "enable_reply = 2\n", ":4: enable_reply: is byte 2 or 3 and its value, or none"},
        {PART "pins = mosi PB3, reset PC6, miso PB4, sck PB5\n",
         ":4: pins: is written as \"reset PC6, mosi PB3, miso PB4, sck PB5\""},
        {PART "pins = reset PC6, mosi PB3\n", ":4: pins: needs reset, mosi, miso and sck"},
        {PART "pins = reset PC6, mosi\n",
         ":4: pins: is written as \"reset PC6, mosi PB3, miso PB4, sck PB5\""},
    };
    ASSERT_ALL_REFUSED(*state, rows);
}

static void places_of_fields_are_checked(void **state)
{
    static const struct row rows[] = {
        {PART "lock.fields = LB\n",
         ":4: lock.fields: \"LB\" is not a place and a field, such as 2-0:BODLEVEL"},
        {PART "lock.fields = 8:LB\n",
         ":4: lock.fields: \"8:LB\" is not a place and a field, such as 2-0:BODLEVEL"},
        {PART "lock.fields = 0-1:LB\n",
         ":4: lock.fields: \"0-1:LB\" is not a place and a field, such as 2-0:BODLEVEL"},
        {PART "lock.fields = 1-0:NOPE\n", ":4: lock.fields: there is no [field NOPE]"},
        {PART "lock.fields = 1-0:LB 1:WDTON\n",
         ":4: lock.fields: 1:WDTON lies on bits of another field"},
        {PART "lock.fields = 0:LB\n",
         ":4: lock.fields: value 0x02 of [field LB] has no room in these bits"},
        {"[field X]\ncaption = c\nlock = 4\n" PART "lock.fields = 1-0:X\n",
         ":7: lock.fields: lock = 4 of [field X] has no room in these bits"},
    };
    ASSERT_ALL_REFUSED(*state, rows);
}

static void fields_are_checked(void **state)
{
#define FIELD "[field X]\ncaption = c\n"
#define USER "[part Mine]\nuse = part ATmega328P\nsignature = 1e 95 77\nlock.fields = 7-0:X\n"
    static const struct row rows[] = {
        {"[field X]\n0 = A: a\n" USER, ":1: [field X]: caption is missing"},
        {FIELD "other = 1\n" USER, ":1: [field X]: other.text is missing"},
        {FIELD "lock.text = why\n" USER, ":3: lock.text: unknown key"},
        {FIELD "lock = 1-\n" USER, ":3: lock: \"1-\" is not a list of values such as 0 4-7"},
        {FIELD "lock = 3-1\n" USER, ":3: lock: \"3-1\" is not a list of values such as 0 4-7"},
        {FIELD "lock = none\n" USER, ":3: lock: \"none\" is not a list of values such as 0 4-7"},
        {FIELD "colour = red\n" USER, ":3: colour: unknown key"},
        {FIELD "0 = A\n" USER, ":3: 0: a value is NAME: what it means"},
        {FIELD "0 = : a\n" USER, ":3: 0: a value is NAME: what it means"},
        {FIELD "256 = A: a\n" USER, ":3: 256: is not a value from 0 to 255"},
        {FIELD "1x = A: a\n" USER, ":3: 1x: is not a value from 0 to 255"},
        {FIELD "1 = A: a\n0x01 = B: b\n" USER, ":4: 0x01: this value is already named A"},
        {FIELD "1 = A: a\nclock. = 1\n" USER, ":4: clock.: the clock is HZ, MIN-MAX or MIN-"},
        {FIELD "1 = A: a\nclock.0 = 1\n" USER, ":4: clock.0: the clock is HZ, MIN-MAX or MIN-"},
        {FIELD "1 = A: a\nclock.9-8 = 1\n" USER, ":4: clock.9-8: the clock is HZ, MIN-MAX or MIN-"},
        {FIELD "1 = A: a\nclock.8M = 1\n" USER, ":4: clock.8M: the clock is HZ, MIN-MAX or MIN-"},
        {FIELD "1 = A: a\nclock.8 = 2\n" USER, ":4: clock.8: value 0x02 has no name"},
        {FIELD "1 = A: a\nclock.8 = 1\nclock.9 = 1\n" USER,
         ":5: clock.9: value 0x01 has a clock already"},
        {FIELD "1 = A: a\nclock.8 = x\n" USER,
         ":4: clock.8: \"x\" is not a list of values such as 0 4-7"},
        {"[field BOOTSZ/x]\ncaption = c\n0 = BIG: a\n" //
         "[part Mine]\nuse = part ATmega328P\nsignature = 1e 95 77\n"
         "hfuse.fields = 7-1:BOOTSZ/x 0:BOOTRST\n",
         ":4: [part Mine]: a value of BOOTSZ is named \"BIG\", not by words such as 512W"},
    };
    ASSERT_ALL_REFUSED(*state, rows);
}

static void instructions_are_checked(void **state)
{
    static const struct row rows[] = {
        {PART "lock.read = 58 00 00\n", ":4: lock.read: an instruction has four bytes"},
        {PART "lock.read = 58 00 00 100\n",
         ":4: lock.read: \"100\" is not one of four bytes such as ac"},
        {PART "lock.read = 58 00 00 zz\n",
         ":4: lock.read: \"zz\" is not one of four bytes such as ac"},
        {PART "lock.read = 58 00 00 00 3.7\n",
         ":4: lock.read: \"3.7\" is not a map such as 0x06<3.2-1"},
        {PART "lock.read = 58 00 00 00 0x02>3.7\n",
         ":4: lock.read: \"0x02>3.7\" is not a map such as 0x06<3.2-1"},
        {PART "lock.write = ac 00 00 00 0x02<3.7\n",
         ":4: lock.write: \"0x02<3.7\" is not a map such as 0x06>3.2-1"},
        {PART "lock.read = 58 00 00 00 0x06<3.2\n",
         ":4: lock.read: \"0x06<3.2\": the place must be byte.bit or byte.bit-bit, and as wide as "
         "the mask"},
        {PART "lock.read = 58 00 00 00 0x02<4.2\n",
         ":4: lock.read: \"0x02<4.2\": the place must be byte.bit or byte.bit-bit, and as wide as "
         "the mask"},
        {PART "lock.read = 58 00 00 00 1<3.0 2<3.1 4<3.2 8<3.3 16<3.4\n",
         ":4: lock.read: more than 4 maps"},
        {PART "lock.read = 58 00 00 00 address<<9\n",
         ":4: lock.read: \"address<<9\" is not address<<0 to address<<8"},
        {PART "flash.read = 20 00 00 00, 28 00 00\n",
         ":4: flash.read: an instruction has four bytes"},
    };
    ASSERT_ALL_REFUSED(*state, rows);
}

static void refused_names_need_an_answer(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    const struct part *part = NULL;
    assert_int_equal(add(f, "[unsupported X]\nold = foo1 foo2\n", &e), STATUS_INPUT);
    assert_non_null(strstr(e.text, ":1: [unsupported X]: answer is missing"));
    assert_int_equal(add(f, "[unsupported X]\nanswer = needs X\nold = foo1 foo2\n", &e), STATUS_OK);
    assert_int_equal(part_find(f->db, "FOO2", &part, &e), STATUS_UNSUPPORTED);
    assert_string_equal(e.text, "foo2 needs X");
}

static void a_file_that_cannot_be_read_is_an_input_error(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    assert_int_equal(part_database_add_file(f->db, "/nonexistent/x.part", &e), STATUS_INPUT);
    assert_string_equal(e.text, "/nonexistent/x.part: No such file or directory");
    assert_int_equal(part_database_add_file(f->db, f->directory, &e), STATUS_INPUT);
    assert_non_null(strstr(e.text, "directory"));
}

static void a_file_of_absurd_size_is_an_input_error(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    const size_t size = (1 << 20) + 1;
    char *const bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, '#', size);
    write_bytes(f->path, bytes, size);
    free(bytes);
    assert_int_equal(part_database_add_file(f->db, f->path, &e), STATUS_INPUT);
    assert_non_null(strstr(e.text, "longer than a part file can be"));
}

static void an_empty_file_adds_nothing(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    const size_t before = part_count(f->db);
    assert_int_equal(add(f, "", &e), STATUS_OK);
    assert_int_equal(add(f, "# nothing\n\n", &e), STATUS_OK);
    assert_int_equal(part_count(f->db), before);
}

static void a_new_part_is_found_by_all_its_names(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    const struct part *parts[2] = {NULL};
    const uint8_t signature[3] = {0x1e, 0x95, 0x77};
    size_t count = 0;
    const size_t before = part_count(f->db);
    assert_int_equal(add(f, PART "aliases = mine1 m-1\nflash.size = 65536\n", &e), STATUS_OK);
    assert_int_equal(part_count(f->db), before + 1);
    const struct part *const part = find(f, "MINE");
    assert_ptr_equal(part, find(f, "mine1"));
    assert_ptr_equal(part, find(f, "m-1"));
    assert_int_equal(part_memory(part, MEMORY_FLASH)->size, 65536);
    assert_int_equal(part_memory(part, MEMORY_EEPROM)->size, 1024);
    assert_int_equal(part_by_signature(f->db, signature, parts, 2, &count, &e), STATUS_OK);
    assert_int_equal(count, 1);
    assert_ptr_equal(parts[0], part);
}

static void a_users_part_hides_the_built_in_one(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    const struct part *const old = find(f, "m328p");
    const size_t before = part_count(f->db);
    assert_int_equal(add(f,
                         "[part ATmega328P]\nuse = part ATmega328\nsignature = 1e 95 0f\n"
                         "aliases = m328p m328\n",
                         &e),
                     STATUS_OK);
    assert_int_equal(part_count(f->db), before);
    assert_ptr_not_equal(find(f, "m328p"), old);
    assert_ptr_not_equal(find(f, "atmega328p"), old);
    assert_string_equal(find(f, "m328")->id, "atmega328p"); /* its alias too */
    assert_string_equal(find(f, "atmega328")->id, "atmega328");
    assert_string_equal(old->id, "atmega328p"); /* still there for who holds it */
}

static void a_users_part_may_build_on_the_built_in_one_of_its_name(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    assert_int_equal(add(f,
                         "[part ATmega328P]\nuse = part ATmega328P\nsignature = 1e 95 0f\n"
                         "flash.write_us = 20000\n",
                         &e),
                     STATUS_OK);
    const struct part *const part = find(f, "atmega328p");
    assert_int_equal(part_memory(part, MEMORY_FLASH)->write_us, 20000);
    assert_int_equal(part_memory(part, MEMORY_FLASH)->page_size, 128);
}

static void a_refused_file_leaves_no_trace(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    const struct part *part = NULL;
    const size_t before = part_count(f->db);
    assert_int_equal(
        add(f, "[part First]\nuse = part ATmega8\nsignature = 1e 95 78\n" PART "x = 1\n", &e),
        STATUS_INPUT);
    assert_int_equal(part_count(f->db), before);
    assert_int_equal(part_find(f->db, "First", &part, &e), STATUS_USAGE);
    assert_int_equal(add(f, PART, &e), STATUS_OK);
    assert_int_equal(part_count(f->db), before + 1);
}

static void families_and_fields_of_a_file_are_its_own(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    assert_int_equal(add(f,
                         "[family mine]\nuse = part ATmega328P\nmax_hz = 1\n"
                         "[field LB]\ncaption = mine\n"
                         "[part One]\nuse = family mine\nsignature = 1e 95 78\n"
                         "lock.fields = 1-0:LB\n",
                         &e),
                     STATUS_OK);
    assert_int_equal(find(f, "one")->clock_max_hz, 1);
    assert_string_equal(part_memory(find(f, "one"), MEMORY_LOCK)->fields[0].caption, "mine");
    assert_string_not_equal(part_memory(find(f, "m88"), MEMORY_LOCK)->fields[0].caption, "mine");
    assert_int_equal(add(f, "[part Two]\nuse = family mine\nsignature = 1e 95 79\n", &e),
                     STATUS_INPUT);
}

static void none_takes_back_what_a_family_says(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    assert_int_equal(add(f,
                         PART "eeprom.size = none\nefuse.fields = none\npins = none\n"
                              "stk500 = none\nflash.page = none\nhfuse.initial = none\n"
                              "calibration.size = none\nlock.read = none\nenable_reply = none\n",
                         &e),
                     STATUS_OK);
    const struct part *const part = find(f, "mine");
    const struct memory *memory = NULL;
    assert_null(part_memory(part, MEMORY_EEPROM));
    assert_null(part_memory(part, MEMORY_CALIBRATION));
    assert_int_equal(part_memory_find(part, "efuse", &memory), MEMORY_ABSENT);
    assert_null(part->reset_pin);
    assert_int_equal(part->stk500_code, 0);
    assert_int_equal(part->enable_reply_value, 0);
    assert_true(part_memory(part, MEMORY_FLASH)->isp.write[1].present);
    assert_false(part_memory(part, MEMORY_FLASH)->isp.commit.present);
    assert_false(part_memory(part, MEMORY_LOCK)->isp.read[0].present);
    assert_int_equal(part_memory_find(part, "hfuse", &memory), MEMORY_FOUND);
    assert_false(memory->initial_known);
}

static void a_hazard_may_be_said_in_other_words(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    assert_int_equal(add(f,
                         "[field X]\ncaption = c\ncrystal = 0x10-0x12 0x20\n"
                         "crystal.text = needs its radio crystal\ncrystal.cure = fit it\n" //
                         PART "lfuse.fields = 7,5-0:X\n",
                         &e),
                     STATUS_OK);
    const struct hazard *const hazard = &find(f, "mine")->hazards[0];
    assert_int_equal(hazard->kind, HAZARD_CRYSTAL);
    assert_string_equal(hazard->caption, "needs its radio crystal");
    assert_string_equal(hazard->recovery, "fit it");
    assert_int_equal(hazard->mask, 0xbf);
    assert_int_equal(hazard->value_count, 4);
    assert_true(hazard_hit(hazard, 0x51)); /* bit 6 is not its own */
    assert_true(hazard_hit(hazard, 0x20));
    assert_false(hazard_hit(hazard, 0x13));
    assert_false(hazard_hit(hazard, 0x91));
}

static void files_of_other_systems_are_read(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    assert_int_equal(add(f,
                         "\xef\xbb\xbf# from elsewhere\r\n[part Mine]\r\n"
                         "use = part ATmega328P\r\nsignature = 1e 95 77 ; ours\r\n\r\n"
                         "; and this\r\nmax_hz = 0x10\r\n",
                         &e),
                     STATUS_OK);
    assert_int_equal(find(f, "mine")->clock_max_hz, 16);
    assert_int_equal(add(f,
                         "[part Last]\nuse = part Mine2\n[part Mine2]\nuse = part ATmega8\n"
                         "signature = 1e 00 01",
                         &e),
                     STATUS_INPUT); /* [part Last] has no signature of its own */
    assert_int_equal(add(f, "[part Last]\nuse = part ATmega8\nsignature = 1e 00 01", &e),
                     STATUS_OK); /* no line end at the end */
}

static void a_directory_is_read_in_order_of_name(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    static const struct row files[] = {
        {"a.part", "[part Mine]\nuse = part ATmega8\nsignature = 1e 00 01\n"},
        {"b.part", "[part Mine]\nuse = part ATmega16\nsignature = 1e 00 02\n"},
        {"c.part~", "not a part file\n"},
        {".hidden.part", "nor this\n"},
    };
    char path[160];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->directory, files[i].text);
        write_bytes(path, files[i].what, strlen(files[i].what));
    }
    const enum status status = part_database_add_directory(f->db, f->directory, &e);
    (void)snprintf(path, sizeof path, "%s/a.part", f->directory);
    write_bytes(path, "oops\n", 5);
    struct error bad = {0};
    const enum status again = part_database_add_directory(f->db, f->directory, &bad);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->directory, files[i].text);
        (void)unlink(path);
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(find(f, "mine")->signature[2], 2);
    assert_int_equal(again, STATUS_INPUT);
    assert_non_null(strstr(bad.text, "/a.part:1: a line before the first section"));
}

static void a_directory_that_is_not_there_adds_nothing(void **state)
{
    struct fixture *const f = *state;
    struct error e = {0};
    assert_int_equal(part_database_add_directory(f->db, "/nonexistent/parts", &e), STATUS_OK);
    write_bytes(f->path, "", 0);
    assert_int_equal(part_database_add_directory(f->db, f->path, &e), STATUS_INPUT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(sections_are_checked),
        TEST(lines_are_checked),
        TEST(a_line_too_long_is_refused_and_not_cut),
        TEST(a_file_that_is_no_text_is_refused),
        TEST(identities_are_checked),
        TEST(a_family_cannot_say_who_a_part_is),
        TEST(use_is_checked),
        TEST(what_is_missing_is_named),
        TEST(numbers_are_checked),
        TEST(places_of_fields_are_checked),
        TEST(fields_are_checked),
        TEST(instructions_are_checked),
        TEST(refused_names_need_an_answer),
        TEST(a_file_that_cannot_be_read_is_an_input_error),
        TEST(a_file_of_absurd_size_is_an_input_error),
        TEST(an_empty_file_adds_nothing),
        TEST(a_new_part_is_found_by_all_its_names),
        TEST(a_users_part_hides_the_built_in_one),
        TEST(a_users_part_may_build_on_the_built_in_one_of_its_name),
        TEST(a_refused_file_leaves_no_trace),
        TEST(families_and_fields_of_a_file_are_its_own),
        TEST(none_takes_back_what_a_family_says),
        TEST(a_hazard_may_be_said_in_other_words),
        TEST(files_of_other_systems_are_read),
        TEST(a_directory_is_read_in_order_of_name),
        TEST(a_directory_that_is_not_there_adds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
