/* What the doctor finds, for a person and for programs. */
#ifndef CLI_DOCTOR_REPORT_H
#define CLI_DOCTOR_REPORT_H

#include <stdio.h>

#include "ispflash/doctor.h"
#include "programmer/board.h"

/* Where the wires of the cable can be touched. */
struct doctor_places {
    struct programmer_entry *entries;
    struct board_list *boards;
    const struct board *board; /* NULL: not known, the headers are meant */
};

MUST_USE enum status doctor_places_open(struct doctor_places *p, struct error *e);
/* The board behind that id, told apart by the USB id of its serial port. */
void doctor_places_choose(struct doctor_places *p, const char *programmer, const char *port);
void doctor_places_close(struct doctor_places *p);

/* "pin 1 of the 6-pin ISP header; PB4 of the ATmega328P". Returns a text that may be `out`. */
const char *doctor_line_place(const struct doctor_report *r, const struct doctor_places *places,
                              enum line line, char *out, size_t capacity);

/* True if it is the wires that failed, and not something behind them. */
bool doctor_blames_wires(const struct doctor_report *r, const struct error *e);

/* "ok     firmware    1.05" */
void doctor_text_step(FILE *out, const struct doctor_step *step);
void doctor_text_soak(FILE *out, const struct soak_row *row, bool first);
/* What is the matter, what came back, where to look. `e` is what doctor_run() left. */
void doctor_text_end(FILE *out, const struct doctor_report *report,
                     const struct doctor_places *places, const char *programmer, enum status status,
                     const struct error *e);

/* {"schema":1,"event":"check","check":...,"outcome":...,"text":...} */
void doctor_json_step(FILE *out, const struct doctor_step *step);
/* {"schema":1,"event":"soak","sck_hz":...,"reads":...,"errors":...,"per_10000":...} */
void doctor_json_soak(FILE *out, const struct soak_row *row);
/* {"schema":1,"event":"diagnosis","symptom":...,"suspects":[...],"answers":[...]} */
void doctor_json_end(FILE *out, const struct doctor_report *report,
                     const struct doctor_places *places, enum status status, const struct error *e);

#endif
