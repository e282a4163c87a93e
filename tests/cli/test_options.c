/* The option parser, row by row: a line as typed, and what it means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "support/test.h"

/* A line is split at spaces; `~` stands for a space inside an argument and `''` for an empty one.
 * What it means is written as the settings that are not at their default, in the order of
 * describe(); a line that is refused begins with "!" and the start of the sentence. */
struct row {
    const char *line, *meaning;
};

enum { ARGUMENTS = 32, MEANING = 1024 };

struct meaning {
    char text[MEANING];
};

static void append(struct meaning *m, const char *format, ...) PRINTF(2, 3);
static void append(struct meaning *m, const char *format, ...)
{
    const size_t used = strlen(m->text);
    if (used > 0 && used + 1 < sizeof m->text)
        (void)strcat(m->text, " ");
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(m->text + strlen(m->text), sizeof m->text - strlen(m->text), format, arguments);
    va_end(arguments);
}

static void append_text(struct meaning *m, const char *name, const char *value)
{
    if (value != NULL)
        append(m, "%s=%s", name, value);
}

static void append_number(struct meaning *m, const char *name, unsigned long value)
{
    if (value != 0)
        append(m, "%s=%lu", name, value);
}

static void append_list(struct meaning *m, const char *name, const struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        append(m, "%s=%s", name, list->items[i]);
}

static void describe(const struct settings *s, struct meaning *m)
{
    append_text(m, "c", s->programmer);
    append_text(m, "P", s->port);
    append_text(m, "p", s->part);
    append_text(m, "l", s->logfile);
    append_number(m, "baud", s->baud);
    append_number(m, "hz", s->sck_hz);
    append_number(m, "i", s->edge_delay_us);
    append_number(m, "e", s->erase);
    append_number(m, "D", s->no_erase);
    append_number(m, "F", s->force);
    append_number(m, "n", s->no_write);
    append_number(m, "V", s->no_verify);
    append_number(m, "A", s->whole_read);
    append_number(m, "order", s->in_order);
    append_number(m, "O", s->osccal);
    append_number(m, "N", s->no_config);
    append_number(m, "q", s->quell);
    append_number(m, "v", s->verbose);
    append_number(m, "r", s->reconnect);
    append_list(m, "C", &s->configs);
    append_list(m, "E", &s->exit_options);
    append_list(m, "x", &s->extended);
    append_list(m, "allow", &s->allow);
    append_list(m, "parts", &s->part_files);
    append_number(m, "color", s->color);
    append_number(m, "progress", s->progress);
    for (size_t i = 0; i < s->task_count; i++)
        append(m, "%c=%s", "UTt"[s->tasks[i].kind], s -> tasks[i].text ? s->tasks[i].text : "");
    append_list(m, "operand", &s->operands);
    append_number(m, "action", s->action);
}

static int split(char *line, char **argv)
{
    static char program[] = "ispflash";
    int argc = 0;
    argv[argc++] = program;
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(argc < ARGUMENTS);
        if (strcmp(word, "''") == 0)
            *word = '\0';
        for (char *c = word; *c != '\0'; c++)
            if (*c == '~')
                *c = ' ';
        argv[argc++] = word;
    }
    return argc;
}

