/* Runs the loader: the host fills the ring while the core empties it into flash. */
#include <inttypes.h>
#include <string.h>

#include "loader.h"
#include "stm32f1.h"

enum {
    CHUNK = 1024, /* bytes into the ring at once */
    RING_MAX = 16 * 1024,
    MARGIN_US = 1000000, /* of a page's time limit: the share of the wire and of a busy machine */
    LOOK_US = 2000,      /* between two looks at the mailbox */
    REGISTER_PC = 15,
    REGISTER_XPSR = 16,
    XPSR_THUMB = 0x01000000,
    IWDG_RELOAD = 0xaaaa /* RM0008, "IWDG_KR" */
};

/* One run of it. */
struct loading {
    struct target *target;
    const struct loader_job *job;
    uint32_t ring_size;
    uint32_t sent, done; /* bytes */
    uint32_t wanted;     /* less than the job's size once the user wants out */
    uint64_t moved_us;   /* when a page was finished last */
    bool halted;
    uint32_t result, address; /* once halted */
};

static const struct swd_ops *swd(const struct target *t)
{
    return t->programmer->driver->swd;
}

static uint32_t ring_size(const struct target *t, const struct loader_job *job)
{
    const uint32_t room = t->part->sram_size - LOADER_RING;
    const uint32_t most = room < RING_MAX ? room : RING_MAX;
    return job->size < most ? job->size : most / job->page_size * job->page_size;
}

