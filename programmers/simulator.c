/* Programmers without hardware: an SPI programmer in this process with a simulated chip behind it
 * (simulator_chip.h). One driver, two ids; the setting keep=file tells them apart.
 *
 *   sim     -P names a file that keeps the chip from run to run (simulator_state.h); it is made if
 *           it is not there. Without -P the chip is fresh each time.
 *   dryrun  always a fresh chip; -P, -b and whatever else was meant for another programmer is
 *           ignored, so that any command line can be tried by adding "-c dryrun".
 *
 * The chip is the part that the file holds or -x part=NAME names, else the part of -p, else an
 * ATmega328P. It lives on a clock of its own, which advances as the real one would while SCK runs
 * and waits are kept; nobody sleeps through that time unless -x realtime asks for it.
 *
 * With -x socket the file is the board: while there is none, nobody answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "drivers.h"
#include "encode.h"
#include "ispflash/format.h"
#include "simulator_chip.h"
#include "simulator_options.h"
#include "simulator_state.h"

enum {
    SCK_MIN_HZ = 500,        /* a watch crystal divided by 8 wants less than 1 kHz */
    SCK_MAX_HZ = 4000000,    /* 16 MHz / 4 */
    SCK_DEFAULT_HZ = 125000, /* below a quarter of a factory-fresh chip's 1 MHz */
    CRYSTAL_HZ = 8000000,    /* where the part bears it */
    RESET_PULSE_US = 100,    /* more than 2 CPU clocks, even of a slow chip */
    ENABLE_DELAY_US = 25000, /* "at least 20 ms" from RESET to Programming Enable */
    IDLE = 0xff,             /* MISO when nobody drives it: a pull-up */
    CHUNK = 256              /* bytes between two looks at the wish to stop */
};

static const char default_part[] = "atmega328p";

struct simulator {
    struct sim_options options;
    const char *path; /* of the state file, or NULL; borrowed from the configuration */
    char *text;       /* its content at open, or NULL */
    char part[SIM_PART_NAME_SIZE];
    struct part_database *parts; /* for a chip that is not the part of -p */
    struct chip *chip;           /* made by the first enter() */
    struct output *output;       /* taken by enter(), committed by leave() */
    uint64_t now_ns, slept_ns;   /* simulated time; how much of it was slept through */
    uint32_t sck_hz;
    uint32_t shifted; /* instructions sent */
    uint32_t random;  /* of the noise */
};

/* --- the chip and its file -------------------------------------------------------------------- */

/* The content of the state file, zero-terminated; NULL if there is no such file yet. */
static enum status sim_read_file(const char *path, char **out, struct error *e)
{
    uint8_t *data = NULL;
    size_t size = 0;
    struct stat info;
    const bool found = stat(path, &info) == 0;
    if (!found && errno == ENOENT) {
        *out = NULL;
        return STATUS_OK;
    }
    if (found && !S_ISREG(info.st_mode)) { /* reading a port might never end */
        (void)error_set(e, STATUS_USAGE, "%s is not a file that could keep a simulated chip", path);
        error_hint(e, "with -c sim, -P names such a file; -c dryrun ignores -P");
        return e->code;
    }
    TRY(file_read(path, &data, &size, e));
    char *text = malloc(size + 1);
    if (text == NULL) {
        free(data);
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    }
    memcpy(text, data, size);
    text[size] = '\0';
    free(data);
    if (memchr(text, '\0', size) != NULL) {
        free(text);
        return error_set(e, STATUS_INPUT, "%s: not a text file", path);
    }
    *out = text;
    return STATUS_OK;
}

static enum status sim_find_part(struct programmer *p, const char *name, const struct part **out,
                                 struct error *e)
{
    struct simulator *self = p->state;
    if (strcmp(p->part->id, name) == 0) { /* perhaps the user's own, unknown to the database */
        *out = p->part;
        return STATUS_OK;
    }
    if (self->parts == NULL)
        TRY(part_database_open(&self->parts, e));
    return part_find(self->parts, name, out, e);
}

