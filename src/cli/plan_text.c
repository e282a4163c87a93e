/* A job's plan for a person, and the question whether to go on. */
#include "plan_text.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "plan_json.h"

/* --- the plan ------------------------------------------------------------------------------- */

static bool is_byte(const struct memory *m)
{
    return m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK;
}

static void put_erase(FILE *out, const struct settings *settings, const struct session *s)
{
    const enum eeprom_fate eeprom = session_eeprom_fate(s);
    const bool puts_back = eeprom == EEPROM_WIPED && settings->keep_eeprom;
    (void)fprintf(out, "  erase  the chip: flash%s%s%s\n", eeprom == EEPROM_WIPED ? ", EEPROM" : "",
                  session_erase_unlocks(s) ? ", lock bits" : "",
                  eeprom == EEPROM_KEPT ? " (EESAVE keeps the EEPROM)" : "");
    if (settings->erase_mode == ERASE_AUTO && !settings->erase)
        (void)fputs("         only if bits of flash have to rise\n", out);
    if (puts_back)
        (void)fputs("         and put back the EEPROM\n", out);
    for (size_t i = 0; i < settings->keep.count; i++)
        (void)fprintf(out, "         and put back of flash: %s\n", settings->keep.items[i]);
}

/* "  write  lfuse: 0x62 -> 0xff" */
static void put_byte(FILE *out, const struct session *s, const char *verb, const struct memory *m,
                     const struct image *image)
{
    uint8_t wanted, present;
    if (!image_get(image, m->base, &wanted))
        return;
    if (!session_byte(s, m, &present))
        (void)fprintf(out, "  %-6s %s: 0x%02x\n", verb, m->name, wanted);
    else if (((wanted ^ present) & m->mask & m->write_mask) == 0)
        (void)fprintf(out, "  %-6s %s: 0x%02x, as it is\n", verb, m->name, wanted);
    else
        (void)fprintf(out, "  %-6s %s: 0x%02x -> 0x%02x\n", verb, m->name, present, wanted);
}

static void put_rows(FILE *out, const struct extent *extent)
{
    enum { PER_ROW = 16 };
    for (uint32_t done = 0; done < extent->size;) {
        const uint32_t address = extent->address + done;
        uint32_t size = PER_ROW - address % PER_ROW; /* rows begin at round addresses */
        if (size > extent->size - done)
            size = extent->size - done;
        (void)fprintf(out, "    0x%05" PRIx32 ":", address);
        for (uint32_t i = 0; i < size; i++)
            (void)fprintf(out, " %02x", extent->data[done + i]);
        (void)fputc('\n', out);
        done += size;
    }
}

/* "  write  flash: 512 bytes, 0x7e00-0x7fff" */
static void put_ranged(FILE *out, const char *verb, const struct memory *m,
                       const struct image *image, bool bytes)
{
    struct extent extent;
    const char *separator = ", ";
    (void)fprintf(out, "  %-6s %s: %" PRIu32 " bytes", verb, m->name, image_bytes(image));
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size, separator = " ")
        (void)fprintf(out, "%s0x%" PRIx32 "-0x%" PRIx32, separator, extent.address,
                      extent.address + (extent.size - 1));
    (void)fputc('\n', out);
    for (uint64_t at = 0; bytes && image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        put_rows(out, &extent);
}

static void put_step(FILE *out, const struct settings *settings, const struct session *s,
                     const struct job_step *step, bool bytes)
{
    static const char *const verbs[] = {[JOB_STEP_ERASE] = "erase",
                                        [JOB_STEP_READ] = "read",
                                        [JOB_STEP_WRITE] = "write",
                                        [JOB_STEP_VERIFY] = "verify",
                                        [JOB_STEP_COMMANDS] = "run"};
    const char *verb = verbs[step->kind];
    if (step->kind == JOB_STEP_ERASE)
        put_erase(out, settings, s);
    else if (step->kind == JOB_STEP_COMMANDS)
        (void)fprintf(out, "  %-6s -T or -t: what that does is not foreseen\n", verb);
    else if (step->kind == JOB_STEP_READ ||
             (step->kind == JOB_STEP_VERIFY && step->image != NULL && is_byte(step->memory)))
        (void)fprintf(out, "  %-6s %s\n", verb, step->memory->name);
    else if (step->image == NULL)
        (void)fprintf(out, "  %-6s %s with what was read before\n", verb, step->memory->name);
    else if (is_byte(step->memory))
        put_byte(out, s, verb, step->memory, step->image);
    else
        put_ranged(out, verb, step->memory, step->image, bytes && step->kind == JOB_STEP_WRITE);
}

void plan_text(FILE *out, const struct settings *settings, const struct session *s,
               const struct job_step *steps, size_t count, bool bytes)
{
    (void)fprintf(out, "%s:%s\n", session_part(s)->name, count == 0 ? " nothing to do" : "");
    for (size_t i = 0; i < count; i++)
        put_step(out, settings, s, &steps[i], bytes);
}

/* --- the question --------------------------------------------------------------------------- */

/* Reads the answer; a signal while it is waited for is the user's no as well. */
static bool says_yes(FILE *input)
{
    char answer[16];
    if (fgets(answer, sizeof answer, input) == NULL)
        return false;
    answer[strcspn(answer, "\r\n")] = '\0';
    return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

enum status plan_confirm(const struct cli *cli, const char *question, struct error *e)
{
    const struct surroundings *around = cli->around;
    if (cli->settings.yes)
        return STATUS_OK;
    if (!around->can_ask || cli->settings.json) {
        (void)error_set(e, STATUS_REFUSED, "nobody is there to confirm that");
        error_hint(e, "--yes does it without asking");
        return STATUS_REFUSED;
    }
    (void)fprintf(around->talk, "%s [y/N] ", question);
    (void)fflush(around->talk);
    if (says_yes(around->input))
        return STATUS_OK;
    if (around->cancel != NULL && *around->cancel != 0)
        (void)fputc('\n', around->talk);
    return error_set(e, STATUS_CANCELLED, "not confirmed");
}

static enum status ask(const struct plan_reviewer *r, struct session *s,
                       const struct job_step *steps, size_t count, struct error *e)
{
    const struct cli *cli = r->cli;
    if (cli->settings.json)
        plan_json(cli->around->results, s, steps, count);
    else
        plan_text(cli->around->talk, &cli->settings, s, steps, count, false);
    return plan_confirm(cli, r->question, e);
}

static enum status review(struct reviewer *self, struct session *s, const struct job_step *steps,
                          size_t count, struct error *e)
{
    struct plan_reviewer *r = (struct plan_reviewer *)self;
    if (r->before != NULL)
        r->before(r->user);
    if (r->cli->settings.dry_run) {
        if (r->cli->settings.json)
            plan_json(r->cli->around->results, s, steps, count);
        else
            plan_text(r->cli->around->results, &r->cli->settings, s, steps, count, true);
        cli_log(r->cli, LOG_NOTE, "this was a dry run: nothing is erased or written");
        return STATUS_OK;
    }
    return r->question != NULL && !r->cli->settings.yes ? ask(r, s, steps, count, e) : STATUS_OK;
}

void plan_reviewer_init(struct plan_reviewer *r, struct cli *cli, const char *question)
{
    *r = (struct plan_reviewer){.reviewer = {.review = review}, .cli = cli, .question = question};
}
