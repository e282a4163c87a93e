/* The Bus Pirate's bit-bang mode, from which the other binary modes are entered. */
#include "model/buspirate_private.h"

/* The other modes, as far as an ISP programmer can stray into them: they say their name and leave
 * at 00. */
static bool other_mode(struct buspirate_model *m, const char *name)
{
    uint8_t byte;
    if (!buspirate_put_text(m, name)) {
        return false;
    }
    while (buspirate_get(m, &byte)) {
        if (byte == 0) {
            return true;
        }
        if (!buspirate_put(m, 0) || !buspirate_answered(m)) {
            return false;
        }
    }
    return false;
}

/* 1xxxxxxx: POWER PULLUP AUX MOSI CLK MISO CS. */
static bool set_pins(struct buspirate_model *m, uint8_t command)
{
    m->supply = (command & 0x40) != 0;
    m->pull_ups = (command & 0x20) != 0;
    m->aux = (command & 0x10) != 0;
    m->cs = (command & 0x01) != 0;
    buspirate_pins(m);
    return buspirate_put(m, command & 0x1f);
}

/* 010xxxxx: AUX MOSI CLK MISO CS, 1 is an input. */
static bool set_directions(struct buspirate_model *m, uint8_t command)
{
    m->aux_output = (command & 0x10) == 0;
    m->cs_output = (command & 0x01) == 0;
    buspirate_pins(m);
    return buspirate_put(m, command & 0x1f);
}

static bool pulse_width(struct buspirate_model *m)
{
    uint8_t byte;
    for (unsigned i = 0; i < 5; i++) {
        if (!buspirate_get(m, &byte)) {
            return false;
        }
    }
    return buspirate_put(m, 1);
}

static bool measure(struct buspirate_model *m)
{
    const unsigned value = buspirate_probe_mv(m) * 1024 / 6600;
    return board_pass(m->board, 100 * AVR_US) && buspirate_put(m, (uint8_t)(value >> 8)) &&
           buspirate_put(m, (uint8_t)value);
}

static bool leave_mode(struct buspirate_model *m)
{
    buspirate_release(m);
    return buspirate_put_text(m, "BBIO1");
}

static bool command(struct buspirate_model *m, uint8_t code, bool *left)
{
    static const char *const names[] = {[2] = "I2C1", [3] = "ART1", [4] = "1W01", [6] = "OCD1"};
    switch (code) {
    case 0x00:
        return buspirate_put_text(m, "BBIO1");
    case 0x01:
        buspirate_release(m);
        return buspirate_spi(m, true) && leave_mode(m);
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x06:
        buspirate_release(m);
        return other_mode(m, names[code]) && leave_mode(m);
    case 0x05:
        buspirate_release(m);
        return buspirate_raw(m) && leave_mode(m);
    case 0x0f:
        *left = true;
        return buspirate_put(m, 1) && board_drain(m->board);
    case 0x12:
        return pulse_width(m);
    case 0x13:
        return buspirate_put(m, 1);
    case 0x14:
        return measure(m);
    default:
        if ((code & 0x80) != 0) {
            return set_pins(m, code);
        }
        if ((code & 0xe0) == 0x40) {
            return set_directions(m, code);
        }
        return buspirate_put(m, 0);
    }
}

bool buspirate_bitbang(struct buspirate_model *m, bool greet)
{
    uint8_t code;
    bool left = false;
    if (greet && (!leave_mode(m) || !buspirate_answered(m))) {
        return false;
    }
    if (m->options.state == BUSPIRATE_I2C && !greet && (!other_mode(m, "") || !leave_mode(m))) {
        return false;
    }
    while (!left) {
        if (!buspirate_get(m, &code) || !command(m, code, &left) || !buspirate_answered(m)) {
            return false;
        }
    }
    return true;
}
