/* The MPSSE engine: AN_108, section 3. One step is one command, or one byte of a command's data. */
#include "ftdi_private.h"

/* Bits of the data shifting opcodes: AN_108, "Data Shifting Commands". */
enum {
    WRITE_FALLING = 0x01,
    BIT_MODE = 0x02,
    READ_FALLING = 0x04,
    LSB_FIRST = 0x08,
    WRITES = 0x10,
    READS = 0x20,
    WRITES_TMS = 0x40
};

enum {
    SET_LOW = 0x80,
    GET_LOW = 0x81,
    SET_HIGH = 0x82,
    GET_HIGH = 0x83,
    LOOPBACK_ON = 0x84,
    LOOPBACK_OFF = 0x85,
    SET_DIVISOR = 0x86,
    SEND_IMMEDIATE = 0x87,
    WAIT_HIGH = 0x88,
    WAIT_LOW = 0x89,
    BASE_60MHZ = 0x8a,
    BASE_12MHZ = 0x8b,
    THREE_PHASE_ON = 0x8c,
    THREE_PHASE_OFF = 0x8d,
    CLOCK_BITS = 0x8e,
    CLOCK_BYTES = 0x8f,
    ADAPTIVE_ON = 0x96,
    ADAPTIVE_OFF = 0x97,
    DRIVE_ZERO = 0x9e,
    BAD_COMMAND = 0xfa,
    PIN_SK = 0, /* the engine's pins are fixed */
    PIN_DO = 1,
    PIN_DI = 2,
    PIN_GPIOL1 = 5
};

/* How long fetching one command byte takes is documented nowhere; a cycle of the 60 MHz clock. */
enum { FETCH_NS = 17 };

void ftdi_mpsse_begin(struct ftdi_engine *e)
{
    e->in_command = false;
    e->argument_count = 0;
    e->divisor = 0;
    e->base_60mhz = false; /* AN_135: the 12 MHz clock, as the FT2232D had, until told otherwise */
    e->loopback = false;
    e->value = 0;
    e->driven = 0; /* nothing is driven before the first "set data bits" */
}

/* Half a period, in 1/60 ns: SCK = 12 or 60 MHz / ((1 + divisor) * 2). */
static uint64_t half_60ths(const struct ftdi_engine *e)
{
    return (1 + (uint64_t)e->divisor) * (e->base_60mhz ? 1000 : 5000);
}

/* The remainder is kept so that nothing drifts. */
static void half_periods(struct ftdi_engine *e, unsigned count)
{
    const uint64_t sum = e->half_rest + count * half_60ths(e);
    e->ns += sum / 60;
    e->half_rest = sum % 60;
}

static void set_pin(struct ftdi_engine *e, unsigned pin, bool level)
{
    e->value = (uint16_t)((e->value & ~(1u << pin)) | (unsigned)level << pin);
    ftdi_apply_pins(e);
}

static bool read_bit(struct ftdi_engine *e)
{
    return e->loopback ? (e->value >> PIN_DO & 1) != 0 : (ftdi_read_pins(e) >> PIN_DI & 1) != 0;
}

/* One period of the clock, which idles low. */
static bool shift_bit(struct ftdi_engine *e, bool bit)
{
    const bool writes = (e->opcode & WRITES) != 0;
    if (writes && (e->opcode & WRITE_FALLING) != 0)
        set_pin(e, PIN_DO, bit);
    half_periods(e, 1);
    bool got = read_bit(e);
    set_pin(e, PIN_SK, true);
    if (writes && (e->opcode & WRITE_FALLING) == 0)
        set_pin(e, PIN_DO, bit);
    half_periods(e, 1);
    if ((e->opcode & READ_FALLING) != 0)
        got = read_bit(e);
    set_pin(e, PIN_SK, false);
    return got;
}

static uint8_t shift(struct ftdi_engine *e, uint8_t byte, unsigned bits)
{
    const bool lsb_first = (e->opcode & LSB_FIRST) != 0;
    unsigned got = 0;
    for (unsigned i = 0; i < bits; i++) {
        const bool bit = (byte >> (lsb_first ? i : 7 - i) & 1) != 0;
        const unsigned answer = shift_bit(e, bit);
        got = lsb_first ? got >> 1 | answer << 7 : got << 1 | answer;
    }
    return (uint8_t)got;
}

/* Eight bits as every SPI master sends them, on the pins themselves: the chip model does the edges,
 * which is much the quickest. */
static bool is_plain(const struct ftdi_engine *e)
{
    const unsigned driven = 1u << PIN_SK | 1u << PIN_DO;
    return (e->opcode & ~READS) == (WRITES | WRITE_FALLING) && !e->loopback &&
           e->board->buffer_count == 0 && (e->driven & driven) == driven && (e->value & 1) == 0;
}

static uint8_t shift_plain(struct ftdi_engine *e, uint8_t byte)
{
    uint64_t now = e->ns;
    const uint8_t got = avr_chip_transfer(e->chip, byte, &now, half_60ths(e) / 60);
    half_periods(e, 16);
    e->value = (uint16_t)((e->value & ~(1u << PIN_DO)) | (byte & 1u) << PIN_DO);
    return got;
}

static bool data_step(struct ftdi_engine *e)
{
    const bool writes = (e->opcode & WRITES) != 0, reads = (e->opcode & READS) != 0;
    if ((writes && e->in.count == 0) || (reads && e->out.count == e->out.limit))
        return false;
    const bool bit_mode = (e->opcode & BIT_MODE) != 0;
    const unsigned bits = bit_mode ? e->data_left : 8;
    const uint8_t byte = writes ? ftdi_fifo_take(&e->in) : 0;
    uint8_t answer = 0;
    if (e->chip == NULL)
        half_periods(e, 2 * bits);
    else if (is_plain(e))
        answer = shift_plain(e, byte);
    else
        answer = shift(e, byte, bits);
    if (reads)
        (void)ftdi_fifo_put(&e->out, answer);
    e->data_left -= bit_mode ? e->data_left : 1;
    e->in_command = e->data_left > 0;
    return true;
}