static void check_row(const struct row *row)
{
    char line[512];
    char *argv[ARGUMENTS] = {0};
    (void)snprintf(line, sizeof line, "%s", row->line);
    const int argc = split(line, argv);
    struct settings s = {0};
    struct error e = {0};
    struct meaning m = {0};
    const enum status status = options_parse(argc, argv, 1, &s, &e);
    if (status == STATUS_OK)
        describe(&s, &m);
    else
        (void)snprintf(m.text, sizeof m.text, "!%s", e.text);
    settings_free(&s);
    if (row->meaning[0] == '!')
        m.text[strlen(row->meaning) < sizeof m.text ? strlen(row->meaning) : 0] = '\0';
    if (strcmp(m.text, row->meaning) != 0)
        fail_msg("\"%s\"\n  should mean: %s\n  but means:   %s", row->line, row->meaning, m.text);
    if (status != STATUS_OK)
        assert_int_equal(status, STATUS_USAGE);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_row(&rows[i]);
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

static void letters_cluster_glue_and_mix(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", ""},
        {"-p m328p", "p=m328p"},
        {"-pm328p", "p=m328p"},
        {"-c avrisp -P /dev/ttyACM0 -p m32u4", "c=avrisp P=/dev/ttyACM0 p=m32u4"},
        {"-cavrisp -P/dev/ttyACM0 -pm32u4", "c=avrisp P=/dev/ttyACM0 p=m32u4"},
        {"-FAU flash:w:0xff:m", "F=1 A=1 U=flash:w:0xff:m"},
        {"-FAUflash:w:0xff:m", "F=1 A=1 U=flash:w:0xff:m"},
        {"-eV", "e=1 V=1"},
        {"-eVc avrisp", "c=avrisp e=1 V=1"},
        {"-qqv", "q=2 v=1"},
        {"-q -q", "q=2"},
        {"-vvvv", "v=4"},
        {"-v -v -qqqqq", "q=5 v=2"},
        {"-Vqqpm8", "p=m8 V=1 q=2"},
        {"-p -c", "p=-c"},
        {"-p=m8", "p==m8"},
        {"-P -", "P=-"},
        {"-U -", "U=-"},
        {"-p m8 x.hex", "p=m8 operand=x.hex"},
        {"x.hex -p m8", "p=m8 operand=x.hex"},
        {"x.hex -p m8 y.hex -e", "p=m8 e=1 operand=x.hex operand=y.hex"},
        {"- -e", "e=1 operand=-"},
        {"-e -- -p m8", "e=1 operand=-p operand=m8"},
        {"--", ""},
        {"-- --", "operand=--"},
        {"-s -u -y -Y", ""},
        {"-suyY", ""},
        {"-uF", "F=1"},
        {"-uU lfuse:w:0xe2:m", "U=lfuse:w:0xe2:m"},
        {"-n", "n=1"},
        {"-O", "O=1"},
        {"-N", "N=1"},
        {"-r -r", "r=2"},
        {"-rr", "r=2"},
        {"-A", "A=1"},
        {"-D", "D=1 A=1"},
        {"-DV", "D=1 V=1 A=1"},
        {"-t", "t="},
        {"-l log.txt", "l=log.txt"},
        {"-llog.txt", "l=log.txt"},
        {"-P usb:0x2341:0x0043", "P=usb:0x2341:0x0043"},
        {"-P net:[::1]:5000", "P=net:[::1]:5000"},
        {"-P C:~port", "P=C: port"},
        {"-p ?", "p=?"},
        {"-c?", "c=?"},
        {"-P ?s", "P=?s"},
    };
    CHECK(rows);
}

static void the_last_of_a_single_option_counts_and_others_collect(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"-c usbasp -c dryrun", "c=dryrun"},
        {"-P a -P b -P c", "P=c"},
        {"-p m8 --part m16", "p=m16"},
        {"-b 9600 -b 19200", "baud=19200"},
        {"-B 1 -B 4", "hz=250000"},
        {"-l a -l b", "l=b"},
        {"--color always --color never", "color=2"},
        {"-U a -U b -U c", "U=a U=b U=c"},
        {"-U a -T b -t -U c", "U=a T=b t= U=c"},
        {"-T a -T b", "T=a T=b"},
        {"-x a -x b=1", "x=a x=b=1"},
        {"-x a,b", "x=a,b"},
        {"-C one -C +two -C three", "C=one C=+two C=three"},
        {"-E reset,novcc", "E=reset E=novcc"},
        {"-E reset -E novcc", "E=reset E=novcc"},
        {"-E ,reset,,vcc,", "E=reset E=vcc"},
        {"-E ''", ""},
        {"--allow a --allow b,c", "allow=a allow=b allow=c"},
        {"--part-file a --part-file b,c", "parts=a parts=b,c"},
        {"-e -e", "e=1"},
        {"-F -F", "F=1"},
        {"--progress none --progress auto", ""},
    };
    CHECK(rows);
}

