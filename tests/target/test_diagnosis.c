/* What the first answers of a chip are taken for. */
#include "ispflash/diagnosis.h"

#include <string.h>

#include "support/test.h"

static const struct part avr = {.enable_reply_byte = 2, .enable_reply_value = 0x53};
static const struct part at89s = {.enable_reply_byte = 3, .enable_reply_value = 0x69};
static const struct part silent = {.enable_reply_byte = 2, .enable_reply_value = 0x00};

static struct isp_probe answer(uint32_t enable, uint32_t signature)
{
    return (struct isp_probe){
        .enable_seen = true,
        .fourth_seen = true,
        .signature_seen = true,
        .enable = {(uint8_t)(enable >> 24), (uint8_t)(enable >> 16), (uint8_t)(enable >> 8),
                   (uint8_t)enable},
        .signature = {(uint8_t)(signature >> 16), (uint8_t)(signature >> 8), (uint8_t)signature},
    };
}

static void each_pattern_is_told_apart(void **state)
{
    (void)state;
    const struct {
        uint32_t enable, signature;
        enum symptom symptom;
    } rows[] = {
        {0x00000000, 0x000000, SYMPTOM_LOW},     {0xffffffff, 0xffffff, SYMPTOM_HIGH},
        {0xac530000, 0x000000, SYMPTOM_ECHO},    {0x00118899, 0x1e950f, SYMPTOM_NOISE},
        {0xffffff53, 0x123456, SYMPTOM_SHIFTED}, {0x00a60000, 0x3c2a1e, SYMPTOM_SHIFTED},
        {0x12345678, 0x123456, SYMPTOM_NOISE},   {0xff00ac00, 0x000102, SYMPTOM_DEAF},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct isp_probe a = answer(rows[i].enable, rows[i].signature);
        assert_int_equal(probe_symptom(&a), rows[i].symptom);
        assert_true(strlen(symptom_text(rows[i].symptom)) > 0);
    }
    const struct isp_probe nothing = {0};
    assert_int_equal(probe_symptom(&nothing), SYMPTOM_HIDDEN);
}

static void only_the_documented_echo_proves_a_chip_that_has_one(void **state)
{
    (void)state;
    struct isp_probe a = answer(0x00ac5300, 0x1e950f);
    assert_true(probe_proves_chip(&a, &avr));
    a = answer(0x00ac0053, 0x1e950f); /* 53 in the wrong place, signature right by chance */
    assert_false(probe_proves_chip(&a, &avr));
    a = answer(0xffffff69, 0x1e5206);
    assert_true(probe_proves_chip(&a, &at89s));
    assert_false(probe_proves_chip(&a, &avr));
}

static void without_an_echo_the_signature_has_to_be_plausible(void **state)
{
    (void)state;
    struct isp_probe a = answer(0, 0x1e9001);
    assert_true(probe_proves_chip(&a, &silent));
    a.enable_seen = false;
    assert_true(probe_proves_chip(&a, &avr));
    a = answer(0, 0x000000);
    assert_false(probe_proves_chip(&a, &silent));
    a = answer(0, 0xffffff);
    assert_false(probe_proves_chip(&a, &silent));
    a = answer(0, 0x000102);
    assert_false(probe_proves_chip(&a, &silent));
}

static void a_hidden_signature_counts_only_where_lock_bits_hide_it(void **state)
{
    (void)state;
    const uint8_t hidden[3] = {0, 1, 2}, low[3] = {0, 0, 0};
    assert_true(signature_plausible(hidden, true));
    assert_false(signature_plausible(hidden, false));
    assert_false(signature_plausible(low, true));
}

static const struct probe_facts nothing_known = {.voltage_known = false};

static struct isp_probe at(uint32_t sck_hz, struct isp_probe p)
{
    p.sck_hz = sck_hz;
    p.enabled = probe_proves_chip(&p, &avr);
    return p;
}

static struct isp_probe high(uint32_t sck_hz)
{
    return at(sck_hz, answer(0xffffffff, 0xffffff));
}

static struct isp_probe good(uint32_t sck_hz)
{
    return at(sck_hz, answer(0xffac5300, 0x1e950f));
}

/* What a series is taken for, in one word. */
static const char *taken_for(const struct isp_probe *series, size_t count,
                             const struct probe_facts *facts)
{
    struct diagnosis d;
    diagnose(series, count, facts, &d);
    assert_true(d.suspect_count > 0 || d.symptom == SYMPTOM_NONE);
    return symptom_name(d.symptom);
}

