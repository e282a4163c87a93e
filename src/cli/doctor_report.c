/* The doctor's findings as text, and where the wires are. */
#include "doctor_report.h"

#include <string.h>

#include "link/stream.h"

/* --- places --------------------------------------------------------------------------------- */

enum status doctor_places_open(struct doctor_places *p, struct error *e)
{
    *p = (struct doctor_places){.board = NULL};
    TRY(programmer_entries(&p->entries, e));
    const enum status status = boards_open(p->entries, &p->boards, e);
    if (status != STATUS_OK)
        programmer_entries_free(p->entries);
    return status;
}

struct port_search {
    const char *path;
    uint16_t vendor, product; /* 0: not found, or not on USB */
};

static void look_at_port(const struct stream_port *port, void *user)
{
    struct port_search *search = user;
    if (!port->usb || strcmp(port->path, search->path) != 0)
        return;
    search->vendor = port->vendor;
    search->product = port->product;
}

void doctor_places_choose(struct doctor_places *p, const char *programmer, const char *port)
{
    struct port_search search = {.path = port};
    const struct programmer_entry *entry = NULL;
    const struct programmer_driver *driver = NULL;
    struct error e;
    if (programmer_find(p->entries, programmer, &entry, &driver, &e) != STATUS_OK)
        return;
    stream_list(look_at_port, &search);
    p->board = board_of(p->boards, entry->id, search.vendor, search.product);
}

void doctor_places_close(struct doctor_places *p)
{
    boards_close(p->boards);
    programmer_entries_free(p->entries);
}

/* --- steps ---------------------------------------------------------------------------------- */

void doctor_text_step(FILE *out, const struct doctor_step *step)
{
    static const char *const outcomes[] = {
        [DOCTOR_OK] = "ok", [DOCTOR_FAILS] = "fails", [DOCTOR_OPEN] = "-"};
    (void)fprintf(out, "%-6s %-11s %s\n", outcomes[step->outcome], doctor_check_name(step->check),
                  step->text);
    (void)fflush(out);
}

static double per_10000(const struct soak_row *row)
{
    return row->reads > 0 ? row->errors * 10000.0 / row->reads : 0;
}

void doctor_text_soak(FILE *out, const struct soak_row *row, bool first)
{
    char sck[24] = "as it is";
    if (first)
        (void)fprintf(out, "\n%12s  %8s  %8s  %10s\n", "SCK", "readings", "wrong", "per 10000");
    if (row->sck_hz != 0)
        (void)snprintf(sck, sizeof sck, "%.6g kHz", row->sck_hz / 1000.0);
    (void)fprintf(out, "%12s  %8u  %8u  %10.4g%s\n", sck, row->reads, row->errors, per_10000(row),
                  row->lost > 0 ? "  out of step" : "");
    (void)fflush(out);
}

/* --- the end -------------------------------------------------------------------------------- */

static void put_bytes(FILE *out, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, " %02x", bytes[i]);
}

static bool same_answers(const struct isp_probe *a, const struct isp_probe *b)
{
    return a->sck_hz == b->sck_hz && memcmp(a->enable, b->enable, sizeof a->enable) == 0 &&
           memcmp(a->pattern, b->pattern, sizeof a->pattern) == 0 &&
           memcmp(a->signature, b->signature, sizeof a->signature) == 0;
}

/* "  187.5 kHz: ac 53 00 00 -> ff ff ff ff, ac 53 a5 5a -> ff ff ff ff, signature ff ff ff" */
static void put_probe(FILE *out, const struct isp_probe *p)
{
    if (p->sck_hz != 0)
        (void)fprintf(out, "  SCK %.6g kHz: ", p->sck_hz / 1000.0);
    else
        (void)fprintf(out, "  ");
    if (p->enable_seen) {
        (void)fprintf(out, "ac 53 00 00 ->");
        put_bytes(out, p->enable, sizeof p->enable);
        (void)fprintf(out, ", ");
    }
    if (p->pattern_seen) {
        (void)fprintf(out, "ac 53 a5 5a ->");
        if (!p->enable_seen)
            (void)fprintf(out, " .. .. ..");
        put_bytes(out, p->enable_seen ? p->pattern : p->pattern + 3, p->enable_seen ? 4 : 1);
        (void)fprintf(out, ", ");
    }
    if (p->signature_seen) {
        (void)fprintf(out, "signature");
        put_bytes(out, p->signature, sizeof p->signature);
    } else {
        (void)fprintf(out, "the programmer only says that it did not work");
    }
    (void)fputc('\n', out);
}

