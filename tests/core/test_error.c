#include <string.h>

#include "ispflash/error.h"
#include "support/test.h"

static void context_is_prepended_and_the_code_kept(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(error_set(&e, STATUS_TIMEOUT, "no answer within %d ms", 500), STATUS_TIMEOUT);
    assert_int_equal(error_in(&e, "write %s", "flash"), STATUS_TIMEOUT);
    assert_string_equal(e.text, "write flash: no answer within 500 ms");
}

static void a_hint_that_does_not_fit_is_dropped_whole(void **state)
{
    (void)state;
    struct error e = {0};
    char long_line[sizeof e.hint + 10];
    memset(long_line, 'x', sizeof long_line - 1);
    long_line[sizeof long_line - 1] = '\0';
    error_hint(&e, "try -B 125kHz");
    error_hint(&e, "%s", long_line);
    error_hint(&e, "check the cable");
    assert_string_equal(e.hint, "try -B 125kHz\ncheck the cable");
}

static void an_overlong_context_leaves_the_text_terminated(void **state)
{
    (void)state;
    struct error e = {0};
    char text[sizeof e.text];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)error_set(&e, STATUS_INPUT, "%s", text);
    (void)error_in(&e, "file.hex");
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_memory_equal(e.text, "file.hex: y", 11);
}

static void every_status_has_a_code_a_name_and_a_text(void **state)
{
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++) {
        const enum status status = (enum status)i;
        assert_non_null(error_status_name(status));
        assert_non_null(error_status_text(status));
        assert_int_equal(error_exit_code(status) == 0, status == STATUS_OK);
        for (int j = STATUS_USAGE; j < i; j++) {
            assert_int_not_equal(error_exit_code(status), error_exit_code((enum status)j));
            assert_string_not_equal(error_status_name(status), error_status_name((enum status)j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_is_prepended_and_the_code_kept),
        cmocka_unit_test(a_hint_that_does_not_fit_is_dropped_whole),
        cmocka_unit_test(an_overlong_context_leaves_the_text_terminated),
        cmocka_unit_test(every_status_has_a_code_a_name_and_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
