/* ST-Link: the target's memory, by words and by blocks. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stlink.h"

enum {
    BLOCK_MAX = 4096, /* less than the device takes; the chip's address counter wraps there */
    STATUS_SIZE = 12, /* of DEBUG_LAST_STATUS */
    WAITS = 8,        /* 1, 2, 4, ... ms */
    MISC_ITEMS = 64,  /* of one list */
    MISC_J = 32,      /* the first V2 firmware that has it */
    MISC_ADDRESS = 1, /* the items of a list: take this address, */
    MISC_WRITE = 2,   /* write this word there, */
    MISC_READ = 3     /* read the word at this address */
};

/* --- words ---------------------------------------------------------------------------------- */

static enum status one_word(struct programmer *p, struct swd_word *word, struct error *e)
{
    struct stlink_command command = {
        .name = word->write ? "WRITEDEBUGREG" : "READDEBUGREG",
        .bytes = {STLINK_DEBUG, word->write ? DEBUG_WRITE_WORD : DEBUG_READ_WORD}};
    uint8_t answer[8];
    stlink_put_le32(command.bytes + 2, word->address);
    if (word->write)
        stlink_put_le32(command.bytes + 6, word->value);
    if (stlink_order(p, &command, answer, word->write ? 2 : 8, e) != STATUS_OK)
        return error_in(e, "%s 0x%08" PRIx32, word->write ? "write to" : "read at", word->address);
    if (!word->write)
        word->value = stlink_get_le32(answer + 4);
    return STATUS_OK;
}

/* A list of items: their kinds, one byte each and padded to words, then a word for each. */
struct misc {
    uint8_t kinds[MISC_ITEMS];
    uint32_t values[MISC_ITEMS];
    size_t count;
};

static void misc_add(struct misc *m, uint8_t kind, uint32_t value)
{
    m->kinds[m->count] = kind;
    m->values[m->count++] = value;
}

static size_t misc_pack(const struct misc *m, uint8_t out[5 * MISC_ITEMS + 4])
{
    const size_t kinds = (m->count + 3) / 4 * 4;
    memset(out, 0, kinds);
    memcpy(out, m->kinds, m->count);
    for (size_t i = 0; i < m->count; i++)
        stlink_put_le32(out + kinds + 4 * i, m->values[i]);
    return kinds + 4 * m->count;
}

/* Sends the list; `answer` receives a word for each item, then a status for each. */
static enum status misc_exchange(struct stlink *self, const struct misc *m,
                                 uint8_t answer[8 * MISC_ITEMS], struct error *e)
{
    struct stlink_command out = {.name = "RW_MISC_OUT", .bytes = {STLINK_DEBUG, DEBUG_MISC_OUT}};
    const struct stlink_command in = {.name = "RW_MISC_IN", .bytes = {STLINK_DEBUG, DEBUG_MISC_IN}};
    uint8_t data[5 * MISC_ITEMS + 4];
    const size_t size = misc_pack(m, data);
    stlink_put_le32(out.bytes + 2, (uint32_t)m->count);
    TRY(stlink_send(self, &out, e));
    TRY(stlink_data(self, out.name, data, size, e));
    return stlink_ask(self, &in, answer, 8 * m->count, e);
}

/* As many of the words as one list holds. A word that the chip's bus was too busy for, and all that
 * follow it, are done once more by themselves: *done says how many are. */
static enum status some_words(struct programmer *p, struct swd_word *words, size_t count,
                              size_t *done, struct error *e)
{
    struct stlink *self = p->state;
    struct misc m = {.count = 0};
    uint8_t answer[8 * MISC_ITEMS];
    size_t used = 0;
    for (; used < count && m.count + 2 <= MISC_ITEMS; used++) {
        misc_add(&m, words[used].write ? MISC_ADDRESS : MISC_READ, words[used].address);
        if (words[used].write)
            misc_add(&m, MISC_WRITE, words[used].value);
    }
    TRY(misc_exchange(self, &m, answer, e));
    *done = 0;
    for (size_t i = 0, item = 0; i < used; i++, item++) {
        item += words[i].write;
        const uint8_t status = answer[4 * (m.count + item)];
        if (stlink_is_wait(status))
            return STATUS_OK;
        if (stlink_judge(self, status, "RW_MISC", e) != STATUS_OK)
            return error_in(e, "%s 0x%08" PRIx32, words[i].write ? "write to" : "read at",
                            words[i].address);
        if (!words[i].write)
            words[i].value = stlink_get_le32(answer + 4 * item);
        *done = i + 1;
    }
    return STATUS_OK;
}

