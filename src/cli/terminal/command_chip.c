/* Commands on the chip and the programmer as such: part, sig, send, parms, sck, and those that want
 * a programmer with more pins. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "../quantity.h"
#include "core/integer.h"
#include "terminal.h"

/* --- part ----------------------------------------------------------------------------------- */

/* "ISP, HVPP, debugWIRE" */
static void put_interfaces(FILE *out, const struct part *part)
{
    for (size_t i = 0; i < part->interface_count; i++) {
        const char *name = part->interfaces[i];
        (void)fputs(i > 0 ? ", " : "", out);
        if (strcmp(name, "debugwire") == 0)
            (void)fputs("debugWIRE", out);
        else
            for (; *name != '\0'; name++)
                (void)fputc(toupper((unsigned char)*name), out);
    }
}

static void put_memories(FILE *out, const struct part *part)
{
    (void)fprintf(out, "Memory        Size  Pg size\n---------------------------\n");
    for (size_t i = 0; i < part->memory_count; i++) {
        const struct memory *m = &part->memories[i];
        (void)fprintf(out, "%-11s %6" PRIu32 " %8" PRIu32 "\n", m->name, m->size,
                      m->page_size > 0 ? m->page_size : 1);
    }
}

static void put_names(FILE *out, const struct part *part)
{
    (void)fprintf(out, "Names: %s", part->name);
    for (size_t i = 0; i < part->alias_count; i++)
        (void)fprintf(out, ", %s", part->aliases[i]);
    (void)fputc('\n', out);
}

enum status terminal_part(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    enum { MEMORIES = 1, NAMES = 2 };
    unsigned given = 0;
    struct text_list rest;
    enum status status = terminal_options(arguments, "mv", &given, &rest, e);
    if (status == STATUS_OK && rest.count > 0)
        status = error_set(e, STATUS_USAGE, "\"%s\" is none of its options", rest.items[0]);
    text_list_free(&rest);
    TRY(status);
    if (given == 0) {
        (void)fprintf(t->out, "%s with programming modes ", t->part->name);
        put_interfaces(t->out, t->part);
        (void)fputs("\n\n", t->out);
    }
    if (given == 0 || (given & MEMORIES) != 0)
        put_memories(t->out, t->part);
    if (given == 0)
        (void)fputc('\n', t->out);
    if (given == 0 || (given & NAMES) != 0)
        put_names(t->out, t->part);
    return STATUS_OK;
}

/* --- signature and registers ---------------------------------------------------------------- */

enum status terminal_sig(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    const struct memory *m = part_memory(t->part, MEMORY_SIGNATURE);
    uint8_t signature[3];
    (void)arguments;
    if (m == NULL || m->size < sizeof signature)
        return error_set(e, STATUS_UNSUPPORTED, "the %s has no signature to read", t->part->name);
    TRY(terminal_read(t, m, 0, sizeof signature, signature, e));
    (void)fprintf(t->out, "Device signature = 0x%02x%02x%02x\n", signature[0], signature[1],
                  signature[2]);
    return STATUS_OK;
}

/* ATmega328P data sheet, "Serial Programming Instruction Set": none of them reaches a register. */
enum status terminal_regfile(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    (void)arguments;
    (void)error_set(e, STATUS_UNSUPPORTED,
                    "the registers of the %s cannot be reached by what programs its memories",
                    t->part->name);
    error_hint(e, "they have their values only while the chip runs, from its own program");
    return STATUS_UNSUPPORTED;
}

enum status terminal_send(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    uint8_t mosi[4], miso[4];
    for (size_t i = 0; i < sizeof mosi; i++) {
        int64_t value = 0;
        TRY(integer_between(arguments->items[i], "byte", 0, 0xff, &value, e));
        mosi[i] = (uint8_t)value;
    }
    TRY(session_instruction(t->session, mosi, miso, e));
    (void)fprintf(t->out, "results: %02x %02x %02x %02x\n", miso[0], miso[1], miso[2], miso[3]);
    return STATUS_OK;
}

/* --- the programmer ------------------------------------------------------------------------- */

static void put_clock(FILE *out, uint32_t hz)
{
    if (hz == 0)
        (void)fprintf(out, "SCK is the programmer's own\n");
    else
        (void)fprintf(out, "SCK period = %.2f us\nSCK freq   = %g kHz\n", 1e6 / hz, hz / 1e3);
}

static void put_voltage(const struct terminal *t)
{
    uint32_t millivolts = 0;
    if (session_voltage(t->session, &millivolts))
        (void)fprintf(t->out, "Vtarget    = %.2f V\n", millivolts / 1e3);
    else
        (void)fprintf(t->out, "Vtarget    : not measured\n");
}

enum status terminal_parms(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    (void)arguments, (void)e;
    (void)fprintf(t->out, "Programmer : %s\n", session_report(t->session)->programmer);
    put_clock(t->out, session_clock(t->session));
    put_voltage(t);
    return STATUS_OK;
}

enum status terminal_sck(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    uint32_t hz = 0;
    if (arguments->count == 0) {
        put_clock(t->out, session_clock(t->session));
        return STATUS_OK;
    }
    TRY(quantity_sck(arguments->items[0], &hz, e));
    return session_set_clock(t->session, hz, e);
}

static enum status lacks(const struct terminal *t, const char *what, struct error *e)
{
    return error_set(e, STATUS_UNSUPPORTED, "%s %s", session_report(t->session)->programmer, what);
}

enum status terminal_vtarg(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    uint32_t millivolts = 0;
    if (arguments->count > 0)
        return lacks(t, "cannot set the supply of the chip", e);
    if (!session_voltage(t->session, &millivolts))
        return lacks(t, "does not measure the supply of the chip", e);
    put_voltage(t);
    return STATUS_OK;
}

enum status terminal_varef(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    (void)arguments;
    return lacks(t, "has no reference voltage to set", e);
}

enum status terminal_fosc(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    (void)arguments;
    return lacks(t, "has no oscillator to set", e);
}

enum status terminal_spi(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    (void)arguments;
    return lacks(t, "has no direct SPI mode here", e);
}

enum status terminal_pgm(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    (void)arguments;
    return lacks(t, "has no direct SPI mode here to come back from", e);
}
