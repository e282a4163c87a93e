/* `ispflash burn ID [FILE]`: a boot loader as its recipe has it. Unlock by a chip erase, flash,
 * verify, fuses, lock bits: the order is the session's, the values and the checks are here. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"
#include "expect_usb.h"
#include "ispflash/bootloader.h"
#include "job.h"
#include "plan_text.h"
#include "run.h"

enum { BYTES_MAX = 4 }; /* three fuses and the lock byte */

struct burn {
    struct run *run;
    const struct bootloader_list *all;
    const struct bootloader *recipe;
    const struct part *part;
    struct update update;                    /* FILE[:FMT] */
    struct file_source files[1 + BYTES_MAX]; /* the image, then the bytes */
    char values[BYTES_MAX][8];               /* "0xff" */
    char names[BYTES_MAX][80];               /* "lfuse of arduino-uno" */
    struct operation operations[1 + BYTES_MAX];
    size_t count;
    struct plan_reviewer reviewer;
    char question[160];
    struct expect_usb usb;
};

/* --- the request ---------------------------------------------------------------------------- */

static enum status check_request(const struct settings *s, struct error *e)
{
    if (s->operands.count < 1 || s->operands.count > 2) {
        (void)error_set(e, STATUS_USAGE,
                        "burn takes the id of a boot loader, and perhaps its file");
        error_hint(e, "`ispflash bootloaders` lists the ids");
        return STATUS_USAGE;
    }
    if (s->task_count > 0)
        return error_set(e, STATUS_USAGE,
                         "burn does what its recipe says: -U, -T and -t do not go "
                         "with it");
    if (s->keep.count > 0 || s->erase_mode != ERASE_CHIP)
        return error_set(e, STATUS_USAGE,
                         "burn replaces all of flash: --keep and --erase-mode do "
                         "not go with it");
    if (s->no_erase || s->no_verify || s->no_write || s->in_order) {
        (void)error_set(e, STATUS_USAGE,
                        "-D, -V, -n and --in-order do not go with burn: it "
                        "unlocks by an erase, in its order, and proves all of it");
        error_hint(e, "--dry-run shows every step and changes nothing");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

/* The one that -p names, or the recipe's. */
static enum status choose_part(struct burn *b, struct error *e)
{
    const struct bootloader *recipe = b->recipe;
    const char *named = b->run->cli->settings.part;
    const struct part *own = NULL;
    TRY(part_find(b->run->parts, recipe->parts[0], &own, e));
    b->part = own;
    if (named != NULL)
        TRY(part_find(b->run->parts, named, &b->part, e));
    if (bootloader_is_for(recipe, b->part->id))
        return STATUS_OK;
    (void)error_set(e, STATUS_USAGE, "%s is for the %s, not for the %s", recipe->id, own->name,
                    b->part->name);
    error_hint(e, "`ispflash bootloaders -p %s` lists those for it", named);
    return STATUS_USAGE;
}

/* FILE[:FMT], or the customary name in the current folder. */
static enum status choose_file(struct burn *b, struct error *e)
{
    const struct text_list *operands = &b->run->cli->settings.operands;
    const char *file = operands->count > 1 ? operands->items[1] : b->recipe->file;
    if (file == NULL) {
        (void)error_set(e, STATUS_USAGE, "%s: a file has to be named", b->recipe->id);
        if (b->recipe->note != NULL)
            error_hint(e, "%s", b->recipe->note);
        return STATUS_USAGE;
    }
    char *argument = malloc(strlen(file) + sizeof "flash:w:");
    if (argument == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the file's name");
    (void)strcat(strcpy(argument, "flash:w:"), file);
    const enum status status = update_parse(argument, &b->update, e);
    free(argument);
    return status;
}

/* --- the file ------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool is_allowed(const struct burn *b, const char *name)
{
    const struct text_list *allow = &b->run->cli->settings.allow;
    for (size_t i = 0; i < allow->count; i++)
        if (strcmp(allow->items[i], name) == 0)
            return true;
    return false;
}

static enum status other_chip(const struct burn *b, const char *which, struct error *e)
{
    (void)error_set(e, STATUS_INPUT, "%s is for another chip: %s", b->update.file, which);
    error_hint(e, "%s is for the %s; if the file is right all the same: --allow other-chip",
               b->recipe->id, b->part->name);
    return STATUS_INPUT;
}

/* A customary name that only recipes for other parts use. */
static enum status check_name(const struct burn *b, struct error *e)
{
    const char *name = base_name(b->update.file);
    const struct bootloader *other = NULL;
    for (size_t i = 0; i < bootloader_count(b->all); i++) {
        const struct bootloader *row = bootloader_at(b->all, i);
        if (row->file == NULL || strcasecmp(row->file, name) != 0)
            continue;
        if (bootloader_is_for(row, b->part->id))
            return STATUS_OK;
        other = row;
    }
    if (other == NULL)
        return STATUS_OK;
    char which[120];
    const struct part *part = NULL;
    TRY(part_find(b->run->parts, other->parts[0], &part, e));
    (void)snprintf(which, sizeof which, "its name is that of %s, for the %s", other->id,
                   part->name);
    return other_chip(b, which, e);
}

/* A signature in the file, where the GNU address map has it. */
static enum status check_signature(const struct burn *b, struct context *c, struct error *e)
{
    enum { MAP_SIGNATURE = 0x840000 };
    const struct file_source *file = &b->files[0];
    const struct format_input input = {.name = b->update.file,
                                       .data = file->data,
                                       .size = file->size,
                                       .format = b->update.format,
                                       .allow = file->allow};
    struct format_result whole = {0};
    uint8_t signature[3] = {0};
    if (file->data == NULL)
        return STATUS_OK;
    TRY(format_read(&input, c, &whole, e));
    const bool present = image_copy(whole.image, MAP_SIGNATURE, signature, 3, 0) == 3;
    image_free(whole.image);
    if (!present || memcmp(signature, b->part->signature, 3) == 0)
        return STATUS_OK;
    char which[80];
    (void)snprintf(which, sizeof which, "the signature in it is %02x %02x %02x", signature[0],
                   signature[1], signature[2]);
    return other_chip(b, which, e);
}

/* Where the boot section will be. False: the part has none, or a byte that tells is left open. */
static bool boot_start(const struct burn *b, uint32_t *start)
{
    uint8_t fuses[32] = {0};
    for (size_t i = 0; i < b->part->memory_count && i < sizeof fuses; i++) {
        const struct memory *m = &b->part->memories[i];
        fuses[i] = m->initial;
        for (size_t k = 1; k < b->count; k++)
            if (strcmp(b->operations[k].memory, m->name) == 0)
                fuses[i] = (uint8_t)strtoul(b->values[k - 1], NULL, 16);
    }
    return part_boot_start(b->part, fuses, start);
}

/* The chip begins at `start`: there must be something at or behind it, and it must not be the
 * middle of what is there. */
static enum status check_reach(const struct burn *b, const struct image *image, struct error *e)
{
    uint32_t start;
    if (!boot_start(b, &start))
        return STATUS_OK;
    if (image_end(image) <= start) {
        (void)error_set(e, STATUS_INPUT,
                        "%s ends at 0x%" PRIx64
                        ", but the fuses of %s put the boot section at 0x%" PRIx32,
                        b->update.file, image_end(image) - 1, b->recipe->id, start);
        error_hint(e, "it would never run: is it an application, or for a smaller chip?");
        return STATUS_INPUT;
    }
    const bool crosses = image_low(image) > 0 && image_low(image) < start &&
                         image_get(image, start - 1, NULL) && image_get(image, start, NULL);
    if (!crosses || is_allowed(b, "boot-start"))
        return STATUS_OK;
    (void)error_set(e, STATUS_INPUT,
                    "%s begins at 0x%" PRIx32 ", but the fuses of %s let the chip begin in the "
                    "middle of it, at 0x%" PRIx32,
                    b->update.file, image_low(image), b->recipe->id, start);
    error_hint(e, "it is made for a larger boot section; if that is right all the same: --allow "
                  "boot-start");
    return STATUS_INPUT;
}

static enum status check_file(struct burn *b, struct error *e)
{
    struct source *source = &b->files[0].source;
    struct context quiet; /* what is to be said is said when the job reads it again */
    struct image *image = NULL;
    context_init(&quiet, clock_system(), NULL, NULL);
    if (!is_allowed(b, "other-chip"))
        TRY(check_name(b, e));
    TRY(source->load(source, b->part, part_memory(b->part, MEMORY_FLASH), &quiet, &image, e));
    enum status status = is_allowed(b, "other-chip") ? STATUS_OK : check_signature(b, &quiet, e);
    if (status == STATUS_OK)
        status = check_reach(b, image, e);
    image_free(image);
    return status;
}

/* --- the job -------------------------------------------------------------------------------- */

static void add_byte(struct burn *b, const char *memory, const struct bootloader_byte *byte)
{
    const size_t i = b->count - 1;
    if (!byte->known)
        return;
    (void)snprintf(b->values[i], sizeof b->values[i], "0x%02x", byte->value);
    (void)snprintf(b->names[i], sizeof b->names[i], "%s of %s", memory, b->recipe->id);
    file_source_init(&b->files[b->count], b->names[i], b->values[i], FORMAT_IMMEDIATE, 0);
    b->operations[b->count] = (struct operation){
        .kind = OPERATION_WRITE, .memory = memory, .source = &b->files[b->count].source};
    b->count++;
}

static enum status add_operations(struct burn *b, struct error *e)
{
    const struct bootloader *recipe = b->recipe;
    /* A recipe without such a variant has JTAG off, or is for a chip that has none. */
    const bool variant = b->run->cli->settings.no_jtag && recipe->hfuse_no_jtag.known;
    TRY(choose_file(b, e));
    file_source_init(&b->files[0], b->update.file, b->update.file, b->update.format,
                     FORMAT_ALLOW_OTHER_CHIP); /* looked at here */
    b->operations[0] = (struct operation){
        .kind = OPERATION_WRITE, .memory = "flash", .source = &b->files[0].source};
    b->count = 1;
    add_byte(b, "lfuse", &recipe->lfuse);
    add_byte(b, "hfuse", variant ? &recipe->hfuse_no_jtag : &recipe->hfuse);
    add_byte(b, "efuse", &recipe->efuse);
    add_byte(b, "lock", &recipe->lock);
    if (check_file(b, e) == STATUS_OK)
        return STATUS_OK;
    if (b->run->cli->settings.operands.count < 2 && e->code == STATUS_INPUT)
        error_hint(e, "no file was named, so the customary %s is wanted in this folder",
                   recipe->file);
    return e->code;
}

#ifdef ISPFLASH_LIBUSB
static void count_usb(void *user)
{
    struct burn *b = user;
    expect_usb_count(&b->usb);
}
#endif

static enum status prepare_usb(struct burn *b, struct error *e)
{
    if (!b->run->cli->settings.expect_usb)
        return STATUS_OK;
    if (!b->recipe->has_usb)
        return error_set(e, STATUS_USAGE, "--expect-usb: %s does not show on USB", b->recipe->id);
#ifdef ISPFLASH_LIBUSB
    b->usb = (struct expect_usb){
        .list = usb_list, .vendor = b->recipe->usb_vendor, .product = b->recipe->usb_product};
    b->reviewer.before = count_usb;
    b->reviewer.user = b;
    return STATUS_OK;
#else
    return error_set(e, STATUS_UNSUPPORTED, "--expect-usb: this ispflash was built without USB");
#endif
}

static enum status run_recipe(struct burn *b, struct cli_job *j, struct error *e)
{
    struct cli *cli = b->run->cli;
    (void)snprintf(b->question, sizeof b->question, "Burn %s into this %s?", b->recipe->id,
                   b->part->name);
    plan_reviewer_init(&b->reviewer, cli, b->question);
    TRY(prepare_usb(b, e));
    if (cli->settings.gang.count > 0 && !cli->settings.yes && !cli->settings.dry_run)
        return error_set(e, STATUS_REFUSED,
                         "--gang: nobody could be asked about each board; --yes does it without");
    j->job.part = b->part->id;
    j->job.operations = b->operations;
    j->job.operation_count = b->count;
    j->job.flags |= JOB_ERASE;
    if (cli->settings.skip_if_same != CHOICE_NO)
        j->job.flags |= JOB_SKIP_IF_SAME;
    j->job.reviewer = &b->reviewer.reviewer;
    TRY(run_job(b->run, &j->job, e));
    if (!cli->settings.expect_usb || cli->settings.dry_run)
        return STATUS_OK;
    cli->told = false;
    return expect_usb_wait(&b->usb, &b->run->context, e);
}

static enum status burn(struct burn *b, struct error *e)
{
    struct cli_job j;
    TRY(bootloader_find(b->all, b->run->cli->settings.operands.items[0], &b->recipe, e));
    TRY(choose_part(b, e));
    TRY(run_read_configuration(b->run, e));
    enum status status = cli_job_init(&j, &b->run->cli->settings, &b->run->conf, e);
    if (status == STATUS_OK)
        status = add_operations(b, e);
    if (status == STATUS_OK)
        status = run_recipe(b, &j, e);
    cli_job_free(&j);
    for (size_t i = 0; i < b->count; i++)
        file_source_free(&b->files[i]);
    update_free(&b->update);
    return status;
}

enum status command_burn(struct cli *cli, struct error *e)
{
    struct run r;
    struct bootloader_list *all = NULL;
    TRY(check_request(&cli->settings, e));
    TRY(run_check_settings(cli, e));
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        status = bootloaders_open(&all, e);
    if (status == STATUS_OK) {
        struct burn b = {.run = &r, .all = all};
        status = burn(&b, e);
    }
    bootloaders_close(all);
    run_close(&r);
    return status;
}