static void a_series_is_judged_as_a_whole(void **state)
{
    (void)state;
    const struct isp_probe silent_ones[] = {high(187500), high(187500), high(2000)};
    assert_string_equal(taken_for(silent_ones, 3, &nothing_known), "miso-high");
    const struct isp_probe fine[] = {good(187500), good(2000)};
    assert_string_equal(taken_for(fine, 2, &nothing_known), "none");
    const struct isp_probe slow[] = {high(187500), high(93750), good(32000), good(8000)};
    assert_string_equal(taken_for(slow, 4, &nothing_known), "too-fast");
    const struct isp_probe worse_below[] = {good(187500), high(93750), good(32000)};
    assert_string_equal(taken_for(worse_below, 3, &nothing_known), "unreliable");
    const struct isp_probe now_and_then[] = {good(187500), high(187500)};
    assert_string_equal(taken_for(now_and_then, 2, &nothing_known), "unreliable");
    const struct isp_probe fixed_sck[] = {good(0), high(0)};
    assert_string_equal(taken_for(fixed_sck, 2, &nothing_known), "unreliable");
    assert_string_equal(taken_for(NULL, 0, &nothing_known), "hidden");
}

static void answers_that_change_are_not_taken_at_their_word(void **state)
{
    (void)state;
    const struct isp_probe floating[] = {high(187500), at(187500, answer(0, 0)), high(32000)};
    assert_string_equal(taken_for(floating, 3, &nothing_known), "unsteady");
    /* 53 is somewhere in the answer by chance; more often it is a sign */
    const struct isp_probe chance[] = {
        at(187500, answer(0xffffff53, 0x123456)), at(187500, answer(0x12345678, 0x345612)),
        at(32000, answer(0x78123456, 0x125634)), at(32000, answer(0x18526334, 0x165234))};
    assert_string_equal(taken_for(chance, 4, &nothing_known), "unsteady");
    const struct isp_probe shifted[] = {at(187500, answer(0x00a60000, 0x3c2a1e)),
                                        at(187500, answer(0x00298000, 0x0f4a87)),
                                        at(32000, answer(0x12345678, 0x125634))};
    assert_string_equal(taken_for(shifted, 3, &nothing_known), "shifted");
}

/* Where the signature alone is seen, any nonsense looks like one: the same one twice does not. */
static void signatures_have_to_agree(void **state)
{
    (void)state;
    struct isp_probe blind[2] = {answer(0, 0x123456), answer(0, 0x345612)};
    for (size_t i = 0; i < 2; i++) {
        blind[i].enable_seen = blind[i].fourth_seen = false;
        blind[i].enabled = probe_proves_chip(&blind[i], &avr);
        assert_true(blind[i].enabled);
    }
    assert_string_equal(taken_for(blind, 2, &nothing_known), "unsteady");
    const struct isp_probe seeing[] = {good(187500), at(187500, answer(0xffac5300, 0x1e950d))};
    assert_string_equal(taken_for(seeing, 2, &nothing_known), "unreliable");
}

static void what_fuses_and_readings_tell_counts(void **state)
{
    (void)state;
    const struct isp_probe slow[] = {high(187500), good(32000)};
    const struct isp_probe fine[] = {good(187500), good(187500)};
    const struct probe_facts promise = {.promised_hz = 224999};
    const struct probe_facts slow_clock = {.promised_hz = 28799};
    const struct probe_facts wrong = {.readings_wrong = true};
    assert_string_equal(taken_for(slow, 2, &promise), "unreliable");
    assert_string_equal(taken_for(slow, 2, &slow_clock), "too-fast");
    assert_string_equal(taken_for(fine, 2, &wrong), "unreliable");
}

static void the_limits_of_sck_are_told(void **state)
{
    (void)state;
    struct diagnosis d;
    const struct isp_probe slow[] = {high(187500), high(93750), good(32000), good(8000)};
    diagnose(slow, 4, &nothing_known, &d);
    assert_int_equal(d.good_hz, 32000);
    assert_int_equal(d.bad_hz, 93750);
    assert_int_equal(d.confidence, CONFIDENCE_CERTAIN);
}

