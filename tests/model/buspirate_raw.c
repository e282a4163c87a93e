/* The Bus Pirate's raw-wire mode, as far as an ISP programmer goes: binwire.c of firmware 6 and
 * 7.0. */
#include "model/buspirate_private.h"

struct raw {
    unsigned wires;
};

/* bbCS(1), also at the end of each change of speed or configuration. */
static void raise_cs(struct buspirate_model *m)
{
    m->cs = true;
    m->cs_output = !m->open_drain;
    buspirate_pins(m);
}

static void set_speed(struct buspirate_model *m, unsigned index)
{
    static const uint32_t hz[] = {5000, 50000, 100000, 400000};
    m->half_ns = UINT64_C(500000000) / hz[index & 3u];
    raise_cs(m);
}

/* With two wires nothing is read: each byte is answered by 01. */
static bool bulk(struct buspirate_model *m, const struct raw *raw, unsigned size)
{
    if (!buspirate_put(m, 1)) {
        return false;
    }
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte;
        if (!buspirate_get(m, &byte) || !buspirate_shift(m, byte, &byte) ||
            !buspirate_put(m, raw->wires == 3 ? byte : 1)) {
            return false;
        }
    }
    return true;
}

static bool command(struct buspirate_model *m, struct raw *raw, uint8_t code)
{
    m->stats.commands++;
    switch (code >> 4) {
    case 0x0:
        if (code == 0x01) {
            return buspirate_put_text(m, "RAW1");
        }
        if (code == 0x04 || code == 0x05) {
            m->cs = code == 0x05;
            m->cs_output = !(m->open_drain && m->cs);
            buspirate_pins(m);
            return buspirate_put(m, 1);
        }
        break;
    case 0x1:
        return bulk(m, raw, (code & 15u) + 1);
    case 0x4:
        buspirate_peripherals(m, code);
        return buspirate_put(m, 1);
    case 0x6:
        set_speed(m, code);
        return buspirate_put(m, 1);
    case 0x8:
        m->open_drain = (code & 8) == 0;
        raw->wires = (code & 4) != 0 ? 3 : 2;
        raise_cs(m);
        return buspirate_put(m, 1);
    default:
        break;
    }
    m->stats.refused++;
    return buspirate_put(m, 0);
}

bool buspirate_raw(struct buspirate_model *m)
{
    struct raw raw = {.wires = 2};
    uint8_t code;
    m->open_drain = true;
    set_speed(m, 1);
    if (!buspirate_put_text(m, "RAW1")) {
        return false;
    }
    while (buspirate_get(m, &code)) {
        if (code == 0) {
            return true;
        }
        if (!command(m, &raw, code) || !buspirate_answered(m)) {
            return false;
        }
    }
    return false;
}