static void put_le32(uint8_t *out, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

/* Code, parameters and mailbox in one block. */
static enum status load(const struct loading *l, struct error *e)
{
    const struct loader_job *job = l->job;
    const uint32_t parameters[PARAMETER_COUNT] = {
        [PARAMETER_SOURCE] = SRAM + LOADER_RING,
        [PARAMETER_ADDRESS] = job->address,
        [PARAMETER_REGISTERS] = job->registers,
        [PARAMETER_END] = job->address + job->size,
        [PARAMETER_PAGE_MASK] = job->page_size - 1,
        [PARAMETER_MAILBOX] = SRAM + LOADER_READY,
        [PARAMETER_RING_END] = SRAM + LOADER_RING + l->ring_size,
        [PARAMETER_RING_SIZE] = l->ring_size,
        [PARAMETER_ERASE] = job->erase ? 1 : 0,
        [PARAMETER_WATCHDOG] = IWDG_KR,
        [PARAMETER_RELOAD] = IWDG_RELOAD,
    };
    uint8_t block[LOADER_RING] = {0};
    for (size_t i = 0; i < sizeof loader_code / sizeof loader_code[0]; i++) {
        block[2 * i] = (uint8_t)loader_code[i];
        block[2 * i + 1] = (uint8_t)(loader_code[i] >> 8);
    }
    for (size_t i = 0; i < PARAMETER_COUNT; i++)
        put_le32(block + LOADER_PARAMETERS + 4 * i, parameters[i]);
    put_le32(block + LOADER_CONTROL, job->control);
    return swd(l->target)->write(l->target->programmer, SRAM, block, sizeof block, e);
}

static enum status start(const struct loading *l, struct error *e)
{
    struct target *t = l->target;
    struct swd_word run[] = {
        {.address = l->job->registers + FLASH_SR, .value = SR_CLEAR, .write = true},
        {.address = DHCSR, .value = DHCSR_RUN, .write = true}};
    TRY(load(l, e));
    TRY(swd(t)->set_register(t->programmer, REGISTER_XPSR, XPSR_THUMB, e));
    TRY(swd(t)->set_register(t->programmer, REGISTER_PC, SRAM, e));
    return stm32f1_words(t, run, sizeof run / sizeof run[0], e);
}

/* The next bytes into the ring, and the word that says so. */
static enum status feed(struct loading *l, struct error *e)
{
    const uint32_t at = l->sent % l->ring_size;
    const uint32_t left = l->wanted - l->sent, room = l->ring_size - at;
    uint32_t size = left < CHUNK ? left : CHUNK;
    size = size < room ? size : room;
    TRY(swd(l->target)->write(l->target->programmer, SRAM + LOADER_RING + at,
                              l->job->data + l->sent, size, e));
    l->sent += size;
    return stm32f1_write_word(l->target, SRAM + LOADER_READY, l->sent, e);
}

static bool has_room(const struct loading *l)
{
    const uint32_t left = l->wanted - l->sent;
    const uint32_t next = left < CHUNK ? left : CHUNK;
    return left > 0 && l->sent - l->done + next <= l->ring_size;
}

static enum status look(struct loading *l, struct error *e)
{
    struct target *t = l->target;
    struct swd_word words[] = {{.address = DHCSR},
                               {.address = SRAM + LOADER_DONE},
                               {.address = SRAM + LOADER_RESULT},
                               {.address = SRAM + LOADER_ADDRESS}};
    TRY(stm32f1_words(t, words, sizeof words / sizeof words[0], e));
    const uint32_t done = words[1].value;
    if (done < l->done || done > l->sent || done % l->job->page_size != 0)
        return error_set(e, STATUS_NO_TARGET,
                         "the loader in the chip's RAM says nonsense (0x%08" PRIx32 " bytes done)",
                         done);
    if (done > l->done) {
        context_advance(t->context, done - l->done);
        l->moved_us = context_now_us(t->context);
        l->done = done;
    }
    l->halted = (words[0].value & S_HALT) != 0;
    l->result = words[2].value;
    l->address = words[3].value;
    if ((words[0].value & S_LOCKUP) != 0)
        return error_set(e, STATUS_NO_TARGET,
                         "the loader crashed in the chip's RAM at 0x%08" PRIx32 " of flash",
                         l->job->address + l->done);
    if (!l->halted && context_now_us(t->context) > l->moved_us + l->job->page_us + MARGIN_US)
        return error_set(
            e, STATUS_TIMEOUT, "the page at 0x%08" PRIx32 " is not written within %lu ms",
            l->job->address + l->done, (unsigned long)(l->job->page_us + MARGIN_US) / 1000);
    return STATUS_OK;
}

/* The user wants out: the page that was begun is finished, and no other. */
static enum status stop_early(struct loading *l, struct error *e)
{
    const uint32_t page = l->job->page_size;
    const uint32_t whole = (l->sent + page - 1) / page * page;
    if (l->wanted < l->job->size)
        return STATUS_OK;
    l->wanted = whole > l->done + page ? whole : l->done + page;
    l->wanted = l->wanted < l->job->size ? l->wanted : l->job->size;
    if (l->wanted == l->job->size)
        return STATUS_OK;
    return stm32f1_write_word(l->target, SRAM + LOADER_STOP, 1, e);
}

static enum status run(struct loading *l, struct error *e)
{
    struct context *c = l->target->context;
    TRY(start(l, e));
    l->moved_us = context_now_us(c);
    while (!l->halted) {
        c->leaving = false;
        const bool cancelled = context_cancelled(c);
        c->leaving = true;
        if (cancelled)
            TRY(stop_early(l, e));
        if (has_room(l)) {
            TRY(feed(l, e));
            if (has_room(l))
                continue;
        } else {
            TRY(context_sleep(c, LOOK_US, e));
        }
        TRY(look(l, e));
    }
    return STATUS_OK;
}

static enum status judge(const struct loading *l, struct error *e)
{
    const uint32_t begun = l->job->address + l->done;
    TRY(stm32f1_judge(l->result, l->address > begun ? l->address - 2 : begun, e));
    if (l->done == l->wanted || l->wanted < l->job->size)
        return STATUS_OK;
    return error_set(e, STATUS_NO_TARGET,
                     "the loader in the chip's RAM stopped at 0x%08" PRIx32 " of flash", begun);
}

enum status stm32f1_program(struct target *t, const struct loader_job *job, struct error *e)
{
    struct loading l = {
        .target = t, .job = job, .ring_size = ring_size(t, job), .wanted = job->size};
    const bool leaving = t->context->leaving;
    TRY(context_check(t->context, e));
    t->context->leaving = true; /* heeded between pages */
    enum status status = run(&l, e);
    t->context->leaving = leaving;
    TRY(status);
    TRY(judge(&l, e));
    return context_check(t->context, e);
}

/* --- whole runs ----------------------------------------------------------------------------- */

static enum status write_in_bank(struct target *t, const struct memory *m, uint32_t address,
                                 const uint8_t *data, uint32_t size, bool blank, struct error *e)
{
    const struct loader_job job = {.registers = stm32f1_registers(m, address),
                                   .address = m->base + address,
                                   .data = data,
                                   .size = size,
                                   .page_size = m->page_size,
                                   .erase = !blank,
                                   .control = CR_PG,
                                   .page_us = m->erase_us + m->page_size / 2 * m->write_us};
    TRY(stm32f1_unlock_flash(t, job.registers, e));
    TRY(stm32f1_program(t, &job, e));
    return stm32f1_write_word(t, job.registers + FLASH_CR, CR_LOCK, e);
}

/* One mass erase takes as long as that of one page. It takes all that the chip has, which must not
 * be more than the part is said to have. */
static bool is_whole_chip(const struct target *t, const struct memory *m, size_t size)
{
    const struct stm32f1 *self = t->state;
    return size == m->size && self->flash_kib * UINT32_C(1024) == m->size;
}

enum status stm32f1_write_run(struct target *t, const struct memory *m, uint32_t address,
                              const uint8_t *data, size_t size, bool blank, struct error *e)
{
    if (!blank && is_whole_chip(t, m, size)) {
        TRY(stm32f1_erase(t, e));
        blank = true;
    }
    for (size_t done = 0; done < size;) {
        const uint32_t at = address + (uint32_t)done;
        const uint32_t left = (uint32_t)(size - done);
        const uint32_t bank = m->bank_size != 0 && at < m->bank_size ? m->bank_size - at : left;
        const uint32_t part = left < bank ? left : bank;
        TRY(write_in_bank(t, m, at, data + done, part, blank, e));
        done += part;
    }
    return STATUS_OK;
}