static void put_answers(FILE *out, const struct doctor_report *r)
{
    (void)fprintf(out, "\nWhat came back:\n");
    for (size_t i = 0; i < r->probe_count; i++)
        if (i == 0 || !same_answers(&r->probes[i - 1], &r->probes[i]))
            put_probe(out, &r->probes[i]);
}

static enum board_wire wire_of(enum line line)
{
    switch (line) {
    case LINE_VCC:
        return BOARD_VCC;
    case LINE_GND:
        return BOARD_GND;
    case LINE_RESET:
        return BOARD_RESET;
    case LINE_SCK:
        return BOARD_SCK;
    case LINE_MOSI:
        return BOARD_MOSI;
    case LINE_MISO:
        return BOARD_MISO;
    case LINE_XTAL:
        break;
    }
    return BOARD_WIRES;
}

/* The chip's end of the wire; NULL: not known. */
static const char *chip_pin(const struct part *part, enum line line)
{
    switch (line) {
    case LINE_RESET:
        return part->reset_pin;
    case LINE_SCK:
        return part->sck_pin;
    case LINE_MOSI:
        return part->mosi_pin;
    case LINE_MISO:
        return part->miso_pin;
    case LINE_VCC:
    case LINE_GND:
    case LINE_XTAL:
        break;
    }
    return NULL;
}

const char *doctor_line_place(const struct doctor_report *r, const struct doctor_places *places,
                              enum line line, char *out, size_t capacity)
{
    const enum board_wire wire = wire_of(line);
    const char *pin = r->part != NULL ? chip_pin(r->part, line) : NULL;
    out[0] = '\0';
    if (wire == BOARD_WIRES)
        return "the chip's XTAL1 and XTAL2, or CLKI";
    (void)board_wire_text(places->boards, places->board, wire, out, capacity);
    const size_t used = strlen(out);
    if (pin != NULL && used < capacity)
        (void)snprintf(out + used, capacity - used, "%s%s of the %s", used > 0 ? "; " : "", pin,
                       r->part->name);
    return out;
}

/* Where a line is, is told once. */
static void put_suspects(FILE *out, const struct doctor_report *r,
                         const struct doctor_places *places)
{
    const struct diagnosis *d = &r->diagnosis;
    unsigned told = 0;
    char place[256];
    for (size_t i = 0; i < d->suspect_count; i++) {
        const unsigned lines = d->suspects[i].lines & ~told;
        (void)fprintf(out, "  %zu. %s\n", i + 1, d->suspects[i].check);
        for (unsigned k = 0; k < LINE_COUNT; k++)
            if ((lines & 1u << k) != 0)
                (void)fprintf(
                    out, "       %-5s  %s\n", line_name((enum line)(1u << k)),
                    doctor_line_place(r, places, (enum line)(1u << k), place, sizeof place));
        told |= lines;
    }
    if (d->slower)
        (void)fprintf(out, "  %zu. SCK is slow enough for the chip's clock (-B)\n",
                      d->suspect_count + 1);
}

static const char *introduction(enum confidence confidence)
{
    switch (confidence) {
    case CONFIDENCE_POSSIBLE:
        return "Several things look like that from here. Check, likeliest first, that";
    case CONFIDENCE_LIKELY:
        return "Check, likeliest first, that";
    case CONFIDENCE_CERTAIN:
        break;
    }
    return "Check that";
}

/* Each line of the hint. */
static void put_hints(FILE *out, const char *hint)
{
    while (*hint != '\0') {
        const size_t length = strcspn(hint, "\n");
        (void)fprintf(out, "  %.*s\n", (int)length, hint);
        hint += length + (hint[length] == '\n' ? 1 : 0);
    }
}

bool doctor_blames_wires(const struct doctor_report *r, const struct error *e)
{
    const enum symptom symptom = r->diagnosis.symptom;
    return r->diagnosed && symptom != SYMPTOM_NONE && symptom != SYMPTOM_TOO_FAST &&
           (e->code == STATUS_NO_TARGET || e->code == STATUS_UNVERIFIED);
}

void doctor_text_end(FILE *out, const struct doctor_report *report,
                     const struct doctor_places *places, const char *programmer, enum status status,
                     const struct error *e)
{
    if (status == STATUS_OK) {
        (void)fprintf(out, "\nAll is well: %s through %s.\n",
                      report->part != NULL ? report->part->name : "a chip", programmer);
        return;
    }
    if (!doctor_blames_wires(report, e)) {
        (void)fprintf(out, "\nDiagnosis: %s\n", e->text);
        put_hints(out, e->hint);
        return;
    }
    put_answers(out, report);
    (void)fprintf(out, "\nDiagnosis: %s. %s\n", symptom_text(report->diagnosis.symptom),
                  introduction(report->diagnosis.confidence));
    put_suspects(out, report, places);
}
