/* The Bus Pirate 5's legacy mode, on its second USB port: one set of commands, whatever mode the
 * computer believes in. */
#include <string.h>

#include "model/buspirate_private.h"

enum { BUFFER = 0x4000 };

struct legacy {
    unsigned zeros; /* 00 in a row, up to 16 */
    unsigned speed; /* as told by 6x; takes effect with the next 8x */
    bool cs;        /* as told by 4x; likewise */
    bool large;     /* by the signature: sends Load Extended Address before each word */
    uint8_t data[BUFFER];
};

/* Speed and CS take effect. Then CS is low, whatever was told. */
static void set_up(struct buspirate_model *m, const struct legacy *l)
{
    m->half_ns = UINT64_C(500000000) / buspirate_sck_hz(m, l->speed);
    m->cs_output = true;
    m->cs = l->cs;
    buspirate_pins(m);
    m->cs = false;
    buspirate_pins(m);
}

/* Only the first of several is answered; the count begins anew after 16. */
static bool zero(struct buspirate_model *m, struct legacy *l)
{
    const bool first = l->zeros == 0;
    if (l->zeros > 15) {
        l->zeros = 0;
    }
    l->zeros++;
    if (!first) {
        return true;
    }
    l->speed = 0;
    buspirate_release(m);
    return buspirate_put_text(m, "BBIO1");
}

static bool get_all(struct buspirate_model *m, uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!buspirate_get(m, &data[i])) {
            return false;
        }
    }
    return true;
}

static bool put_all(struct buspirate_model *m, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!buspirate_put(m, data[i])) {
            return false;
        }
    }
    return true;
}

static bool shift_all(struct buspirate_model *m, uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!buspirate_shift(m, data[i], &data[i])) {
            return false;
        }
    }
    return true;
}

static bool bulk(struct buspirate_model *m, struct legacy *l, unsigned size)
{
    if (!buspirate_put(m, 1) || !get_all(m, l->data, size)) {
        return false;
    }
    const bool signature = l->data[0] == 0x30 && size >= 4 && l->data[2] == 1;
    if (!shift_all(m, l->data, size)) {
        return false;
    }
    if (signature) {
        l->large = strchr("\x97\x98\xa7\xa8\xc0", l->data[3]) != NULL && l->data[3] != 0;
    }
    return put_all(m, l->data, size);
}

/* What has arrived by the end of it is thrown away. */
static bool write_then_read(struct buspirate_model *m, struct legacy *l, bool with_cs)
{
    unsigned write, read;
    if (!buspirate_get_16(m, &write) || !buspirate_get_16(m, &read)) {
        return false;
    }
    if (write == 0 && read == 0) {
        return buspirate_put(m, 1);
    }
    if (write + read > BUFFER) {
        m->stats.hangs++;
        return false;
    }
    memset(l->data, 0, sizeof l->data);
    if (!get_all(m, l->data, write)) {
        return false;
    }
    if (with_cs) {
        m->cs = false;
        buspirate_pins(m);
    }
    if (!shift_all(m, l->data, write + read)) {
        return false;
    }
    if (with_cs) {
        m->cs = true;
        buspirate_pins(m);
    }
    board_clear_overrun(m->board);
    return buspirate_put(m, 1) && put_all(m, l->data + write, read);
}

static bool extended_read(struct buspirate_model *m, const struct legacy *l)
{
    uint32_t address, size;
    if (!buspirate_get_32(m, &address) || !buspirate_get_32(m, &size) || !buspirate_put(m, 1)) {
        return false;
    }
    for (uint32_t i = 0; i < size; i++) {
        const uint32_t word = address + i / 2;
        uint8_t segment[4] = {0x4d, 0, (uint8_t)(word >> 16 & 3), 0};
        uint8_t bytes[4] = {i % 2 == 0 ? 0x20 : 0x28, (uint8_t)(word >> 8), (uint8_t)word, 0};
        if (l->large && i % 2 == 0 && !shift_all(m, segment, sizeof segment)) {
            return false;
        }
        if (!shift_all(m, bytes, sizeof bytes) || !buspirate_put(m, bytes[3])) {
            return false;
        }
    }
    return true;
}

static bool extended(struct buspirate_model *m, const struct legacy *l)
{
    uint8_t code;
    if (!buspirate_put(m, 1) || !buspirate_get(m, &code)) {
        return false;
    }
    switch (code) {
    case 0:
        return buspirate_put(m, 1);
    case 1:
        return buspirate_put(m, 1) && buspirate_put(m, 0) && buspirate_put(m, 1);
    case 2:
        return extended_read(m, l);
    default:
        return buspirate_put(m, 0);
    }
}

static bool low_command(struct buspirate_model *m, struct legacy *l, uint8_t code)
{
    switch (code) {
    case 0x01:
        return buspirate_put_text(m, "SPI1");
    case 0x02:
    case 0x03:
        m->cs = code == 0x03;
        m->cs_output = true;
        buspirate_pins(m);
        return buspirate_put(m, 1);
    case 0x04:
    case 0x05:
        return write_then_read(m, l, code == 0x04);
    case 0x06:
        return extended(m, l);
    case 0x0f:
        return buspirate_put_text(m, "Bus Pirate v2.5\r\nCommunity Firmware v7.1\r\nHiZ>");
    default:
        return true; /* no answer */
    }
}

static bool command(struct buspirate_model *m, struct legacy *l, uint8_t code)
{
    m->stats.commands++;
    if (code == 0) {
        return zero(m, l);
    }
    l->zeros = 0;
    if (code >= 0x10 && code <= 0x1f) {
        return bulk(m, l, (code & 15u) + 1);
    }
    if (code >= 0x60 && code <= 0x67) {
        l->speed = code & 7u;
        return buspirate_put(m, 1);
    }
    if ((code & 0x80) != 0) {
        set_up(m, l);
        return buspirate_put(m, 1);
    }
    if ((code & 0x40) != 0) {
        m->supply = (code & 8) != 0;
        m->pull_ups = (code & 4) != 0;
        l->cs = (code & 1) != 0;
        buspirate_pins(m);
        return buspirate_put(m, 1);
    }
    return low_command(m, l, code);
}

bool buspirate_legacy(struct buspirate_model *m)
{
    static const struct legacy fresh = {.cs = true};
    struct legacy l = fresh;
    uint8_t code;
    m->at_prompt = true; /* there is no other state to return to */
    m->half_ns = 500;
    board_set_uart(m->board, 115200, 63);
    m->baud = 115200;
    buspirate_release(m);
    while (buspirate_get(m, &code)) {
        if (!command(m, &l, code)) {
            return false;
        }
    }
    return false;
}