static void long_names_and_their_beginnings(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"--part m8", "p=m8"},
        {"--part=m8", "p=m8"},
        {"--part=", "!--part: the value is empty"},
        {"--pa m8", "p=m8"},
        {"--part-file f", "parts=f"},
        {"--part-f f", "parts=f"},
        {"--part-file=f", "parts=f"},
        {"--programmer avrisp", "c=avrisp"},
        {"--prog avrisp", "c=avrisp"},
        {"--pr=avrisp", "c=avrisp"},
        {"--progress plain", "progress=1"},
        {"--progre plain", "progress=1"},
        {"--port /dev/ttyUSB0", "P=/dev/ttyUSB0"},
        {"--po x", "P=x"},
        {"--p x", "!--p is the beginning of several options"},
        {"--baud 19200", "baud=19200"},
        {"--ba=19200", "baud=19200"},
        {"--bitclock 4", "hz=250000"},
        {"--bit 4", "hz=250000"},
        {"--b 4", "!--b is the beginning of several options"},
        {"--isp-clock-delay 10", "i=10"},
        {"--isp 10", "i=10"},
        {"--i 10", "i=10"},
        {"--in-order", "order=1"},
        {"--in", "order=1"},
        {"--config f", "C=f"},
        {"--conf=f", "C=f"},
        {"--color never", "color=2"},
        {"--col never", "color=2"},
        {"--co never", "!--co is the beginning of several options"},
        {"--com part", "T=part"},
        {"--command part", "T=part"},
        {"--noconfig", "N=1"},
        {"--noc", "N=1"},
        {"--noerase", "D=1 A=1"},
        {"--noe", "D=1 A=1"},
        {"--noverify-memory", "V=1"},
        {"--nov", "V=1"},
        {"--no", "!--no is the beginning of several options"},
        {"--keep-trailing-0xff", "A=1"},
        {"--keep-t", "A=1"},
        {"--erase", "e=1"},
        {"--er", "e=1"},
        {"--exitspecs reset", "E=reset"},
        {"--ex", "!--ex is the beginning of several options"},
        {"--exi reset", "E=reset"},
        {"--extended help", "x=help"},
        {"--force", "F=1"},
        {"--f", "F=1"},
        {"--test-memory", "n=1"},
        {"--test", "n=1"},
        {"--terminal", "t="},
        {"--te", "!--te is the beginning of several options"},
        {"--osccal", "O=1"},
        {"--quell --quell", "q=2"},
        {"--q", "q=1"},
        {"--reconnect", "r=1"},
        {"--memory flash:w:x.hex:i", "U=flash:w:x.hex:i"},
        {"--mem=flash:w:x.hex:i", "U=flash:w:x.hex:i"},
        {"--verbose --verb", "v=2"},
        {"--ver", "!--ver is the beginning of several options"},
        {"--logfile f", "l=f"},
        {"--log=f", "l=f"},
        {"--allow reset-disable", "allow=reset-disable"},
        {"--al=reset-disable", "allow=reset-disable"},
        {"--memory=flash:w:C:/a=b.hex", "U=flash:w:C:/a=b.hex"},
    };
    CHECK(rows);
}

static void behind_help_and_version_nothing_is_wrong(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"-h", "action=1"},
        {"-?", "action=1"},
        {"-eh", "e=1 action=1"},
        {"-he", "e=1 action=1"},
        {"--help", "action=2"},
        {"--he", "action=2"},
        {"--version", "action=3"},
        {"--vers", "action=3"},
        {"-v --version", "v=1 action=3"},
        {"--help --bogus", "action=2"},
        {"-? -Z", "action=1"},
        {"-p m8 -h -p m16", "p=m16 action=1"},
        {"--version -v", "v=1 action=3"},
        {"--version --help", "action=3"},
    };
    CHECK(rows);
}

static void numbers_are_whole_and_within_bounds(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"-b 115200", "baud=115200"},
        {"-b115200", "baud=115200"},
        {"-b 0x4b00", "baud=19200"},
        {"-b 4294967295", "baud=4294967295"},
        {"-b 4294967296", "!-b: 4294967296 is not between 1 and 4294967295"},
        {"-b 99999999999999999999999", "!-b: 99999999999999999999999 is not between"},
        {"-b 0", "!-b: 0 is not between"},
        {"-b -1", "!-b: \"-1\" is not a whole number"},
        {"-b +1", "!-b: \"+1\" is not a whole number"},
        {"-b fast", "!-b: \"fast\" is not a whole number"},
        {"-b 19200baud", "!-b: \"19200baud\" is not a whole number"},
        {"-b 1.5", "!-b: \"1.5\" is not a whole number"},
        {"-b ''", "!-b: \"\" is not a whole number"},
        {"--baud=x", "!--baud: \"x\" is not a whole number"},
        {"-i 10", "i=10"},
        {"-i 0", "!-i: 0 is not between"},
        {"-i -5", "!-i: \"-5\" is not a whole number"},
        {"-i x", "!-i: \"x\" is not a whole number"},
    };
    CHECK(rows);
}

