/* Images against single cases and, over many random puts, against a model that cannot be wrong: one
 * flag and one value an address. */
#include <stdlib.h>
#include <string.h>

#include "ispflash/image.h"
#include "support/random.h"
#include "support/test.h"

static void put(struct image *image, uint32_t address, const char *text)
{
    struct error e = {0};
    assert_int_equal(image_put(image, address, (const uint8_t *)text, strlen(text),
                               IMAGE_OVERLAP_SAME, NULL, &e),
                     STATUS_OK);
}

static void assert_extent(const struct image *image, uint64_t from, uint32_t address,
                          const char *text)
{
    struct extent extent;
    assert_true(image_next(image, from, &extent));
    assert_int_equal(extent.address, address);
    assert_int_equal(extent.size, strlen(text));
    assert_memory_equal(extent.data, text, extent.size);
}

static void a_new_image_is_empty(void **state)
{
    (void)state;
    struct image *image = image_new();
    struct extent extent;
    assert_true(image_empty(image));
    assert_int_equal(image_bytes(image), 0);
    assert_int_equal(image_low(image), 0);
    assert_int_equal(image_end(image), 0);
    assert_false(image_next(image, 0, &extent));
    assert_false(image_get(image, 0, NULL));
    image_free(image);
    image_free(NULL);
}

static void neighbours_become_one_extent_in_any_order(void **state)
{
    (void)state;
    struct image *image = image_new();
    put(image, 8, "cd");
    put(image, 4, "ab");
    put(image, 6, "__");
    assert_extent(image, 0, 4, "ab__cd");
    assert_extent(image, 7, 7, "_cd");
    struct extent extent;
    assert_false(image_next(image, 10, &extent));
    assert_int_equal(image_bytes(image), 6);
    image_free(image);
}

static void a_hole_stays_a_hole(void **state)
{
    (void)state;
    struct image *image = image_new();
    put(image, 0, "ab");
    put(image, 3, "d");
    uint8_t copy[5];
    assert_int_equal(image_copy(image, 0, copy, sizeof copy, 0xff), 3);
    assert_memory_equal(copy,
                        "ab\xff"
                        "d\xff",
                        5);
    assert_false(image_get(image, 2, NULL));
    assert_extent(image, 2, 3, "d");
    image_free(image);
}

static void equal_bytes_may_be_put_twice(void **state)
{
    (void)state;
    struct image *image = image_new();
    put(image, 10, "hello");
    put(image, 12, "llo there");
    assert_extent(image, 0, 10, "hello there");
    image_free(image);
}

static void a_conflict_names_its_address_and_stores_nothing(void **state)
{
    (void)state;
    struct image *image = image_new(), *before = image_new();
    put(image, 0x10, "hello");
    put(before, 0x10, "hello");
    struct error e = {0};
    uint32_t conflict = 0;
    assert_int_equal(
        image_put(image, 0x0e, (const uint8_t *)"__heXlo__", 9, IMAGE_OVERLAP_SAME, &conflict, &e),
        STATUS_INPUT);
    assert_int_equal(conflict, 0x12);
    assert_string_equal(e.text, "0x58 for address 0x12, which is 0x6c already");
    assert_true(image_equal(image, before));
    image_free(image);
    image_free(before);
}

static void replacing_takes_the_later_bytes(void **state)
{
    (void)state;
    struct image *image = image_new();
    put(image, 0, "aaaa");
    struct error e = {0};
    assert_int_equal(
        image_put(image, 2, (const uint8_t *)"bbbb", 4, IMAGE_OVERLAP_REPLACE, NULL, &e),
        STATUS_OK);
    assert_extent(image, 0, 0, "aabbbb");
    image_free(image);
}

static void the_last_address_can_be_used_and_none_beyond(void **state)
{
    (void)state;
    struct image *image = image_new();
    put(image, 0xfffffffe, "yz");
    assert_true(image_end(image) == (uint64_t)1 << 32);
    assert_extent(image, 0xffffffff, 0xffffffff, "z");
    struct extent extent;
    assert_false(image_next(image, (uint64_t)1 << 32, &extent));
    struct error e = {0};
    assert_int_equal(
        image_put(image, 0xffffffff, (const uint8_t *)"ab", 2, IMAGE_OVERLAP_REPLACE, NULL, &e),
        STATUS_INPUT);
    uint8_t copy[4];
    assert_int_equal(image_copy(image, 0xfffffffe, copy, sizeof copy, 0), 2);
    image_free(image);
}

static void merging_adds_all_and_stops_at_a_difference(void **state)
{
    (void)state;
    struct image *a = image_new(), *b = image_new();
    put(a, 0, "one");
    put(b, 2, "e");
    put(b, 8, "two");
    struct error e = {0};
    assert_int_equal(image_merge(a, b, &e), STATUS_OK);
    assert_int_equal(image_bytes(a), 6);
    put(b, 3, "!");
    put(a, 3, "?");
    assert_int_equal(image_merge(a, b, &e), STATUS_INPUT);
    image_free(a);
    image_free(b);
}