static enum status sim_choose_part(struct programmer *p, const struct part **out, struct error *e)
{
    struct simulator *self = p->state;
    const struct part *asked = NULL;
    if (self->options.part != NULL && sim_find_part(p, self->options.part, &asked, e) != STATUS_OK)
        return error_in(e, "-x part=%s", self->options.part);
    if (self->part[0] != '\0') {
        if (sim_find_part(p, self->part, out, e) != STATUS_OK)
            return error_in(e, "%s", self->path);
        if (asked != NULL && strcmp(asked->id, (*out)->id) != 0)
            return error_set(e, STATUS_USAGE, "%s holds an %s, -x part asks for an %s", self->path,
                             (*out)->name, asked->name);
        return STATUS_OK;
    }
    if (asked != NULL)
        *out = asked;
    else if (p->part != part_generic_avr())
        *out = p->part;
    else
        return sim_find_part(p, default_part, out, e);
    return STATUS_OK;
}

static enum status sim_make_chip(struct programmer *p, struct error *e)
{
    struct simulator *self = p->state;
    const struct part *part = NULL;
    TRY(sim_choose_part(p, &part, e));
    if (!self->options.crystal_chosen)
        self->options.chip.crystal_hz = part->clock_max_hz != 0 && part->clock_max_hz < CRYSTAL_HZ
                                            ? part->clock_max_hz
                                            : CRYSTAL_HZ;
    struct chip *chip = chip_new(part, &self->options.chip);
    if (chip == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    if (self->text != NULL) {
        const enum status status = sim_state_load(self->path, self->text, chip, e);
        if (status != STATUS_OK) {
            chip_free(chip);
            return status;
        }
    }
    self->chip = chip;
    context_log(p->context, LOG_DETAIL, "simulated chip: %s, CPU clock %u Hz, SCK below %u Hz",
                part->name, (unsigned)chip_clock_hz(chip), (unsigned)chip_sck_limit_hz(chip));
    return STATUS_OK;
}

static bool sim_is_unplugged(const struct simulator *self)
{
    struct stat info;
    return self->options.socket && self->path != NULL && stat(self->path, &info) != 0;
}

static void sim_drop_chip(struct simulator *self)
{
    output_close(self->output);
    self->output = NULL;
    chip_free(self->chip);
    self->chip = NULL;
    free(self->text);
    self->text = NULL;
    self->part[0] = '\0';
}

/* What is in the socket now, if anything. */
static enum status sim_look_into_socket(struct simulator *self, struct error *e)
{
    sim_drop_chip(self);
    TRY(sim_read_file(self->path, &self->text, e));
    return self->text != NULL ? sim_state_part(self->path, self->text, self->part, e) : STATUS_OK;
}

/* A socket's file is somebody's to take away: it is not written where nothing has changed, nor made
 * anew once it is gone, with what the chip was given. */
static bool sim_may_leave_file(const struct simulator *self, const char *text)
{
    return self->options.socket && (sim_is_unplugged(self) || strcmp(text, self->text) == 0);
}

static enum status sim_save(struct simulator *self, struct error *e)
{
    char *text = NULL;
    size_t size = 0;
    if (self->output == NULL)
        return STATUS_OK;
    enum status status = sim_state_save(self->chip, &text, &size, e);
    if (status == STATUS_OK && !sim_may_leave_file(self, text))
        status = output_commit(self->output, (const uint8_t *)text, size, e);
    output_close(self->output);
    self->output = NULL;
    free(text);
    return status == STATUS_OK ? STATUS_OK : error_in(e, "keep the simulated chip");
}

/* --- the wire between the two ----------------------------------------------------------------- */

static bool sim_fault_is_on(const struct simulator *self)
{
    return self->options.fault != SIM_FAULT_NONE && self->shifted >= self->options.fault_after;
}

/* Faults of the programmer itself. */
static enum status sim_alive(const struct simulator *self, struct error *e)
{
    if (!sim_fault_is_on(self))
        return STATUS_OK;
    if (self->options.fault == SIM_FAULT_SILENT)
        return error_set(e, STATUS_SILENT, "the simulated programmer does not answer");
    if (self->options.fault == SIM_FAULT_UNPLUG)
        return error_set(e, STATUS_LINK, "the simulated programmer is gone");
    return STATUS_OK;
}

static uint32_t sim_random(struct simulator *self)
{
    self->random = self->random * 1664525u + 1013904223u; /* Numerical Recipes' generator */
    return self->random;
}

static void sim_add_noise(struct simulator *self, uint8_t miso[4])
{
    for (unsigned bit = 0; self->options.noise != 0 && bit < 32; bit++)
        if ((sim_random(self) >> 8) % self->options.noise == 0)
            miso[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
}

/* Each bit is read when the one before it is still there. */
static void sim_delay(uint8_t miso[4])
{
    for (size_t i = 3; i > 0; i--)
        miso[i] = (uint8_t)(miso[i] >> 1 | miso[i - 1] << 7);
    miso[0] = (uint8_t)(miso[0] >> 1 | 0x80); /* the pull-up's */
}

/* What reaches the chip and what reaches the programmer, with the fault in between. */
static void sim_shift_faulty(struct simulator *self, const uint8_t mosi[4], uint8_t miso[4])
{
    static const uint8_t zeros[4] = {0};
    const enum sim_fault fault = self->options.fault;
    memset(miso, IDLE, 4);
    if (fault == SIM_FAULT_NO_POWER)
        memset(miso, 0, 4); /* the chip's protection diodes load the pull-up down */
    for (size_t i = 0; i < 4 && fault == SIM_FAULT_RUNS_ON; i++)
        miso[i] = (uint8_t)(sim_random(self) >> 16);
    if (fault == SIM_FAULT_NO_POWER || fault == SIM_FAULT_NO_CLOCK ||
        fault == SIM_FAULT_RESET_OPEN || fault == SIM_FAULT_RUNS_ON ||
        fault == SIM_FAULT_SCK_OPEN || fault == SIM_FAULT_SWAPPED)
        return;
    if (fault == SIM_FAULT_NO_ERASE || fault == SIM_FAULT_NO_WRITE)
        chip_wear_out(self->chip, fault == SIM_FAULT_NO_ERASE, fault == SIM_FAULT_NO_WRITE);
    chip_exchange(self->chip, fault == SIM_FAULT_MOSI_OPEN ? zeros : mosi, miso, IDLE, self->sck_hz,
                  self->now_ns);
    if (fault == SIM_FAULT_MISO_OPEN || fault == SIM_FAULT_MISO_HIGH)
        memset(miso, 0xff, 4);
    if (fault == SIM_FAULT_MISO_LOW)
        memset(miso, 0, 4);
    if (fault == SIM_FAULT_MISO_LATE)
        sim_delay(miso);
    if (fault == SIM_FAULT_ECHO)
        memcpy(miso, mosi, 4);
}

static enum status sim_shift(struct simulator *self, const uint8_t mosi[4], uint8_t miso[4],
                             struct error *e)
{
    TRY(sim_alive(self, e));
    const bool faulty = sim_fault_is_on(self);
    self->shifted++;
    self->now_ns += UINT64_C(32000000000) / self->sck_hz;
    if (self->chip == NULL) /* an empty socket */
        memset(miso, IDLE, 4);
    else if (faulty)
        sim_shift_faulty(self, mosi, miso);
    else
        chip_exchange(self->chip, mosi, miso, IDLE, self->sck_hz, self->now_ns);
    sim_add_noise(self, miso);
    return STATUS_OK;
}

/* Lets `us` pass, or less if the chip can tell that it is ready. */
static enum status sim_wait(struct simulator *self, uint32_t us, bool ready_poll, struct error *e)
{
    static const uint8_t poll[4] = {0xf0, 0, 0, 0};
    const uint64_t end_ns = self->now_ns + (uint64_t)us * 1000;
    while (ready_poll && self->now_ns < end_ns) {
        uint8_t miso[4];
        TRY(sim_shift(self, poll, miso, e));
        if ((miso[3] & 1) == 0)
            return STATUS_OK;
    }
    if (self->now_ns < end_ns)
        self->now_ns = end_ns;
    return STATUS_OK;
}

/* -x realtime: sleeps through what has passed on the chip's clock. */
static enum status sim_keep_pace(struct programmer *p, struct error *e)
{
    struct simulator *self = p->state;
    const uint64_t ns = self->now_ns - self->slept_ns;
    self->slept_ns = self->now_ns;
    if (!self->options.realtime)
        return context_check(p->context, e);
    return context_sleep(p->context, ns / 1000, e);
}

/* --- operations ------------------------------------------------------------------------------- */

static enum status sim_check(const struct programmer_entry *entry,
                             const struct programmer_config *c, struct error *e)
{
    (void)entry;
    struct sim_options options;
    return sim_options_parse(c, &options, e);
}

static enum status sim_open(struct programmer *p, struct error *e)
{
    struct simulator *self = p->state;
    self->random = 1;
    TRY(sim_options_parse(p->config, &self->options, e));
    self->sck_hz = self->options.fixed_sck_hz != 0 ? self->options.fixed_sck_hz : SCK_DEFAULT_HZ;
    char keep[8];
    if (!programmer_setting(p, "keep", keep, sizeof keep) || p->config->port == NULL)
        return STATUS_OK;
    self->path = p->config->port;
    TRY(sim_read_file(self->path, &self->text, e));
    return self->text != NULL ? sim_state_part(self->path, self->text, self->part, e) : STATUS_OK;
}

static void sim_close(struct programmer *p)
{
    struct simulator *self = p->state;
    sim_drop_chip(self);
    part_database_close(self->parts);
}

static enum status sim_enter(struct programmer *p, struct error *e)
{
    struct simulator *self = p->state;
    TRY(sim_alive(self, e));
    if (self->options.socket && self->path != NULL) {
        TRY(sim_look_into_socket(self, e));
        if (self->text == NULL)
            return sim_keep_pace(p, e);
    }
    if (self->chip == NULL)
        TRY(sim_make_chip(p, e));
    if (self->path != NULL && self->output == NULL)
        TRY(output_open(self->path, &self->output, e));
    chip_reset(self->chip, false, self->now_ns);
    self->now_ns += RESET_PULSE_US * UINT64_C(1000);
    chip_reset(self->chip, true, self->now_ns);
    self->now_ns += ENABLE_DELAY_US * UINT64_C(1000);
    return sim_keep_pace(p, e);
}

static enum status sim_leave(struct programmer *p, struct error *e)
{
    struct simulator *self = p->state;
    if (self->chip == NULL)
        return STATUS_OK;
    chip_reset(self->chip, false, self->now_ns);
    const struct chip_counts *counts = chip_counts(self->chip);
    context_log(p->context, LOG_DETAIL,
                "simulated chip: %u instructions, %u ignored while busy, %u outside programming "
                "mode, %u unknown, %u forbidden by lock bits, %u at too fast an SCK, %u operations "
                "cut off; %llu ms",
                (unsigned)counts->instructions, (unsigned)counts->busy, (unsigned)counts->ignored,
                (unsigned)counts->unknown, (unsigned)counts->locked, (unsigned)counts->too_fast,
                (unsigned)counts->interrupted, (unsigned long long)(self->now_ns / 1000000));
    TRY(sim_save(self, e));
    return sim_alive(self, e);
}

static enum status sim_exchange(struct programmer *p, struct isp_exchange *batch, size_t count,
                                struct error *e)
{
    struct simulator *self = p->state;
    for (size_t i = 0; i < count; i++) {
        TRY(sim_shift(self, batch[i].mosi, batch[i].miso, e));
        TRY(sim_wait(self, batch[i].wait_us, batch[i].ready_poll, e));
    }
    return sim_keep_pace(p, e);
}

/* Whether a whole range of that memory can be done at once. */
static enum status sim_check_range(const struct programmer *p, const struct memory *m,
                                   struct error *e)
{
    const struct simulator *self = p->state;
    if (self->options.plain)
        return error_set(e, STATUS_UNSUPPORTED, "-x plain: single instructions only");
    if (m->kind != MEMORY_FLASH && m->kind != MEMORY_EEPROM)
        return error_set(e, STATUS_UNSUPPORTED, "%s is reached by single instructions", m->name);
    return STATUS_OK;
}

static enum status sim_read(struct programmer *p, const struct memory *m, uint32_t address,
                            uint8_t *data, size_t size, struct error *e)
{
    struct simulator *self = p->state;
    TRY(sim_check_range(p, m, e));
    for (size_t done = 0; done < size;) {
        const size_t chunk = size - done < CHUNK ? size - done : CHUNK;
        for (size_t i = 0; i < chunk; i++) {
            const uint32_t offset = address + (uint32_t)(done + i);
            uint8_t mosi[4], miso[4];
            encode_instruction(&m->isp.read[encode_half(m, offset)], encode_address(m, offset), 0,
                               mosi);
            TRY(sim_shift(self, mosi, miso, e));
            data[done + i] = miso[3];
        }
        done += chunk;
        context_advance(p->context, (uint32_t)chunk);
        TRY(sim_keep_pace(p, e));
    }
    return STATUS_OK;
}

/* Sends a writing instruction and waits for its end. */
static enum status sim_program(struct simulator *self, const struct memory *m,
                               const struct isp_command *command, uint32_t offset, uint8_t data,
                               struct error *e)
{
    uint8_t mosi[4], miso[4];
    encode_instruction(command, encode_address(m, offset), data, mosi);
    TRY(sim_shift(self, mosi, miso, e));
    return sim_wait(self, m->write_us, m->poll == POLL_READY, e);
}

static enum status sim_write_page(struct simulator *self, const struct memory *m, uint32_t address,
                                  const uint8_t *data, struct error *e)
{
    for (uint32_t i = 0; i < m->page_size; i++) {
        uint8_t mosi[4], miso[4];
        encode_instruction(&m->isp.load[encode_half(m, address + i)],
                           encode_address(m, address + i), data[i], mosi);
        TRY(sim_shift(self, mosi, miso, e));
    }
    return sim_program(self, m, &m->isp.commit, address, 0, e);
}

static enum status sim_write(struct programmer *p, const struct memory *m, uint32_t address,
                             const uint8_t *data, size_t size, struct error *e)
{
    struct simulator *self = p->state;
    TRY(sim_check_range(p, m, e));
    const size_t step = m->page_size > 0 ? m->page_size : 1;
    for (size_t done = 0; done < size; done += step) {
        const uint32_t offset = address + (uint32_t)done;
        if (m->page_size > 0)
            TRY(sim_write_page(self, m, offset, data + done, e));
        else
            TRY(sim_program(self, m, &m->isp.write[encode_half(m, offset)], offset, data[done], e));
        context_advance(p->context, (uint32_t)step);
        TRY(sim_keep_pace(p, e));
    }
    return STATUS_OK;
}

static enum status sim_erase(struct programmer *p, struct error *e)
{
    struct simulator *self = p->state;
    if (self->options.plain)
        return error_set(e, STATUS_UNSUPPORTED, "-x plain: single instructions only");
    uint8_t miso[4];
    TRY(sim_shift(self, p->part->chip_erase.bytes, miso, e));
    TRY(sim_wait(self, p->part->erase_us, p->part->erase_poll == POLL_READY, e));
    return sim_keep_pace(p, e);
}

static enum status sim_set_sck(struct programmer *p, uint32_t hz, uint32_t *actual_hz,
                               struct error *e)
{
    struct simulator *self = p->state;
    if (self->options.fixed_sck_hz != 0)
        return error_set(e, STATUS_UNSUPPORTED, "-x fixed-sck: SCK cannot be set");
    self->sck_hz = hz < SCK_MIN_HZ ? SCK_MIN_HZ : hz > SCK_MAX_HZ ? SCK_MAX_HZ : hz;
    *actual_hz = self->sck_hz;
    return STATUS_OK;
}

static enum status sim_voltage(struct programmer *p, uint32_t *millivolts, struct error *e)
{
    const struct simulator *self = p->state;
    if (!self->options.measures)
        return error_set(e, STATUS_UNSUPPORTED, "without -x supply nothing is measured");
    *millivolts = self->options.millivolts;
    return STATUS_OK;
}

const struct programmer_driver sim_driver = {
    .name = "sim",
    .proven = "model",
    .features = PROGRAMMER_SEES_ECHO,
    .state_size = sizeof(struct simulator),
    .sck_min_hz = SCK_MIN_HZ,
    .sck_max_hz = SCK_MAX_HZ,
    .sck_fixed_hint = "change or leave out -x fixed-sck",
    .options_help = sim_options_help,
    .check = sim_check,
    .open = sim_open,
    .close = sim_close,
    .enter = sim_enter,
    .leave = sim_leave,
    .exchange = sim_exchange,
    .read = sim_read,
    .write = sim_write,
    .erase = sim_erase,
    .set_sck = sim_set_sck,
    .voltage = sim_voltage,
};