static void the_bit_clock_takes_every_unit(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"-B 4", "hz=250000"},
        {"-B4", "hz=250000"},
        {"-B 0.5", "hz=2000000"},
        {"-B .5", "hz=2000000"},
        {"-B 10.0", "hz=100000"},
        {"-B 1e1", "hz=100000"},
        {"-B 3", "hz=333333"},
        {"-B 32000", "hz=31"},
        {"-B 4us", "hz=250000"},
        {"-B 4~us", "hz=250000"},
        {"-B 4US", "hz=250000"},
        {"-B 250kHz", "hz=250000"},
        {"-B 250khz", "hz=250000"},
        {"-B 250KHZ", "hz=250000"},
        {"-B 250k", "hz=250000"},
        {"-B 250~kHz", "hz=250000"},
        {"-B 93.75kHz", "hz=93750"},
        {"-B 1M", "hz=1000000"},
        {"-B 1m", "hz=1000000"},
        {"-B 1.5MHz", "hz=1500000"},
        {"-B 1~MHz", "hz=1000000"},
        {"-B 125000Hz", "hz=125000"},
        {"-B 125000~hz", "hz=125000"},
        {"-B 1Hz", "hz=1"},
        {"-B 0", "!-B: \"0\" is no bit clock"},
        {"-B 0kHz", "!-B: \"0kHz\" is no bit clock"},
        {"-B -1", "!-B: \"-1\" is no bit clock"},
        {"-B ''", "!-B: \"\" is no bit clock"},
        {"-B .", "!-B: \".\" is no bit clock"},
        {"-B kHz", "!-B: \"kHz\" is no bit clock"},
        {"-B 4ms", "!-B: \"4ms\" is no bit clock"},
        {"-B 4~~us", "!-B: \"4  us\" is no bit clock"},
        {"-B 4us~", "!-B: \"4us \" is no bit clock"},
        {"-B 0x10", "!-B: \"0x10\" is no bit clock"},
        {"-B inf", "!-B: \"inf\" is no bit clock"},
        {"-B nan", "!-B: \"nan\" is no bit clock"},
        {"-B 1GHz", "!-B: \"1GHz\" is no bit clock"},
        {"-B 5000MHz", "!-B: a bit clock of 5000MHz is not between"},
        {"-B 0.4Hz", "!-B: a bit clock of 0.4Hz is not between"},
        {"-B 2000000", "!-B: a bit clock of 2000000 is not between"},
        {"-B 1e-300", "!-B: a bit clock of 1e-300 is not between"},
        {"--bitclock=250kHz", "hz=250000"},
    };
    CHECK(rows);
}

static void what_is_wrong_is_said_with_the_option_as_typed(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"-Z", "!-Z is no option"},
        {"-eZ", "!-Z is no option"},
        {"-G x", "!-G is no option"},
        {"-p", "!-p needs a value: -p PART"},
        {"-ep", "!-p needs a value: -p PART"},
        {"-U", "!-U needs a value: -U MEM:OP:FILE[:FMT]"},
        {"-p ''", "!-p: the value is empty"},
        {"-c ''", "!-c: the value is empty"},
        {"--bogus", "!--bogus is no option"},
        {"--bogus=1", "!--bogus is no option"},
        {"--parts m8", "!--parts is no option"},
        {"--PART m8", "!--PART is no option"},
        {"--part", "!--part needs a value: --part=PART"},
        {"--erase=yes", "!--erase takes no value"},
        {"--er=", "!--erase takes no value"},
        {"--color", "!--color needs a value: --color=WHEN"},
        {"--color blue", "!--color: \"blue\" is not one of the choices"},
        {"--color ALWAYS", "!--color: \"ALWAYS\" is not one of the choices"},
        {"--color ''", "!--color: \"\" is not one of the choices"},
        {"--progress bar", "!--progress: \"bar\" is not one of the choices"},
        {"---", "!--- is no option"},
        {"--a-name-that-is-far-longer-than-any-option-of-this-program-ever-will-be-in-its-life",
         "!--a-name-that-is-far-longer-than-any-option-of-this-program-ev"},
    };
    CHECK(rows);
}

