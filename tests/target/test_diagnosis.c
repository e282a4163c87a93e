/* What the first answers of a chip are taken for. */
#include "../../src/target/avr/diagnosis.h"

#include <string.h>

#include "support/test.h"

static const struct part avr = {.enable_reply_byte = 2, .enable_reply_value = 0x53};
static const struct part at89s = {.enable_reply_byte = 3, .enable_reply_value = 0x69};
static const struct part silent = {.enable_reply_byte = 2, .enable_reply_value = 0x00};

static struct avr_answer answer(uint32_t enable, uint32_t signature)
{
    return (struct avr_answer){
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
        enum avr_symptom symptom;
    } rows[] = {
        {0x00000000, 0x000000, SYMPTOM_LOW},     {0xffffffff, 0xffffff, SYMPTOM_HIGH},
        {0xac530000, 0x000000, SYMPTOM_ECHO},    {0x00118899, 0x1e950f, SYMPTOM_NOISE},
        {0xffffff53, 0x123456, SYMPTOM_SHIFTED}, {0x00a60000, 0x3c2a1e, SYMPTOM_SHIFTED},
        {0x12345678, 0x123456, SYMPTOM_NOISE},   {0xff00ac00, 0x000102, SYMPTOM_DEAF},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct avr_answer a = answer(rows[i].enable, rows[i].signature);
        assert_int_equal(answer_symptom(&a), rows[i].symptom);
        assert_true(strlen(symptom_text(rows[i].symptom)) > 0);
    }
    const struct avr_answer nothing = {0};
    assert_int_equal(answer_symptom(&nothing), SYMPTOM_HIDDEN);
}

static void only_the_documented_echo_proves_a_chip_that_has_one(void **state)
{
    (void)state;
    struct avr_answer a = answer(0x00ac5300, 0x1e950f);
    assert_true(answer_enabled(&a, &avr));
    a = answer(0x00ac0053, 0x1e950f); /* 53 in the wrong place, signature right by chance */
    assert_false(answer_enabled(&a, &avr));
    a = answer(0xffffff69, 0x1e5206);
    assert_true(answer_enabled(&a, &at89s));
    assert_false(answer_enabled(&a, &avr));
}

static void without_an_echo_the_signature_has_to_be_plausible(void **state)
{
    (void)state;
    struct avr_answer a = answer(0, 0x1e9001);
    assert_true(answer_enabled(&a, &silent));
    a.enable_seen = false;
    assert_true(answer_enabled(&a, &avr));
    a = answer(0, 0x000000);
    assert_false(answer_enabled(&a, &silent));
    a = answer(0, 0xffffff);
    assert_false(answer_enabled(&a, &silent));
    a = answer(0, 0x000102);
    assert_false(answer_enabled(&a, &silent));
}

static void a_hidden_signature_counts_only_where_lock_bits_hide_it(void **state)
{
    (void)state;
    const uint8_t hidden[3] = {0, 1, 2}, low[3] = {0, 0, 0};
    assert_true(signature_plausible(hidden, true));
    assert_false(signature_plausible(hidden, false));
    assert_false(signature_plausible(low, true));
}

static void hints_never_advise_force(void **state)
{
    (void)state;
    for (int s = SYMPTOM_HIDDEN; s <= SYMPTOM_NOISE; s++) {
        struct error e = {0};
        (void)error_set(&e, STATUS_NO_TARGET, "x");
        symptom_hints((enum avr_symptom)s, "try -B 2kHz", &e);
        assert_null(strstr(e.hint, "-F"));
        assert_null(strstr(e.hint, "force"));
        assert_non_null(strstr(e.hint, "check, likeliest first:\n- "));
        if (s == SYMPTOM_ECHO)
            assert_null(strstr(e.hint, "-B"));
        else
            assert_non_null(strstr(e.hint, "try -B 2kHz"));
    }
}

static void what_came_is_quoted(void **state)
{
    (void)state;
    char text[128];
    const struct avr_answer a = answer(0xff00ac53, 0x1e950f);
    answer_describe(&a, text, sizeof text);
    assert_string_equal(text, "Programming Enable was answered ff 00 ac 53, the signature read as "
                              "1e 95 0f");
    const struct avr_answer nothing = {0};
    answer_describe(&nothing, text, sizeof text);
    assert_string_equal(text, "the programmer got no answer to Programming Enable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pattern_is_told_apart),
        cmocka_unit_test(only_the_documented_echo_proves_a_chip_that_has_one),
        cmocka_unit_test(without_an_echo_the_signature_has_to_be_plausible),
        cmocka_unit_test(a_hidden_signature_counts_only_where_lock_bits_hide_it),
        cmocka_unit_test(hints_never_advise_force),
        cmocka_unit_test(what_came_is_quoted),
    };
    return cmocka_run_group_tests_name("diagnosis", tests, NULL, NULL);
}
