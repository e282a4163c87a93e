/* `ispflash bootloaders`: those that `burn` knows. One line each, the id first, so that other
 * programs can read it. */
#include "ispflash/bootloader.h"

#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "plan_json.h"
#include "run.h"

static void put_byte(FILE *out, const struct bootloader_byte *byte)
{
    if (byte->known)
        (void)fprintf(out, " %02x", byte->value);
    else
        (void)fputs(" --", out);
}

static void put_parts(FILE *out, const struct bootloader *b, struct part_database *parts)
{
    char names[64] = "";
    struct error ignored = {0};
    for (const char *const *id = b->parts; *id != NULL; id++) {
        const struct part *part = NULL;
        const bool found = part_find(parts, *id, &part, &ignored) == STATUS_OK;
        const size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? "," : "",
                       found ? part->name : *id);
    }
    (void)fprintf(out, " %-24s", names);
}

static void put_row(FILE *out, const struct bootloader *b, struct part_database *parts)
{
    (void)fprintf(out, "%-54s", b->id);
    put_parts(out, b, parts);
    put_byte(out, &b->lfuse);
    put_byte(out, &b->hfuse);
    put_byte(out, &b->efuse);
    put_byte(out, &b->lock);
    if (b->has_usb)
        (void)fprintf(out, " %04x:%04x", b->usb_vendor, b->usb_product);
    else
        (void)fprintf(out, " %-9s", "-");
    (void)fprintf(out, " %s\n", b->file != NULL ? b->file : "-");
}

/* Everything that is known of one. */
static void put_details(FILE *out, const struct bootloader *b)
{
    (void)fprintf(out, "  %s (%s)\n", b->name, b->kind);
    if (b->hfuse_no_jtag.known)
        (void)fprintf(out, "  hfuse with JTAG off: 0x%02x\n", b->hfuse_no_jtag.value);
    if (b->clock_hz != 0)
        (void)fprintf(out, "  clock: %" PRIu32 " Hz\n", b->clock_hz);
    if (b->protocol != NULL)
        (void)fprintf(out, "  upload: %s, %" PRIu32 " baud\n", b->protocol, b->baud);
    if (b->application_size != 0)
        (void)fprintf(out, "  room for an application: %" PRIu32 " bytes\n", b->application_size);
    if (b->note != NULL)
        (void)fprintf(out, "  note: %s\n", b->note);
    (void)fprintf(out, "  source: %s\n", b->source);
}

static bool is_wanted(const struct bootloader *b, const struct text_list *words)
{
    for (size_t i = 0; i < words->count; i++)
        if (strstr(b->id, words->items[i]) == NULL && strstr(b->name, words->items[i]) == NULL)
            return false;
    return true;
}

static bool is_for(const struct bootloader *b, const struct part *part)
{
    return part == NULL || bootloader_is_for(b, part->id);
}

static enum status list(struct run *r, const struct bootloader_list *all, struct error *e)
{
    FILE *out = r->cli->around->results;
    const struct settings *s = &r->cli->settings;
    const struct part *part = NULL;
    size_t shown = 0;
    if (s->part != NULL)
        TRY(part_find(r->parts, s->part, &part, e));
    for (size_t i = 0; i < bootloader_count(all); i++) {
        const struct bootloader *b = bootloader_at(all, i);
        if (!is_wanted(b, &s->operands) || !is_for(b, part))
            continue;
        shown++;
        if (s->json) {
            bootloader_json(out, b);
            continue;
        }
        put_row(out, b, r->parts);
        if (s->verbose > 0)
            put_details(out, b);
    }
    if (shown > 0)
        return STATUS_OK;
    (void)error_set(e, STATUS_USAGE, "no boot loader is like that");
    error_hint(e, "`ispflash bootloaders` without a word lists all");
    return STATUS_USAGE;
}

enum status command_bootloaders(struct cli *cli, struct error *e)
{
    struct run r;
    struct bootloader_list *all = NULL;
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        status = bootloaders_open(&all, e);
    if (status == STATUS_OK)
        status = list(&r, all, e);
    bootloaders_close(all);
    run_close(&r);
    return status;
}
