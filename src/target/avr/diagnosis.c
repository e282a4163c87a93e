/* What a chip's answers to the first instructions tell about the wires.
 * Source: ATmega328P data sheet, "Serial Programming Algorithm": while one byte of Programming
 * Enable is sent the byte before it comes back, so that 53 appears as the third answer byte. A chip
 * that is not in programming mode leaves MISO to its program, or to nobody. */
#include "diagnosis.h"

#include <stdio.h>
#include <string.h>

static const uint8_t enable_sent[4] = {0xac, 0x53, 0x00, 0x00};

static bool all_are(const uint8_t *bytes, size_t count, uint8_t value)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

bool signature_hidden(const uint8_t signature[3])
{
    static const uint8_t hidden[3] = {0x00, 0x01, 0x02};
    return memcmp(signature, hidden, 3) == 0;
}

bool signature_plausible(const uint8_t signature[3], bool lock_may_hide)
{
    if (signature_hidden(signature))
        return lock_may_hide;
    return !all_are(signature, 3, signature[0]);
}

bool answer_enabled(const struct avr_answer *a, const struct part *part)
{
    const uint8_t wanted = part->enable_reply_value;
    if (wanted != 0 && a->enable_seen)
        return a->enable[part->enable_reply_byte] == wanted;
    if (wanted != 0 && a->fourth_seen && part->enable_reply_byte == 3)
        return a->enable[3] == wanted;
    return a->signature_seen && signature_plausible(a->signature, part->old_lock_hides_signature);
}

/* 53 among the 32 bits of the answer, but not where it belongs. */
static bool is_shifted(const uint8_t enable[4])
{
    const uint32_t bits = (uint32_t)enable[0] << 24 | (uint32_t)enable[1] << 16 |
                          (uint32_t)enable[2] << 8 | enable[3];
    for (unsigned by = 0; by <= 20; by++)
        if (by != 8 && (bits >> by & 0xff) == 0x53)
            return true;
    return false;
}

static bool all_bytes_are(const struct avr_answer *a, uint8_t value)
{
    if (a->enable_seen && !all_are(a->enable, 4, value))
        return false;
    return !a->signature_seen || all_are(a->signature, 3, value);
}

enum avr_symptom answer_symptom(const struct avr_answer *a)
{
    if (!a->enable_seen && !a->signature_seen)
        return SYMPTOM_HIDDEN;
    if (a->enable_seen && memcmp(a->enable, enable_sent, 4) == 0)
        return SYMPTOM_ECHO;
    if (all_bytes_are(a, 0x00))
        return SYMPTOM_LOW;
    if (all_bytes_are(a, 0xff))
        return SYMPTOM_HIGH;
    if (a->signature_seen && signature_hidden(a->signature))
        return SYMPTOM_DEAF;
    if (a->enable_seen && is_shifted(a->enable))
        return SYMPTOM_SHIFTED;
    return SYMPTOM_NOISE;
}

void answer_describe(const struct avr_answer *a, char *out, size_t capacity)
{
    char enable[64] = "", signature[48] = "";
    if (a->enable_seen)
        (void)snprintf(enable, sizeof enable, "Programming Enable was answered %02x %02x %02x %02x",
                       a->enable[0], a->enable[1], a->enable[2], a->enable[3]);
    if (a->signature_seen)
        (void)snprintf(signature, sizeof signature, "the signature read as %02x %02x %02x",
                       a->signature[0], a->signature[1], a->signature[2]);
    if (enable[0] == '\0' && signature[0] == '\0')
        (void)snprintf(out, capacity, "the programmer got no answer to Programming Enable");
    else
        (void)snprintf(out, capacity, "%s%s%s", enable,
                       enable[0] != '\0' && signature[0] != '\0' ? ", " : "", signature);
}

struct symptom_row {
    const char *text;
    const char *causes[4]; /* likeliest first; NULL: fewer */
    bool speed;            /* a slower SCK may be the cure */
};

static const struct symptom_row rows[] = {
    [SYMPTOM_HIDDEN] =
        {"it did not enter programming mode",
         {"the target has power, and shares ground with the programmer",
          "RESET, SCK, MOSI and MISO reach the right pins of the right chip",
          "the clock that the chip's fuses ask for is there (crystal, resonator, signal)"},
         true},
    [SYMPTOM_LOW] =
        {"MISO stays low",
         {"the target has power, and shares ground with the programmer",
          "the clock that the chip's fuses ask for is there (crystal, resonator, signal)",
          "RESET, SCK and MOSI reach the chip",
          "MISO is not held low by something else on the board"},
         true},
    [SYMPTOM_HIGH] =
        {"MISO stays high or floats",
         {"MISO is connected to the right pin of the chip",
          "the target has power, and shares ground with the programmer",
          "RESET reaches the chip and nothing holds it high",
          "the clock that the chip's fuses ask for is there (crystal, resonator, signal)"},
         true},
    [SYMPTOM_ECHO] = {"MISO repeats MOSI",
                      {"MOSI and MISO are not connected to one another",
                       "the cable is not plugged in turned or shifted"},
                      false},
    [SYMPTOM_SHIFTED] = {"the answer is out of step by some bits",
                         {"SCK is clean: short wires, a good ground, nothing else on the pin"},
                         true},
    [SYMPTOM_DEAF] = {"it only repeats what it is sent",
                      {"SCK is clean: short wires, a good ground, nothing else on the pin",
                       "MISO is not connected to MOSI by something on the board"},
                      true},
    [SYMPTOM_NOISE] =
        {"the answer makes no sense",
         {"RESET reaches the chip: its own program may be driving MISO",
          "wires are short, ground is good, nothing else drives SCK, MOSI or MISO",
          "MOSI and MISO are not exchanged (some parts program through PDI and PDO instead)"},
         true},
};

const char *symptom_text(enum avr_symptom symptom)
{
    return rows[symptom].text;
}

void symptom_hints(enum avr_symptom symptom, const char *slower, struct error *e)
{
    const struct symptom_row *row = &rows[symptom];
    error_hint(e, "check, likeliest first:");
    for (size_t i = 0; i < sizeof row->causes / sizeof row->causes[0]; i++)
        if (row->causes[i] != NULL)
            error_hint(e, "- %s", row->causes[i]);
    if (row->speed && slower[0] != '\0')
        error_hint(e, "- SCK is slow enough for the chip's clock: %s", slower);
}
