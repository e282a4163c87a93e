/* What a chip's answers tell about the wires.
 * Sources: ATmega328P data sheet, "Serial Programming Algorithm": while one byte of Programming
 * Enable is sent the byte before it comes back, so that 53 appears as the third answer byte;
 * "Serial Programming Instruction Set". A chip that is not in programming mode leaves MISO to its
 * program, or to nobody. */
#include "ispflash/diagnosis.h"

#include <stdio.h>
#include <string.h>

const uint8_t probe_enable[4] = {0xac, 0x53, 0x00, 0x00};
const uint8_t probe_pattern[4] = {0xac, 0x53, 0xa5, 0x5a};

/* No AVR works below 1.8 V (data sheets, "Electrical Characteristics"); through its pins alone,
 * with the supply away, a chip has less than the level of SCK and MOSI less a diode. */
enum { SUPPLY_MIN_MV = 1500 };

/* --- one answer ----------------------------------------------------------------------------- */

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

bool probe_proves_chip(const struct isp_probe *p, const struct part *part)
{
    const uint8_t wanted = part->enable_reply_value;
    if (wanted != 0 && p->enable_seen)
        return p->enable[part->enable_reply_byte] == wanted;
    if (wanted != 0 && p->fourth_seen && part->enable_reply_byte == 3)
        return p->enable[3] == wanted;
    return p->signature_seen && signature_plausible(p->signature, part->old_lock_hides_signature);
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

static bool all_bytes_are(const struct isp_probe *p, uint8_t value)
{
    if (p->enable_seen && !all_are(p->enable, 4, value))
        return false;
    if (p->pattern_seen && p->pattern[3] != value)
        return false;
    return !p->signature_seen || all_are(p->signature, 3, value);
}

/* A programmer that shows all bytes is asked for all; one that shows the fourth, by the pattern. */
static bool is_echo(const struct isp_probe *p)
{
    if (p->enable_seen)
        return memcmp(p->enable, probe_enable, sizeof probe_enable) == 0;
    return p->pattern_seen && p->pattern[3] == probe_pattern[3];
}

/* Reading signature byte n sends n in the third byte: that comes back, a byte late. */
static bool is_deaf(const struct isp_probe *p)
{
    return (p->signature_seen && signature_hidden(p->signature)) ||
           (p->pattern_seen && p->pattern[3] == probe_pattern[2]);
}

enum symptom probe_symptom(const struct isp_probe *p)
{
    if (p->enabled)
        return SYMPTOM_NONE;
    if (!p->enable_seen && !p->signature_seen)
        return SYMPTOM_HIDDEN;
    if (is_echo(p))
        return SYMPTOM_ECHO;
    if (all_bytes_are(p, 0x00))
        return SYMPTOM_LOW;
    if (all_bytes_are(p, 0xff))
        return SYMPTOM_HIGH;
    if (is_deaf(p))
        return SYMPTOM_DEAF;
    if (p->enable_seen && is_shifted(p->enable))
        return SYMPTOM_SHIFTED;
    return SYMPTOM_NOISE;
}

void probe_describe(const struct isp_probe *p, char *out, size_t capacity)
{
    char enable[64] = "", signature[48] = "";
    if (p->enable_seen)
        (void)snprintf(enable, sizeof enable, "Programming Enable was answered %02x %02x %02x %02x",
                       p->enable[0], p->enable[1], p->enable[2], p->enable[3]);
    if (p->signature_seen)
        (void)snprintf(signature, sizeof signature, "the signature read as %02x %02x %02x",
                       p->signature[0], p->signature[1], p->signature[2]);
    if (enable[0] == '\0' && signature[0] == '\0')
        (void)snprintf(out, capacity, "the programmer got no answer to Programming Enable");
    else
        (void)snprintf(out, capacity, "%s%s%s", enable,
                       enable[0] != '\0' && signature[0] != '\0' ? ", " : "", signature);
}

/* --- what each symptom means ---------------------------------------------------------------- */

/* What ought to be so. */
enum check {
    CHECK_POWER = 1, /* 0 ends a list */
    CHECK_WIRES,
    CHECK_INPUTS,
    CHECK_CLOCK,
    CHECK_DIVIDER,
    CHECK_MISO,
    CHECK_MISO_FREE,
    CHECK_MISO_COUPLED,
    CHECK_MISO_APART,
    CHECK_TURNED,
    CHECK_RESET_EDGE,
    CHECK_RUNS_ON,
    CHECK_EXCHANGED,
    CHECK_SIGNALS
};

static const struct suspect checks[] = {
    [CHECK_POWER] = {LINE_VCC | LINE_GND,
                     "the target has power, and shares ground with the programmer"},
    [CHECK_WIRES] = {LINE_RESET | LINE_SCK | LINE_MOSI | LINE_MISO,
                     "RESET, SCK, MOSI and MISO reach the right pins of the right chip"},
    [CHECK_INPUTS] = {LINE_RESET | LINE_SCK | LINE_MOSI,
                      "RESET, SCK and MOSI reach the chip, and nothing else holds them"},
    [CHECK_CLOCK] = {LINE_XTAL, "the clock that the chip's fuses ask for is there (crystal, "
                                "resonator, signal)"},
    [CHECK_DIVIDER] = {LINE_XTAL, "the chip's clock is meant to be that slow (CKDIV8, 128 kHz)"},
    [CHECK_MISO] = {LINE_MISO, "MISO is connected to the right pin of the chip"},
    [CHECK_MISO_FREE] = {LINE_MISO, "nothing else on the board holds MISO"},
    [CHECK_MISO_COUPLED] = {LINE_MISO, "MISO is connected: an open wire picks up its neighbour"},
    [CHECK_MISO_APART] = {LINE_MOSI | LINE_MISO, "MOSI and MISO are not connected to one another"},
    [CHECK_TURNED] = {LINE_MOSI | LINE_MISO, "the cable is not plugged in turned or shifted"},
    [CHECK_RESET_EDGE] = {LINE_RESET, "RESET falls at once: no large capacitor, no supervisor on "
                                      "it"},
    [CHECK_RUNS_ON] = {LINE_RESET, "RESET reaches the chip: its own program may be driving MISO"},
    [CHECK_EXCHANGED] = {LINE_MOSI | LINE_MISO, "MOSI and MISO are not exchanged (some parts "
                                                "program through PDI and PDO instead)"},
    [CHECK_SIGNALS] = {LINE_SCK | LINE_GND, "SCK is clean: short wires, a good ground, nothing "
                                            "else on the pin"},
};

static const struct symptom_row {
    const char *name, *text;
    enum confidence confidence; /* that it is the first of the checks */
    bool slower;                /* a slower SCK may be the cure */
    enum check checks[SUSPECTS_MAX];
} rows[SYMPTOM_COUNT] = {
    [SYMPTOM_NONE] = {"none", "the chip answers", CONFIDENCE_CERTAIN, false, {0}},
    [SYMPTOM_NO_POWER] =
        {"no-power", "the target has no supply", CONFIDENCE_CERTAIN, false, {CHECK_POWER}},
    [SYMPTOM_HIDDEN] = {"hidden",
                        "it did not enter programming mode",
                        CONFIDENCE_POSSIBLE,
                        true,
                        {CHECK_POWER, CHECK_WIRES, CHECK_CLOCK}},
    [SYMPTOM_LOW] = {"miso-low",
                     "MISO stays low",
                     CONFIDENCE_POSSIBLE,
                     true,
                     {CHECK_POWER, CHECK_CLOCK, CHECK_MISO_FREE, CHECK_INPUTS, CHECK_EXCHANGED}},
    [SYMPTOM_HIGH] = {"miso-high",
                      "MISO stays high or floats",
                      CONFIDENCE_POSSIBLE,
                      true,
                      {CHECK_MISO, CHECK_POWER, CHECK_INPUTS, CHECK_EXCHANGED, CHECK_CLOCK}},
    [SYMPTOM_ECHO] = {"echo",
                      "MISO repeats MOSI",
                      CONFIDENCE_CERTAIN,
                      false,
                      {CHECK_MISO_APART, CHECK_TURNED, CHECK_MISO_COUPLED}},
    [SYMPTOM_SHIFTED] = {"shifted",
                         "the answer is out of step by some bits",
                         CONFIDENCE_LIKELY,
                         true,
                         {CHECK_SIGNALS}},
    [SYMPTOM_DEAF] = {"deaf",
                      "it only repeats what it is sent",
                      CONFIDENCE_POSSIBLE,
                      true,
                      {CHECK_SIGNALS, CHECK_RESET_EDGE, CHECK_MISO_APART}},
    [SYMPTOM_UNSTEADY] = {"unsteady",
                          "the answer to the same bytes is another each time",
                          CONFIDENCE_LIKELY,
                          true,
                          {CHECK_RUNS_ON, CHECK_MISO, CHECK_SIGNALS, CHECK_EXCHANGED}},
    [SYMPTOM_NOISE] = {"nonsense",
                       "the answer makes no sense",
                       CONFIDENCE_POSSIBLE,
                       true,
                       {CHECK_RUNS_ON, CHECK_SIGNALS, CHECK_MISO_FREE, CHECK_EXCHANGED}},
    [SYMPTOM_TOO_FAST] = {"too-fast",
                          "the chip answers only at a slower SCK",
                          CONFIDENCE_CERTAIN,
                          true,
                          {CHECK_DIVIDER}},
    [SYMPTOM_UNRELIABLE] = {"unreliable",
                            "the chip answers, but not always right",
                            CONFIDENCE_LIKELY,
                            true,
                            {CHECK_SIGNALS, CHECK_POWER}},
};

const char *symptom_name(enum symptom symptom)
{
    return rows[symptom].name;
}

const char *symptom_text(enum symptom symptom)
{
    return rows[symptom].text;
}

const char *confidence_name(enum confidence confidence)
{
    static const char *const names[] = {[CONFIDENCE_POSSIBLE] = "possible",
                                        [CONFIDENCE_LIKELY] = "likely",
                                        [CONFIDENCE_CERTAIN] = "certain"};
    return names[confidence];
}

const char *line_name(enum line line)
{
    switch (line) {
    case LINE_VCC:
        return "VCC";
    case LINE_GND:
        return "GND";
    case LINE_RESET:
        return "RESET";
    case LINE_SCK:
        return "SCK";
    case LINE_MOSI:
        return "MOSI";
    case LINE_MISO:
        return "MISO";
    case LINE_XTAL:
        return "clock";
    }
    return "";
}

/* --- all answers together ------------------------------------------------------------------- */

static bool same_answer(const struct isp_probe *a, const struct isp_probe *b)
{
    return a->enabled == b->enabled && memcmp(a->enable, b->enable, sizeof a->enable) == 0 &&
           memcmp(a->pattern, b->pattern, sizeof a->pattern) == 0 &&
           memcmp(a->signature, b->signature, sizeof a->signature) == 0;
}

/* Not one of them proves a chip. At one SCK the same bytes ought to give the same answer, and what
 * is wrong with a wire is wrong with it at each SCK. 53 out of place is there by chance in one of a
 * dozen answers: it has to be there more often. */
static enum symptom common_symptom(const struct isp_probe *series, size_t count)
{
    const enum symptom first = probe_symptom(&series[0]);
    bool alike = true, steady = true;
    size_t shifted = 0;
    for (size_t i = 0; i < count; i++) {
        const enum symptom symptom = probe_symptom(&series[i]);
        alike = alike && symptom == first;
        shifted += symptom == SYMPTOM_SHIFTED ? 1 : 0;
        steady = steady && (i == 0 || series[i].sck_hz != series[i - 1].sck_hz ||
                            same_answer(&series[i - 1], &series[i]));
    }
    if (2 * shifted >= count)
        return SYMPTOM_SHIFTED;
    if (alike && (steady || first == SYMPTOM_DEAF))
        return first;
    return steady ? probe_symptom(&series[count - 1]) : SYMPTOM_UNSTEADY;
}

/* Whether each attempt at that SCK proved a chip. */
static bool all_good_at(const struct isp_probe *series, size_t count, uint32_t sck_hz)
{
    for (size_t i = 0; i < count; i++)
        if (series[i].sck_hz == sck_hz && !series[i].enabled)
            return false;
    return true;
}

static void find_limits(const struct isp_probe *series, size_t count, struct diagnosis *d)
{
    for (size_t i = 0; i < count; i++)
        if (series[i].sck_hz > d->good_hz && all_good_at(series, count, series[i].sck_hz))
            d->good_hz = series[i].sck_hz;
    for (size_t i = 0; i < count; i++)
        if (!series[i].enabled && series[i].sck_hz > d->good_hz &&
            (d->bad_hz == 0 || series[i].sck_hz < d->bad_hz))
            d->bad_hz = series[i].sck_hz;
}

/* Some prove a chip, some do not. */
static enum symptom mixed_symptom(const struct isp_probe *series, size_t count,
                                  const struct probe_facts *facts, const struct diagnosis *d)
{
    if (d->good_hz == 0 || d->bad_hz <= facts->promised_hz)
        return SYMPTOM_UNRELIABLE;
    for (size_t i = 0; i < count; i++)
        if (!series[i].enabled && series[i].sck_hz <= d->good_hz)
            return SYMPTOM_UNRELIABLE;
    return SYMPTOM_TOO_FAST;
}

/* The reply to Programming Enable is not there by chance; a signature that is not all alike may be.
 */
static bool is_weak_proof(const struct isp_probe *p)
{
    return !p->enable_seen || (p->enable[2] != 0x53 && p->enable[3] != 0x69);
}

/* Those that prove a chip have to agree on which it is. SYMPTOM_NONE: they do. */
static enum symptom signature_symptom(const struct isp_probe *series, size_t count)
{
    const struct isp_probe *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!series[i].enabled)
            continue;
        if (first == NULL)
            first = &series[i];
        if (memcmp(series[i].signature, first->signature, sizeof first->signature) != 0)
            return is_weak_proof(first) ? SYMPTOM_UNSTEADY : SYMPTOM_UNRELIABLE;
    }
    return SYMPTOM_NONE;
}