static bool is_data(uint8_t opcode)
{
    return opcode < 0x80 && (opcode & (WRITES | READS)) != 0 && (opcode & WRITES_TMS) == 0;
}

/* How many argument bytes follow; -1: no command of this chip. (The TMS commands and those that
 * clock until a pin changes are not modelled.) */
static int argument_count(const struct ftdi_engine *e, uint8_t opcode)
{
    if (is_data(opcode))
        return (opcode & BIT_MODE) != 0 ? 1 : 2;
    switch (opcode) {
    case SET_LOW:
    case SET_HIGH:
    case SET_DIVISOR:
        return 2;
    case GET_LOW:
    case GET_HIGH:
    case LOOPBACK_ON:
    case LOOPBACK_OFF:
    case SEND_IMMEDIATE:
    case WAIT_HIGH:
    case WAIT_LOW:
        return 0;
    case BASE_60MHZ:
    case BASE_12MHZ:
    case THREE_PHASE_ON:
    case THREE_PHASE_OFF:
    case ADAPTIVE_ON:
    case ADAPTIVE_OFF:
        return e->board->high_speed ? 0 : -1;
    case CLOCK_BITS:
        return e->board->high_speed ? 1 : -1;
    case CLOCK_BYTES:
    case DRIVE_ZERO:
        return e->board->high_speed ? 2 : -1;
    default:
        return -1;
    }
}

static void set_pins(struct ftdi_engine *e, unsigned shift_by)
{
    const unsigned mask = 0xffu << shift_by;
    e->value = (uint16_t)((e->value & ~mask) | (unsigned)e->arguments[0] << shift_by);
    e->driven = (uint16_t)((e->driven & ~mask) | (unsigned)e->arguments[1] << shift_by);
    ftdi_apply_pins(e);
}

static void clock_only(struct ftdi_engine *e, uint32_t bits)
{
    const uint8_t opcode = e->opcode;
    e->opcode = 0;
    for (uint32_t i = 0; i < bits; i++)
        (void)shift_bit(e, false);
    e->opcode = opcode;
}

/* A command whose arguments are all there. False: it waits for a pin, or for room. */
static bool execute(struct ftdi_engine *e)
{
    const uint16_t word = (uint16_t)(e->arguments[0] | e->arguments[1] << 8);
    switch (e->opcode) {
    case SET_LOW:
        set_pins(e, 0);
        break;
    case SET_HIGH:
        set_pins(e, 8);
        break;
    case GET_LOW:
        return ftdi_fifo_put(&e->out, (uint8_t)ftdi_read_pins(e));
    case GET_HIGH:
        return ftdi_fifo_put(&e->out, (uint8_t)(ftdi_read_pins(e) >> 8));
    case LOOPBACK_ON:
    case LOOPBACK_OFF:
        e->loopback = e->opcode == LOOPBACK_ON;
        break;
    case SET_DIVISOR:
        e->divisor = word;
        break;
    case SEND_IMMEDIATE:
        e->flush = true;
        break;
    case WAIT_HIGH:
    case WAIT_LOW:
        return ((ftdi_read_pins(e) >> PIN_GPIOL1 & 1) != 0) == (e->opcode == WAIT_HIGH);
    case BASE_60MHZ:
    case BASE_12MHZ:
        e->base_60mhz = e->opcode == BASE_60MHZ;
        break;
    case CLOCK_BITS:
        clock_only(e, e->arguments[0] + 1u);
        break;
    case CLOCK_BYTES:
        clock_only(e, (word + 1u) * 8);
        break;
    default: /* three phases, adaptive clock, open drain: of no effect on an ISP connector */
        break;
    }
    return true;
}

/* Takes the next command with its arguments as far as they have come. */
static bool command_step(struct ftdi_engine *e)
{
    if (!e->in_command) {
        if (e->in.count == 0)
            return false;
        const uint8_t next = e->in.bytes[e->in.first];
        if (argument_count(e, next) < 0) {
            if (e->out.limit - e->out.count < 2)
                return false;
            (void)ftdi_fifo_put(&e->out, BAD_COMMAND);
            (void)ftdi_fifo_put(&e->out, ftdi_fifo_take(&e->in));
            e->bad_opcodes++;
            e->ns += FETCH_NS;
            return true;
        }
        e->opcode = ftdi_fifo_take(&e->in);
        e->argument_count = 0;
        e->in_command = true;
        e->data_left = 0;
        e->commands++;
        e->ns += FETCH_NS;
        return true;
    }
    if (e->argument_count < (unsigned)argument_count(e, e->opcode)) {
        if (e->in.count == 0)
            return false;
        e->arguments[e->argument_count++] = ftdi_fifo_take(&e->in);
        e->ns += FETCH_NS;
        if (is_data(e->opcode) && e->argument_count == (unsigned)argument_count(e, e->opcode))
            e->data_left = 1u + ((e->opcode & BIT_MODE) != 0
                                     ? e->arguments[0] & 7u
                                     : (uint32_t)(e->arguments[0] | e->arguments[1] << 8));
        return true;
    }
    if (!execute(e))
        return false;
    e->in_command = false;
    return true;
}

bool ftdi_mpsse_step(struct ftdi_engine *e)
{
    return e->in_command && e->data_left > 0 ? data_step(e) : command_step(e);
}
