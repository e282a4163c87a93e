/* Words of the chip's memory by the programmer's SWD operations. */
#include "stm32f1.h"

enum status stm32f1_words(struct target *t, struct swd_word *words, size_t count, struct error *e)
{
    TRY(context_check(t->context, e));
    return t->programmer->driver->swd->words(t->programmer, words, count, e);
}

enum status stm32f1_read_word(struct target *t, uint32_t address, uint32_t *value, struct error *e)
{
    struct swd_word word = {.address = address};
    TRY(stm32f1_words(t, &word, 1, e));
    *value = word.value;
    return STATUS_OK;
}

enum status stm32f1_write_word(struct target *t, uint32_t address, uint32_t value, struct error *e)
{
    struct swd_word word = {.address = address, .value = value, .write = true};
    return stm32f1_words(t, &word, 1, e);
}