enum status stlink_words(struct programmer *p, struct swd_word *words, size_t count,
                         struct error *e)
{
    const struct stlink *self = p->state;
    const bool lists = !self->v3 && self->j >= MISC_J;
    for (size_t i = 0; i < count;) {
        size_t done = 1;
        if (lists && count - i > 1)
            TRY(some_words(p, words + i, count - i, &done, e));
        if (!lists || count - i == 1 || done == 0) {
            TRY(one_word(p, &words[i], e));
            done = 1;
        }
        i += done;
    }
    return STATUS_OK;
}

enum status stlink_set_register(struct programmer *p, unsigned number, uint32_t value,
                                struct error *e)
{
    struct stlink_command command = {
        .name = "WRITEREG", .bytes = {STLINK_DEBUG, DEBUG_WRITE_REGISTER, (uint8_t)number}};
    uint8_t answer[2];
    stlink_put_le32(command.bytes + 3, value);
    return stlink_order(p, &command, answer, sizeof answer, e);
}

/* --- blocks --------------------------------------------------------------------------------- */

static struct stlink_command block_command(uint8_t kind, uint32_t address, size_t size)
{
    struct stlink_command command = {.name = kind == DEBUG_READ_MEMORY ? "READMEM" : "WRITEMEM",
                                     .bytes = {STLINK_DEBUG, kind}};
    stlink_put_le32(command.bytes + 2, address);
    stlink_put_le16(command.bytes + 6, (uint16_t)size);
    return command;
}

/* What became of the block: a failed one, too, delivers or takes all its bytes. */
static enum status last_status(struct stlink *self, uint8_t *status, struct error *e)
{
    const struct stlink_command command = {.name = "GETLASTRWSTATUS2",
                                           .bytes = {STLINK_DEBUG, DEBUG_LAST_STATUS}};
    uint8_t answer[STATUS_SIZE];
    TRY(stlink_ask(self, &command, answer, sizeof answer, e));
    *status = answer[0];
    return STATUS_OK;
}

static enum status read_block(struct stlink *self, uint32_t address, uint8_t *data, size_t size,
                              uint8_t *status, struct error *e)
{
    const struct stlink_command command = block_command(DEBUG_READ_MEMORY, address, size);
    TRY(stlink_ask(self, &command, data, size, e));
    return last_status(self, status, e);
}

static enum status write_block(struct stlink *self, uint32_t address, const uint8_t *data,
                               size_t size, uint8_t *status, struct error *e)
{
    const struct stlink_command command = block_command(DEBUG_WRITE_MEMORY, address, size);
    TRY(stlink_send(self, &command, e));
    TRY(stlink_data(self, command.name, data, size, e));
    return last_status(self, status, e);
}

/* The next piece: up to where the chip's address counter would wrap. */
static size_t piece(uint32_t address, size_t left)
{
    const size_t room = BLOCK_MAX - address % BLOCK_MAX;
    return left < room ? left : room;
}

/* One of `in` and `out` is NULL. Both directions bear being repeated: RAM and registers of a debug
 * port are all that is written so. */
static enum status block(struct programmer *p, uint32_t address, uint8_t *in, const uint8_t *out,
                         size_t size, struct error *e)
{
    struct stlink *self = p->state;
    for (unsigned wait = 0;; wait++) {
        uint8_t status = 0;
        TRY(in != NULL ? read_block(self, address, in, size, &status, e)
                       : write_block(self, address, out, size, &status, e));
        if (stlink_is_wait(status) && wait < WAITS) {
            TRY(context_sleep(p->context, UINT64_C(1000) << wait, e));
            continue;
        }
        if (stlink_judge(self, status, in != NULL ? "READMEM" : "WRITEMEM", e) == STATUS_OK)
            return STATUS_OK;
        return error_in(e, "%s 0x%08" PRIx32, in != NULL ? "read at" : "write to", address);
    }
}

enum status stlink_read(struct programmer *p, uint32_t address, uint8_t *data, size_t size,
                        struct error *e)
{
    for (size_t done = 0; done < size;) {
        const size_t part = piece(address + (uint32_t)done, size - done);
        TRY(context_check(p->context, e));
        TRY(block(p, address + (uint32_t)done, data + done, NULL, part, e));
        context_advance(p->context, (uint32_t)part);
        done += part;
    }
    return STATUS_OK;
}

enum status stlink_write(struct programmer *p, uint32_t address, const uint8_t *data, size_t size,
                         struct error *e)
{
    for (size_t done = 0; done < size;) {
        const size_t part = piece(address + (uint32_t)done, size - done);
        TRY(block(p, address + (uint32_t)done, NULL, data + done, part, e));
        done += part;
    }
    return STATUS_OK;
}