/* A programmer that shows the fourth byte alone: who repeats the pattern, and how late? */
static void the_pattern_tells_what_one_byte_cannot(void **state)
{
    (void)state;
    const struct {
        uint8_t fourth;
        uint32_t signature;
        const char *name;
    } rows[] = {
        {0x5a, 0x000000, "echo"},      {0xa5, 0x000102, "deaf"},     {0x00, 0x000000, "miso-low"},
        {0xff, 0xffffff, "miso-high"}, {0x13, 0x000000, "nonsense"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct isp_probe p = answer(0, rows[i].signature);
        p.enable_seen = p.fourth_seen = false;
        p.pattern_seen = true;
        p.pattern[3] = rows[i].fourth;
        assert_string_equal(symptom_name(probe_symptom(&p)), rows[i].name);
    }
}

static void a_measured_supply_is_believed(void **state)
{
    (void)state;
    struct diagnosis d;
    const struct isp_probe silent_ones[] = {high(187500), high(187500)};
    const struct isp_probe fine[] = {good(187500)};
    const struct probe_facts none = {.voltage_known = true, .millivolts = 300};
    const struct probe_facts there = {.voltage_known = true, .millivolts = 3300};
    assert_string_equal(taken_for(silent_ones, 2, &none), "no-power");
    assert_string_equal(taken_for(NULL, 0, &none), "no-power");
    assert_string_equal(taken_for(fine, 1, &none), "none"); /* the meter's wire is loose */
    assert_string_equal(taken_for(silent_ones, 2, &there), "miso-high");
    diagnose(silent_ones, 2, &there, &d);
    for (size_t i = 0; i < d.suspect_count; i++)
        assert_int_equal(d.suspects[i].lines & LINE_VCC, 0);
}

static void hints_never_advise_force(void **state)
{
    (void)state;
    const struct isp_probe series[] = {high(187500),
                                       at(187500, answer(0, 0)),
                                       at(187500, answer(0xac530000, 0)),
                                       at(187500, answer(0x12345678, 0x345612)),
                                       {0}};
    for (size_t i = 0; i < sizeof series / sizeof series[0]; i++) {
        struct error e = {0};
        struct diagnosis d;
        (void)error_set(&e, STATUS_NO_TARGET, "x");
        diagnose(&series[i], 1, &nothing_known, &d);
        diagnosis_hints(&d, "try -B 2kHz", &e);
        assert_null(strstr(e.hint, "-F"));
        assert_null(strstr(e.hint, "force"));
        assert_non_null(strstr(e.hint, "check, likeliest first:\n- "));
        if (d.symptom == SYMPTOM_ECHO)
            assert_null(strstr(e.hint, "-B"));
        else
            assert_non_null(strstr(e.hint, "try -B 2kHz")); /* and so all of it has room */
    }
}

/* Each has its words, and each suspect a line to look at. */
static void every_symptom_and_line_has_a_name(void **state)
{
    (void)state;
    for (int s = 0; s < SYMPTOM_COUNT; s++) {
        assert_true(strlen(symptom_name((enum symptom)s)) > 0);
        assert_true(strlen(symptom_text((enum symptom)s)) > 0);
    }
    for (int i = 0; i < LINE_COUNT; i++)
        assert_true(strlen(line_name((enum line)(1 << i))) > 0);
    assert_string_equal(confidence_name(CONFIDENCE_POSSIBLE), "possible");
}

static void what_came_is_quoted(void **state)
{
    (void)state;
    char text[128];
    const struct isp_probe a = answer(0xff00ac53, 0x1e950f);
    probe_describe(&a, text, sizeof text);
    assert_string_equal(text, "Programming Enable was answered ff 00 ac 53, the signature read as "
                              "1e 95 0f");
    const struct isp_probe nothing = {0};
    probe_describe(&nothing, text, sizeof text);
    assert_string_equal(text, "the programmer got no answer to Programming Enable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pattern_is_told_apart),
        cmocka_unit_test(only_the_documented_echo_proves_a_chip_that_has_one),
        cmocka_unit_test(without_an_echo_the_signature_has_to_be_plausible),
        cmocka_unit_test(a_hidden_signature_counts_only_where_lock_bits_hide_it),
        cmocka_unit_test(a_series_is_judged_as_a_whole),
        cmocka_unit_test(answers_that_change_are_not_taken_at_their_word),
        cmocka_unit_test(signatures_have_to_agree),
        cmocka_unit_test(what_fuses_and_readings_tell_counts),
        cmocka_unit_test(the_limits_of_sck_are_told),
        cmocka_unit_test(the_pattern_tells_what_one_byte_cannot),
        cmocka_unit_test(a_measured_supply_is_believed),
        cmocka_unit_test(hints_never_advise_force),
        cmocka_unit_test(every_symptom_and_line_has_a_name),
        cmocka_unit_test(what_came_is_quoted),
    };
    return cmocka_run_group_tests_name("diagnosis", tests, NULL, NULL);
}