static void truncating_cuts_and_drops(void **state)
{
    (void)state;
    struct image *image = image_new();
    put(image, 0, "abcd");
    put(image, 10, "efgh");
    image_truncate(image, 12);
    assert_extent(image, 4, 10, "ef");
    image_truncate(image, 10);
    assert_int_equal(image_end(image), 4);
    put(image, 4, "x"); /* room is still accounted for */
    assert_extent(image, 0, 0, "abcdx");
    image_truncate(image, 0);
    assert_true(image_empty(image));
    image_free(image);
}

enum { MODEL_SIZE = 300 };

struct model {
    bool present[MODEL_SIZE];
    uint8_t value[MODEL_SIZE];
};

static void model_check(const struct model *model, const struct image *image, uint32_t base)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < MODEL_SIZE; i++) {
        uint8_t value = 0;
        assert_int_equal(image_get(image, base + i, &value), model->present[i]);
        if (model->present[i])
            assert_int_equal(value, model->value[i]);
        bytes += model->present[i];
    }
    assert_int_equal(image_bytes(image), bytes);
    /* Extents are as long as they can be: a hole stands before and after each. */
    struct extent extent;
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size) {
        const uint32_t first = extent.address - base, end = first + extent.size;
        assert_true(extent.size > 0);
        assert_true(first == 0 || !model->present[first - 1]);
        assert_true(end == MODEL_SIZE || !model->present[end]);
    }
}

static void model_put(struct model *model, struct image *image, uint32_t base,
                      struct test_random *random)
{
    const uint32_t address = random_below(random, MODEL_SIZE);
    const uint32_t room = MODEL_SIZE - address;
    const uint32_t size = random_below(random, room < 24 ? room + 1 : 24);
    const enum image_overlap overlap =
        random_below(random, 3) == 0 ? IMAGE_OVERLAP_REPLACE : IMAGE_OVERLAP_SAME;
    uint8_t data[24];
    uint32_t conflict_at = MODEL_SIZE;
    for (uint32_t i = size; i-- > 0;) {
        data[i] = (uint8_t)random_below(random, 4) == 0 ? (uint8_t)(address + i + 1)
                                                        : (uint8_t)(address + i);
        if (model->present[address + i] && model->value[address + i] != data[i])
            conflict_at = address + i;
    }
    struct error e = {0};
    uint32_t conflict = 0;
    const enum status status = image_put(image, base + address, data, size, overlap, &conflict, &e);
    if (overlap == IMAGE_OVERLAP_SAME && conflict_at != MODEL_SIZE) {
        assert_int_equal(status, STATUS_INPUT);
        assert_int_equal(conflict, base + conflict_at);
        return;
    }
    assert_int_equal(status, STATUS_OK);
    for (uint32_t i = 0; i < size; i++) {
        model->present[address + i] = true;
        model->value[address + i] = data[i];
    }
}

static void random_puts_give_what_the_model_gives(void **state)
{
    (void)state;
    struct test_random random = {.state = 20240601};
    for (int round = 0; round < 300; round++) {
        const uint32_t base = round % 2 == 0 ? 0 : (uint32_t)0 - MODEL_SIZE;
        struct model model = {{0}, {0}};
        struct image *image = image_new();
        for (int step = 0; step < 40; step++) {
            model_put(&model, image, base, &random);
            if (step == 25) {
                const uint32_t cut = random_below(&random, MODEL_SIZE);
                image_truncate(image, (uint64_t)base + cut);
                for (uint32_t i = cut; i < MODEL_SIZE; i++)
                    model.present[i] = false;
            }
            model_check(&model, image, base);
        }
        image_free(image);
    }
}

static void a_big_image_may_come_backwards_or_every_other_first(void **state)
{
    (void)state;
    enum { RECORD = 16, COUNT = 8192 };
    struct image *backwards = image_new(), *mixed = image_new();
    struct error e = {0};
    uint8_t data[RECORD];
    for (uint32_t i = COUNT; i-- > 0;) {
        memset(data, (int)(i & 0xff), sizeof data);
        assert_int_equal(
            image_put(backwards, i * RECORD, data, RECORD, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    }
    for (uint32_t k = 0; k < COUNT; k++) {
        const uint32_t i = k < COUNT / 2 ? 2 * k : 2 * (k - COUNT / 2) + 1;
        memset(data, (int)(i & 0xff), sizeof data);
        assert_int_equal(image_put(mixed, i * RECORD, data, RECORD, IMAGE_OVERLAP_SAME, NULL, &e),
                         0);
    }
    assert_true(image_equal(backwards, mixed));
    assert_int_equal(image_bytes(mixed), RECORD * COUNT);
    image_free(backwards);
    image_free(mixed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_image_is_empty),
        cmocka_unit_test(neighbours_become_one_extent_in_any_order),
        cmocka_unit_test(a_hole_stays_a_hole),
        cmocka_unit_test(equal_bytes_may_be_put_twice),
        cmocka_unit_test(a_conflict_names_its_address_and_stores_nothing),
        cmocka_unit_test(replacing_takes_the_later_bytes),
        cmocka_unit_test(the_last_address_can_be_used_and_none_beyond),
        cmocka_unit_test(merging_adds_all_and_stops_at_a_difference),
        cmocka_unit_test(truncating_cuts_and_drops),
        cmocka_unit_test(random_puts_give_what_the_model_gives),
        cmocka_unit_test(a_big_image_may_come_backwards_or_every_other_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