static enum symptom series_symptom(const struct isp_probe *series, size_t count,
                                   const struct probe_facts *facts, const struct diagnosis *d)
{
    size_t good = 0;
    for (size_t i = 0; i < count; i++)
        good += series[i].enabled ? 1 : 0;
    if (good == 0 && facts->voltage_known && facts->millivolts < SUPPLY_MIN_MV)
        return SYMPTOM_NO_POWER;
    if (count == 0)
        return SYMPTOM_HIDDEN;
    if (good > 0 && facts->readings_wrong)
        return SYMPTOM_UNRELIABLE;
    if (good == count)
        return signature_symptom(series, count);
    return good == 0 ? common_symptom(series, count) : mixed_symptom(series, count, facts, d);
}

/* A supply that was measured is no suspect any more; ground has been seen with it. */
static bool is_cleared(enum check check, enum symptom symptom, const struct probe_facts *facts)
{
    return check == CHECK_POWER && symptom != SYMPTOM_NO_POWER && facts->voltage_known &&
           facts->millivolts >= SUPPLY_MIN_MV;
}

void diagnose(const struct isp_probe *series, size_t count, const struct probe_facts *facts,
              struct diagnosis *out)
{
    *out = (struct diagnosis){0};
    find_limits(series, count, out);
    out->symptom = series_symptom(series, count, facts, out);
    const struct symptom_row *row = &rows[out->symptom];
    out->confidence = row->confidence;
    out->slower = row->slower;
    for (size_t i = 0; i < SUSPECTS_MAX && row->checks[i] != 0; i++)
        if (!is_cleared(row->checks[i], out->symptom, facts))
            out->suspects[out->suspect_count++] = checks[row->checks[i]];
}

void diagnosis_hints(const struct diagnosis *d, const char *slower, struct error *e)
{
    if (d->suspect_count > 0)
        error_hint(e, "check, likeliest first:");
    for (size_t i = 0; i < d->suspect_count; i++)
        error_hint(e, "- %s", d->suspects[i].check);
    if (d->slower && slower[0] != '\0')
        error_hint(e, "- SCK is slow enough for the chip's clock: %s", slower);
}