/* Whatever an IDE or a wrapper writes must be read as it meant it. */
static void lines_of_other_programs_are_read_as_meant(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"-C/etc/avrdude.conf -v -patmega328p -cstk500v1 -P/dev/ttyACM0 -b19200 -e "
         "-Ulock:w:0x3F:m -Uefuse:w:0xFD:m -Uhfuse:w:0xDE:m -Ulfuse:w:0xFF:m",
         "c=stk500v1 P=/dev/ttyACM0 p=atmega328p baud=19200 e=1 v=1 C=/etc/avrdude.conf "
         "U=lock:w:0x3F:m U=efuse:w:0xFD:m U=hfuse:w:0xDE:m U=lfuse:w:0xFF:m"},
        {"-C/etc/avrdude.conf -q -q -patmega8 -cusbasp -Pusb -e -Ulock:w:0x3F:m -Uefuse:w::m "
         "-Uhfuse:w:0xca:m -Ulfuse:w:0xdf:m",
         "c=usbasp P=usb p=atmega8 e=1 q=2 C=/etc/avrdude.conf U=lock:w:0x3F:m U=efuse:w::m "
         "U=hfuse:w:0xca:m U=lfuse:w:0xdf:m"},
        {"-p atmega328p -C /opt/tool-avrdude/avrdude.conf -c usbtiny -b 115200 -D -P usb -U "
         "flash:w:.pio/build/uno/firmware.hex:i",
         "c=usbtiny P=usb p=atmega328p baud=115200 D=1 A=1 C=/opt/tool-avrdude/avrdude.conf "
         "U=flash:w:.pio/build/uno/firmware.hex:i"},
        {"-p m32u4 -c avrisp -U flash:w:Caterina~Micro.hex:i -P /dev/ttyACM0 -C avrdude.conf",
         "c=avrisp P=/dev/ttyACM0 p=m32u4 C=avrdude.conf U=flash:w:Caterina Micro.hex:i"},
        {"-u -c avrisp -p m8 -P COM3 -b 19200 -qq -U lfuse:r:-:h -U hfuse:r:-:h",
         "c=avrisp P=COM3 p=m8 baud=19200 q=2 U=lfuse:r:-:h U=hfuse:r:-:h"},
    };
    CHECK(rows);
}

static void verbosity_counts_each_q_after_the_first(void **state)
{
    (void)state;
    static const struct {
        unsigned quell, verbose;
        int verbosity;
    } rows[] = {{0, 0, 0}, {1, 0, 0}, {2, 0, -1}, {3, 0, -2}, {5, 0, -4},
                {0, 1, 1}, {1, 1, 1}, {2, 1, 0},  {2, 2, 1},  {5, 4, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct settings s = {.quell = rows[i].quell, .verbose = rows[i].verbose};
        assert_int_equal(settings_verbosity(&s), rows[i].verbosity);
    }
}

static void a_mistyped_long_name_gets_the_nearest_ones(void **state)
{
    (void)state;
    char name[] = "ispflash", option[] = "--verfiy-memory";
    char *argv[] = {name, option};
    struct settings s = {0};
    struct error e = {0};
    assert_int_equal(options_parse(2, argv, 1, &s, &e), STATUS_USAGE);
    assert_non_null(strstr(e.hint, "noverify-memory"));
    settings_free(&s);
}

static void letters_and_names_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_spec *spec = &option_table[i];
        assert_true(spec->letters != NULL || spec->name != NULL);
        assert_non_null(spec->help);
        for (size_t j = 0; j < i; j++) {
            if (spec->name != NULL && option_table[j].name != NULL)
                assert_string_not_equal(spec->name, option_table[j].name);
            if (spec->letters != NULL && option_table[j].letters != NULL)
                assert_null(strpbrk(spec->letters, option_table[j].letters));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_cluster_glue_and_mix),
        cmocka_unit_test(the_last_of_a_single_option_counts_and_others_collect),
        cmocka_unit_test(long_names_and_their_beginnings),
        cmocka_unit_test(behind_help_and_version_nothing_is_wrong),
        cmocka_unit_test(numbers_are_whole_and_within_bounds),
        cmocka_unit_test(the_bit_clock_takes_every_unit),
        cmocka_unit_test(what_is_wrong_is_said_with_the_option_as_typed),
        cmocka_unit_test(lines_of_other_programs_are_read_as_meant),
        cmocka_unit_test(verbosity_counts_each_q_after_the_first),
        cmocka_unit_test(a_mistyped_long_name_gets_the_nearest_ones),
        cmocka_unit_test(letters_and_names_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
